#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The panic ledger: outcomes equal the program's own, in a storm, too; what a process died of is told when it is gone; a Go
# release that nobody knows is read by the newest layout, or says what is missing.
. "$(dirname "$0")/../lib/live.sh"
need_gos

outcomes() { target 'panics_by_outcome | "\(.recovered) \(.overridden) \(.repanicked) \(.goexit) \(.unknown)"'; }
wanted() { # NAME: the same, by the program's own account
	sed -n '/^{/p' "$tmp/$1.out" | tail -1 | jq -r '"\(.recovered) \(.overridden) \(.repanicked) \(.goexit_ends) 0"'
}
ledger() { "$DEFERD" panics --control.socket="$tmp/deferd.sock" "$@"; }
outcomes_are() { [ "$(outcomes)" = "$1" ]; }
twice() { # panics whose stack has a line twice at its top
	ledger --json --last=64 "$program" | jq '[.panics[].stack | select(length > 1 and .[0] == .[1])] | length'
}
in_library() {
	ledger --json --last=64 "$program" |
		jq -r '[.panics[] | select(.called_by) | "\(.site.function) \(.called_by.function)"] | unique | join(", ")'
}
library_is() { [ "$(in_library)" = "$1" ]; }
library='sync/atomic.(*Int64).Add main.recoverInLibrary'
looked_at() { [[ "$(target 'state + " " + .reason')" =~ ^(observed|limited)\ && ! $(target reason) =~ trying ]]; }
run_panics() { # NAME BINARY N [OPTIONS...]
	start_program "$1" "$2" -n "$3" "${@:4}"
	wait_until 30 looked_at
	go_on
	wait_until 120 has_truth "$1"
}
end_program() {
	go_on
	exec 7>&-
	wait "$program"
}

start_daemon
while read -r version go; do
	build_fixtures "$version" "$go" || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	for n in 3 500; do
		run_panics panics "$fixtures/panics.stripped" $n
		want=$(wanted panics)
		wait_until 15 outcomes_are "$want"
		is "$(outcomes)" "$want" "$version: outcomes of $n rounds"
		is "$(target panics_started)" "$(truth panics panics)" "$version: panics started"
		[ $n = 3 ] || { end_program; continue; }
		wait_until 10 library_is "$library"
		is "$(in_library)" "$library" "$version: a panic in the library, and whose"
		is "$(twice)" 0 "$version: no line twice at the top of a stack"
		end_program
	done
	# 8 goroutines that panic as fast as they can: counted to the unit, and so is what was left out.
	cp "$fixtures/panics.stripped" "$tmp/${my}storm.$version"
	run_panics storm "$tmp/${my}storm.$version" 10000 -storm 8
	note "$version: $(sed -n '/^{/p' "$tmp/storm.out" | jq -r '"\(.panics / .seconds | floor) panics/s"')"
	want=$(wanted storm)
	wait_until 15 outcomes_are "$want"
	is "$(outcomes)" "$want" "$version: outcomes of a storm"
	is "$(target panics_started)" "$(truth storm panics)" "$version: panics of a storm"
	untold=$(metric "deferd_panics_untold_total{service=\"${my}storm.$version\"}")
	[ "${untold:-0}" -gt 0 ]
	ok $? "$version: details left out of a storm are counted"
	told=$(ledger --json "$program" | jq '[.sites[].told] | add')
	is "$((untold + told))" "$(truth storm panics)" "$version: with details, or counted as without"
	end_program
done <<<"$gos"

ledger --last=3 --stacks "${my}panics.stripped" >"$tmp/panics.txt" 2>&1
ok $? "deferd panics"
grep -q 'main.goexitThenPanic' "$tmp/panics.txt"
ok $? "deferd panics shows the line of the program"

read -r version go <<<"$gos"
fixtures=$BUILD/fixtures/$version
start_program fatal "$fixtures/panics.stripped" -n 0 -fatal
wait_until 30 attached "$program"
go_on
go_on
exec 7>&-
wait "$program"
dead=$program
last_words() {
	ledger --json "$dead" | jq -r '.panics[0] | "\(.kind) \(.outcome) \(.type) \(.site.function)"'
}
words_are() { [ "$(last_words)" = "$1" ]; }
wait_until 10 words_are "panic fatal *main.stockError main.main"
is "$(last_words)" "panic fatal *main.stockError main.main" "the ledger keeps what a process died of"
wait_until 10 firing "${my}panics.stripped" ProcessDied
ok $? "an alert reports the death"

# Who is waited for at once is gone without a trace, and the daemon has its hands full with those that came.
told() { ledger --json --last=64 "${my}panics.stripped" | jq '[.panics[] | select(.outcome == "fatal")] | length'; }
told_is() { [ "$(told)" = "$1" ]; }
before=$(told)
dying=()
for i in $(seq 40); do
	start_beside "dying.$i" "$fixtures/panics.stripped" -n 0 -fatal
	dying+=("$program")
done
for i in $(seq 40); do
	wait_until 30 attached "${dying[i - 1]}"
	printf '\n\n' >"$tmp/dying.$i.gate"
	wait "${dying[i - 1]}"
done
wait_until 10 told_is $((before + 40))
is "$(told)" $((before + 40)) "the last words of 40 processes"

# A crash is told by the kernel, of C, too; who is asked to end has not died of a fault.
deaths() { curl -sf -m 5 "$url/api/v1/panics?pid=$1" | jq -c '[.panics[] | [.kind, .outcome, .message]]'; } # PID
deaths_are() { [ "$(deaths "$1")" = "$2" ]; }
build_fixtures c - default
ok $? "fixtures in C"
aborted='[["signal","fatal","SIGABRT: abort"]]'
for binary in "$fixtures/cpile" "$BUILD/fixtures/$version/pile.stripped"; do
	name=$(basename "$binary")
	for signal in TERM ABRT; do
		start_beside "$name" "$binary"
		wait_until 20 attached "$program"
		kill -$signal "$program"
		wait "$program" 2>/dev/null
		[ $signal = ABRT ] || ended=$program
	done
	wait_until 10 deaths_are "$program" "$aborted"
	is "$(deaths "$program")" "$aborted" "$name crashed"
	is "$(deaths "$ended")" "[]" "$name was ended"
done
fixtures=$BUILD/fixtures/$version

# The version in the file is all that is changed.
LC_ALL=C sed -E 's/go1\.[0-9]{2}\./go1.99./g' "$fixtures/panics" >"$tmp/${my}panics.new"
chmod +x "$tmp/${my}panics.new"
run_panics new "$tmp/${my}panics.new" 3
wait_until 15 target_is panics_started "$(truth new panics)"
is "$(target panics_started)" "$(truth new panics)" "go1.99: panics started"
recovered=$(truth new recovered)
wait_until 10 target_is panics_recovered "$recovered"
is "$(target panics_recovered)" "$recovered" "go1.99: recovered"
patience=1 wait_until 3 target_is state limited # of a Go whose _panic is another; the newest stays observed
note "$(target state): $(target reason)"
if [ "$(target state)" = observed ]; then
	is "$(outcomes)" "$(wanted new)" "go1.99: outcomes"
else
	target reason | grep -q layout
	ok $? "go1.99: says that the layout is not known"
	[ "$(metric 'deferd_attach_failures_total{reason="layout_unknown"}')" -gt 0 ]
	ok $? "go1.99: and in a metric"
fi
end_program
stop_daemon
ok $? "the daemon ends well"
done_testing
