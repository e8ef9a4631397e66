#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Clients that come and stay are load: neither their connections nor the goroutines that read them leak. Clients that have gone and
# whose connections are not closed are a leak, and that is one finding. A census each second; all else is as the defaults are.
. "$(dirname "$0")/../lib/live.sh"
need_go
printf 'census: { interval: 1s }\ndaemon: { budget_percent: 0 }\n' >"$tmp/fast.yml"
start_daemon -c "$tmp/fast.yml"

serve() { # NAME OPTIONS...: a service, and clients of it, which are not observed
	cp "$fixtures/fdleak" "$tmp/$my$1"
	start_beside "$1" "$tmp/$my$1" -serve "${@:2}"
	wait_until 20 attached "$program" || note "$1 is not observed"
	wait_until 20 grep -q : "$tmp/$1.out"
}
clients() { # NAME OPTIONS...
	local server=$program
	cp "$fixtures/fdleak" "$tmp/clients-$1"
	start_beside "clients-$1" "$tmp/clients-$1" -dial "$tmp/$1.out" -rounds 1000000 "${@:2}"
	program=$server
	echo >"$tmp/clients-$1.gate"
}
serve serving && serving=$program
clients serving -pause 200ms
serve deaf -deaf && deaf=$program
clients deaf -pause 200ms -hangup

incoming() { target 'fd_groups | map(select(.direction == "in"))[0].leak.verdict' "$1"; }
incoming_is() { [ "$(incoming "$1")" = "$2" ]; }
wait_until 60 incoming_is "$serving" load
ok $? "who serves clients that stay has load: $(target 'fd_groups | map(select(.direction == "in"))[0] | "\(.open) open"' "$serving")"
wait_until 60 incoming_is "$deaf" leaking
ok $? "who does not close what clients have closed leaks"
wait_until 10 firing "${my}deaf" ConnectionLeak
ok $? "an alert says so"
# Goroutines are counted at other times: theirs would come within as much time again.
enough() { [ "$(target 'fd_groups | map(select(.direction == "in"))[0].open' "$serving")" -ge 300 ]; }
wait_until 120 enough
ok $? "there are ever more clients"
! grep -q "alert firing.*service=${my}serving " "$tmp/deferd.log"
ok $? "no alert about who has clients" || grep "alert firing.*service=${my}serving " "$tmp/deferd.log" >&2
is "$(sed -n "s/.*alert firing. alert=\([^ ]*\) .*service=${my}deaf .*/\1/p" "$tmp/deferd.log" | grep -c Goroutine)" 0 "what is left of clients that have gone is one finding"
is "$(target fd_leak.verdict "$serving")" load "the verdict on the process"
done_testing
