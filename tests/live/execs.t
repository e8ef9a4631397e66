#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A program that is started over and over, and ends at once: its file is inspected once, each process is let go of, and neither
# memory nor descriptors of the daemon grow. For EXEC_SECONDS, after as many to warm up.
# alone: how many processes a second is measured, and the memory that they take
. "$(dirname "$0")/../lib/live.sh"
need_go stripped
seconds=${EXEC_SECONDS:-5}

churn() { # for so many seconds: how many
	local n=0 end=$((SECONDS + $1))
	while [ $SECONDS -lt $end ]; do
		"$owned" </dev/null >/dev/null
		n=$((n + 1))
	done
	echo $n
}
rss_kb() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$daemon/status"; }
fds() { ls "/proc/$daemon/fd" | wc -l; }
none_left() { [ "$(metric deferd_targets)" = "" ] && [ "$(curl -sf "$url/api/v1/snapshot" | jq '.targets | length')" = 0 ]; }

own "$fixtures/hello.stripped"
start_daemon --log.level=debug
churn 2 >/dev/null
none_left # and with it, everything that is run from here on
warm=$(churn "$seconds")
wait_until 10 none_left
rss=$(rss_kb) open=$(fds)
n=$(churn "$seconds")
wait_until 10 none_left
ok $? "all of them are let go of"
note "$((n / seconds)) processes a second, $((warm + n)) in all"
[ $((n / seconds)) -ge 50 ]
ok $? "at least 50 processes a second"
is "$(grep -c "hello.stripped was inspected" "$tmp/deferd.log")" 1 "a program that starts often is inspected once"
not_more() { [ "$(fds)" -le "$open" ]; }
wait_until 10 not_more # a connection of the counting itself may just be closing
ok $? "the daemon's descriptors are as many as before: $(fds), of $open"
grown=$(($(rss_kb) - rss))
[ $grown -lt 512 ]
ok $? "the daemon's memory has not grown: by $grown KiB"
stop_daemon
done_testing
