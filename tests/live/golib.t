#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A Go runtime in a shared library is not observed, and whoever loads one is told so: in the state, the metric, the log and
# by the commands; in C, and in Go, whose own runtime is observed as ever.
. "$(dirname "$0")/../lib/live.sh"
need_gos

reason='the Go runtime in its library golib.so is not observed'
tells() { target reason "$program" | grep -q "$reason"; }
failures() { metric 'deferd_attach_failures_total{reason="shared_library"}'; }

while read -r version go; do
	build_fixtures "$version" "$go" golib || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	start_daemon
	for host in golibhost gohost; do
		before=$(failures)
		start_program $host "$fixtures/$host" "$fixtures/golib.so"
		wait_until 10 grep -q ready "$tmp/$host.out"
		if [ $host = gohost ]; then
			wait_until 10 attached "$program"
			ok $? "$version, $host: observed before it has loaded the library"
		else
			is "$(curl -s -m 5 -o /dev/null -w '%{http_code}' "$url/api/v1/targets/$program")" 404 \
				"$version, $host: nothing for us before it has loaded the library"
		fi
		go_on
		wait_until 10 has_truth $host
		is "$(truth $host goroutines)" 3 "$version, $host: its goroutines run"
		wait_until 15 tells
		ok $? "$version, $host: told, within 15 s"
		is "$(target state)" limited "$version, $host: and limited"
		is "$(failures)" $((before + 1)) "$version, $host: counted once"
		grep -q "pid=$program .*$reason" "$tmp/deferd.log"
		ok $? "$version, $host: in the log"
		"$DEFERD" doctor >"$tmp/doctor" 2>&1
		grep -q "$reason" "$tmp/doctor"
		ok $? "$version, $host: by doctor"
		"$DEFERD" panics --control.socket="$tmp/deferd.sock" "$program" >"$tmp/panics" 2>&1
		grep -q 'no panics in what is observed' "$tmp/panics" && grep -q "$reason" "$tmp/panics"
		ok $? "$version, $host: where there are no panics"
		"$DEFERD" goroutines --alone "$program" >"$tmp/census" 2>&1
		code=$?
		[ $host = gohost ] && wanted=0 || wanted=1
		is $code $wanted "$version, $host: a census of its own runtime, when it has one"
		go_on
		exec 7>&-
		wait "$program"
	done
	stop_daemon
done <<<"$(sed -n '1p;$p' <<<"$gos" | sort -u)"
done_testing
