#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Goroutines that wait for each other's locks for ever are told, with every edge of their ring and its line, however few they
# are; those that wait for one that sleeps, reads, or waits for a channel or a condition are not.
. "$(dirname "$0")/../lib/live.sh"
need_gos

printf 'census: { interval: 1s, budget_percent: 50 }\ndaemon: { budget_percent: 0 }\n' >"$tmp/fast.yml"
declare -A lines=([pair]=main.transfer [three]=main.transfer [reads]='main.(*store).count' [upgrades]='main.(*store).reset'
	[loops]='main.(*account).flush' [calls]='main.(*account).add' [once]=main.setUp)
modes=(pair three reads upgrades loops calls once)
alert() { # PID FIELDS: of its alert
	curl -sf "$url/api/v1/alerts" | jq -r --argjson pid "$1" \
		'.data.alerts[] | select(.labels.alertname == "Deadlock" and .labels.pid == "\($pid)") | '"$2"
}
locks() { "$DEFERD" locks --control.socket="$tmp/deferd.sock" "$1" >"$tmp/locks" 2>&1; }
# A lock that one goroutine waits for is shown after five seconds.
has_waited() { locks "$1" && grep -q '^[a-z]* 0x[0-9a-f]*: [0-9]* wait' "$tmp/locks"; }
told() { [ -n "$(alert "$1" .value)" ]; }
censuses() { metric deferd_censuses_total | cut -d. -f1; }
counted() { [ "$(censuses)" -ge "$1" ]; }

while read -r version go; do
	build_fixtures "$version" "$go" stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	declare -A pids=()
	start_daemon --config.file="$tmp/fast.yml"
	for mode in innocent "${modes[@]}"; do
		start_beside "stuck-$mode" "$fixtures/stuck.stripped" -mode "$mode"
		pids[$mode]=$program
		wait_until 10 grep -q ready "$tmp/stuck-$mode.out"
		echo >"$tmp/stuck-$mode.gate"
		wait_until 10 has_truth "stuck-$mode"
		ok $? "$version: $mode: it is in place"
	done
	for mode in "${modes[@]}"; do
		wait_until 30 told "${pids[$mode]}"
		is "$(alert "${pids[$mode]}" '"\(.value) \(.ring)"')" "$(truth "stuck-$mode" stuck) $(truth "stuck-$mode" ring)" \
			"$version: $mode: how many are stuck, and the ring"
		is "$(alert "${pids[$mode]}" '"\(.waits | split("; ") | length) \([.waits | scan("stuck[.]go:[0-9]+")] | length)"')" \
			"$(truth "stuck-$mode" ring) $(truth "stuck-$mode" ring)" "$version: $mode: each edge, with its line"
		alert "${pids[$mode]}" .waits | grep -qF " waits in ${lines[$mode]} at "
		ok $? "$version: $mode: the function that waits"
	done
	for mode in "${modes[@]}"; do
		wait_until 30 has_waited "${pids[$mode]}"
		is "$(sed -n 's/^deadlock: \([0-9]*\) goroutines will never run again; \([0-9]*\) of.*/\1 \2/p' "$tmp/locks")" \
			"$(truth "stuck-$mode" stuck) $(truth "stuck-$mode" ring)" "$version: $mode: deferd locks has the deadlock"
		is "$(grep -c '^    goroutine [0-9]* waits for .* of goroutine [0-9]* in .*stuck[.]go:[0-9]*$' "$tmp/locks")" \
			"$(truth "stuck-$mode" ring)" "$version: $mode: deferd locks has each edge"
		is "$(grep -c leftover "$tmp/locks")" 0 "$version: $mode: who is certain to have the lock is named, and no other"
	done
	wait_until 30 counted $(($(censuses) + 60))
	locks "${pids[innocent]}"
	is "$(grep -c ^deadlock "$tmp/locks")" 0 "$version: innocent: no deadlock in deferd locks"
	is "$(alert "${pids[innocent]}" .waits)" "" "$version: innocent: no alert"
	is "$(target deadlocked_goroutines "${pids[pair]}") $(target deadlocked_goroutines "${pids[innocent]}")" "2 0" \
		"$version: how many, in the API"
	stop_daemon
	for mode in innocent "${modes[@]}"; do
		kill "${pids[$mode]}"
		wait "${pids[$mode]}" 2>/dev/null
	done
done <<<"$(sed -n '1p;$p' <<<"$gos" | sort -u)"
done_testing
