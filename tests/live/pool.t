#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A pool of connections that is too small is told from a leak: ever more wait, the connections are as many as before, and are given
# back. A pool that is large enough, and one whose connections are kept, are not said to be too small.
. "$(dirname "$0")/../lib/live.sh"
need_root
gos=$(list_gos)
[ -n "$gos" ] || skip_all "no Go here to build the program with"
printf 'census: { interval: 1s }\ndaemon: { budget_percent: 0 }\n' >"$tmp/fast.yml"

line_of() { grep -n "$1" tests/fixtures/poolwait/main.go | cut -d: -f1; }
observe() { # NAME OPTIONS...: a copy of the fixture, as a service of that name
	cp "$fixtures/poolwait.stripped" "$tmp/$my$1"
	start_beside "$1" "$tmp/$my$1" "${@:2}"
	wait_until 20 attached "$program" || note "$1 is not observed"
}
short() { [ "$(target pool "$1")" != null ]; }
steady() { [ "$(target 'fd_groups | map(select(.port)) | [.[].leak.verdict] | unique | join(" ")' "$1")" = steady ]; }
# 20 a second ask, 4 are served, so that 16 more wait each second: 57,600 an hour.
near() { awk -v v="$1" -v w="$2" 'BEGIN { exit !(v > w * 0.9 && v < w * 1.1) }'; }

while read -r version go; do
	build_fixtures "$version" "$go" stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	start_daemon -c "$tmp/fast.yml"
	observe narrow -max 4 && narrow=$program
	observe wide -max 40 && wide=$program
	observe kept -max 4 -keep && kept=$program
	for name in narrow wide kept; do echo >"$tmp/$name.gate"; done
	wait_until 60 short "$narrow"
	ok $? "$version: the narrow pool is too small"
	target pool "$narrow" >"$tmp/pool.json"
	echo >"$tmp/narrow.gate"
	wait_until 5 has_truth narrow
	is "$(jq -r '"\(.open) \(.what)"' "$tmp/pool.json")" "$(truth narrow open) connections to port $(truth narrow port)" "$version: the pool and its port"
	near "$(jq .per_hour "$tmp/pool.json")" 57600
	ok $? "$version: by so many more wait: $(jq .per_hour "$tmp/pool.json") an hour, of 57600"
	waiting=$(jq .waiting "$tmp/pool.json")
	# The program was asked later, at the next line, than it was looked at.
	[ "$waiting" -ge 8 ] && [ "$waiting" -le "$(truth narrow waiting)" ]
	ok $? "$version: so many wait: $waiting, then $(truth narrow waiting)"
	is "$(jq -r '.site | "\(.function) \(.line)"' "$tmp/pool.json")" "main.checkout $(line_of 'db.Conn(context')" "$version: the line that waits for the pool"
	wait_until 20 steady "$narrow"
	ok $? "$version: a full pool does not leak"
	wait_until 10 firing "${my}narrow" PoolTooSmall
	ok $? "$version: an alert says so"
	is "$(curl -sf "$url/api/v1/alerts" | jq -r '.data.alerts[] | select(.labels.alertname == "PoolTooSmall").annotations.summary' | sed 's/[0-9]* goroutines/N goroutines/')" \
		"${my}narrow (pid $narrow): the pool is too small: N goroutines wait for one of 4 connections to port $(truth narrow port), most in main.checkout at $(jq -r '.site.file' "$tmp/pool.json"):$(line_of 'db.Conn(context')" \
		"$version: the alert's summary in words"
	"$DEFERD" fds --control.socket="$tmp/deferd.sock" "$narrow" | grep -q 'the pool is too small: [0-9]* goroutines wait for one of 4 connections to port'
	ok $? "$version: deferd fds, too"
	[ "$(metric "deferd_pool_waiters{service=\"${my}narrow\"}")" -ge "$waiting" ]
	ok $? "$version: a metric counts the waiters"
	is "$(target pool "$wide") $(target pool "$kept")" "null null" "$version: one that is large enough, and one whose connections are kept, are not"
	is "$(curl -sf "$url/api/v1/alerts" | jq '[.data.alerts[] | select(.labels.alertname == "PoolTooSmall")] | length')" 1 "$version: only the narrow pool raises an alert"
	for name in narrow wide kept; do kill "${!name}"; done
	stop_daemon
	is $? 0 "$version: the daemon ends well"
done <<<"$(sed -n '1p;$p' <<<"$gos" | sort -u)"
done_testing
