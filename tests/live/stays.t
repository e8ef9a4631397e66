#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Goroutines that are left behind are told whether they run now and then or not: tickers, heartbeats, polls, those in a system call,
# and those whose stacks differ, which are one finding. Tickers as many as ever, a pool that has filled, and what soon ends are none.
. "$(dirname "$0")/../lib/live.sh"
need_gos
printf 'census: { interval: 1s, budget_percent: 50 }\ndaemon: { budget_percent: 0 }\n' >"$tmp/fast.yml"

line_of() { grep -n "$1" tests/fixtures/stays/main.go | cut -d: -f1; }
observe() { # NAME OPTIONS...: a copy of the fixture, as a service of that name
	cp "$fixtures/stays.stripped" "$tmp/$my$1"
	start_beside "$1" "$tmp/$my$1" "${@:2}"
	wait_until 20 attached "$program" || note "$1 is not observed"
	echo >"$tmp/$1.gate"
	pid_of[$1]=$program
}
leak() { # NAME FIELD: of its alert
	curl -sf "$url/api/v1/alerts" | jq -r --arg pid "${pid_of[$1]}" \
		'.data.alerts[] | select(.labels.alertname == "GoroutineLeak" and .labels.pid == $pid) | '"$2"
}
leaks() { # NAME FUNCTION TEXT: the leak is told with its line
	wait_until 60 firing "$my$1" GoroutineLeak
	ok $? "$version: $1: the leak is told"
	is "$(leak "$1" '"\(.site.function) \(.site.line) \(.created_by.function)"')" "$2 $(line_of "$3") main.start" "$version: $1: its line and go statement"
	is "$(metric "deferd_goroutine_leaks{service=\"$my$1\"}")" 1 "$version: $1: one finding"
}
# Of the censuses of a program so many: what leaks no faster than the others would have been told.
censuses() { curl -sf "$url/metrics" | sed -n 's/^deferd_censuses_total //p'; }
many() { [ "$(censuses)" -ge "$1" ]; }

while read -r version go; do
	declare -A pid_of=()
	build_fixtures "$version" "$go" stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	start_daemon -c "$tmp/fast.yml"
	observe steady -kind ticker -limit 60 -every 10ms
	observe pool -kind pool -limit 200 -every 100ms
	observe passing -kind passing -every 50ms
	began=$(censuses)
	observe ticker -kind ticker -every 200ms
	observe heartbeat -kind heartbeat -every 200ms
	observe poll -kind poll -every 200ms
	observe syscall -kind syscall -every 200ms
	observe depths -kind depths -every 200ms
	leaks ticker main.ticks 'range time.NewTicker'
	leaks heartbeat main.heartbeats 'select {'
	leaks poll main.polls 'time.Sleep(time.Duration(100'
	leaks syscall main.blocks 'syscall.Read(empty'
	leaks depths main.searches 'return <-never'
	"$DEFERD" goroutines --control.socket="$tmp/deferd.sock" "${pid_of[depths]}" >"$tmp/out" 2>&1
	[ "$(grep -c 'grows like a leak: .*in all [0-9]* of this' "$tmp/out")" -ge 20 ]
	ok $? "$version: depths: each of its stacks is marked as of the leak"
	wait_until 180 many $((began + 8 * 40))
	ok $? "$version: so many censuses: $began, then $(censuses)"
	for name in steady pool passing; do
		is "$(metric "deferd_goroutine_leaks{service=\"$my$name\"}")" 0 "$version: $name: no leak"
		! grep -q "alert firing.*service=$my$name " "$tmp/deferd.log"
		ok $? "$version: $name: nobody was woken"
	done
	for name in "${!pid_of[@]}"; do kill "${pid_of[$name]}"; done
	stop_daemon
	is $? 0 "$version: the daemon ends well"
done <<<"$(sed -n '1p;$p' <<<"$gos" | sort -u)"
done_testing
