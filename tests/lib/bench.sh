# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Sourced after live.sh by benchmarks: figures as rows of a Markdown table, and as lines of JSON in $BENCH_JSON when that is set.

table() { # TITLE UNIT: the head of one
	printf '\n| %s | %s | spread | runs |\n|---|---|---|---|\n' "$1" "$2"
	table_title=$1 table_unit=$2
}
# The median of the numbers on stdin, with the middle half of them. JSON has all three.
figure() { # WHAT [FORMAT]
	sort -g | awk -v what="$1" -v title="$table_title" -v unit="$table_unit" -v f="${2:-%.3f}" -v json="${BENCH_JSON:-/dev/null}" '
		NF { v[++n] = $1 }
		END {
			if (!n) { printf "| %s | none | | 0 |\n", what; exit }
			m = v[int((n + 1) / 2)]; lo = v[int((n + 3) / 4)]; hi = v[int((3 * n + 1) / 4)]
			printf "| %s | " f " | " f "-" f " | %d |\n", what, m, lo, hi, n
			printf "{\"table\":\"%s\",\"what\":\"%s\",\"unit\":\"%s\",\"median\":%.9g,\"low\":%.9g,\"high\":%.9g,\"runs\":%d}\n",
				title, what, unit, m, lo, hi, n >>json
		}'
}
cpu_ms() { # PID: user and system time, in steps of a clock tick
	awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000 / tick }' "/proc/$1/stat"
}
cpu_us() { # PID: of the threads that it has, as the scheduler counts it
	cat "/proc/$1"/task/*/schedstat | awk '{ n += $1 } END { printf "%d\n", n / 1000 }'
}
