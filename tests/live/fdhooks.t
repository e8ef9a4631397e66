#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# vm: 6.12
# Opens, closes and bad closes of a process equal its own count, by every kind of hook that this kernel has.
. "$(dirname "$0")/../lib/live.sh"
need_root
build_fixtures c - || skip_all "the fixtures cannot be built: $(tail -1 "$tmp/build.log")"
"$DEFERD" doctor --no-targets --json >"$tmp/doctor.json"
has() { jq -e --arg f "$1" 'any(.features[]; .feature == $f and .have)' "$tmp/doctor.json" >/dev/null; }

# The trace counts what it prints, whoever tells it: a line a call.
start_program fdchurn "$fixtures/fdchurn" --rounds 20 --leak 7 --ebadf 5 --calls-only
"$DEFERD" trace --json "$program" >"$tmp/trace.out" 2>"$tmp/trace.err" &
tracer=$!
live_pids+=($tracer)
wait_until 30 grep -q '"target"' "$tmp/trace.out"
ok $? "trace: attached"
go_on
wait_until 30 has_truth fdchurn
go_on
exec 7>&-
wait "$program"
wait_until 30 grep -q 'ended' "$tmp/trace.err"
wait "$tracer"
ok $? "trace: the trace ends with the program"
# By system calls, a pipe or socket pair is one line that opens two, and has no number of its own.
read -r opened closed bad < <(jq -rs '
	([.[] | select(.event == "open" and .result >= 0) | if .fd < 0 then 2 else 1 end] | add | tostring) + " " +
	([.[] | select(.event == "close" and .result == 0)] | length | tostring) + " " +
	([.[] | select(.event == "close" and .result == -9)] | length | tostring)' "$tmp/trace.out")
learn fdchurn
is "$opened" "${said[opened]}" "trace: opened"
is "$((closed + said[replaced]))" "${said[closed]}" "trace: closed"
is "$bad" "${said[ebadf_closes]}" "trace: closes of what was not open"

# Counts are of all ways: those by functions see what is no system call for each descriptor, too.
# Where a program is observed from its exec on, its loader's are among them: what is compared is what came since it was ready.
fd_counts() { target '| "\(.fd_opened) \(.fd_closed)"'; }
settled() { # whether looks see the same for longer than an interval of the daemon
	local now
	now=$(fd_counts)
	[ "$now" = "$loaded" ] || { loaded=$now since_ms=$(now_ms); return 1; }
	[ $(($(now_ms) - since_ms)) -ge 600 ]
}
observe() { # NAME OPTIONS...: sets loaded
	start_program "$1" "$fixtures/${2:-$1}" "${@:3}"
	wait_until 20 grep -q ready "$tmp/$1.out"
	wait_until 20 attached "$program"
	loaded=
	wait_until 20 settled
}
counts_are() { # OPENED CLOSED
	[ "$(fd_counts)" = "$((${loaded% *} + $1)) $((${loaded#* } + $2))" ]
}
printf 'daemon: { budget_percent: 0 }\n' >"$tmp/free.yml" # a slow machine looks as often as a fast one
rounds=${ROUNDS:-50} storm_rounds=${STORM_ROUNDS:-20}
[ -z "${DEFERD_VM-}" ] || rounds=20 storm_rounds=5 # emulated: the same by a tenth of the speed
grew_by() { [ "$(target '| .fd_opened - .fd_closed')" = $((${loaded% *} - ${loaded#* } + $1)) ]; }
listed() { "$DEFERD" fds --json --control.socket="$tmp/deferd.sock" "$program" | jq '.[0].open_fds'; }
kinds='fentry kprobe tracepoint'
[ -z "${DEFERD_VM-}" ] || kinds='fentry kprobe' # tracepoints are tested where no machine is emulated, half a minute's start each
for kind in $kinds; do
	if ! has $kind; then
		skip "$kind" "$(jq -r --arg f $kind '.features[] | select(.feature == $f) | .why' "$tmp/doctor.json")"
		continue
	fi
	calls=()
	[ $kind != tracepoint ] || calls=(--calls-only)
	start_daemon -c "$tmp/free.yml" --fd-hooks=$kind
	observe fdchurn fdchurn --rounds "$rounds" --leak 7 --ebadf 5 --strays 3 "${calls[@]}"
	go_on
	wait_until "${ROUNDS_SECONDS:-30}" has_truth fdchurn
	learn fdchurn
	closed=${said[closed]}
	[ $kind != tracepoint ] || closed=$((closed - said[replaced]))
	wait_until 10 counts_are "${said[opened]}" "$closed"
	ok $? "$kind: counted as the program did: ${said[opened]} opened, $closed closed"
	target_is fd_bad_closes "${said[ebadf_closes]}"
	ok $? "$kind: counted as closed twice: $(target fd_bad_closes), not the ${said[strays]} closes of what it never had"
	wait_until 30 target_is fd_bad_close_site.function close_twice
	ok $? "$kind: the line that closed what was not open"
	wait_until 10 firing "${my}fdchurn" DoubleClose
	ok $? "$kind: an alert says so"
	go_on
	exec 7>&-
	wait "$program"
	# Who closes -1 and sweeps through all numbers, twice in each direction, closes nothing twice.
	observe fdstrays fdchurn --rounds "$rounds" --strays 2 "${calls[@]}"
	go_on
	wait_until "${ROUNDS_SECONDS:-30}" has_truth fdstrays
	learn fdstrays
	closed=${said[closed]}
	[ $kind != tracepoint ] || closed=$((closed - said[replaced]))
	wait_until 10 counts_are "${said[opened]}" "$closed"
	ok $? "$kind: counted as the program did: ${said[opened]} opened, $closed closed, none of them a stray close"
	is "$(target fd_bad_closes)" 0 "$kind: of ${said[strays]} closes of what was not open none was a second one"
	go_on
	exec 7>&-
	wait "$program"
	# 64 threads at once: what the hooks counted, what the kernel lists, and what the program says.
	observe fdstorm fdstorm --rounds "$storm_rounds" "${calls[@]}"
	before=$(listed)
	go_on
	wait_until "${STORM_SECONDS:-120}" has_truth fdstorm
	learn fdstorm
	more=${said[more]}
	wait_until 20 grew_by "$more"
	ok $? "$kind: of ${said[made]} descriptors by 64 threads $more are left, as counted"
	note "$kind: $(target '| "\(.fd_opened) opened, \(.fd_closed) closed"')"
	is "$(($(listed) - before))" "$more" "$kind: the kernel lists as many as the hooks counted"
	go_on
	exec 7>&-
	wait "$program"
	stop_daemon
done
done_testing
