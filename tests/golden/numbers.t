#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The manual has the numbers that rules can compare as the program has them. With REFRESH=1 it is brought up to date.
cd "$(dirname "$0")/../.." || exit 1
DEFERD=${DEFERD:-build/deferd}
page=deploy/man/deferd.yml.5

known() {
	"$DEFERD" check-config --example | sed -n '/^# rules of your own/,/^#rules:/s/^#   \([a-z0-9_]*\) *\(.*\) (\(.*\))$/.It Li \1 Pq \3\n\2/p'
}

documented() {
	sed -n '/^\.\\" numbers: begin/,/^\.\\" numbers: end/{/^\.\\"/d;/^\.[BE]l/d;p}' "$page"
}

if [ -n "${REFRESH-}" ]; then
	{
		sed '/^\.\\" numbers: begin/q' "$page"
		echo '.Bl -tag -width Ds'
		known
		echo '.El'
		sed -n '/^\.\\" numbers: end/,$p' "$page"
	} >"$page.new" && mv "$page.new" "$page"
fi
echo 1..2
[ "$(known | wc -l)" -gt 40 ] || printf 'not '
echo "ok 1 - the program says what its numbers are"
difference=$(diff <(known) <(documented)) || printf 'not '
echo "ok 2 - deferd.yml(5) says the same"
[ -z "$difference" ] || echo "$difference" | sed 's/^/# /'
