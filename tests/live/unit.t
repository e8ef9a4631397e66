#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The capabilities that the systemd unit grants are enough: the daemon, started with exactly those, attaches to a program
# of another user, reads its memory, and its image worker can become nobody.
. "$(dirname "$0")/../lib/live.sh"
need_root
command -v setpriv >/dev/null || skip_all "no setpriv (util-linux)"
read -r version go < <(list_gos)
[ -n "${version-}" ] || skip_all "no Go here to build a program with"
build_fixtures "$version" "$go" || skip_all "fixtures: $(tail -1 "$tmp/build.log")"

caps=$(sed -n 's/^CapabilityBoundingSet=//p' deploy/systemd/deferd.service | tr ' ' '\n' | sed '/^$/d; s/^CAP_/+/' | tr 'A-Z\n' 'a-z,')
note "$caps"
chmod 755 "$tmp"
cp "$fixtures/pile.stripped" "$tmp/${my}pile"
chmod 755 "$tmp/${my}pile"
start_program pile setpriv --reuid=65534 --regid=65534 --clear-groups "$tmp/${my}pile" -defers 10000 -deep 100
real=$DEFERD
DEFERD=$tmp/confined
printf '#!/bin/sh\nexec setpriv --no-new-privs --bounding-set=-all,%s --inh-caps=-all %s "$@"\n' "${caps%,}" "$real" >"$DEFERD"
chmod +x "$DEFERD"
start_daemon
ok $? "the daemon starts"
wait_until 5 attached "$program"
ok $? "a program of another user is attached"
go_on
wait_until 20 has_truth pile
registered() { curl -sf "$url/api/v1/targets/$program" | jq .defers_registered; }
counted() { [ "$(registered)" = "$(truth pile registered_heap)" ]; }
wait_until 3 counted
is "$(registered)" "$(truth pile registered_heap)" "the program of another user is counted exactly"
named() { [ "$(curl -sf "$url/api/v1/targets/$program" | jq -r '.sites[0].function')" != "?" ]; }
wait_until 5 named
ok $? "lines of the program of another user are named"
stop_daemon
ok $? "the daemon ends well"
go_on
exec 7>&-
done_testing
