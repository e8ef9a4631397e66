#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Who waits for which lock and which channel: kind, address and number are what the program says, and the lock's own words
# agree.
. "$(dirname "$0")/../lib/live.sh"
need_gos
skip_absent_gos

piles() { # what deferd says, as the fixture does
	jq -r '(.locks[], (.channels[] | . + { kind: "channel" })) | "\(.kind) \(.address) \(.waiting) \(.selecting // 0)"' "$tmp/locks.json" | sort
}
told() { # what the fixture says
	sed -n '/^{/p' "$tmp/parked.out" | tail -1 | jq -r '.waits[] | "\(.kind) \(.address) \(.waiting) \(.selecting)"' | sort
}
state() { # KIND FIELD: of all locks of the kind
	jq -r --arg k "$1" --arg f "$2" '[.locks[] | select(.kind == $k) | .state[$f]] | unique | join(" ")' "$tmp/locks.json"
}
while read -r version go; do
	build_fixtures "$version" "$go" stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	start_program parked "$fixtures/parked.stripped" -n 5
	go_on
	wait_until 30 has_truth parked
	"$DEFERD" locks --alone --json "$program" >"$tmp/locks.json" 2>"$tmp/locks.err"
	ok $? "$version: a look at its locks"
	# One that reads holds the semaphore of its descriptor, which the other waits for.
	is "$(piles | grep -v '^semaphore ')" "$(told)" "$version: who waits for what"
	is "$(jq .left_out "$tmp/locks.json")" 0 "$version: nobody is left out"
	is "$(jq .not_located "$tmp/locks.json")" 0 "$version: every waiter is located"
	is "$(state mutex locked) $(state mutex waiters)" "true 5" "$version: the mutex is locked, and counts its waiters"
	is "$(state rwmutex writer)" true "$version: a writer has the one RWMutex, or is next for the other"
	is "$(state waitgroup counter) $(state waitgroup waiters)" "1 5" "$version: the group waits for one"
	is "$("$DEFERD" goroutines --alone --json "$program" | jq -r '[.groups[] | select(any(.stack[]; .function == "main.sends")) |
		.goroutines[].waits_for] | unique | join(" ")')" \
		"$(jq -r '.channels[] | select(any(.sites[]; .reason == "chan send")) | .address' "$tmp/locks.json")" \
		"$version: each goroutine says what it waits for"
	"$DEFERD" locks --alone "$program" >"$tmp/out" 2>&1
	is "$? $(grep -cE '^(mutex|rwmutex|waitgroup|channel) 0x[0-9a-f]+: [0-9]+ wait' "$tmp/out")" "0 6" "$version: the same as text"
	grep -q '    5 in main.locks .*main.go:[0-9]* (' "$tmp/out"
	ok $? "$version: deferd locks shows the lines"
	go_on
	exec 7>&-
	wait "$program"
	ok $? "$version: the program ends well"
done <<<"$gos"

"$DEFERD" locks --alone $$ >"$tmp/out" 2>&1
is "$?" 1 "a program that is not Go has no locks to show"
"$DEFERD" locks x >/dev/null 2>&1
is "$?" 2 "a word in place of a process number"
done_testing
