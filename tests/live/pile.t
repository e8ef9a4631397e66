#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Counts and depths of a Go program equal its own, to the unit: 1.1 million loop defers on nine goroutines whose stacks
# grow, mixed with stack records, and 100,000 pending on one of them.
. "$(dirname "$0")/../lib/live.sh"
need_gos

one() { # VERSION VARIANT-SUFFIX SET
	local name=pile$2 title="$1 ${2#.} $3"
	start_program pile "$fixtures/$name"
	start_daemon --probes="$3"
	wait_until 5 attached "$program"
	ok $? "$title: attached"
	go_on
	wait_until 60 has_truth pile
	wait_until 3 target_is defers_registered_by_lowering.heap "$(truth pile registered_heap)"
	is "$(target defers_registered_by_lowering.heap)" "$(truth pile registered_heap)" "$title: registered on the heap"
	wait_until 3 target_is defer_depth_max "$(truth pile peak_depth)"
	is "$(target defer_depth_max)" "$(truth pile peak_depth)" "$title: peak depth"
	wait_until 3 target_is exact true
	is "$(target exact)" true "$title: nothing inferred"
	if [ "$3" = full ]; then
		local stack
		stack=$(target defers_registered_by_lowering.stack)
		# The runtime's own code may add some.
		[ "$stack" -ge "$(truth pile registered_stack)" ] && [ "$stack" -le $(($(truth pile registered_stack) + 50)) ]
		ok $? "$title: registered on the stack ($stack)"
	fi
	is "$(metric 'deferd_events_dropped_total{reason="ring_full"}')" 0 "$title: no record lost"
	stop_daemon
	ok $? "$title: the daemon ends well"
	kill -0 "$program" 2>/dev/null
	ok $? "$title: the program lives"
	go_on
	exec 7>&-
	wait "$program"
	ok $? "$title: the program ends well"
}

# Each push is a line, and so is each frame that runs its defers, with how many.
traced() { # VERSION
	start_program pile "$fixtures/pile.stripped" -goroutines 1 -defers 12 -deep 5
	rm -f "$tmp/trace.out" # of the one before, until the new one is there
	"$DEFERD" trace --json --no-fds "$program" >"$tmp/trace.out" 2>"$tmp/trace.err" 7>&- &
	tracer=$!
	live_pids+=($tracer)
	wait_until 30 grep -q '"observed"' "$tmp/trace.out"
	go_on
	wait_until 30 has_truth pile
	go_on
	exec 7>&-
	wait "$program"
	wait "$tracer"
	ok $? "$1: the trace ends with the program: $(tail -1 "$tmp/trace.err")"
	pushes=$(($(truth pile registered_heap) + $(truth pile registered_stack)))
	is "$(jq -s '[.[] | select(.event == "push")] | length' "$tmp/trace.out")" $pushes "$1: pushes traced"
	is "$(jq -s '[.[] | select(.event == "run").ran] | add' "$tmp/trace.out")" $pushes "$1: all of them run"
	is "$(jq -s -r '[.[] | select(.event == "push").deferred.function] | unique | join(" ")' "$tmp/trace.out")" \
		'main.(*pile).run' "$1: the deferred function"
}

while read -r version go; do
	ways='default stripped'
	if is_sample "$version" "$go"; then ways+=' pie'; fi
	# shellcheck disable=SC2086
	build_fixtures "$version" "$go" $ways || { ok 1 "$version: fixtures build"; continue; }
	one "$version" .stripped lean
	if is_sample "$version" "$go"; then one "$version" .pie lean; fi
	one "$version" "" full
	traced "$version"
done <<<"$gos"
done_testing
