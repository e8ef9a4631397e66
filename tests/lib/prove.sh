#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# prove.sh TEST...: the tests under prove, JOBS (8) beside each other, since most of them wait. Those with a line
# "# alone: REASON" in their head run when all others have ended, one after the other.
set -euo pipefail
rules=(--rules par=none) # without a rule prove would run all of them beside each other
for test; do
	case $test in
	*.t | *.sh) ! grep -q '^# alone: ' "$test" || continue ;;
	esac
	rules+=(--rules "par=$test")
done
exec prove --timer --merge --failures --exec '' -j"${JOBS:-8}" "${rules[@]}" "$@"
