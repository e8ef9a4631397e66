#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The daemon is killed, again and again, while a program hits its probes without a pause: the program lives, and its text is the
# file's again each time. KILLS times.
. "$(dirname "$0")/../lib/live.sh"
need_go stripped
kills=${KILLS:-10}

broken() { ! text_equals_file "$program"; }
start_program flood "$fixtures/flood.stripped"
go_on
died=0 unclean=0 unseen=0
for n in $(seq "$kills"); do
	start_daemon --probes=full || break
	wait_until 10 attached "$program" && broken || unseen=$((unseen + 1))
	sleep "0.$((RANDOM % 3))"
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
	wait_until 10 text_equals_file "$program" || unclean=$((unclean + 1))
	kill -0 "$program" 2>/dev/null || { died=1; break; }
done
is "$n" "$kills" "the daemon was killed as often as planned"
is $unseen 0 "breakpoints stand in the program each time"
is $unclean 0 "breakpoints are gone when the daemon is"
is $died 0 "the program lives"
go_on
wait_until 10 has_truth flood
ok $? "the program does what it did before"
done_testing
