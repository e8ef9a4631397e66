#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The README is read in one sitting, and what it names is there: files, commands, manual pages.
cd "$(dirname "$0")/../.." || exit 1
DEFERD=${DEFERD:-build/deferd}
n=0
is() { # GOT WANTED NAME
	n=$((n + 1))
	if [ "$1" = "$2" ]; then echo "ok $n - $3"; else echo "not ok $n - $3"; sed 's/^/# /' <<<"$1"; fi
}
[ "$(wc -l <README.md)" -le 150 ]
is $? 0 "README.md has 150 lines at most"
links() { grep -oE '\]\([^)]*\)' README.md | sed 's/^](//; s/)$//' | grep -v '^http'; }
is "$(links | while read -r path; do [ -e "$path" ] || echo "$path"; done)" "" "each link of README.md leads to a file"
commands() { "$DEFERD" --help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p' | grep -v '^version$'; }
is "$(commands | while read -r c; do grep -qE "^\\| .*\`(deferd )?$c[ \`]" README.md || echo "$c"; done)" "" \
	"each command of deferd has a row in README.md"
# Of README.md, the unit, and the pages themselves.
pages() {
	grep -ohE '\b(deferd[-a-z.]*)\([1-8]\)' README.md deploy/systemd/deferd.service | tr '()' '  ' | awk '{ print $1 "." $2 }'
	sed -nE 's/^\.Xr (deferd[-a-z.]*) ([1-8]).*/\1.\2/p' deploy/man/*.[1-8]
}
is "$(pages | sort -u | while read -r page; do [ -s "deploy/man/$page" ] || echo "$page"; done)" "" \
	"each manual page that is referred to is there"
echo "1..$n"
