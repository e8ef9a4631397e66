#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What the probes cost a Go program that does little else than register defers (the worst case there is): CPU time of the
# program for a million loop defers, without deferd, with the lean set and with the full one, in turn; median of RUNS.
#
#	probes.sh [--json]	RUNS=7
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/bench.sh
need_root
read -r version go < <(list_gos)
[ -n "${version-}" ] || skip_all "no Go here to build the program with"
build_fixtures "$version" "$go" || skip_all "fixtures: $(tail -1 "$tmp/build.log")"
runs=${RUNS:-7}
defers=1000000

once() { # SET: CPU milliseconds of the program
	local before after
	start_program pile "$fixtures/pile.stripped" -defers $defers -deep 0
	if [ "$1" != none ]; then
		start_daemon --probes="$1"
		wait_until 10 attached "$program" || exit 1
	fi
	before=$(cpu_ms "$program")
	go_on
	wait_until 120 has_truth pile || exit 1
	after=$(cpu_ms "$program")
	heap=$(truth pile registered_heap)
	all=$((heap + $(truth pile registered_stack)))
	[ "$1" = none ] || stop_daemon
	go_on
	exec 7>&-
	wait "$program"
	echo $((after - before)) >>"$tmp/$1.ms"
}

for _ in $(seq "$runs"); do
	for set in none lean full; do once $set; done
done
row() { # SET HITS: "median min max", nanoseconds a hit over the run without
	sort -n "$tmp/$1.ms" | awk -v hits="$2" -v none="$3" '{ v[NR] = $1 }
		END { m = v[int((NR + 1) / 2)]; printf "%d %d %d %.0f\n", m, v[1], v[NR], hits ? (m - none) * 1e6 / hits : 0 }'
}
read -r none none_min none_max _ < <(row none 0 0)
read -r lean lean_min lean_max lean_ns < <(row lean "$heap" "$none")
read -r full full_min full_max full_ns < <(row full "$all" "$none")
if [ "${1-}" = --json ]; then
	printf '{"runs":%d,"go":"%s","defers":%d,"cpu_ms":{"none":%d,"lean":%d,"full":%d},"ns_per_push":{"lean":%d,"full":%d}}\n' \
		"$runs" "$version" "$heap" "$none" "$lean" "$full" "$lean_ns" "$full_ns"
	exit
fi
cat <<M
| $version, $heap loop defers, median of $runs [min-max] | CPU of the program | added for each push |
|---|---|---|
| without deferd | $none ms [$none_min-$none_max] | |
| lean set | $lean ms [$lean_min-$lean_max] | $lean_ns ns |
| full set ($all pushes, and their runs) | $full ms [$full_min-$full_max] | $full_ns ns |
M
