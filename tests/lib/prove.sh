#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# prove.sh TEST...: the tests under prove, JOBS (8) beside each other, since most of them wait. Those with a line
# "# early: REASON" in their head begin first; those with "# alone: REASON" run when all others have ended, one by one.
set -euo pipefail
early=() beside=() alone=() rules=(--rules par=none) # without a rule prove would run all of them beside each other
for test; do
	case $test in
	*.t | *.sh) head=$(sed '/^#/!q' "$test") ;;
	*) head= ;;
	esac
	case $head in
	*'# alone: '*) alone+=("$test"); continue ;;
	*'# early: '*) early+=("$test") ;;
	*) beside+=("$test") ;;
	esac
	rules+=(--rules "par=$test")
done
exec prove --timer --merge --failures --comments --exec '' -j"${JOBS:-8}" "${rules[@]}" "${early[@]}" "${beside[@]}" "${alone[@]}"
