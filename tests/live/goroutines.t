#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# All goroutines of a process, read from outside: ids, wait reasons, creation sites, parents, stacks, pending defers and panics are
# what its own runtime says. Stripped and position independent builds of every Go that is here; race, cgo (pie-external) and
# without optimisation for the oldest and the newest, or with DEFERD_MATRIX=all for every one.
# early: five ways to build its program
. "$(dirname "$0")/../lib/live.sh"
need_root
gos=$(list_gos)
first_go=$(head -1 <<<"$gos")
[ -n "$gos" ] || skip_all "no Go here to build the program with"
skip_absent_gos

census() { "$DEFERD" goroutines --alone "$@" "$program"; }
depth_of() { # FUNCTION: pending defers of those that began in it; what is not exact is none
	jq --arg f "$1" '[.groups[] | select(.start.function == $f) | .goroutines[] | if .depth_exact then .depth else null end] |
		unique | .[]' "$tmp/census.json"
}
panics_of() { # FUNCTION: panics of those that came through it, and whether they are in Goexit
	jq -c --arg f "$1" '[.groups[] | select(any(.stack[]; .function == $f)) | .goroutines[] | [.panics, .goexit]] | unique | .[]' \
		"$tmp/census.json"
}
check_profile() { # in the eyes of the pprof of the first Go that is here
	census --pprof="$tmp/parked.pb.gz" >"$tmp/out" 2>&1
	is "$? $(cat "$tmp/out")" "0 " "$version: a profile is written"
	GOTOOLCHAIN=local "${first_go#* }" tool pprof -raw "$tmp/parked.pb.gz" >"$tmp/raw" 2>"$tmp/raw.err" || cat "$tmp/raw.err"
	is "$(sed -n '/^Samples:/,/^Locations/p' "$tmp/raw" | awk -F: '/^ *[0-9]+:/ { n += $1 } END { print n }')" \
		"$(jq '.goroutines - .system' "$tmp/census.json")" "$version: and counts all that are the program's"
	is "$(grep -cE ' main\.(receives|inlined) ' "$tmp/raw")" 2 "$version: with its lines, the inlined one, too"
	census --pprof=/nonexistent/x >"$tmp/out" 2>&1
	is "$? $(grep -c '/nonexistent/x: No such file' "$tmp/out")" "1 1" "$version: where it cannot be written is said"
}
while read -r version go; do
	variants=stripped
	if is_sample "$version" "$go"; then variants='stripped pie pie-external race noopt'; fi
	for variant in $variants; do
		build_fixtures "$version" "$go" "$variant" ||
			{ ok 1 "$version, $variant: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
		start_program parked "$fixtures/parked.$variant" -dump "$tmp/parked.dump"
		go_on
		wait_until 30 has_truth parked
		census --json >"$tmp/census.json" 2>"$tmp/census.err"
		ok $? "$version, $variant: a census"
		# The first one writes the account, and the gate's have just opened it.
		jq -r -f tests/lib/stacks.jq "$tmp/census.json" | sort -n | grep -Ev '^1\||gate\.New' >"$tmp/seen"
		awk -f tests/lib/stacks.awk "$tmp/parked.dump" | sort -n | grep -v 'gate\.New' >"$tmp/told"
		is "$(diff "$tmp/told" "$tmp/seen" | head -10)" "" "$version, $variant: $(wc -l <"$tmp/told") goroutines"
		[ "$(wc -l <"$tmp/told")" -ge 40 ]
		ok $? "$version, $variant: there are many"
		is "$(jq '.goroutines - .system' "$tmp/census.json")" "$(truth parked goroutines)" "$version, $variant: how many"
		is "$(jq '.unreadable + .left_out' "$tmp/census.json")" 0 "$version, $variant: nothing is left out"
		for function in main.defersThree main.defersMany main.opensSome main.opensAmong main.opensDeep main.opensRest; do
			is "$(depth_of $function)" "$(truth parked "pending[\"$function\"]")" "$version, $variant: pending in $function"
		done
		for function in main.receives main.faults main.panicsTwice main.recovers main.exits; do
			[ $function = main.exits ] && goexit=true || goexit=false
			is "$(panics_of $function)" "[$(truth parked "panics[\"$function\"]"),$goexit]" "$version, $variant: panics in $function"
		done
		is "$(census --all --folded | awk '{ n += $NF } END { print n }')" "$(jq .goroutines "$tmp/census.json")" \
			"$version, $variant: folded stacks count all"
		[ $variant = stripped ] && check_profile
		go_on
		exec 7>&-
		wait "$program"
		ok $? "$version, $variant: the program ends well"
	done
done <<<"$gos"

build_fixtures c - default
start_program cpile "$fixtures/cpile"
census >"$tmp/out" 2>&1
is "$?" 1 "a C program has no goroutines"
grep -q 'Go program' "$tmp/out"
ok $? "the message names a Go program"
exec 7>&-
wait "$program"
census >"$tmp/out" 2>&1
is "$?" 1 "a process that is gone"
[ -s "$tmp/out" ]
ok $? "a process that is gone is named in a message"
"$DEFERD" goroutines x >/dev/null 2>&1
is "$?" 2 "a word in place of a process number"
done_testing
