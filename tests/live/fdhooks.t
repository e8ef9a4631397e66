#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# vm: yes
# Opens, closes and bad closes of a process equal its own count, by every kind of hook that this kernel has.
. "$(dirname "$0")/../lib/live.sh"
need_root
build_fixtures c "" || skip_all "the fixtures cannot be built: $(tail -1 "$tmp/build.log")"
"$DEFERD" doctor --no-targets --json >"$tmp/doctor.json"
has() { jq -e --arg f "$1" 'any(.features[]; .feature == $f and .have)' "$tmp/doctor.json" >/dev/null; }

# The trace counts what it prints: one line a call of the two families.
for kind in kprobe tracepoint; do
	if ! has $kind; then
		skip "$kind" "$(jq -r --arg f $kind '.features[] | select(.feature == $f) | .why' "$tmp/doctor.json")"
		continue
	fi
	printf 'descriptors: { hooks: %s }\n' $kind >"$tmp/hooks.yml"
	start_program fdchurn "$fixtures/fdchurn" --rounds 20 --leak 7 --ebadf 5 --calls-only
	"$DEFERD" trace --json -c "$tmp/hooks.yml" "$program" >"$tmp/trace.out" 2>"$tmp/trace.err" &
	tracer=$!
	live_pids+=($tracer)
	wait_until 30 grep -q '"target"' "$tmp/trace.out"
	ok $? "$kind: attached"
	go_on
	wait_until 30 has_truth fdchurn
	go_on
	exec 7>&-
	wait "$program"
	wait_until 30 grep -q 'ended' "$tmp/trace.err"
	wait "$tracer"
	ok $? "$kind: the trace ends with the program"
	# A pipe or socket pair is one call that opens two: its line has no number of its own.
	opened=$(jq -s '[.[] | select(.event == "open" and .result >= 0) | if .fd < 0 then 2 else 1 end] | add' "$tmp/trace.out")
	closed=$(jq -s '[.[] | select(.event == "close" and .result == 0)] | length' "$tmp/trace.out")
	bad=$(jq -s '[.[] | select(.event == "close" and .result == -9)] | length' "$tmp/trace.out")
	is "$opened" "$(truth fdchurn opened)" "$kind: opened"
	is "$((closed + $(truth fdchurn replaced)))" "$(truth fdchurn closed)" "$kind: closed"
	is "$bad" "$(truth fdchurn ebadf_closes)" "$kind: closes of what was not open"
done
done_testing
