#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Includes go downhill only, from compose to means; inside a folder, files need each other one way only.
cd "$(dirname "$0")/../.." || exit 1
folders="alert arch base cmd config elf engine event export golang http model proc stat"
n=1
echo "1..$((1 + $(wc -w <<<"$folders")))"
climbs=$(tests/lib/include-graph.sh --check) || printf 'not '
echo "ok 1 - no folder includes a band above its own"
[ -z "$climbs" ] || echo "$climbs" | sed 's/^/# /'
for folder in $folders; do
	n=$((n + 1))
	circle=$(tests/lib/file-graph.sh --check "$folder" 2>&1) || printf 'not '
	echo "ok $n - no circle of files in $folder/"
	[ -z "$circle" ] || echo "$circle" | sed 's/^/# /'
done
