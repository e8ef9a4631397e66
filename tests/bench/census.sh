#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What a census costs us, and what the program's own profiles cost it, on the same process: goroutines parked four calls deep.
# First and steady are the CPU time of deferd; memory is what deferd's own grew by.
#
#	census.sh	SIZES="10000 100000 1000000" RUNS=7
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/bench.sh
need_go stripped
runs=${RUNS:-7}
printf 'census: { interval: 1s, budget_percent: 50 }\n' >"$tmp/bench.yml"

rss() { awk '/^RssAnon/ { print $2 * 1024 }' "/proc/$daemon/status"; }
censuses() { metric deferd_censuses_total; }
cost_ms() { metric 'deferd_census_duration_seconds{service="crowd.stripped"}' | awk '{ printf "%.2f\n", $1 * 1e3 }'; }
told() { [ -n "$(cost_ms)" ]; }
counted() { [ "$(censuses)" -ge "$1" ]; }

one() { # GOROUTINES
	local before empty n
	start_program crowd "$fixtures/crowd.stripped" -parked "$1" -profiles 3
	wait_until 120 grep -q ready "$tmp/crowd.out"
	start_daemon --config.file="$tmp/bench.yml"
	empty=$(rss)
	wait_until 120 told
	cost_ms >"$tmp/first"
	before=$(cpu_ms "$program")
	for n in $(seq 3 $((runs + 2))); do # what the one before cost is told by then
		wait_until 120 counted "$n"
		cost_ms
	done >"$tmp/steady"
	echo $(($(cpu_ms "$program") - before)) >"$tmp/theirs"
	echo $((($(rss) - empty) / $1)) >"$tmp/bytes"
	stop_daemon
	go_on
	wait_until 120 has_truth crowd
	table "$version, $1 goroutines" value
	figure "the first census, ms" %.1f <"$tmp/first"
	figure "each one after it, ms" %.1f <"$tmp/steady"
	figure "memory of each goroutine, bytes" %.0f <"$tmp/bytes"
	figure "CPU time of the program during $runs censuses, ms" %.0f <"$tmp/theirs"
	for n in debug_0.wall_ms debug_0.cpu_ms debug_2.wall_ms debug_2.cpu_ms; do
		truth crowd $n | figure "its own profile, $n" %.1f
	done
	kill "$program"
	wait "$program" 2>/dev/null
	exec 7>&-
}

for size in ${SIZES:-10000 100000 1000000}; do one "$size"; done
