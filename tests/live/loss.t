#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What is lost is counted, to the record: a trace that was stopped while its program filled the ring many times over.
# Shown, held back and lost records together are the pushes that the program made; and the counters were never in danger.
. "$(dirname "$0")/../lib/live.sh"
need_go

start_program pile "$fixtures/pile.stripped" -deep 0 -defers 400000
"$DEFERD" trace --json --lean --no-fds "$program" 7>&- >"$tmp/trace.out" 2>"$tmp/trace.err" &
tracer=$!
live_pids+=($tracer)
wait_until 20 grep -q '"target"' "$tmp/trace.out"
ok $? "the trace attaches"
kill -STOP $tracer
go_on
wait_until 60 has_truth pile
kill -CONT $tracer
go_on
exec 7>&-
wait "$program"
wait_until 30 grep -q ended "$tmp/trace.err"
wait $tracer
ok $? "the trace ends well"
shown=$(grep -cE '"event":"(push|crossing)"' "$tmp/trace.out")
pushes=$(grep -c '"event":"push"' "$tmp/trace.out")
lost=$(sed -n 's/.*"event":"lost","records":\([0-9]*\).*/\1/p' "$tmp/trace.out" | awk '{ n += $1 } END { print n + 0 }')
held=$(sed -n 's/.*: \([0-9]*\) events were not shown.*/\1/p' "$tmp/trace.err")
note "shown $shown (pushes $pushes), held back ${held:-0}, lost $lost"
total=$((shown + ${held:-0} + lost))
heap=$(truth pile registered_heap)
# Each crossing of the threshold is one record more than the push that made it.
[ $total -ge "$heap" ]
ok $? "no push is unaccounted for ($total records, $heap pushes)"
[ "$lost" -gt 0 ]
ok $? "the ring was too small for this program, as intended"
done_testing
