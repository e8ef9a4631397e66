#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# file-graph.sh [--check] FOLDER...: which file of daemon/FOLDER needs which other one of it. A file is a name without .c or
# .h (x_priv.h counts as x.h). Two edges: an include, and a symbol that one object has undefined and another defines (needs
# a build in $BUILD). --check prints only files that need each other in a circle, with the edges of the circle, and fails when
# there are any.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
check=
[ "${1-}" = --check ] && check=1 && shift

includes() {
	grep -HoE "^#include \"$1/[a-z0-9_]+\.h\"" daemon/"$1"/*.[ch] |
		sed -E "s#^daemon/$1/([a-z0-9_]+)\.[ch]:\#include \"$1/([a-z0-9_]+)\.h\"#\1 \2 include#; s/_priv / /g"
}

calls() {
	for c in daemon/"$1"/*.c; do # not *.o: one may be left of a file that is gone
		echo "$build/${c%.c}.o"
	done | xargs nm -A -g | sed -E 's#^.*/([a-z0-9_]+)\.o:#\1 #' |
		awk 'NF == 3 && $2 == "U" { needs[$1 " " $3] } NF == 4 { defines[$4] = $1 }
		END { for (n in needs) { split(n, p, " "); if (p[2] in defines) print p[1], defines[p[2]], p[2] } }'
}

bad=0
for folder; do
	edges=$({ includes "$folder"; calls "$folder"; } | awk '$1 != $2' | sort -u)
	# What tsort cannot put in order is in a circle.
	circle=$(echo "$edges" | awk '{ print $1, $2 }' | { tsort 2>&1 >/dev/null || :; } | sed -n 's/^tsort: \([a-z0-9_]*\)$/\1/p' | sort -u)
	if [ -z "$check" ]; then
		echo "$edges" | awk -v f="$folder" '{ k = f "/" $1 " -> " f "/" $2; by[k] = by[k] " " $3 } END { for (k in by) print k ":" by[k] }' | sort
	elif [ -n "$circle" ]; then
		bad=1
		echo "$folder: in a circle:" $circle
		echo "$edges" | awk -v circle="$circle" 'BEGIN { n = split(circle, c, "\n"); for (i in c) in_it[c[i]] }
			$1 in in_it && $2 in in_it { print "  " $1 " -> " $2 ": " $3 }'
	fi
done
exit $bad
