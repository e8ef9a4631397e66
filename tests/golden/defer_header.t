#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The public header on its own: its example compiles without deferd, prints what the header says, and
# the functions that deferd probes are there under their names, whole.
set -u
cd "$(dirname "$0")/../.."
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cp include/deferd/defer.h "$dir/"

# The lines between two markers of the essay, without the comment's frame.
between() {
	awk -v from="$1-begin" -v to="$1-end" '
		$2 == to { on = 0 }
		on { sub(/^ \*\t?/, ""); print }
		$2 == from { on = 1 }' include/deferd/defer.h
}

n=0
report() { # STATUS NAME [DIAGNOSTICS]
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; sed 's/^/# /' <<<"${3-}"; fi
}

between example >"$dir/example.c"
between output >"$dir/expected"
warn='-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef -Werror'
probed='defer_panic defer_push defer_recover defer_run'

[ -s "$dir/example.c" ] && [ -s "$dir/expected" ]
report $? 'the header has an example and its output'

for cc in gcc clang; do
	for opt in -O0 -O2 -O3; do
		if ! command -v $cc >/dev/null; then
			n=$((n + 1)); echo "ok $n - $cc $opt # SKIP $cc is not installed"
			continue
		fi
		# shellcheck disable=SC2086
		out=$($cc -std=gnu11 $warn $opt -o "$dir/example" "$dir/example.c" -lpthread 2>&1 &&
			"$dir/example" | diff "$dir/expected" - 2>&1)
		report $? "$cc $opt: the example compiles without a warning and prints what it should" "$out"
		# One definition each and no clone beside it (defer_run.constprop.0 would take hits away);
		# .cold is only the part of a function that never returns.
		found=$(nm "$dir/example" | awk '$3 ~ /^defer_(push|run|panic|recover)(\.|$)/ && $3 !~ /\.cold$/ \
			{ print $3 }' | sort | tr '\n' ' ')
		[ "$found" = "$probed " ]
		report $? "$cc $opt: the probed functions are whole" "found: $found"
	done
done

# A DEFER_LOOP whose result nobody looks at would be cleanup that may never happen.
cat >"$dir/ignored.c" <<'END'
#include "defer.h"
void ignored(void (*fn)(void *));
void ignored(void (*fn)(void *))
{
	DEFER_SCOPE {
		DEFER_LOOP(fn, NULL);
	}
}
END
for cc in gcc clang; do
	if ! command -v $cc >/dev/null; then
		n=$((n + 1)); echo "ok $n - $cc # SKIP $cc is not installed"
		continue
	fi
	out=$($cc -std=gnu11 -Wall -c -o "$dir/ignored.o" "$dir/ignored.c" 2>&1)
	grep -q 'Wunused-result' <<<"$out"
	report $? "$cc: an ignored result of DEFER_LOOP is warned of" "$out"
done

# What the essay says about stripped programs.
found=skip
if gcc -std=gnu11 -O2 -o "$dir/stripped" "$dir/example.c" -lpthread \
	-Wl,--export-dynamic-symbol='defer_*' 2>"$dir/err"; then
	strip "$dir/stripped"
	found=$(nm -D --defined-only "$dir/stripped" | awk '{ print $3 }' |
		grep -xE 'defer_(push|run|panic|recover)' | sort | tr '\n' ' ')
	[ "$found" = "$probed " ]
	report $? 'a stripped program that exports them keeps their names' "found: $found"
else
	n=$((n + 1)); echo "ok $n - stripped program # SKIP $(head -1 "$dir/err")"
fi
echo "1..$n"
