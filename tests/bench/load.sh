#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What observing costs the daemon, by what happens: a program that registers loop defers at so many a second, and one that is started
# over and over. SECONDS_EACH of each.
#
#	load.sh	SECONDS_EACH=10 RUNS=3
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/bench.sh
need_go stripped
each=${SECONDS_EACH:-10} runs=${RUNS:-3}

hits() { curl -sf "$url/metrics" | awk '/^deferd_probe_hits_total[{]/ { n += $NF } END { print n + 0 }'; }
rest() { # into $tmp/cpu, .hits
	local cpu n
	cpu=$(cpu_ms "$daemon") n=$(hits)
	sleep "$each"
	awk -v ms=$(($(cpu_ms "$daemon") - cpu)) -v s="$each" 'BEGIN { print ms / s / 10 }' >>"$tmp/cpu"
	echo $((($(hits) - n) / each)) >>"$tmp/hits"
	awk '$1 == "VmRSS:" { print $2 / 1024 }' "/proc/$daemon/status" >>"$tmp/rss"
}
tell() { # WHAT
	table "the daemon beside $1" value
	figure "hits a second" %.0f <"$tmp/hits"
	figure "CPU of the daemon, percent of a core" %.2f <"$tmp/cpu"
	figure "its memory, MB" %.1f <"$tmp/rss"
	rm "$tmp/hits" "$tmp/cpu" "$tmp/rss"
}
flood() { # BUDGET ARGS...
	BUDGET=$1 start_daemon
	start_program flood "$fixtures/flood.stripped" "${@:2}"
	wait_until 10 attached "$program"
	go_on
	sleep 5 # its first goroutines, and a first census
	rest
	kill "$program"
	wait "$program" 2>/dev/null
	exec 7>&-
	stop_daemon
}
starts() {
	BUDGET=0 start_daemon
	(while :; do "$fixtures/hello.stripped" </dev/null >/dev/null; done) &
	local starter=$!
	live_pids+=("$starter")
	sleep 3
	rest
	kill "$starter"
	wait "$starter" 2>/dev/null
	stop_daemon
}
for _ in $(seq "$runs"); do flood 0 -threads 0; done
tell "600 loop defers a second"
for _ in $(seq "$runs"); do flood 0 -threads 1 -every 1ms; done
tell "10,000 loop defers a second"
for _ in $(seq "$runs"); do flood 0; done
tell "as many as two threads can, without a budget"
for _ in $(seq "$runs"); do flood 1; done
tell "the same, with the default budget of 1 % of a core"
for _ in $(seq "$runs"); do starts; done
tell "a program that is started over and over"
