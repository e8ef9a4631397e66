#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The table of runtime layouts, made anew: from its files, and the column of every Go that is here. A stripped program that
# Go 1.20 built is looked for at $BUILD/pkg/go1.20 (npm pack @esbuild/linux-x64@0.18.20, unpacked there).
. "$(dirname "$0")/../lib/live.sh"
layouts=daemon/golang/layouts
export GOCACHE=$BUILD/gocache

is "$($layouts/layouts.sh table)" "$(cat daemon/golang/layout_table.h)" "layout_table.h is made of the files"

without_comments() { grep -v '^#' "$@"; }

declare -A seen
while read -r version go; do
	minor=${version#go1.}
	minor=${minor%%[!0-9]*}
	[ -n "${seen[$minor]-}" ] && continue
	[ -e "$layouts/go1.$minor" ] || continue
	seen[$minor]=1
	is "$($layouts/layouts.sh column "$go" 2>&1 | without_comments)" "$(without_comments $layouts/go1."$minor")" "$version"
done < <(list_gos)
for file in "$layouts"/go1.*; do
	minor=${file##*/go1.}
	[ -n "${seen[$minor]-}" ] || [ "$minor" = 20 ] || skip "go1.$minor" "no Go of it is here"
done

program=$BUILD/pkg/go1.20/package/bin/esbuild
if [ ! -x "$program" ]; then
	skip "go1.20" "no $program"
elif ! out=$($layouts/layouts.sh evidence "$program" 2>&1); then
	ok 1 "go1.20, by its machine code"
	sed 's/^/# /' <<<"$out"
else
	ok 0 "go1.20, by its machine code: $out"
fi
done_testing
