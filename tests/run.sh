#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# run.sh: everything that must pass, on a fresh Debian 12 as root: installs what is missing, builds, and runs the unit,
# golden, fuzz-corpus and live tests, and the live tests again on Debian's 6.1 and 6.12 kernels in a virtual machine.
# What cannot run here is skipped, with its reason in the output.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
	echo "run.sh: the live tests load BPF programs: run this as root, or 'make check' for the rest" >&2
	exit 4
fi
deploy/install-packages.sh build demo test
make -s -j"$(nproc)" all unit
export FUZZ_SECONDS=${FUZZ_SECONDS:-5}
export BUILD=$PWD/build DEFERD=$PWD/build/deferd CMOCKA_MESSAGE_OUTPUT=TAP
[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null || true
units=()
for t in tests/unit/*/*_test.c; do units+=("build/${t%.c}"); done
exec tests/lib/prove.sh tests/vm.sh tests/live/*.t tests/golden/*.t tests/fuzz/*.t "${units[@]}"
