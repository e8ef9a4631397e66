#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# refresh.sh [BUILD]: write what is made of the code anew: the expected screens of top, and the list in deferd-metrics(7).
# Look at `git diff` before you commit them.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build}
for test in ui/screen export/manual; do
	make -s O="$build" "$build/tests/unit/${test}_test"
	REFRESH=1 "$build/tests/unit/${test}_test"
done
