#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# How often deferd itself turns: about once a second when nothing happens, and what happens then is seen as ever; past its own
# budget it looks less often and says so.
# alone: how often it wakes, and what it costs, is measured
. "$(dirname "$0")/../lib/live.sh"
need_go stripped

# Idle

# Without a process of our own: each one that starts is news to it.
mkfifo "$tmp/never"
exec 8<>"$tmp/never"
pause() { read -rt "$1" <&8; }
wakeups() { # sets n, and started: how many processes and threads the host has started
	local key value
	while read -r key value; do [ "$key" != voluntary_ctxt_switches: ] || n=$value; done <"/proc/$daemon/status"
	while read -r key value; do [ "$key" != processes ] || started=$value; done </proc/stat
}
# Three seconds of its timers, of which there are two a second, and of censuses; what others start meanwhile is news: an exec, an
# exit, and a look at the file.
rests() {
	local before others
	pause 3
	wakeups
	before=$n others=$started
	pause 3
	wakeups
	woke=$((n - before)) others=$((started - others))
	[ $woke -le $((12 + 4 * others)) ]
}
start_daemon
start_program pile "$fixtures/pile.stripped"
wait_until 10 attached "$program"
wait_until 40 rests
ok $? "beside a program that waits it wakes for its timers: $woke times in three seconds"
go_on
wait_until 60 has_truth pile
wait_until 5 target_is defers_registered_by_lowering.heap "$(truth pile registered_heap)"
ok $? "what the program does then is all counted: $(truth pile registered_heap)"
wait_until 40 rests
ok $? "and it wakes for its timers again: $woke times in three seconds"
own "$fixtures/pile.stripped"
"$owned" </dev/null >/dev/null 2>&1 & # a new process
other=$!
live_pids+=("$other")
wait_until 5 grep -q "target attached.*pid=$other" "$tmp/deferd.log"
ok $? "a program that starts then is attached"
wait "$other"
go_on
exec 7>&-
wait "$program"
stop_daemon
ok $? "the daemon ends well"

# Its own budget

printf 'daemon: { budget_percent: 0.001 }\n' >"$tmp/deferd.yml"
start_daemon --config.file="$tmp/deferd.yml"
less_often() { [ "$(metric deferd_scan_interval_seconds)" -gt 1 ]; }
wait_until 40 less_often
ok $? "past its own budget it looks less often: every $(metric deferd_scan_interval_seconds) s"
grep -q 'deferd itself used .*% of a core (daemon.budget_percent: 0.001)' "$tmp/deferd.log"
ok $? "the log says so"
printf 'daemon: { budget_percent: 0 }\n' >"$tmp/deferd.yml"
kill -HUP "$daemon"
wait_until 5 metric_is deferd_scan_interval_seconds 1
ok $? "any budget: each second again"
stop_daemon
done_testing
