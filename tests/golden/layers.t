#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Includes go downhill only, from compose to means.
cd "$(dirname "$0")/../.." || exit 1
echo 1..1
climbs=$(tests/lib/include-graph.sh --check) || printf 'not '
echo "ok 1 - no folder includes a band above its own"
[ -z "$climbs" ] || echo "$climbs" | sed 's/^/# /'
