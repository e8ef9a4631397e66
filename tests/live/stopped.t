#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The daemon is stopped while a program makes more records than the ring holds, and goes on later: what it took from the ring and
# what found no room are all the records that the program, by its own account, gave cause for; counts are those of the
# program; and what was lost is made up for by a census. Stopped for STOPPED_SECONDS.
# alone: records of every process that starts are counted
. "$(dirname "$0")/../lib/live.sh"
need_gos
stopped=${STOPPED_SECONDS:-2}
threshold=35 # as configured without a file
panics=200 # fewer than are told in a second: each makes two records

forks() { awk '$1 == "processes" { print $2 }' /proc/stat; } # of the host, since it was booted
taken() { metric deferd_events_total; }
dropped() { metric 'deferd_events_dropped_total{reason="ring_full"}'; }
exact() { target_is exact true; }
is_hit() { [ "$(target probe_hits)" -gt 0 ]; }

while read -r version go; do
	build_fixtures "$version" "$go" stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	begun=$(forks)
	start_daemon
	start_program pile "$fixtures/pile.stripped" -defers 3000000 -panics $panics -deep 1000 -threshold $threshold -hold
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
	is "$(target 'goroutines | map(.depth) | max')" 1000 "$version: the one that waits with its defers is as deep as it is"
	go_on
	wait_until 60 has_truth pile
	# Crossings, panics and recoveries make a record each, and so does every process that starts on the host.
	least=$(($(truth pile crossings) + $(truth pile panics) + $(truth pile recovered)))
	all_taken() { [ $(($(taken) + $(dropped))) -ge $least ]; }
	wait_until 5 all_taken
	sum=$(($(taken) + $(dropped)))
	started=$(($(forks) - begun))
	# A process may have executed a program that executes another one.
	[ $least -le $sum ] && [ $sum -le $((least + 2 * started)) ]
	ok $? "$version: taken and dropped are all that there was: $least <= $sum <= $least + 2 * $started"
	wait_until 5 target_is defers_registered_by_lowering.heap "$(truth pile registered_heap)"
	is "$(target defers_registered_by_lowering.heap)" "$(truth pile registered_heap)" "$version: no defer is missed"
	is "$(target panics_started)" "$(truth pile panics)" "$version: no panic is missed"
	go_on
	exec 7>&-
	wait "$program"
	stop_daemon
done <<<"$(head -1 <<<"$gos")"
done_testing
