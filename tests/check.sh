#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# check.sh [BUILD]: every test that needs no root, no clock and no network, under prove.
# One TAP program a file; golden tests are scripts that print TAP too.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
export DEFERD=$PWD/$build/deferd BUILD=$PWD/$build CMOCKA_MESSAGE_OUTPUT=TAP
tests=()
for t in tests/unit/*/*_test.c; do
	[ -e "$t" ] && tests+=("$build/${t%.c}")
done
for t in tests/golden/*.t tests/fuzz/*.t; do
	[ -e "$t" ] && tests+=("$t")
done
exec prove --merge --failures -j2 --exec '' "${tests[@]}"
