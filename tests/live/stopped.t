#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The daemon is stopped while a program makes more records than the ring holds, and goes on later: what it took from the ring and
# what found no room are all that there was; counts are those of the program; and what was lost is made up for by
# a census. Stopped for STOPPED_SECONDS.
# alone: the kernel's records are counted
. "$(dirname "$0")/../lib/live.sh"
need_root
gos=$(list_gos)
[ -n "$gos" ] || skip_all "no Go here to build the program with"
stopped=${STOPPED_SECONDS:-2}

ours() { # NAME: the daemon's map of this name
	local id fd
	for fd in "/proc/$daemon/fdinfo"/*; do
		id=$(sed -n 's/^map_id:[[:space:]]*//p' "$fd" 2>/dev/null)
		[ -n "$id" ] && bpftool map show id "$id" -j 2>/dev/null | jq -e --arg n "$1" '.name == $n' >/dev/null && echo "$id" && return
	done
}
produced() { bpftool map dump id "$(ours seq_by_target)" -j | jq '[.[].formatted.value] | add'; }
taken() { metric deferd_events_total; }
dropped() { metric 'deferd_events_dropped_total{reason="ring_full"}'; }
exact() { target_is exact true; }
is_hit() { [ "$(target probe_hits)" -gt 0 ]; }

command -v bpftool >/dev/null || PATH=$PATH:/usr/sbin
command -v bpftool >/dev/null || skip_all "no bpftool here to read the kernel's count of records"
while read -r version go; do
	build_fixtures "$version" "$go" stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	start_daemon
	start_program pile "$fixtures/pile.stripped" -defers 3000000 -panics 2000 -deep 1000 -hold
	wait_until 10 attached "$program"
	go_on
	wait_until 10 is_hit
	kill -STOP "$daemon"
	wait_until 60 grep -q holding "$tmp/pile.out"
	sleep "$stopped"
	kill -CONT "$daemon"
	begin=$(now_ms)
	wait_until 20 exact
	ok $? "$version: all is exact again, $(($(now_ms) - begin)) ms after it went on"
	[ "$(dropped)" -gt 0 ]
	ok $? "$version: the ring was too small, as intended"
	# Each process that this test starts makes records of its own: the sum lies between two counts.
	before=$(produced)
	all_taken() { [ $(($(taken) + $(dropped))) -ge "$before" ]; }
	wait_until 5 all_taken
	sum=$(($(taken) + $(dropped)))
	after=$(produced)
	[ "$before" -le $sum ] && [ $sum -le "$after" ] && [ $((after - before)) -lt 200 ]
	ok $? "$version: taken and dropped are all that there was: $before <= $sum <= $after"
	is "$(target 'goroutines | map(.depth) | max')" 1000 "$version: the one that waits with its defers is as deep as it is"
	go_on
	wait_until 60 has_truth pile
	wait_until 5 target_is defers_registered_by_lowering.heap "$(truth pile registered_heap)"
	is "$(target defers_registered_by_lowering.heap)" "$(truth pile registered_heap)" "$version: no defer is missed"
	is "$(target panics_started)" "$(truth pile panics)" "$version: no panic is missed"
	go_on
	exec 7>&-
	wait "$program"
	stop_daemon
done <<<"$(head -1 <<<"$gos")"
done_testing
