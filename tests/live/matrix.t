#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Every Go release in every way of building, in the full probe set: counts and depths of a program equal its own, and a
# program that uses so little that the runtime's functions for defers are not in it is observed without complaint.
#
# The default build of every Go that is here; the other ways for the oldest and the newest, or with DEFERD_MATRIX=all for
# every one.
. "$(dirname "$0")/../lib/live.sh"
need_gos
gos=$(sort -V <<<"$gos")

account() { # as the daemon sees it
	curl -sf -m 5 "$url/api/v1/targets/$program" | jq -r '"\(.state) heap \(.defers_registered_by_lowering.heap)" +
		" range \(.defers_registered_by_lowering.range // 0) peak \(.defer_depth_max) exact \(.exact)"'
}
account_is() { [ "$(account)" = "$1" ]; }
# The libraries may add a few records of their own.
stack_is() { stack=$(target defers_registered_by_lowering.stack) && [ "$stack" -ge "$1" ] && [ "$stack" -le $(($1 + 100)) ]; }

pile() { # VERSION VARIANT SUFFIX
	local title="$1 $2" range=0 wanted
	case $1 in go1.19* | go1.2[0-2]*) ;; *) range=200 ;; esac
	start_program pile "$fixtures/pile$3" -goroutines 4 -defers 8000 -deep 500 -range $range -panics 20
	wait_until 5 attached "$program" || { ok 1 "$title: attached"; return; }
	go_on
	wait_until 60 has_truth pile
	wanted="observed heap $(truth pile registered_heap) range $(truth pile registered_range)"
	wanted="$wanted peak $(truth pile peak_depth) exact true"
	wait_until 5 account_is "$wanted"
	is "$(account)" "$wanted" "$title: counts and depth"
	wait_until 3 stack_is "$(truth pile registered_stack)"
	ok $? "$title: stack records ($stack, of its own $(truth pile registered_stack))"
	is "$(target panics_started) $(target panics_recovered)" "20 20" "$title: panics"
	go_on
	exec 7>&-
	wait "$program"
	ok $? "$title: the program ends well"
}

hello() { # VERSION
	start_program hello "$fixtures/hello"
	wait_until 5 attached "$program"
	is "$(target state), $(target reason)" 'observed, ' "$1: what is not linked in is no failure"
	go_on
	exec 7>&-
	wait "$program"
	ok $? "$1: and it ends well"
}

start_daemon --probes=full
skip_absent_gos
while read -r version go; do
	variants=default
	if is_sample "$version" "$go"; then variants='default stripped pie pie-external race noopt'; fi
	for variant in $variants; do
		build_fixtures "$version" "$go" "$variant" ||
			{ ok 1 "$version $variant: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
		suffix=.$variant
		[ "$variant" != default ] || suffix=
		pile "$version" "$variant" "$suffix"
		[ -n "$suffix" ] || hello "$version"
	done
done <<<"$gos"
is "$(metric 'deferd_events_dropped_total{reason="ring_full"}')" 0 "no record lost"
stop_daemon
ok $? "the daemon ends well"
done_testing
