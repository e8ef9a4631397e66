#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The list of the standard library's packages (daemon/golang/goname.c) knows those of every Go that is here.
. "$(dirname "$0")/../lib/live.sh"
known=$(sed -n '/standard\[\] = {/,/};/p' daemon/golang/goname.c | grep -o '"[a-z]*"' | tr -d '"' | sort)
gos=$(list_gos)
[ -n "$gos" ] || skip_all "no Go here"
while read -r version go; do
	is "$(comm -13 <(echo "$known") <(GOTOOLCHAIN=local "$go" list std | cut -d/ -f1 | sort -u))" "" "$version"
done <<<"$gos"
done_testing
