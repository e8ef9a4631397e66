#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Who asks for a process or service that is not there is told so, by all commands in the same words; who asks for one process
# gets the panics of that one.
. "$(dirname "$0")/../lib/live.sh"
need_go default

unknown() { # WHAT COMMAND...
	local what=$1
	shift
	timeout 60 "$DEFERD" "$@" >"$tmp/out" 2>"$tmp/err"
	is "$? $(grep -v 'not complete yet' "$tmp/err" | head -1)" "1 deferd $1: no process or service '$what' is known here" "deferd $1 $what"
}
totals() { # WHAT
	"$DEFERD" panics --json --control.socket="$tmp/deferd.sock" "$1" | jq -c '[.totals[] | [.started, .outcomes.recovered]]'
}
totals_are() { [ "$(totals "$1")" = "$2" ]; }

start_daemon
gone=4194304 # past the largest number
for command in ps panics; do
	unknown $gone $command --control.socket="$tmp/deferd.sock" $gone
	unknown nosuch $command --control.socket="$tmp/deferd.sock" nosuch
done
unknown nosuch report --control.socket="$tmp/deferd.sock" nosuch
for command in goroutines locks fds; do unknown $gone $command --control.socket="$tmp/deferd.sock" $gone; done
unknown $gone trace $gone
unknown $gone record -o "$tmp/recording.gz" $gone

declare -A pids
for name in string integers; do
	start_beside $name "$fixtures/scenarios" -run $name
	pids[$name]=$program
done
for name in string integers; do
	wait_until 20 attached "${pids[$name]}"
	echo >"$tmp/$name.gate"
	wait_until 10 has_truth $name
done
wait_until 10 totals_are "${my}scenarios" '[[4,4]]'
is "$(totals "${my}scenarios")" '[[4,4]]' "panics of the service"
is "$(totals "${pids[string]}")" '[[1,1]]' "panics of one process"
is "$(totals "${pids[integers]}")" '[[3,3]]' "panics of the other one"
for name in string integers; do
	echo >"$tmp/$name.gate"
	wait "${pids[$name]}"
done
wait_until 10 totals_are "${pids[integers]}" '[[3,3]]'
is "$(totals "${pids[integers]}")" '[[3,3]]' "panics of one that is gone"

stop_daemon
done_testing
