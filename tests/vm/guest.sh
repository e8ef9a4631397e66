#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# guest.sh BUILD SECONDS TEST...: inside the guest. Runs each test with the environment that check.sh and live.sh give it,
# for SECONDS at most, and frames its output for vm.sh.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$1
limit=$2
shift 2
export BUILD=$build DEFERD=$build/deferd DEFERD_VM=1 CMOCKA_MESSAGE_OUTPUT=TAP
export TMPDIR=/run/tmp
. tests/vm/environment
for test; do
	SECONDS=0
	echo "deferd-vm: begin $test"
	timeout -k 10 "$limit" "$test" 2>&1 </dev/null
	status=$?
	printf '\ndeferd-vm: end %s %s %s\n' "$test" $status $SECONDS
done
