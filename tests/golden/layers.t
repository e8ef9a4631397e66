#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Includes go downhill only, from compose to means; inside a folder, files need each other one way only.
cd "$(dirname "$0")/../.." || exit 1
folders="alert arch base census cmd config elf engine event export golang http model proc stat ui"
n=1
echo "1..$((2 + $(wc -w <<<"$folders")))"
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
