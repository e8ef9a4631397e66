#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What the daemon costs itself, on a host with so many Go processes, which wait, and others: from its start until it answers and until
# all are attached, its CPU time at rest, its memory and the kernel's for its maps, and its end. RUNS of each.
#
#	daemon.sh	RUNS=3 SECONDS_AT_REST=20
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/bench.sh
need_go stripped
runs=${RUNS:-3} rest=${SECONDS_AT_REST:-20}
printf 'limits: { targets: 2000 }\n' >"$tmp/bench.yml"

field_kb() { awk -v f="$1:" '$1 == f { print $2 }' "/proc/$daemon/status"; }
map_kb() { # of the kernel, for the maps that the daemon has open
	cat "/proc/$daemon/fdinfo"/* 2>/dev/null | awk '/^map_id:/ { id = $2 } /^memlock:/ && id && !seen[id]++ { n += $2; id = 0 } END { printf "%d\n", n / 1024 }'
}
settled() { grep -q 'inspected all processes' "$tmp/deferd.log"; }
population=()
populate() { # GO OTHERS
	local i
	for i in $(seq "$1"); do
		"$fixtures/hello.stripped" <>"$tmp/stdin" >/dev/null 2>&1 &
		population+=($!)
	done
	for i in $(seq "$2"); do
		sleep 100000 &
		population+=($!)
	done
}
clear_out() {
	[ ${#population[@]} = 0 ] || kill "${population[@]}"
	for i in "${population[@]}"; do wait "$i" 2>/dev/null; done
	population=()
}
once() { # WHAT
	local begin before
	begin=$(now_ms)
	start_daemon --config.file="$tmp/bench.yml" --probes.budget=1
	echo $(($(now_ms) - begin)) >>"$tmp/$1.ready"
	wait_until 60 settled
	echo $(($(now_ms) - begin)) >>"$tmp/$1.settled"
	sleep 12 # the first censuses
	before=$(cpu_us "$daemon")
	sleep "$rest"
	awk -v us=$(($(cpu_us "$daemon") - before)) -v s="$rest" 'BEGIN { print us / s / 10000 }' >>"$tmp/$1.cpu"
	awk -v kb="$(field_kb VmRSS)" 'BEGIN { print kb / 1024 }' >>"$tmp/$1.rss"
	awk -v kb="$(map_kb)" 'BEGIN { print kb / 1024 }' >>"$tmp/$1.maps"
	begin=$(now_ms)
	stop_daemon
	echo $(($(now_ms) - begin)) >>"$tmp/$1.stop"
}
mkfifo "$tmp/stdin"
for n in "0 0" "10 0" "100 900" "1000 0"; do
	read -r gos others <<<"$n"
	populate "$gos" "$others"
	sleep 1
	for _ in $(seq "$runs"); do once "$gos"; done
	clear_out
	table "the daemon, $gos Go processes of $((gos + others))" value
	figure "from its start to its first answer, ms" %.0f <"$tmp/$gos.ready"
	figure "until all are attached, ms" %.0f <"$tmp/$gos.settled"
	figure "CPU at rest, percent of a core" %.2f <"$tmp/$gos.cpu"
	figure "resident, MB" %.1f <"$tmp/$gos.rss"
	figure "kernel memory of its maps, MB" %.1f <"$tmp/$gos.maps"
	figure "from SIGTERM to its end, ms" %.0f <"$tmp/$gos.stop"
done
