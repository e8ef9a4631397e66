#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What the probes cost a Go program that does little else than register defers (the worst case there is): CPU time that is added
# to each of a million loop defers by the lean set, by the full one, and by what an engineer would do by hand: bpftrace
# counting at the entry of runtime.deferproc. In turn, RUNS of each, against the run without that was next to it.
#
#	probes.sh	RUNS=7
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/bench.sh
need_go default
runs=${RUNS:-7}
defers=1000000
sets=(none lean full)
command -v bpftrace >/dev/null && sets+=(bpftrace)

observe() { # HOW: sets tracer with bpftrace
	case $1 in
	none) return ;;
	bpftrace)
		bpftrace -p "$program" -e "uprobe:$fixtures/pile:runtime.deferproc { @[tid] = count(); }" >"$tmp/bpftrace" 2>&1 7>&- &
		tracer=$!
		wait_until 20 grep -q Attaching "$tmp/bpftrace" || exit 1
		sleep 0.3
		;;
	*)
		start_daemon --probes="$1"
		wait_until 10 attached "$program" || exit 1
		curl -sf "$url/metrics" >"$tmp/metrics"
		;;
	esac
}
leave() { # HOW
	case $1 in
	none) ;;
	bpftrace) kill -INT $tracer; wait $tracer ;;
	*) stop_daemon ;;
	esac
}
once() { # HOW: CPU milliseconds of the program; how many it registered
	local before after
	start_program pile "$fixtures/pile" -defers $defers -deep 0
	observe "$1"
	before=$(cpu_ms "$program")
	go_on
	wait_until 120 has_truth pile || exit 1
	after=$(cpu_ms "$program")
	heap=$(truth pile registered_heap)
	all=$((heap + $(truth pile registered_stack)))
	leave "$1"
	go_on
	exec 7>&-
	wait "$program"
	echo $((after - before)) >>"$tmp/$1.ms"
}
for _ in $(seq "$runs"); do
	for set in "${sets[@]}"; do once "$set"; done
done
added() { # HOW DEFERS: nanoseconds
	paste "$tmp/$1.ms" "$tmp/none.ms" | awk -v n="$2" '{ print ($1 - $2) * 1e6 / n }'
}
price() { awk -v k="deferd_probe_hit_price_seconds{instruction=\"$1\"}" '$1 == k { print $2 * 1e9 }' "$tmp/metrics"; }
table "$version, $heap loop defers" "ns"
awk -v n="$heap" '{ print $1 * 1e6 / n }' "$tmp/none.ms" | figure "the program itself, each" %.0f
added lean "$heap" | figure "lean: added to each" %.0f
added full "$all" | figure "full: added to each of its $all pushes, on the heap and the stack, and their runs" %.0f
[ ! -e "$tmp/bpftrace.ms" ] || added bpftrace "$heap" | figure "bpftrace, counting at the entry: added to each" %.0f
price emulated | figure "a hit as deferd measures it at its start, at an instruction that the kernel emulates" %.0f
price stepped | figure "the same, at one that it steps" %.0f
