#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What a census costs us, and what the program's own profiles cost it, on the same process: goroutines parked four calls deep.
# First and steady are the CPU time of deferd; memory is what deferd's own grew by.
#
#	census.sh	SIZES="10000 100000 1000000" RUNS=7
. "$(dirname "$0")/../lib/live.sh"
need_root
read -r version go < <(list_gos)
[ -n "${version-}" ] || skip_all "no Go here to build the program with"
build_fixtures "$version" "$go" stripped || skip_all "fixtures: $(tail -1 "$tmp/build.log")"
runs=${RUNS:-7}
printf 'census: { interval: 1s, budget_percent: 50 }\n' >"$tmp/bench.yml"

cpu_ms() { # PID: user and system time
	awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000 / tick }' "/proc/$1/stat"
}
rss() { awk '/^RssAnon/ { print $2 * 1024 }' "/proc/$daemon/status"; }
censuses() { metric deferd_censuses_total; }
cost_ms() { metric 'deferd_census_duration_seconds{service="crowd.stripped"}' | awk '{ printf "%.2f\n", $1 * 1e3 }'; }
told() { [ -n "$(cost_ms)" ]; }
counted() { [ "$(censuses)" -ge "$1" ]; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

one() { # GOROUTINES
	local before empty first steady theirs n
	start_program crowd "$fixtures/crowd.stripped" -parked "$1" -profiles 3
	wait_until 120 grep -q ready "$tmp/crowd.out"
	start_daemon --config.file="$tmp/bench.yml"
	empty=$(rss)
	wait_until 120 told
	first=$(cost_ms)
	before=$(cpu_ms "$program")
	for n in $(seq 3 $((runs + 2))); do # what the one before cost is told by then
		wait_until 120 counted "$n"
		cost_ms
	done | median >"$tmp/steady"
	steady=$(cat "$tmp/steady")
	theirs=$(($(cpu_ms "$program") - before))
	bytes=$((($(rss) - empty) / $1))
	stop_daemon
	go_on
	wait_until 120 has_truth crowd
	printf '| %d | %s ms | %s ms | %s bytes | %d ms | %s / %s ms | %s / %s ms |\n' "$1" "$first" "$steady" "$bytes" "$theirs" \
		"$(truth crowd debug_0.wall_ms | xargs printf %.1f)" "$(truth crowd debug_0.cpu_ms | xargs printf %.1f)" \
		"$(truth crowd debug_2.wall_ms | xargs printf %.1f)" "$(truth crowd debug_2.cpu_ms | xargs printf %.1f)"
	kill "$program"
	wait "$program" 2>/dev/null
	exec 7>&-
}

cat <<M
| $version, goroutines | first census | steady, median of $runs | memory of each | CPU of the program meanwhile | its profile debug=0, wall / CPU | debug=2, wall / CPU |
|---|---|---|---|---|---|---|
M
for size in ${SIZES:-10000 100000 1000000}; do one "$size"; done
