#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Includes go downhill only, from compose to means; inside a folder, files need each other one way only.
cd "$(dirname "$0")/../.." || exit 1
folders="alert arch base census cmd config elf engine event export golang http model proc stat ui"
n=1
echo "1..$((3 + $(wc -w <<<"$folders")))"
climbs=$(tests/lib/include-graph.sh --check) || printf 'not '
echo "ok 1 - no folder includes a band above its own"
[ -z "$climbs" ] || echo "$climbs" | sed 's/^/# /'
for folder in $folders; do
	n=$((n + 1))
	circle=$(tests/lib/file-graph.sh --check "$folder" 2>&1) || printf 'not '
	echo "ok $n - no circle of files in $folder/"
	[ -z "$circle" ] || echo "$circle" | sed 's/^/# /'
done
# What is shown was read before: by a census, or by who makes the page, never by export/ itself.
reads=$(for c in daemon/export/*.c; do nm -A -u "${BUILD:-build}/${c%.c}.o"; done |
	grep -E ' (memread_|census_(memory|begin|step)|holders_|piles_|selects_|locks_|chain_)')
[ -z "$reads" ] || printf 'not '
echo "ok $((n + 1)) - no page reads the memory of a process"
[ -z "$reads" ] || echo "$reads" | sed 's/^/# /'
# Inside engine/ the bands of its README: policies need the ground, and neither each other nor what attaches.
order='{ split("engine 3 discover 3 attach 2 fit 2 points 2 sets 1 governor 1 timing 1 layouts 1 settle 1 naming 1 descriptors 1 hooks 1 " \
	"aftermaths 1 goroutines 1", list, " "); for (i = 1; i in list; i += 2) band[list[i]] = list[i + 1] }'
bad=$(tests/lib/file-graph.sh engine | tr -d : | sed 's#engine/##g' | awk "BEGIN $order"'
	band[$3] > band[$1] || (band[$1] == 1 && band[$3] == 1)')
[ -z "$bad" ] || printf 'not '
echo "ok $((n + 2)) - policies of engine/ need neither each other nor what attaches"
[ -z "$bad" ] || echo "$bad" | sed 's/^/# /'
