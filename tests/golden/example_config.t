#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The example configuration is what the program itself prints, and it is good.
cd "$(dirname "$0")/../.." || exit 1
DEFERD=${DEFERD:-build/deferd}
echo 1..4
"$DEFERD" check-config --example | diff - deploy/examples/deferd.yml >/dev/null
[ "${PIPESTATUS[0]}${PIPESTATUS[1]}" = 00 ] || printf 'not '
echo "ok 1 - deploy/examples/deferd.yml is what check-config --example prints"
"$DEFERD" check-config deploy/examples/deferd.yml >/dev/null || printf 'not '
echo "ok 2 - and check-config is content with it"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
echo 'log: { level: debug }' >"$tmp/soft.yml"
echo '{ log: { level: debug }, control: { group: wheel }, limits: { sites: 64 } }' >"$tmp/hard.yml"
waits() { # FILE: the keys of it that wait for a restart
	"$DEFERD" check-config --against=deploy/examples/deferd.yml "$1" | sed -n 's/^needs a restart to take effect: //p'
}
[ "$(waits "$tmp/soft.yml")" = nothing ] || printf 'not '
echo "ok 3 - a level of the log needs no restart"
[ "$(waits "$tmp/hard.yml")" = "control.group, limits.sites" ] || printf 'not '
echo "ok 4 - the group of the socket and a limit do"
