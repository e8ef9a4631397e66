#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A pool of connections that is too small is told from a leak: ever more wait, the connections are as many as before, and are given
# back. A pool that is large enough, and one whose connections are kept, are not said to be too small.
# A pool that is used up is told, with who holds its connections: kept by nobody that is seen, or in a call that gets no answer.
. "$(dirname "$0")/../lib/live.sh"
need_gos
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

alerts() { # RULE FIELD
	curl -sf "$url/api/v1/alerts" | jq -r --arg rule "$1" '.data.alerts[] | select(.labels.alertname == $rule) | '"$2"
}
used_up() { # NAME HOLDERS: what its alert says of who holds its connections
	wait_until 60 firing "$my$1" PoolExhausted
	ok $? "$version: $1: the pool is used up"
	summary=$(alerts PoolExhausted ". | select(.labels.pid == \"${!1}\").annotations.summary")
	is "$(sed "s/[0-9][0-9]* s\b/N s/g; s#at /[^ ]*/main.go#at FILE#g; s#at [^ ]*/main.go#at FILE#g; s/: [0-9]* goroutines wait/: N goroutines wait/" <<<"$summary")" \
		"$my$1 (pid ${!1}): the pool is used up: N goroutines wait for one of 4 connections to port $(target 'fd_groups | map(select(.direction == "out"))[0].port' "${!1}"), which have not moved for N s, most in main.checkout at FILE:$(line_of 'db.Conn(ctx'); $2" \
		"$version: $1: who waits, and who holds them"
	is "$(alerts PoolExhausted ". | select(.labels.pid == \"${!1}\").labels.severity")" page "$version: $1: somebody is woken"
}

while read -r version go; do
	build_fixtures "$version" "$go" stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	start_daemon -c "$tmp/fast.yml"
	observe narrow -max 4 && narrow=$program
	observe wide -max 40 && wide=$program
	observe kept -max 4 -keep && kept=$program
	observe busy -max 4 -talk -hold 100ms -every 30ms -timeout 300ms && busy=$program
	observe taken -max 4 -talk -keep -timeout 300ms && taken=$program
	observe hangs -max 4 -talk -answers 20 -hold 10ms -timeout 300ms && hangs=$program
	for name in narrow wide kept busy taken hangs; do echo >"$tmp/$name.gate"; done
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
	is "$(jq -r '.site | "\(.function) \(.line)"' "$tmp/pool.json")" "main.checkout $(line_of 'db.Conn(ctx')" "$version: the line that waits for the pool"
	wait_until 20 steady "$narrow"
	ok $? "$version: a full pool does not leak"
	wait_until 10 firing "${my}narrow" PoolTooSmall
	ok $? "$version: an alert says so"
	is "$(curl -sf "$url/api/v1/alerts" | jq -r '.data.alerts[] | select(.labels.alertname == "PoolTooSmall").annotations.summary' | sed 's/[0-9]* goroutines/N goroutines/')" \
		"${my}narrow (pid $narrow): the pool is too small: N goroutines wait for one of 4 connections to port $(truth narrow port), most in main.checkout at $(jq -r '.site.file' "$tmp/pool.json"):$(line_of 'db.Conn(ctx')" \
		"$version: the alert's summary in words"
	"$DEFERD" fds --control.socket="$tmp/deferd.sock" "$narrow" | grep -q 'the pool is too small: [0-9]* goroutines wait for one of 4 connections to port'
	ok $? "$version: deferd fds, too"
	[ "$(metric "deferd_pool_waiters{service=\"${my}narrow\"}")" -ge "$waiting" ]
	ok $? "$version: a metric counts the waiters"
	is "$(target pool "$wide") $(target pool "$kept")" "null null" "$version: one that is large enough, and one whose connections are kept, are not"
	is "$(curl -sf "$url/api/v1/alerts" | jq '[.data.alerts[] | select(.labels.alertname == "PoolTooSmall")] | length')" 1 "$version: only the narrow pool raises an alert"
	used_up kept "no goroutine is in a call that uses one: they were taken and not given back"
	used_up taken "no goroutine is in a call that uses one: they were taken and not given back"
	used_up hangs "4 goroutines hold one for N s or longer, most in main.answered at FILE:$(line_of 'io.ReadFull(c')"
	is "$(alerts PoolExhausted .labels.service | sort | tr '\n' ' ')" "${my}hangs ${my}kept ${my}taken " "$version: no other pool is used up"
	is "$(metric "deferd_pool_exhausted_waiters{service=\"${my}busy\"}") $(metric "deferd_pool_exhausted_waiters{service=\"${my}narrow\"}")" "0 0" "$version: nor by the metric"
	for name in narrow wide kept busy taken hangs; do kill "${!name}"; done
	stop_daemon
	is $? 0 "$version: the daemon ends well"
done <<<"$(sed -n '1p;$p' <<<"$gos" | sort -u)"
done_testing
