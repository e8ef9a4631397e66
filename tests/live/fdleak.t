#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A service that leaks files, one that leaks connections, and one with a pool: who leaks is named, how fast, of what, and when it
# is over; who does not leak is not. A census each second instead of each ten, whatever that costs the daemon: all else is as the
# defaults are.
. "$(dirname "$0")/../lib/live.sh"
need_go
printf 'census: { interval: 1s }\ndaemon: { budget_percent: 0 }\n' >"$tmp/fast.yml"
start_daemon -c "$tmp/fast.yml"

verdict_is() { [ "$(target fd_leak.verdict "$1")" = "$2" ]; }
observe() { # NAME OPTIONS...: a copy of the fixture, as a service of that name
	cp "$fixtures/fdleak" "$tmp/$my$1"
	start_beside "$1" "$tmp/$my$1" "${@:2}"
	wait_until 20 attached "$program" || note "$1 is not observed"
}
between() { # VALUE LOW HIGH
	awk -v v="$1" -v l="$2" -v h="$3" 'BEGIN { exit !(v != "null" && v >= l && v <= h) }'
}

observe pooled -rounds 1000000 -pool 40 && pooled=$program
observe leaking -rounds 1000000 -pause 200ms && leaking=$program
observe connecting -rounds 1000000 -pause 500ms -conns && connecting=$program
for name in pooled leaking connecting; do echo >"$tmp/$name.gate"; done
prlimit --pid "$leaking" --nofile=2000

wait_until 60 verdict_is "$leaking" leaking
ok $? "who leaks files is named" || target fd_leak "$leaking" >&2
# Of each round five, two and one of five: 1.6, each 200 ms and a little.
rate=$(target fd_leak.per_hour "$leaking")
between "$rate" 20000 30500 # which lines leak is chance
ok $? "the rate of the leak: $rate an hour, of 28800 at most"
is "$(target 'fd_groups | map(select(.leak.verdict == "leaking") | .kind) | join(" ")' "$leaking")" "device" "the kind of the leaking descriptors"
is "$(target max_fds "$leaking")" 2000 "a limit that was set meanwhile is known"
full=$(target fd_exhaustion_seconds "$leaking") open=$(target open_fds "$leaking")
between "$full" $(((2000 - open) / 10)) $(((2000 - open) / 4))
ok $? "time to exhaustion: in $full s, with $open open"
wait_until 10 firing "${my}leaking" DescriptorLeak
ok $? "an alert says so"
wait_until 10 firing "${my}leaking" DescriptorExhaustion
ok $? "an alert says that the limit is near"
note "$(curl -sf "$url/api/v1/alerts" | jq -r '.data.alerts[] | select(.labels.alertname == "DescriptorLeak").annotations.summary')"

# Who opens is looked at since the suspicion: of what is kept since then the three lines have 5, 2 and 1 of 8.
enough() { [ "$(target 'fd_sites | map(.kept) | add' "$leaking")" -ge 200 ]; }
wait_until 120 enough
target fd_sites "$leaking" >"$tmp/sites.json"
jq -r '[.[] | select(.kept > 0) | .site.function] | join(" ")' "$tmp/sites.json" >"$tmp/lines"
is "$(cat "$tmp/lines")" "main.leaks5 main.leaks2 main.leaks1" "the lines that leak, and only these, are named"
jq -e '[.[] | select(.kept > 0) | .share] as [$a, $b, $c] | ($a - 0.625 | fabs) < 0.05 and ($b - 0.25 | fabs) < 0.05 and
	($c - 0.125 | fabs) < 0.05' "$tmp/sites.json" >"$tmp/shares"
ok $? "their shares are right within 5 %: $(jq -c '[.[] | select(.kept > 0) | .share]' "$tmp/sites.json")"
is "$(jq -r '.[0].site | "\(.file | split("/") | last):\(.line)"' "$tmp/sites.json")" \
	"main.go:$(grep -n '^func leaks5' tests/fixtures/fdleak/main.go | cut -d: -f1)" "the first leaking line has file and number"

wait_until 60 verdict_is "$connecting" leaking
ok $? "who leaks connections is named"
leaking_ends() { target 'fd_groups | map(select(.leak.verdict == "leaking") | .direction) | sort | join(" ")' "$connecting"; }
both() { [ "$(leaking_ends)" = "in out" ]; }
wait_until 10 both # each is judged by itself
is "$(leaking_ends)" "in out" "connections leak at both ends"
is "$(target 'fd_groups | map(select(.direction) | .port) | unique | length' "$connecting")" 1 "connections leak to and at one port"
wait_until 10 firing "${my}connecting" ConnectionLeak
ok $? "an alert says so"
! firing "${my}connecting" DescriptorLeak
ok $? "a leak of connections is not reported as one of files"
port=$(target 'fd_groups | map(select(.direction == "out"))[0].port' "$connecting")
n=$(metric "deferd_connections{service=\"${my}connecting\",direction=\"out\",port=\"$port\",state=\"established\"}")
between "$n" 10 1000
ok $? "metrics have its connections: $n"
is "$(metric "deferd_fd_leak_verdict{service=\"${my}connecting\",verdict=\"leaking\"}")" 1 "a metric has the verdict on connections"

# The pool was made while it was followed: it has grown, and then it is steady.
wait_until 60 verdict_is "$pooled" steady
ok $? "who has a pool is steady" || target fd_leak "$pooled" >&2
is "$(target 'fd_groups | map(select(.direction == "out"))[0] | "\(.open) \(.kept)"' "$pooled")" "40 40" "the connections of the pool are counted"
! grep -q "alert firing.*service=${my}pooled" "$tmp/deferd.log"
ok $? "there was no alert about the pool"

sum=$("$DEFERD" fds --control.socket="$tmp/deferd.sock" "$leaking" | tee "$tmp/fds" | grep -c "kept (device), half of them for")
is "$sum" 3 "deferd fds has a row for each of them" || cat "$tmp/fds" >&2
"$DEFERD" fds --control.socket="$tmp/deferd.sock" "$connecting" >"$tmp/fds"
grep -q "leak" "$tmp/fds"
ok $? "deferd fds tells of it" || cat "$tmp/fds" >&2
done_testing
