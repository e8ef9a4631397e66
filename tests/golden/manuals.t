#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Each command has a manual page, and page and --help list the same options; mandoc finds no fault in any page.
cd "$(dirname "$0")/../.." || exit 1
DEFERD=${DEFERD:-build/deferd}
n=0
for command in $("$DEFERD" --help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'); do
	[ "$command" = version ] && continue # deferd.1 tells all of it
	n=$((n + 1))
	page=deploy/man/deferd-$command.1
	help=$("$DEFERD" "$command" --help | sed -n 's/^  .*\(--[a-z.-]*\).*/\1/p' | grep -v -- '--help' | sort)
	manual=$(sed -n 's/^\.It .*Fl -\([a-z.-]*\).*/--\1/p' "$page" | grep -v -- '--help' | sort)
	if [ -s "$page" ] && [ "$help" = "$manual" ]; then
		echo "ok $n - $command"
	else
		echo "not ok $n - $command"
		diff <(echo "$help") <(echo "$manual") | sed 's/^/# /'
	fi
done
for page in deploy/man/*.[1-8]; do
	n=$((n + 1))
	# A line that begins with a dot is taken for a macro, and lost when there is none of the name: an error of mandoc.
	faults=$(mandoc -Tlint -W error "$page" 2>&1) || printf 'not '
	echo "ok $n - $page is well formed"
	[ -z "$faults" ] || echo "$faults" | sed 's/^/# /'
done
echo "1..$n"
