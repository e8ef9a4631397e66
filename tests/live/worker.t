#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A file whose worker ran out of time is inspected again: a process that runs for weeks is not left unobserved for one bad moment.
. "$(dirname "$0")/../lib/live.sh"
need_go stripped
command -v perl >/dev/null || skip_all "no perl"

start_daemon
wait_until 20 grep -q 'inspected all processes' "$tmp/deferd.log"
ok $? "all processes of the host were inspected before"
# Stop the worker that reads our file, as a machine without a free processor would.
perl -e '
	my ($daemon, $name) = @ARGV;
	for (my $end = time + 60; time < $end;) {
		open(my $f, "<", "/proc/$daemon/task/$daemon/children") or exit 1;
		for my $child (split " ", <$f> // "") {
			next unless grep { (readlink($_) // "") =~ /\Q$name\E$/ } glob("/proc/$child/fd/*");
			kill "STOP", $child;
			print "$child\n";
			exit 0;
		}
	}
	exit 1' "$daemon" "${my}pile.stripped" >"$tmp/stopped" &
catcher=$!
live_pids+=("$catcher")
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
go_on
exec 7>&-
kill "$program"
stop_daemon
ok $? "the daemon ends well"
done_testing
