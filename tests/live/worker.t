#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A file whose worker ran out of time is inspected again: a process that runs for weeks is not left unobserved for one bad moment.
. "$(dirname "$0")/../lib/live.sh"
need_go stripped
command -v perl >/dev/null || skip_all "no perl"

start_daemon
wait_until 20 grep -q 'inspected all processes' "$tmp/deferd.log"
ok $? "all processes of the host were inspected before"
# Stop the worker of process PID that reads our file, as a machine without a free processor would; its pid into FILE.
catch_worker() { # PID FILE
	perl -e '
		my ($pid, $name) = @ARGV;
		for (my $end = time + 60; time < $end;) {
			open(my $f, "<", "/proc/$pid/task/$pid/children") or exit 1;
			for my $child (split " ", <$f> // "") {
				next unless grep { (readlink($_) // "") =~ /\Q$name\E$/ } glob("/proc/$child/fd/*");
				kill "STOP", $child;
				print "$child\n";
				exit 0;
			}
		}
		exit 1' "$1" "${my}pile.stripped" >"$2" &
	catcher=$!
	live_pids+=("$catcher")
}
catch_worker "$daemon" "$tmp/stopped"
start_program hello "$fixtures/pile.stripped"
wait "$catcher"
ok $? "the worker that reads the file is stopped"
wait_until 15 grep -q 'could not be inspected yet.*again_in="1 s"' "$tmp/deferd.log"
ok $? "it is given up, and the log says when the file is tried again"
wait_until 10 attached "$program"
ok $? "then its process is observed"
kill -0 "$(cat "$tmp/stopped")" 2>/dev/null
[ $? = 1 ]
ok $? "the worker is gone"

# A command that looks once waits for the next try as well.
"$DEFERD" trace --events=1 "$program" >"$tmp/trace.out" 2>"$tmp/trace.err" 7>&- &
tracer=$!
live_pids+=("$tracer")
catch_worker "$tracer" "$tmp/stopped"
wait "$catcher"
ok $? "trace: its worker is stopped"
wait_until 15 grep -q 'could not be inspected yet.*again_in="1 s"' "$tmp/trace.err"
ok $? "trace: it says when it tries again"
wait_until 10 grep -q 'observed' "$tmp/trace.out"
ok $? "trace: then it observes the process"
go_on
wait "$tracer"
ok $? "trace: and shows what it does: $(tail -1 "$tmp/trace.err")"
exec 7>&-
kill "$program"
stop_daemon
ok $? "the daemon ends well"
done_testing
