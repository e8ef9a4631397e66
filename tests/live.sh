#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# live.sh [BUILD [TEST...]]: the tests that attach to real processes (root).
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
shift $(($# > 0 ? 1 : 0))
export BUILD=$PWD/$build DEFERD=$PWD/$build/deferd
[ $# -gt 0 ] || set -- tests/live/*.t
exec tests/lib/prove.sh "$@"
