#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# try.sh [--keep]: see deferd at work, on a fresh Debian 12 as root. Installs packages, builds, starts a demo shop (three
# Go services and a C worker, two of the services and the worker with a fault) and the daemon, and checks that what
# deferd says is what the programs counted themselves. Exit status 0 only when all of it came true.
# --keep leaves everything running, for a look with `build/deferd top`.
set -euo pipefail
cd "$(dirname "$0")/.."

keep=
case ${1-} in
--keep) keep=1 ;;
"") ;;
*) echo "usage: deploy/try.sh [--keep]" >&2; exit 2 ;;
esac
if [ "$(id -u)" != 0 ]; then
	echo "try.sh: deferd loads BPF programs: run this as root" >&2
	exit 4
fi

dir=build/try
pids=()
stop_all() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
}
fail() {
	echo "try.sh: $*" >&2
	[ -s $dir/deferd.log ] && { echo "--- $dir/deferd.log" >&2; tail -20 $dir/deferd.log >&2; }
	exit 1
}
wait_for() { # SECONDS WHAT COMMAND...: until the command succeeds
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || fail "waited in vain for $what"
		sleep 0.1
	done
}

deploy/install-packages.sh build demo
echo "building (a minute or so)"
make -s -j"$(nproc)" >build-try.log 2>&1 || { cat build-try.log >&2; rm -f build-try.log; exit 1; }
rm -f build-try.log
rm -rf $dir && mkdir -p $dir
deploy/examples/demo/build.sh $dir/bin

# Syscall tracepoints are found through tracefs, which a system without systemd may not have mounted.
[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null || true

trap stop_all EXIT
start() { # NAME COMMAND...: in the background, output to NAME.log
	local name=$1
	shift
	"$@" >$dir/"$name".log 2>&1 &
	pids+=($!)
}
began=$(date +%s%N)
declare -A pid_of
for service in orders inventory coupons; do
	(ulimit -n 4096; exec $dir/bin/$service -listen 127.0.0.1:0) >$dir/$service.log 2>&1 &
	pids+=($!)
	pid_of[$service]=$!
done
start worker $dir/bin/worker --truth $dir/worker.json
pid_of[worker]=$!
url() { sed -n 's/.*\(http:[^ ]*\).*/\1/p' $dir/"$1".log | head -1; }
for service in orders inventory coupons; do
	wait_for 10 "$service to listen" grep -q http: $dir/$service.log
done
listen=127.0.0.1:10035
start deferd build/deferd run --web.listen-address=$listen --control.socket=$dir/deferd.sock
daemon=$!
wait_for 10 "the daemon" curl -sf -o $dir/metrics http://$listen/metrics
load=$([ -n "$keep" ] && echo 24h || echo 240s)
start shopper $dir/bin/shopper -rate 20 -for "$load" "$(url orders)/work" "$(url inventory)/work" "$(url coupons)/work"

# By pid: other programs of these names may run here.
firing() {
	[ "$(curl -sf http://$listen/api/v1/alerts | jq --arg pid "${pid_of[$1]}" \
		'any(.data.alerts[]; .state == "firing" and .labels.pid == $pid and .labels.alertname == "DeferPileUp")')" = true ]
}
target() { # SERVICE FIELD
	curl -sf http://$listen/api/v1/targets/"${pid_of[$1]}" | jq -r ".$2"
}
truth() { # SERVICE FIELD: what the program itself counted
	curl -sf "$(url "$1")/debug/truth" | jq -r ".$2"
}
for service in inventory coupons worker; do
	wait_for 20 "the alert of $service" firing $service
done
took=$((($(date +%s%N) - began) / 1000000))

echo
echo "alerts, ${took} ms after the programs were started:"
echo
for service in inventory coupons worker; do
	grep "alert firing.* pid=${pid_of[$service]} " $dir/deferd.log | head -1 | sed 's/^ts=[^ ]* //'
done
firing orders && fail "orders has no fault, but an alert says so"

close_to() { # A B: within 10 %
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > 0 && b > 0 && a >= 0.9 * b && a <= 1.1 * b) }'
}
agree() {
	local deferd truth
	deferd=$(target inventory fd_growth_per_second)
	truth=$(truth inventory leak_per_second)
	close_to "$deferd" "$truth" && printf '%.2f a second, the program itself counted %.2f\n' "$deferd" "$truth" >$dir/growth
}
wait_for 30 "the descriptor growth of inventory" agree
echo
build/deferd ps --control.socket=$dir/deferd.sock
echo
echo "inventory leaks descriptors: deferd says $(cat $dir/growth)"

# The disk of their audit log becomes slow 45 s after the start: what each deferred call writes to it is in each request.
pages() {
	curl -sf http://$listen/api/v1/alerts | jq -e --arg pid "${pid_of[$1]}" \
		'any(.data.alerts[]; .state == "firing" and .labels.pid == $pid and .labels.severity == "page")' >/dev/null
}
report() { # SERVICE FIELD
	build/deferd report --json --control.socket=$dir/deferd.sock "$1" | jq ".[0].requests.$2"
}
near() { # A B: within 5 % or 1
	awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(b != 0 && (d <= 1 || d <= b * 0.05)) }'
}
agree_on_requests() { # SERVICE: both of the last half minute, asked at the same moment
	local rise truth defers
	truth=$(curl -sf "$(url "$1")/debug/truth")
	rise=$(report "$1" 'p95_rise_seconds * 1000') defers=$(report "$1" defers_mean)
	near "$rise" "$(jq .p95_rise_ms <<<"$truth")" && near "$defers" "$(jq .defers_mean <<<"$truth")"
}
echo
echo "waiting for requests to become slow, and for the page that follows a minute later"
for service in inventory coupons; do
	wait_for 150 "the page of $service" pages $service
done
pages orders && fail "orders is a little slower and piles up little, but an alert pages"
for service in orders inventory coupons; do
	wait_for 20 "the requests of $service" agree_on_requests $service
done
echo
build/deferd report --control.socket=$dir/deferd.sock
echo
for service in orders inventory coupons; do
	curl -sf "$(url $service)/debug/truth" |
		jq -r --arg s $service '"\($s): the program itself measured \(.defers_mean * 10 | round / 10) defers a request, p95 \(.p95_ms * 10 | round / 10) ms, \(.p95_rise_ms * 10 | round / 10) ms above the calm"'
done
echo

# Counts: exactly what the programs counted, once the load is over.
if [ -z "$keep" ]; then
	kill "${pids[-1]}" && wait "${pids[-1]}" 2>/dev/null || true
	for service in orders inventory coupons; do
		same() { [ "$(target $service defers_registered)" = "$(truth $service defers_registered)" ]; }
		wait_for 10 "equal counts for $service" same
		echo "$service: $(target $service defers_registered) defers registered, as the program itself counted"
	done
fi
echo
if [ -n "$keep" ]; then
	trap - EXIT
	echo "All of it goes on:  build/deferd top --control.socket=$dir/deferd.sock   (q quits)"
	echo "                    http://$listen/metrics"
	echo "To end it:          kill ${pids[*]}"
else
	kill "$daemon" && wait "$daemon" || fail "the daemon ended badly"
	echo "All as expected. With --keep it goes on running, for build/deferd top and http://$listen/metrics"
fi
