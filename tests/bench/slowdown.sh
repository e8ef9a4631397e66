#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What a census every second (ten times as often as by default) does to the program: operations for each second of its own CPU
# time, with it and without, in turn: the daemon is stopped and continued, since what the machine does otherwise changes from one
# second to the next. The median of the ratios of PAIRS, with its 95 % interval. The program has one processor, and 10,000
# goroutines that wait.
#
#	slowdown.sh	PAIRS=60 SECONDS_EACH=1
. "$(dirname "$0")/../lib/live.sh"
need_go stripped
pairs=${PAIRS:-60} each=${SECONDS_EACH:-1}
printf 'census: { interval: 1s, budget_percent: 50 }\n' >"$tmp/bench.yml"

stands_at() { [ "$(tail -1 "$tmp/loads.out" | cut -c1-9)" = "$1" ]; }
told() { [ "$(grep -c '^{' "$tmp/loads.out")" -gt "$1" ]; }
rate() { # operations for each second of CPU time
	local before
	before=$(grep -c '^{' "$tmp/loads.out")
	go_on
	wait_until 10 stands_at measuring
	sleep "$each"
	go_on
	wait_until 10 told "$before"
	tail -1 "$tmp/loads.out" | jq '.operations * 1e9 / .cpu_ns'
}
censuses() { [ "$(metric deferd_censuses_total)" -ge 1 ]; }
with() {
	kill -CONT "$daemon"
	rate
	kill -STOP "$daemon"
}
pair() { # NUMBER: the ratio; which comes first changes
	local a b
	if [ $(($1 % 2)) = 0 ]; then a=$(rate) b=$(with); else b=$(with) a=$(rate); fi
	awk -v a="$a" -v b="$b" 'BEGIN { printf "%.4f\n", b / a }'
}

echo "| $version, load | throughput with a census each second, of that without | 95 % interval |"
echo "|---|---|---|"
for load in compute channel alloc; do
	start_program loads "$fixtures/loads.stripped" -load $load -parked 10000
	wait_until 30 stands_at ready
	start_daemon --config.file="$tmp/bench.yml"
	wait_until 20 censuses
	kill -STOP "$daemon"
	for n in $(seq "$pairs"); do pair "$n"; done | sort -n >"$tmp/ratios"
	kill -CONT "$daemon"
	stop_daemon
	# Of a median, by order statistics: a binomial's 1.96 standard deviations on either side.
	awk -v load=$load '{ v[NR] = $1 }
		END {
			h = 0.98 * sqrt(NR); lo = int((NR + 1) / 2 - h); hi = int((NR + 1) / 2 + h + 1)
			if (lo < 1) lo = 1
			if (hi > NR) hi = NR
			printf "| %s | %.4f | %.4f-%.4f |\n", load, v[int((NR + 1) / 2)], v[lo], v[hi]
		}' "$tmp/ratios"
	exec 7>&-
	kill "$program"
	wait "$program" 2>/dev/null || true # of the signal
done
