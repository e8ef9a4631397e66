#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# How long coming and going takes: from the start of a program until its first numbers are there, another set of probes, and
# the bytes of the program as they were. Pages are asked for by curl, which takes 10 ms itself.
#
#	attach.sh	RUNS=15
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/bench.sh
need_go stripped
runs=${RUNS:-15}

set_probes() { # SET: milliseconds
	curl -sf -o /dev/null -w '%{time_total}\n' --unix-socket "$tmp/deferd.sock" -X POST "http://deferd/api/v1/probes?pid=$program&set=$1" |
		awk '{ print $1 * 1000 }'
}
start_daemon
for i in $(seq "$runs"); do
	begin=$(now_ms)
	start_program pile "$fixtures/pile.stripped"
	until attached "$program"; do :; done
	echo $(($(now_ms) - begin)) >>"$tmp/$([ "$i" = 1 ] && echo first || echo next)"
	set_probes full >>"$tmp/full"
	set_probes lean >>"$tmp/lean"
	set_probes off >>"$tmp/off"
	begin=$(now_ms)
	until text_equals_file "$program"; do :; done
	echo $(($(now_ms) - begin)) >>"$tmp/clean"
	kill "$program"
	wait "$program" 2>/dev/null
	exec 7>&-
done
stop_daemon
table "coming and going, $version" ms
figure "from the start of a program to its first numbers: the first of its file" %.0f <"$tmp/first"
figure "the same: those after it" %.0f <"$tmp/next"
figure "lean to full" %.1f <"$tmp/full"
figure "full to lean" %.1f <"$tmp/lean"
figure "lean to off" %.1f <"$tmp/off"
figure "from then until its bytes are those of its file" %.0f <"$tmp/clean"
