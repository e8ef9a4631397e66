#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# memory.sh [GO]...: record anew the memory of tests/fixtures/parked, for each of these Gos, into tests/golden/memory/: what a
# census reads of it (goMINOR.img, see tests/lib/memimage.h), and what it has to find there (goMINOR.txt): the names of its
# addresses, the program's own account of its goroutines, how many defers and panics those of a function have, and what they wait for. Needs root.
. "$(dirname "$0")/../lib/live.sh"
need_root
export DEFERD_GO="$*"
mkdir -p tests/golden/memory
while read -r version go; do
	build_fixtures "$version" "$go" stripped
	minor=$(cut -d. -f2 <<<"${version#go}")
	start_program parked "$fixtures/parked.stripped" -n 1 -frames 100 -dump "$tmp/parked.dump"
	go_on
	wait_until 30 has_truth parked
	"$BUILD/tests/live/record" "$program" "$fixtures/parked.stripped" "tests/golden/memory/go1.$minor.img" >"$tmp/names"
	ok $? "$version"
	{
		sed 's/^/name /' "$tmp/names"
		awk -f tests/lib/stacks.awk "$tmp/parked.dump" | sort -n | grep -Ev '^1\||gate\.New' | sed 's/^/told /'
		for what in pending panics; do
			jq -r --arg what $what '.[$what] | to_entries[] | "\($what) \(.key) \(.value)"' <(tail -1 "$tmp/parked.out")
		done
		# The order of waits() in the program; a lock is waited for by one of its words.
		while read -r function index offset; do
			echo "object main.$function $(($(truth parked "waits[$index].address") + offset))"
		done <<<$'locks 0 4\nlocksShared 1 8\nreadsHeld 2 12\nwaitsForGroup 3 8\nwaitsForCond 4 16\nreceives 5 0\nsends 6 0'
	} >"tests/golden/memory/go1.$minor.txt"
	go_on
	exec 7>&-
	wait "$program"
done < <(list_gos)
done_testing
