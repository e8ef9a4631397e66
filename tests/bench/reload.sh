#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# How long a reload holds up the daemon's loop, with 1,000 rules in 20 files and PROCESSES that they are about.
#
#	reload.sh	RUNS=25 PROCESSES=100
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/bench.sh
need_go stripped
runs=${RUNS:-25} processes=${PROCESSES:-100}

mkdir "$tmp/rules.d"
printf 'rule_files: ["%s/rules.d/*.yml"]\n' "$tmp" >"$tmp/config.yml"
for file in $(seq 20); do
	{
		echo "rules:"
		for n in $(seq 50); do
			printf '  - { alert: Rule%d_%d, expr: "open_fds > %d and rate(open_fds, 5m) > 10/min and not goroutines_leaked > 3", for: 1m }\n' \
				"$file" "$n" "$n"
		done
	} >"$tmp/rules.d/$file.yml"
done
start_daemon --config.file="$tmp/config.yml"
for n in $(seq "$processes"); do
	start_beside "p$n" "$fixtures/pile.stripped"
	wait_until 20 attached "$program"
done
for n in $(seq "$runs"); do
	curl -sf -o /dev/null -X POST --unix-socket "$tmp/deferd.sock" http://deferd/-/reload
	metric deferd_config_last_reload_duration_seconds | awk '{ print $1 * 1000 }' >>"$tmp/took"
done
stop_daemon
table "a reload of 1,000 rules, $processes processes" ms
figure "the loop is held up" %.1f <"$tmp/took"
