#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# 39 ways in which a panic can end well, and 14 deaths, with every Go that is here: of each panic the outcome, type, text,
# line, who recovered it and where, and what replaced it are as the program says, and so are misplaced calls of recover()
# and what a process died of.
. "$(dirname "$0")/../lib/live.sh"
need_gos
gos=$(sort -V <<<"$gos")

differences() { # NAME: of what is known of $program
	curl -sf -m 5 "$url/api/v1/panics?pid=$program" |
		jq -r --argjson told "$(sed -n '/^{/p' "$tmp/$1.out" | tail -1)" -f tests/lib/scenarios.jq 2>&1 || echo "no answer"
}
agrees() { [ -z "$(differences "$1")" ]; }
compare() { # NAME TITLE
	wait_until 10 agrees "$1"
	is "$(differences "$1")" '' "$2"
}
declare -A pids

start_daemon
skip_absent_gos
while read -r version go; do
	build_fixtures "$version" "$go" default || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	start_program recovered "$fixtures/scenarios" -run recovered
	wait_until 10 attached "$program"
	ok $? "$version: attached"
	go_on
	wait_until 10 has_truth recovered
	compare recovered "$version: $(truth recovered 'scenarios | length') scenarios that end well"
	go_on
	exec 7>&-
	wait "$program"
	ok $? "$version: the program ends well"
	dying=$("$fixtures/scenarios" -list | sed -n 's/ fatal$//p')
	for name in $dying; do
		start_beside "$name" "$fixtures/scenarios" -run "$name"
		pids[$name]=$program
	done
	for name in $dying; do
		program=${pids[$name]}
		wait_until 10 attached "$program"
		echo >"$tmp/$name.gate"
	done
	for name in $dying; do
		program=${pids[$name]}
		wait "$program" 2>/dev/null
		compare "$name" "$version: $name"
	done
done <<<"$gos"
stop_daemon
ok $? "the daemon ends well"
done_testing
