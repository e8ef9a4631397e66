#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The daemon's own censuses: how many goroutines do what, the line that forgets goroutines, recursion and open-coded defers that no probe sees,
# and the truth where the kernel's map of goroutines is too small.
. "$(dirname "$0")/../lib/live.sh"
need_gos

printf 'census: { interval: 1s, budget_percent: 50 }\ndaemon: { budget_percent: 0 }\n' >"$tmp/fast.yml"
printf 'census: { interval: 1s, budget_percent: 50 }\ndaemon: { budget_percent: 0 }\nlimits: { goroutines: 64 }\n' >"$tmp/small.yml"
goroutines() { curl -sf -m 5 "$url/api/v1/goroutines?pid=$program"; }
counted() { [ "$(target goroutine_count)" = "$1" ]; }
leak() { # FIELD: of the alert
	curl -sf "$url/api/v1/alerts" | jq -r --arg pid "$program" \
		'.data.alerts[] | select(.labels.alertname == "GoroutineLeak" and .labels.pid == $pid) | '"$1"
}
named() { [ "$(goroutines | jq .complete)" = true ]; }
verdict() { # FUNCTION: of the groups that stand in it
	goroutines | jq -r --arg f "$1" '[.groups[] | select(any(.stack[]; .function == $f)) | .leak.verdict] | unique | join(" ")'
}
verdict_is() { [ "$(verdict "$1")" = "$2" ]; }
depth_is() { target_is defer_depth_max "$1"; }
program_ends() {
	exec 7>&-
	kill "$program"
	wait "$program" 2>/dev/null
}

leaks() { # the line is named; what works, waits for work, or has filled its pool, is not
	start_program crowd "$fixtures/crowd.stripped" -parked 3000 -busy 200 -leak 500ms -pool 12 -recursion 20 -contenders 24
	start_daemon --config.file="$tmp/fast.yml"
	wait_until 10 attached "$program"
	ok $? "$version: attached"
	go_on
	wait_until 10 has_truth crowd
	wait_until 10 counted "$(truth crowd goroutines)"
	ok $? "$version: as many goroutines as its runtime says"
	is "$(metric "deferd_goroutine_leaks{service=\"${my}crowd.stripped\"}")" 0 "$version: no goroutine leak at the start"
	go_on
	wait_until 10 depth_is 180
	ok $? "$version: 180 pending defers of a recursion, which no probe saw"
	is "$(target exact)" true "$version: the depth of the deepest goroutine is exact"
	wait_until 60 firing "${my}crowd.stripped" GoroutineLeak
	ok $? "$version: the leak is told"
	is "$(leak '"\(.reason) \(.site.function) \(.created_by.function)"')" "chan send main.forgets main.leaks" "$version: the leak alert names reason, line and creator"
	wait_until 10 named
	is "$(verdict main.forgets)" leaking "$version: the verdict of the line that forgets goroutines"
	wait_until 60 verdict_is main.pools steady
	ok $? "$version: a pool that is full does not"
	is "$(verdict main.parks)" steady "$version: goroutines that wait for work do not leak"
	is "$(metric "deferd_goroutine_leaks{service=\"${my}crowd.stripped\"}")" 1 "$version: the metric counts one place that leaks"
	wait_until 30 firing "${my}crowd.stripped" LockPileUp
	ok $? "$version: a mutex that nobody gives back is told"
	is "$(metric "deferd_lock_waiters_max{service=\"${my}crowd.stripped\"}")" 23 "$version: 23 wait for it"
	"$DEFERD" locks --control.socket="$tmp/deferd.sock" "$program" >"$tmp/out" 2>&1
	is "$? $(sed -n 's/^mutex 0x[0-9a-f]*: \([0-9]*\) wait, .*: \(locked\),.*/\1 \2/p' "$tmp/out")" "0 23 locked" \
		"$version: deferd locks names the mutex"
	"$DEFERD" locks --control.socket="$tmp/deferd.sock" --json "$program" >"$tmp/locks.json" 2>&1
	is "$(jq -c '[.locks[0].holders[] | .hint, .site.function]' "$tmp/locks.json")" '["unlock","main.contends"]' \
		"$version: deferd locks names the goroutine that is to unlock it"
	is "$(jq -c '.locks[0].history | [.[0].waiting <= .[-1].waiting, .[-1].waiting, (map(.age_seconds) | . == (sort | reverse))]' "$tmp/locks.json")" \
		'[true,23,true]' "$version: and how many waited before"
	"$DEFERD" goroutines --control.socket="$tmp/deferd.sock" "$program" >"$tmp/out" 2>&1
	ok $? "$version: the daemon's census as text"
	is "$(sed -n '1s/.*read in .* ms, by the daemon, .* s ago$/told/p; 4s/.*grows like a leak: .* more an hour (.*).*/told/p' "$tmp/out" | tr '\n' ' ')" \
		"told told " "$version: deferd goroutines begins with what leaks"
	grep -q 'created by main.leaks ' "$tmp/out"
	ok $? "$version: deferd goroutines names the creator"
	is "$(metric deferd_census_failures_total)" 0 "$version: no census failed"
	is "$(metric "deferd_goroutines{service=\"${my}crowd.stripped\",state=\"leaked\"}")" 0 "$version: the runtime has proved nothing"
	"$DEFERD" doctor --json >"$tmp/doctor.json" 2>&1
	is "$(jq -c --argjson pid "$program" '.targets[] | select(.pid == $pid) | .no_census' "$tmp/doctor.json")" '""' \
		"$version: doctor has nothing against a census"
	stop_daemon
	program_ends
}

opens() { # no probe can see one of them, and there is no record
	start_program crowd "$fixtures/crowd.stripped" -opens 100
	start_daemon --config.file="$tmp/fast.yml"
	wait_until 10 attached "$program"
	go_on
	go_on
	wait_until 10 depth_is 200
	ok $? "$version: 200 pending defers that are open-coded"
	is "$(target exact)" true "$version: the depth of the deepest goroutine is exact"
	wait_until 10 firing "${my}crowd.stripped" DeferPileUp
	ok $? "$version: an alert about open-coded defers"
	alert_of_opens() {
		curl -sf "$url/api/v1/alerts" |
			jq -r '.data.alerts[] | select(.labels.alertname == "DeferPileUp") | "\(.value) \(.exact) \(.site.function)"'
	}
	named() { [ "$(alert_of_opens)" = "200 true main.opens" ]; }
	wait_until 10 named # it does not wait for ever for the name of its line
	is "$(alert_of_opens)" "200 true main.opens" "$version: the alert names the function of the open-coded defers"
	stop_daemon
	program_ends
}

small_map() { # goroutines for which there is no room in the kernel's map
	start_program crowd "$fixtures/crowd.stripped" -piles 300 -pile 500
	start_daemon --config.file="$tmp/small.yml"
	wait_until 10 attached "$program"
	go_on
	go_on
	wait_until 10 depth_is 40
	ok $? "$version: 300 goroutines of 40 defers"
	wait_until 10 target_is exact true
	[ "$(metric 'deferd_events_dropped_total{reason="goroutine_map_full"}')" -gt 0 ]
	ok $? "$version: more than the map has room for"
	go_on
	wait_until 10 depth_is 500
	ok $? "$version: a goroutine of 500 defers that the map never knew"
	wait_until 10 target_is exact true
	ok $? "$version: a census makes all depths exact"
	stop_daemon
	program_ends
}

answers_is() { # STATUS QUERY NAME
	is "$(curl -s -o "$tmp/out" -w '%{http_code}' "$url/api/v1/goroutines$2")" "$1" "$3"
}
while read -r version go; do
	build_fixtures "$version" "$go" stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	leaks
	opens
	small_map
done <<<"$(sed -n '1p;$p' <<<"$gos" | sort -u)"

start_daemon
answers_is 400 "" "a census of nobody"
answers_is 400 "?pid=x" "a census of no number"
answers_is 404 "?pid=4194305" "a census of no process"
"$DEFERD" goroutines --control.socket="$tmp/deferd.sock" $$ >"$tmp/out" 2>&1
is "$? $(grep -c 'Go program' "$tmp/out")" "1 1" "one that the daemon does not observe is looked at without it"
stop_daemon
ok $? "the daemon ends well"
done_testing
