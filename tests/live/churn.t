#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Goroutines are made, push three, five (two of them open-coded) or seven defers, sleep for some milliseconds and end, 2,000 at a time, while the
# collector runs 20 times a second: of CHURN accepted ones, none has another depth.
. "$(dirname "$0")/../lib/live.sh"
need_gos
skip_absent_gos
wanted=${CHURN:-150000} # of each Go; 1,200,000 with all eight

total=0
while read -r version go; do
	build_fixtures "$version" "$go" stripped || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	start_program crowd "$fixtures/crowd.stripped" -churn 2000
	wait_until 30 grep -q ready "$tmp/crowd.out"
	timeout 300 "$BUILD/tests/live/churn" "$program" "$fixtures/crowd.stripped" "$wanted" >"$tmp/churn.json" 2>"$tmp/churn.err"
	ok $? "$version: $(cat "$tmp/churn.json" "$tmp/churn.err")"
	is "$(jq .wrong "$tmp/churn.json")" 0 "$version: none is wrong"
	total=$((total + $(jq .accepted "$tmp/churn.json")))
	exec 7>&-
	kill "$program"
	wait "$program" 2>/dev/null
done <<<"$gos"
[ $total -ge "$wanted" ]
ok $? "$total goroutines were judged"
done_testing
