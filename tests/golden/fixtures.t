#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The programs that live tests compare deferd with must be right themselves: they and the demo build offline, and what they
# say about themselves adds up.
set -u
cd "$(dirname "$0")/../.."
export GOCACHE=${GOCACHE-${BUILD:-$PWD/build}/gocache} # what live tests use
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

if ! ls ${GO:+"$GO"} /usr/lib/go-*/bin/go /usr/local/go/bin/go >/dev/null 2>&1 && ! command -v go >/dev/null; then
	echo '1..0 # SKIP no Go here'
	exit 0
fi
echo 1..10
n=0
report() { # STATUS NAME [DIAGNOSTICS]
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; sed 's/^/# /' <<<"${3-}"; fi
}
field() { # NAME: of the JSON in $truth, outermost object
	sed -E "s/.*[{,]\"$1\":([0-9]+).*/\1/" <<<"${truth%%\[*}"
}
run() { # PROGRAM ARGUMENTS...: sets truth
	truth=$("$dir/$1" "${@:2}" </dev/null 2>&1 | tail -1)
}

out=$(tests/fixtures/build.sh "$dir" '' default stripped pie 2>&1)
report $? 'fixtures build in three variants' "$out"

run pile
[ "$(field registered_heap)" = 1100000 ] && [ "$(field peak_depth)" = 100000 ]
report $? 'pile: a million loop defers and a pile of a hundred thousand' "$truth"
run pile.stripped -goroutines 3 -defers 1000 -deep 0 -panics 7
[ "$(field registered_heap)" = 1007 ] && [ "$(field panics)" = 7 ] && [ "$(field recovered)" = 7 ]
report $? 'pile: as many as asked for' "$truth"

run panics.pie -n 20
[ "$(field panics)" = 300 ] && [ $(($(field recovered) + $(field overridden) + $(field repanicked) + \
	$(field goexit_ends))) = 300 ]
report $? 'panics: each has one fate' "$truth"

names=$("$dir/scenarios" -list)
run scenarios
[ "$(grep -c ' recovered$' <<<"$names")" = 39 ] && [ "$(grep -o '"name":' <<<"$truth" | wc -l)" = 39 ] &&
	[ "$(grep -oE '"outcome":"(recovered|overridden|repanicked|goexit)"' <<<"$truth" | wc -l)" = 63 ]
report $? 'scenarios: 39 end as they say' "$truth"
wrong=
for name in $(sed -n 's/ fatal$//p' <<<"$names"); do
	truth=$("$dir/scenarios" -run "$name" </dev/null 2>"$dir/stderr" | tail -1)
	message=$(sed -E 's/.*"death":\{"kind":"[a-z]+","message":"([^"]*)".*/\1/' <<<"$truth")
	grep -qF -e "$message" "$dir/stderr" || wrong="$wrong $name"
done
[ "$(grep -c ' fatal$' <<<"$names")" = 14 ] && [ -z "$wrong" ]
report $? 'scenarios: 14 die of what they say' "$wrong"

run fdchurn --rounds 20 --leak 9 --ebadf 4
[ "$(field leaked)" = 9 ] && [ "$(field ebadf_closes)" = 4 ] && [ "$(field opened)" -gt 500 ]
report $? 'fdchurn: what is not leaked is closed' "$truth"

run cpile.stripped
[ "$(field registered)" = 246200 ] && [ "$(field run)" = 246200 ] && [ "$(field peak_depth)" = 100000 ] &&
	[ "$(field panics)" = $(($(field recovered) + $(field overridden))) ]
report $? 'cpile: what is registered runs' "$truth"

out=$(deploy/examples/demo/build.sh "$dir/demo" 2>&1)
report $? 'the demo builds' "$out"
run demo/worker --batches 1
[ "$(field defers_registered)" = 60 ] && [ "$(field defers_run)" = 60 ] && [ "$(field peak_depth)" = 60 ]
report $? 'the demo worker piles up 60' "$truth"
