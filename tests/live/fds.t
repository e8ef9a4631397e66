#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# vm: 6.1
# Descriptors as the kernel's iterator tells them: of a process that knows its own, by kind, port and state; of all processes
# of this host, as /proc counts them; and over time.
. "$(dirname "$0")/../lib/live.sh"
need_root
fds() { "$DEFERD" fds "$@" 2>"$tmp/err"; }

start_program zoo "$BUILD/tests/live/fdzoo" 100
wait_until 10 has_truth zoo
fds --json "$program" >"$tmp/zoo.json"
is "$(cat "$tmp/err")" "" "the kernel has the iterator"
# Its standard input, output and error are a pipe and two files.
known() { jq -cS ".kinds | .pipe -= ${1-0} | .file -= ${2-0}"; }
is "$(jq '.[0]' "$tmp/zoo.json" | known 1 2)" "$(sed -n '/^{/p' "$tmp/zoo.out" | known)" "each kind, of which two threads share all"
is "$(jq '.[0].open_fds' "$tmp/zoo.json")" "$(ls "/proc/$program/fd" | wc -l)" "the iterator and /proc count as many descriptors"
port=$(truth zoo port)
connection() { # DIRECTION STATE PORT
	jq --arg d "$1" --arg s "$2" --argjson p "$3" '[.[0].connections[] | select(.direction == $d and .state == $s and .port == $p).count] | add // 0' "$tmp/zoo.json"
}
is "$(connection in listen "$port") $(connection in established "$port") $(connection in close_wait "$port") $(connection out established "$port")" \
	"1 4 1 4" "connections by direction, state and port"
fds "$program" >"$tmp/zoo.txt"
grep -q "1 inet at its port $port, close_wait" "$tmp/zoo.txt"
ok $? "as text: who was left behind by its peer"

# Every process: those that have as many before and after.
count() {
	local pid
	local -a fds
	for pid in /proc/[0-9]*; do
		fds=("$pid"/fd/*)
		[ ! -h "${fds[0]}" ] || echo "${pid#/proc/} ${#fds[@]}"
	done
}
wrong() {
	count >"$tmp/before"
	fds --json | jq -r '.[] | "\(.pid) \(.open_fds)"' >"$tmp/all"
	count >"$tmp/after"
	awk -v self=$$ -v sub_shell=$BASHPID 'FILENAME ~ /before/ { before[$1] = $2; next } FILENAME ~ /after/ { after[$1] = $2; next }
		{ told[$1] = $2 }
		END { delete before[self]; delete before[sub_shell]; for (p in before) if (after[p] == before[p] && told[p] != before[p]) print p, before[p], told[p] }' \
		"$tmp/before" "$tmp/after" "$tmp/all"
}
# One that opens and closes all the time may be caught in the middle more than once; one that is miscounted is so each time.
always_wrong() {
	local round
	wrong >"$tmp/always"
	for round in 1 2 3 4 5 6 7 8 9; do
		[ -s "$tmp/always" ] || return 0
		wrong >"$tmp/wrong"
		awk 'NR == FNR { again[$1]; next } $1 in again' "$tmp/wrong" "$tmp/always" >"$tmp/still"
		mv "$tmp/still" "$tmp/always"
	done
	cat "$tmp/always"
}
is "$(always_wrong)" "" "all $(wc -l <"$tmp/all") processes of the host: as many as in /proc"
fds >"$tmp/table"
grep -q "^ *$program fdzoo .* [0-9]* file" "$tmp/table"
ok $? "the table has it"

# Over time
go_on
fds --csv --interval 1 --duration 9 "$program" >"$tmp/csv"
[ "$(grep -cE '^[0-9]{10},[0-9]+$' "$tmp/csv")" = 10 ]
ok $? "a line a second"
slope=$(sed -n 's/^# slope: +\([0-9.]*\) per minute.*/\1/p' "$tmp/csv")
first=$(sed -n 1p "$tmp/csv" | cut -d, -f2) last=$(sed -n 10p "$tmp/csv" | cut -d, -f2)
awk -v s="$slope" -v gain=$((last - first)) 'BEGIN { exit !(gain > 0 && s > gain * 6 && s < gain * 7.5) }'
ok $? "the slope is that of the lines: $slope per minute, $((last - first)) in 9 s"
echo >&7
wait "$program"
exec 7>&-

# What cannot be
fds 999999999 >/dev/null
is "$? $(cat "$tmp/err")" "1 deferd fds: no process or service '999999999' is known here" "a process that is not there"
fds --csv >/dev/null
is "$? $(cat "$tmp/err")" "2 deferd fds: --csv samples one process: give its number" "csv of nobody"
if as_nobody; then
	"${nobody[@]}" fds >"$tmp/out" 2>"$tmp/err"
	grep -q 'reading /proc, which shows no address family' "$tmp/err"
	ok $? "without privilege it reads what /proc lets it, and says so"
else
	skip "without privilege" "$why"
fi
done_testing
