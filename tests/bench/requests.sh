#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What timing requests costs a server: CPU time for each request of a handler that computes for 100 us, HTTP/1 on one processor with wrk
# on the other, timed and not in turn and paired; and what two hits should cost by their price.
#
#	requests.sh	PAIRS=15 SECONDS_EACH=3
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/bench.sh
need_go stripped
command -v wrk >/dev/null || skip_all "wrk is not installed: deploy/install-packages.sh bench"
pairs=${PAIRS:-15} each=${SECONDS_EACH:-3}

probes() { "$DEFERD" probes --control.socket="$tmp/deferd.sock" "$program" "$1" >/dev/null; }
timed_is() { [ "$(target requests.timed)" = "$1" ]; }
load() { # "CPU-US-A-REQUEST REQUESTS-A-SECOND"
	local before after
	before=$(cpu_ms "$program")
	taskset -c 1 wrk -t 1 -c 4 -d "$each" --latency "$serves/burn" >"$tmp/wrk"
	after=$(cpu_ms "$program")
	awk -v cpu=$((after - before)) '/ requests in / { n = $1 } /^Requests\/sec/ { rate = $2 } END { printf "%.3f %.1f\n", cpu * 1000 / n, rate }' "$tmp/wrk"
}
with() { # SET TIMED
	probes "$1"
	wait_until 5 timed_is "$2"
	load
}
start_program serves env GOMAXPROCS=1 taskset -c 0 "$fixtures/serves.stripped" -listen
start_daemon
taskset -pc 1 "$daemon" >/dev/null
wait_until 10 attached "$program"
wait_until 10 timed_is 1
serves=$(sed -n 's/^listening on //p' "$tmp/serves.out")
load >/dev/null
for n in $(seq "$pairs"); do
	if [ $((n % 2)) = 0 ]; then
		without=$(with off 0) timed=$(with lean 1)
	else
		timed=$(with lean 1) without=$(with off 0)
	fi
	echo "$timed $without" >>"$tmp/pairs"
done
table "requests of 100 us, timed, of not" value
awk '{ print $1 / $3 }' "$tmp/pairs" | figure "CPU a request, ratio"
awk '{ print $2 / $4 }' "$tmp/pairs" | figure "requests a second, ratio"
awk '{ print $1 - $3 }' "$tmp/pairs" | figure "us of CPU more for a request" %.2f
awk '{ print $3 }' "$tmp/pairs" | figure "not timed: us of CPU a request" %.1f
curl -sf "$url/metrics" | awk '/^deferd_probe_hit_price_seconds.*emulated/ { print $2 * 2e6 }' | figure "two hits by their price, us" %.2f
