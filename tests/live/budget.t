#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A program that does nothing but register defers as fast as two threads can: its probes are taken off within the second, cost no
# more than the budget from then on, and are back when it is over; how deep it is, the census tells meanwhile.
# alone: what probes cost is measured
. "$(dirname "$0")/../lib/live.sh"
need_gos
budget=1

service=${my}pile.stripped
mine() { printf '%s{service="%s"}' "$1" "$service"; }
cost() { metric "$(mine deferd_probe_cost_seconds_total)"; }
unread() { [ "$(metric "$(mine deferd_probe_hits_unread_total)")" -gt 0 ]; }
level_is() { metric_is "$(mine deferd_budget_level)" "$1"; }
percent() { # FROM TO MS: of a core
	awk -v a="$1" -v b="$2" -v ms="$3" 'BEGIN { printf "%.2f", (b - a) * 1e5 / ms }'
}
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'; }

printf 'census: { interval: 1s, budget_percent: 50 }\n' >"$tmp/budget.yml"
while read -r version go; do
	build_fixtures "$version" "$go" stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	start_program pile "$fixtures/pile.stripped" -defers 2000000000 -deep 0
	BUDGET=$budget start_daemon --config.file="$tmp/budget.yml"
	wait_until 10 attached "$program"
	ok $? "$version: attached"
	is "$(metric "$(mine deferd_budget_level)")" 0 "$version: all probes are on"
	go_on
	wait_until 5 level_is 1
	ok $? "$version: the busiest function is not looked at any more"
	is "$(target state) $(target exact)" "limited false" "$version: a process over its budget is limited, and not exact"
	target reason | grep -q '^probes cost more than 1% of a core: all except calls from its busiest functions$'
	ok $? "$version: the reason names the budget"
	wait_until 5 unread # counts are read once a second, the level changes at once
	ok $? "$version: the kernel side did not wait for it"
	[ "$(grep -c 'probes cost more than the budget' "$tmp/deferd.log")" = 1 ]
	ok $? "$version: the log has it once"
	is_deep() { # by the census: nothing else looks
		[ "$(curl -sf -m 5 "$url/api/v1/goroutines?pid=$program" | jq '[.groups[].depth_max] | max')" -ge 100 ]
	}
	wait_until 10 is_deep
	ok $? "$version: the census knows its depth meanwhile"
	before=$(cost) begin=$(now_ms)
	wait_until 30 grep -q 'probes are attached again' "$tmp/deferd.log"
	ok $? "$version: probes are put back some time later"
	wait_until 5 level_is 1
	ok $? "$version: probes that cost too much again are taken off again"
	passed() { [ $(($(now_ms) - begin)) -ge 18000 ]; } # the next time is after 20 seconds
	wait_until 30 passed
	spent=$(percent "$before" "$(cost)" $(($(now_ms) - begin)))
	at_most "$spent" 1.5
	ok $? "$version: trying again cost $spent % of a core"
	kill -STOP "$program"
	wait_until 60 level_is 0
	ok $? "$version: all probes are put back while the program rests"
	is "$(target state) $(target reason)" "observed " "$version: a program within its budget has no reason to show"
	kill -CONT "$program"
	wait_until 5 level_is 1
	ok $? "$version: probes that were put back are hit again"
	stop_daemon
	ok $? "$version: the daemon ends well"
	exec 7>&-
	kill "$program"
	wait "$program" 2>/dev/null

	service=${my}flood.stripped
	start_program flood "$fixtures/flood.stripped"
	BUDGET=$budget start_daemon
	wait_until 10 attached "$program"
	go_on
	wait_until 5 level_is 1
	ok $? "$version: the calls of one function are taken off"
	resting() { [ "$(tail -1 "$tmp/flood.out")" = resting ]; }
	trickled() { # what the program says, and what the daemon, while it rests
		go_on
		wait_until 5 resting
		sleep 1.5 # for the kernel's counts to be read
		echo "$(truth flood trickled) $(target 'sites | map(select(.function == "main.trickles") | .registered) | add // 0')"
		go_on
	}
	read -r said counted <<<"$(trickled)"
	sleep 2
	read -r said_then counted_then <<<"$(trickled)"
	note "$((said_then - said)) defers of another function meanwhile"
	[ $((said_then - said)) -gt 100 ]
	ok $? "$version: another function of the program goes on"
	is $((counted_then - counted)) $((said_then - said)) "$version: defers of the other function are counted exactly"
	metric_is "$(mine deferd_budget_level)" 1
	ok $? "$version: the level of the budget does not change meanwhile"
	stop_daemon
	service=${my}pile.stripped
	exec 7>&-
	kill "$program"
	wait "$program" 2>/dev/null
done <<<"$(sed -n '1p;$p' <<<"$gos" | sort -u)"

"$DEFERD" run --probes.budget=101 >"$tmp/out" 2>&1
is "$? $(grep -c 'not a number from 0 to 100' "$tmp/out")" "2 1" "a budget that is none"
done_testing
