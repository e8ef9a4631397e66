#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Processes come, go, and are not what they seem: found within a second, replaced files, exits during attach, files that
# are no programs, programs whose tables are broken. Each has a counter or a reason, and nothing stops.
# alone: what happens within a second is measured
. "$(dirname "$0")/../lib/live.sh"
need_root
read -r version go < <(list_gos)
[ -n "${version-}" ] || skip_all "no Go here to build programs with"
build_fixtures "$version" "$go" || skip_all "fixtures: $(tail -1 "$tmp/build.log")"
failures() { metric 'deferd_attach_failures_total{reason="'"$1"'"}'; }

start_daemon

# From start to first metric, and from crossing to the alert line
began=$(now_ms)
start_program pile "$fixtures/pile"
heap="deferd_defers_registered_total{service=\"${my}pile\",lowering=\"heap\"}"
shown() { [ -n "$(metric "$heap")" ]; }
wait_until 5 shown
took=$(($(now_ms) - began))
[ $took -lt 1000 ]
ok $? "a new process has metrics within a second ($took ms)"
go_on
began=$(now_ms)
wait_until 5 grep -q "alert firing.*service=${my}pile" "$tmp/deferd.log"
took=$(($(now_ms) - began))
[ $took -lt 1000 ]
ok $? "a pile-up is alerted within a second ($took ms)"
wait_until 60 has_truth pile
go_on
exec 7>&-
wait "$program"
gone() { ! curl -sf "$url/api/v1/targets/$program"; }
wait_until 3 gone
ok $? "a process that ended is gone"
is "$(metric "$heap")" "$(truth pile registered_heap)" \
	"counts of a process that ended stay, and are the program's own"

# A file that is replaced while its process runs: the process keeps the old one
cp "$fixtures/pile.stripped" "$tmp/${my}replaced"
start_program replaced "$tmp/${my}replaced"
cp "$fixtures/pile" "$tmp/other" && mv "$tmp/other" "$tmp/${my}replaced"
wait_until 5 attached "$program"
ok $? "replaced file: the process is still attached"
go_on
wait_until 60 has_truth replaced
replaced_heap=${heap/pile/replaced}
wait_until 3 metric_is "$replaced_heap" "$(truth replaced registered_heap)"
is "$(metric "$replaced_heap")" "$(truth replaced registered_heap)" "replaced file: and counted exactly"
go_on
exec 7>&-
wait "$program"

# exec in place: the same pid, another program
own "$fixtures/pile"
start_program shell sh -c 'read x; exec "$0"' "$owned"
go_on
wait_until 5 attached "$program"
ok $? "exec in place: seen"
go_on; go_on
exec 7>&-
wait "$program"

# A service that --targets.include leaves out: the one that came after it is attached, it is not
cp "$fixtures/pile" "$tmp/stranger"
start_beside stranger "$tmp/stranger"
stranger=$program
start_beside after "$fixtures/pile"
wait_until 5 attached "$program"
ok $? "a process of an included service is attached"
is "$(curl -s -o /dev/null -w '%{http_code}' "$url/api/v1/targets/$stranger")" 404 "one of another service is left alone"
kill "$program" "$stranger"
wait "$program" "$stranger" 2>/dev/null

# Many that end while they are looked at
own "$fixtures/panics"
for _ in $(seq 60); do "$owned" -n 1 </dev/null >/dev/null 2>&1; done
check "short-lived processes: the daemon lives" curl -sf "$url/-/healthy"

# Tables that are broken: pclntab's header damaged in a copy. The runtime never reads those words before main.
broken=$tmp/${my}broken
cp "$fixtures/pile" "$broken"
perl -e '
	open(my $f, "+<:raw", $ARGV[0]); local $/; my $d = <$f>;
	my $at = index($d, pack("VvCC", 0xfffffff1, 0, 1, 8)); $at = index($d, pack("VvCC", 0xfffffff0, 0, 1, 8)) if $at < 0;
	exit 1 if $at < 0; seek($f, $at + 8, 0); print $f "\xff" x 8;' "$broken"
"$broken" </dev/null >/dev/null 2>&1 &
program=$!
live_pids+=($program)
seen_broken() { [ "$(failures image_unreadable)" -ge 1 ]; }
wait_until 5 seen_broken
ok $? "a Go program with broken tables is counted"
grep -q "cannot be probed.*image=${my}broken.*reason=" "$tmp/deferd.log"
ok $? "the log says why broken tables cannot be read"
wait "$program" 2>/dev/null

# One file by two names is two services.
cp "$fixtures/pile" "$tmp/${my}one"
ln "$tmp/${my}one" "$tmp/${my}other"
for name in one other; do
	start_beside $name "$tmp/$my$name"
	wait_until 5 target_is service "$my$name"
	is "$(target service) $(target image)" "$my$name $my$name" "a file with two names: $name"
done

check "the daemon lives" curl -sf "$url/-/healthy"
is "$(failures image_worker)" 0 "no image worker failed"
stop_daemon
ok $? "the daemon ends well"

# Standing before the daemon: found by the scan of /proc, as every process of the host is
my=
start_program early "$fixtures/pile"
start_daemon
wait_until 5 attached "$program"
ok $? "a process that was there before is found"
exec 7>&-
wait "$program"
stop_daemon
done_testing
