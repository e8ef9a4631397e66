#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What a value keeps to itself is told nowhere; where no message is to be told, none is.
. "$(dirname "$0")/../lib/live.sh"
need_go default

panics() { curl -sf -m 5 "$url/api/v1/panics?pid=$program"; }
messages() { panics | jq -r '[.panics[].message | select(. != "")] | length'; }
told() { panics | jq -r '.complete and (.panics | length) >= 15'; }
is_told() { [ "$(told)" = true ]; }
run_errors() { # NAME
	start_program "$1" "$fixtures/scenarios" -run string,standard_errors,own_errors,integers
	wait_until 10 attached "$program"
	go_on
	wait_until 10 has_truth "$1"
	wait_until 10 is_told
	ok $? "$1: the panics are told"
	panics >"$tmp/$1.panics"
	"$DEFERD" panics --control.socket="$tmp/deferd.sock" --stacks "$program" >"$tmp/$1.text"
	! grep -h s3cr3t "$tmp/$1.panics" "$tmp/$1.text" "$tmp/deferd.log"
	ok $? "$1: no secret"
}
end_program() {
	go_on
	exec 7>&-
	wait "$program"
}

start_daemon
run_errors told
[ "$(messages)" -ge 12 ]
ok $? "messages are told"
grep -q 'open /nonexistent/config.yml: no such file or directory' "$tmp/told.text"
ok $? "with the errors within"
end_program
stop_daemon

echo 'probes: { panic_messages: false }' >"$tmp/deferd.yml"
start_daemon -c "$tmp/deferd.yml"
run_errors withheld
is "$(messages)" 0 "no message is told"
grep -q 'fs.PathError' "$tmp/withheld.text"
ok $? "but its type"
end_program

# The text that the runtime prints as it dies is one of the program, too.
start_program fatal "$fixtures/scenarios" -run fatal_error_pointer
wait_until 10 attached "$program"
go_on
wait "$program" 2>/dev/null
fatal() { panics | jq -c '.panics[0] | [.outcome, .type, .message]'; }
fatal_is() { [ "$(fatal)" = "$1" ]; }
wait_until 10 fatal_is '["fatal","*main.shortage",""]'
is "$(fatal)" '["fatal","*main.shortage",""]' "nor is it when the program dies of it"
stop_daemon
done_testing
