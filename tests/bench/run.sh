#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# run.sh [BUILD]: every benchmark, as Markdown, and what has figures of its own in BUILD/bench.json, a line each. Each compares
# within one run; nothing else should run meanwhile.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build}
export BUILD=$PWD/$build DEFERD=$PWD/$build/deferd BENCH_JSON=$PWD/$build/bench.json
deploy/install-packages.sh bench
printf '{"machine":"%s","date":"%s","deferd":"%s"}\n' "$(uname -sr), $(nproc) x $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" \
	"$(date -u +%F)" "$("$DEFERD" version | head -1)" >"$BENCH_JSON"
echo "$(uname -sr), $(nproc) x $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(date -u +%F)"
for b in tests/bench/*_bench.c; do
	printf '\n### %s\n\n' "$(basename "$b" _bench.c)"
	"$build/${b%.c}"
done
for b in tests/bench/*.sh; do
	[ "$b" != tests/bench/run.sh ] || continue
	printf '\n### %s\n\n' "$(basename "$b" .sh)"
	"$b"
done
