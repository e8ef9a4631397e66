#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Looking changes nothing: two daemons observe the same programs, one is asked for all its pages 200 times a second, and both have
# the same counts, peaks, prunings and alerts.
. "$(dirname "$0")/../lib/live.sh"
need_go stripped

looked_at= # the address of the one that is asked
start_both() { # OPTIONS...: sets quiet_url and url, of the daemon that is asked; their logs
	start_daemon "$@" --control.socket="$tmp/quiet.sock"
	quiet_url=$url
	quiet=$daemon
	ln "$tmp/deferd.log" "$tmp/quiet.log" # start_daemon removes the name only
	start_daemon "$@"
	looked_at=$url
	curl -s --rate 200/s -o /dev/null \
		"$url/{,-/healthy,-/ready,metrics,api/v1/targets,api/v1/services,api/v1/alerts,api/v1/panics,nothing}?[1-100000]" &
	looker=$!
	live_pids+=("$looker")
}
stop_both() {
	kill "$looker"
	wait "$looker" 2>/dev/null
	stop_daemon
	ok $? "$1: the daemon that was asked ends well"
	daemon=$quiet
	stop_daemon
	ok $? "$1: and so does the other"
	rm -f "$tmp/quiet.log"
}
both() { # COMMAND...: it succeeds for either
	url=$quiet_url "$@" && url=$looked_at "$@"
}
same() { # NAME FIELD...: both say the same of the program
	local field
	for field in "${@:2}"; do
		is "$(url=$looked_at target "$field")" "$(url=$quiet_url target "$field")" "$1: $field"
	done
}

# Counts, peaks, an alert

start_program pile "$fixtures/pile.stripped"
start_both
wait_until 10 both attached "$program"
ok $? "pile: both observe it"
go_on
wait_until 60 has_truth pile
all_counted() { [ "$(target defers_registered_by_lowering.heap)" = "$(truth pile registered_heap)" ]; }
wait_until 5 both all_counted
ok $? "pile: both have counted all $(truth pile registered_heap) defers"
peak_seen() { [ "$(target defer_depth_max)" = "$(truth pile peak_depth)" ]; }
wait_until 5 both peak_seen
ok $? "pile: both have seen $(truth pile peak_depth) pending"
wait_until 30 both firing "${my}pile.stripped" DeferPileUp
ok $? "pile: both fire the alert"
wait_until 5 both target_is exact true
same pile exact state reason defers_registered defer_depth_max
go_on
exec 7>&-
wait "$program"
stop_both pile

# Prunings

service=${my}flood.stripped
level_is() { metric_is "deferd_budget_level{service=\"$service\"}" "$1"; }
start_program flood "$fixtures/flood.stripped"
BUDGET=1 start_both
wait_until 10 both attached "$program"
go_on
wait_until 10 both level_is 1
ok $? "flood: both leave out the busiest function, and nothing more"
same flood state reason
steps() { grep -c 'probes cost more than the budget' "$1"; }
is "$(steps "$tmp/deferd.log")" "$(steps "$tmp/quiet.log")" "flood: in as many steps"
stop_both flood
exec 7>&-
kill "$program"
wait "$program" 2>/dev/null
done_testing
