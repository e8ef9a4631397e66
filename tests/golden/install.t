#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# make install puts everything where the unit and the manual say it is, below DESTDIR and nowhere else.
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-$PWD/build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
ok() { n=$((n + 1)); if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi; }
make -s install DESTDIR="$dir" O="${BUILD#"$PWD"/}" >"$dir.log" 2>&1
ok $? "make install"
for f in usr/sbin/deferd lib/systemd/system/deferd.service usr/lib/sysusers.d/deferd.conf etc/deferd/deferd.yml \
	usr/include/deferd/defer.h usr/share/man/man1/deferd-run.1 usr/share/man/man5/deferd.yml.5 \
	usr/share/bash-completion/completions/deferd; do
	[ -s "$dir/$f" ]
	ok $? "/$f"
done
[ -d "$dir/etc/deferd/rules.d" ]
ok $? "/etc/deferd/rules.d"
grep -q "^ExecStart=/usr/sbin/deferd run -c /etc/deferd/deferd.yml" "$dir/lib/systemd/system/deferd.service"
ok $? "the unit starts what was installed"
"$dir/usr/sbin/deferd" check-config "$dir/etc/deferd/deferd.yml" >/dev/null
ok $? "the installed configuration is good"
rm -f "$dir.log"
echo "1..$n"
