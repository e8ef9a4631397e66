#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What probes cost real services: Debian's prometheus, etcd and caddy and npm's esbuild, as shipped, on one processor, with wrk on
# the other. CPU time of the service for each request, with a set of probes, of that without, in turn and paired: lean, as everybody
# has it, with its budget, SETTLE seconds after it began; the same without a budget, so that every request is timed; full without a
# budget; and what an engineer would do by hand: bpftrace counting at the entry of the same functions. PAIRS of SECONDS_EACH.
#
#	services.sh	PAIRS=9 SECONDS_EACH=3 BURST_PAIRS=0 (of a minute each) SERVICES="prometheus etcd caddy esbuild" SETTLE=3
#			SETS="lean timed full bpftrace" (the last one of prometheus only)
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/fetch.sh
. tests/lib/bench.sh
need_root
command -v wrk >/dev/null || skip_all "wrk is not installed: deploy/install-packages.sh bench"
pairs=${PAIRS:-9} each=${SECONDS_EACH:-3} burst_pairs=${BURST_PAIRS:-0} settle=${SETTLE:-3} sets=${SETS:-lean timed full bpftrace} services=${SERVICES:-prometheus etcd caddy esbuild}

wanted() { [[ " $services " = *" $1 "* ]] || { why="not asked for"; return 1; }; }
budget() { # PERCENT: from now on
	local reloads='deferd_config_reloads_total{result="done"}' before
	before=$(metric "$reloads")
	printf 'probes: { services: [{ service: "*", set: lean, budget_percent: %s }] }\n' "$1" >"$tmp/budget.yml"
	kill -HUP "$daemon"
	wait_until 10 metric_is "$reloads" $((before + 1))
}
probes() { "$DEFERD" probes --control.socket="$tmp/deferd.sock" "$@" >"$tmp/probes" || cat "$tmp/probes" >&2; }
serve() { # NAME COMMAND...: on the first processor; sets program
	GOMAXPROCS=1 taskset -c 0 "${@:2}" <>"$tmp/stdin" >"$tmp/$1.log" 2>&1 &
	program=$!
	live_pids+=("$program")
}
load() { # SECONDS: "CPU-US-A-REQUEST REQUESTS-A-SECOND P50-MS P99-MS"
	local before after
	before=$(cpu_ms "$program")
	taskset -c 1 wrk -t 1 -c 4 -d "$1" --latency "${wrk[@]}" >"$tmp/wrk"
	after=$(cpu_ms "$program")
	awk -v cpu=$((after - before)) '
		function ms(t) { return t ~ /us$/ ? t / 1000 : t ~ /ms$/ ? t + 0 : t * 1000 }
		/ requests in / { n = $1 } /^Requests\/sec/ { rate = $2 } $1 == "50%" { p50 = ms($2) } $1 == "99%" { p99 = ms($2) }
		END { if (n) printf "%.3f %.1f %.3f %.3f\n", cpu * 1000 / n, rate, p50, p99 }' "$tmp/wrk"
}
with() { # SET SECONDS
	case $1 in
	bpftrace)
		probes "$program" off
		bpftrace --unsafe -p "$program" -e "$(entries)" >"$tmp/bpftrace" 2>&1 7>&- &
		local tracer=$!
		wait_until 20 grep -q Attaching "$tmp/bpftrace"
		sleep 0.3
		load "$2"
		kill -INT $tracer
		wait $tracer 2>/dev/null
		;;
	lean)
		budget 1
		probes "$program" lean
		taskset -c 1 wrk -t 1 -c 4 -d "$settle" "${wrk[@]}" >/dev/null
		load "$2"
		;;
	timed)
		budget 0
		probes "$program" lean
		load "$2"
		;;
	off)
		probes "$program" off
		load "$2"
		;;
	*)
		budget 0
		probes "$program" "$1"
		load "$2"
		;;
	esac
}
entries() { # bpftrace's program, at the entries of the functions that the full set probes for defers
	local offset
	for offset in $(jq -r --argjson pid "$program" '.targets[] | select(.pid == $pid).points[] |
		select(.function | test("^runtime.(deferproc|deferprocStack|deferreturn)$")).file_offset' "$tmp/doctor.json"); do
		printf 'uprobe:%s:%s { @[tid] = count(); } ' "$(readlink "/proc/$program/exe")" "$offset"
	done
}
compare() { # NAME SET PAIRS SECONDS: ratios into FILE.cpu .rate .p50 .p99
	local n a b
	for n in $(seq "$3"); do
		if [ $((n % 2)) = 0 ]; then
			a=$(with off "$4") b=$(with "$2" "$4")
		else
			b=$(with "$2" "$4") a=$(with off "$4")
		fi
		echo "$a $b" >>"$tmp/pairs.$1.$2"
	done
	awk '{ print $5 / $1 }' "$tmp/pairs.$1.$2" | figure "$1, $2: CPU a request"
	awk '{ print $6 / $2 }' "$tmp/pairs.$1.$2" | figure "$1, $2: requests a second"
	awk '{ print $7 / $3 }' "$tmp/pairs.$1.$2" | figure "$1, $2: P50"
	awk '{ print $8 / $4 }' "$tmp/pairs.$1.$2" | figure "$1, $2: P99"
}
measure() { # NAME [PEER]
	local set
	wait_until 10 attached "$program" || { note "$1 is not observed"; return; }
	"$DEFERD" doctor --json >"$tmp/doctor.json" 2>/dev/null
	load 2 >/dev/null
	for set in $sets; do
		[ "$set" != bpftrace ] || [ "${2-}" = bpftrace ] || continue
		[ "$pairs" = 0 ] || compare "$1" "$set" "$pairs" "$each"
	done
	[ "$burst_pairs" = 0 ] || compare "$1" burst "$burst_pairs" 60
	cat "$tmp/pairs.$1".* >"$tmp/without"
	awk '{ print $1 }' "$tmp/without" | figure "$1, without: us of CPU a request" %.1f
	awk '{ print $2 }' "$tmp/without" | figure "$1, without: requests a second" %.0f
	kill "$program"
	wait "$program" 2>/dev/null || true # of the signal
}
mkfifo "$tmp/stdin" # nothing ever comes, nor does it end
peers=()
command -v bpftrace >/dev/null && peers=(bpftrace)
: >"$tmp/empty.yml"
echo '{}' >"$tmp/budget.yml"
start_daemon --config.file="$tmp/budget.yml"
taskset -pc 1 "$daemon" >/dev/null
table "real services, with probes, of without" ratio

if wanted prometheus && fetch_debian prometheus usr/bin/prometheus; then
	port=$(free_port)
	serve prometheus "$fetched" --config.file="$tmp/empty.yml" --storage.tsdb.path="$tmp/tsdb" --web.listen-address="127.0.0.1:$port"
	wrk=("http://127.0.0.1:$port/metrics")
	wait_until 20 curl -sf -o /dev/null "${wrk[0]}"
	measure prometheus "${peers[@]}"
else
	note "prometheus: $why"
fi
if wanted etcd && fetch_debian etcd-server usr/bin/etcd; then
	port=$(free_port)
	serve etcd "$fetched" --data-dir="/dev/shm/deferd-bench.$$" --unsafe-no-fsync --listen-client-urls="http://127.0.0.1:$port" \
		--listen-peer-urls=http://127.0.0.1:0 --advertise-client-urls="http://127.0.0.1:$port"
	printf 'wrk.method = "POST"\nwrk.body = %s\n' "'{\"key\":\"Zm9v\",\"value\":\"YmFy\"}'" >"$tmp/put.lua"
	wrk=(-s "$tmp/put.lua" "http://127.0.0.1:$port/v3/kv/put")
	wait_until 20 curl -sf -o /dev/null "http://127.0.0.1:$port/health"
	measure etcd
	rm -rf "/dev/shm/deferd-bench.$$"
else
	note "etcd: $why"
fi
mkdir "$tmp/www" && head -c 4000 /dev/zero | tr '\0' x >"$tmp/www/a.txt"
if wanted caddy && fetch_debian caddy usr/bin/caddy; then
	port=$(free_port)
	printf '{ "admin": { "disabled": true }, "apps": { "http": { "servers": { "files": { "listen": ["127.0.0.1:%d"],
		"automatic_https": { "disable": true }, "routes": [{ "handle": [{ "handler": "file_server", "root": "%s" }] }] } } } } }' \
		"$port" "$tmp/www" >"$tmp/caddy.json"
	XDG_DATA_HOME=$tmp XDG_CONFIG_HOME=$tmp serve caddy "$fetched" run --config "$tmp/caddy.json"
	wrk=("http://127.0.0.1:$port/a.txt")
	wait_until 20 curl -sf -o /dev/null "${wrk[0]}"
	measure caddy
else
	note "caddy: $why"
fi
if wanted esbuild && fetch_npm @esbuild/linux-x64 0.28.2 bin/esbuild; then
	port=$(free_port)
	serve esbuild "$fetched" "--serve=127.0.0.1:$port" "--servedir=$tmp/www"
	wrk=("http://127.0.0.1:$port/a.txt")
	wait_until 20 curl -sf -o /dev/null "${wrk[0]}"
	measure esbuild
else
	note "esbuild: $why"
fi
