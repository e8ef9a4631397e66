#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# refresh.sh [BUILD]: write the expected screens of top anew. Look at `git diff tests/golden` before you commit them.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build}
make -s O="$build" "$build/tests/unit/ui/screen_test"
REFRESH=1 "$build/tests/unit/ui/screen_test"
