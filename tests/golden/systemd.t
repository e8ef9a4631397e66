#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The systemd unit is well formed, asks for the capabilities it explains and no others, and is exposed no more than
# it was when it was reviewed. Needs systemd-analyze, not a running systemd.
set -u
cd "$(dirname "$0")/../.."
unit=deploy/systemd/deferd.service
sysusers=deploy/systemd/deferd.sysusers
exposure_max=36 # tenths, of 100; what systemd 252 finds today
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

echo 1..6
n=0
report() { # STATUS NAME [DIAGNOSTICS]
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; sed 's/^/# /' <<<"${3-}"; fi
}
skip() { # NAME REASON
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

values() { # KEY
	sed -n "s/^$1=//p" $unit
}

# Every capability of the bounding set has a line that says why, and the other way round.
granted=$(values CapabilityBoundingSet | tr ' ' '\n' | sort)
explained=$(grep -oE '^#   CAP_[A-Z_, ]+[A-Z]' $unit | sed 's/^#   //; s/, _/\nCAP_/g' | sort)
[ -n "$granted" ] && [ "$granted" = "$explained" ]
report $? 'each capability is explained' "$(diff <(echo "$granted") <(echo "$explained"))"

# The probes need these two calls; the set of ordinary services has neither.
out=$(for call in bpf perf_event_open; do values SystemCallFilter | grep -w $call || echo "no $call"; done)
! grep -q '^no ' <<<"$out"
report $? 'bpf and perf_event_open are allowed' "$out"

values Type | grep -qx notify && values WatchdogSec | grep -q .
report $? 'readiness and a watchdog'

# As the unit would be where deferd is installed: verify checks that the command is executable.
sed 's#^ExecStart=/usr/sbin/deferd #ExecStart=/bin/true #' $unit >"$dir/deferd.service"
if ! command -v systemd-analyze >/dev/null; then
	skip 'systemd-analyze verify' 'systemd-analyze is not installed'
	skip 'systemd-analyze security' 'systemd-analyze is not installed'
else
	out=$(systemd-analyze verify --man=no "$dir/deferd.service" 2>&1)
	[ $? = 0 ] && [ -z "$out" ]
	report $? 'systemd-analyze verify' "$out"
	if systemd-analyze --help 2>/dev/null | grep -q -- --offline; then
		out=$(systemd-analyze security --no-pager --offline=true --threshold=$exposure_max \
			"$dir/deferd.service" 2>&1)
		report $? "systemd-analyze security, exposure at most $exposure_max" "$(grep -v '✓' <<<"$out")"
	else
		skip 'systemd-analyze security' 'this systemd-analyze has no --offline (before 250)'
	fi
fi

if ! command -v systemd-sysusers >/dev/null; then
	skip 'systemd-sysusers' 'systemd-sysusers is not installed'
elif ! systemd-sysusers --help | grep -q -- --dry-run; then
	skip 'systemd-sysusers' 'this systemd-sysusers has no --dry-run (before 250)'
else
	mkdir -p "$dir/root/etc"
	out=$(systemd-sysusers --dry-run --root="$dir/root" "$PWD/$sysusers" 2>&1) ||
		out=$(systemd-sysusers --dry-run --root="$dir/root" - <$sysusers 2>&1)
	grep -q "group 'deferd'" <<<"$out"
	report $? 'systemd-sysusers makes the group deferd' "$out"
fi
