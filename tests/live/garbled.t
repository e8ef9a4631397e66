#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Programs whose function table lies: the list of goroutines is found in their data then, and all is as true as ever.
. "$(dirname "$0")/../lib/live.sh"
need_gos

garble() { # NAME: in the function table of the program, all that begin with it begin with another letter
	perl -0777 -pe "s/\\0r(?=\\Q${1#r}\\E)/\\0R/g" "$fixtures/parked.stripped" >"$tmp/${my}parked"
	chmod +x "$tmp/${my}parked"
	! cmp -s "$tmp/${my}parked" "$fixtures/parked.stripped"
}
check() { # SYSTEM: whether the goroutines of the runtime can be told apart
	start_program parked "$tmp/${my}parked" -dump "$tmp/parked.dump"
	go_on
	wait_until 30 has_truth parked
	"$DEFERD" goroutines --alone --json "$program" >"$tmp/census.json" 2>"$tmp/census.err"
	ok $? "$version, $name: a census"
	jq --argjson n "$1" '.goroutines - (if $n then .system else 0 end)' "$tmp/census.json" >"$tmp/n"
	if [ "$1" = true ]; then
		is "$(cat "$tmp/n")" "$(truth parked goroutines)" "$version, $name: as many as there are"
	else
		[ "$(cat "$tmp/n")" -ge "$(truth parked goroutines)" ]
		ok $? "$version, $name: all, and those of the runtime"
	fi
	is "$(jq -c '[.groups[] | select(.start.function == "main.opensAmong") | .goroutines[] | .depth, .depth_exact] | unique' "$tmp/census.json")" \
		'[true,5]' "$version, $name: with their defers"
	start_daemon
	wait_until 10 target_is pid "$program"
	wait_until 10 grep -q 'found in its data' "$tmp/deferd.log"
	ok $? "$version, $name: the daemon says where it found them"
	stop_daemon
	go_on
	exec 7>&-
	wait "$program"
}

while read -r version go; do
	build_fixtures "$version" "$go" stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	for name in runtime.forEachGRace runtime.allgadd runtime.forEachG runtime.; do
		garble "$name" || { ok 1 "$version: $name is not in it"; continue; }
		[ "$name" = runtime. ] && check false || check true
	done
done <<<"$(sed -n '1p;$p' <<<"$gos" | sort -u)"
done_testing
