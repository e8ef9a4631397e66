#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What descriptor hooks cost: CPU time of a program that opens and closes in 22 ways, observed and not, and of one that makes cheap
# system calls of other kinds, with each kind of hook that this kernel has, of that without; in turn and paired.
#
#	fdhooks.sh	PAIRS=9 ROUNDS=20000 BLOCKS=1000000
#
# Hooks that this kernel does not have are compared in a guest, as ratios only, since it is emulated:
#
#	VM_KERNELS=6.12 VM_TEST_SECONDS=900 tests/vm.sh build tests/bench/fdhooks.sh
. "$(dirname "$0")/../lib/live.sh"
. tests/lib/bench.sh
need_root
build_fixtures c - || skip_all "the fixtures cannot be built: $(tail -1 "$tmp/build.log")"
pairs=${PAIRS:-9} rounds=${ROUNDS:-20000} blocks=${BLOCKS:-1000000}
[ -z "${DEFERD_VM-}" ] || { rounds=600 blocks=40000; }
"$DEFERD" doctor --no-targets --json >"$tmp/doctor.json"
has() { jq -e --arg f "$1" 'any(.features[]; .feature == $f and .have)' "$tmp/doctor.json" >/dev/null; }

set_hooks() { # KIND
	printf 'descriptors: { hooks: "%s" }\n' "$1" >"$tmp/hooks.yml"
	kill -HUP "$daemon"
	wait_until 10 metric_is "deferd_fd_hooks{kind=\"$1\"}" 1
	sleep 0.5 # links are closed by a thread of their own
}
cpu_of() { # COMMAND...: ms, user and system
	{ TIMEFORMAT='%3U %3S'; time "$@" </dev/null >/dev/null 2>&1; } 2>&1 | awk '{ print ($1 + $2) * 1000 }'
}
observed() { # one that the daemon has found before it begins
	start_program fdchurn "$fixtures/fdchurn" --rounds "$rounds" --calls-only
	wait_until 20 attached "$program"
	local before after
	before=$(cpu_ms "$program")
	go_on
	wait_until 60 has_truth fdchurn
	after=$(cpu_ms "$program")
	go_on
	exec 7>&-
	wait "$program"
	echo $((after - before))
}
others() { cpu_of dd if=/dev/zero of=/dev/null bs=1 count=$blocks; } # a read and a write each

printf 'descriptors: { hooks: "off" }\n' >"$tmp/hooks.yml"
start_daemon -c "$tmp/hooks.yml"
table "descriptor hooks, of without" ratio
for kind in fentry kprobe tracepoint; do
	if ! has $kind; then
		note "$kind: $(jq -r --arg f $kind '.features[] | select(.feature == $f) | .why' "$tmp/doctor.json")"
		continue
	fi
	for n in $(seq "$pairs"); do
		set_hooks off
		a=$(observed) b=$(others)
		set_hooks $kind
		echo "$a $(observed) $b $(others)" >>"$tmp/$kind"
	done
	awk '{ print $2 / $1 }' "$tmp/$kind" | figure "$kind: open and close, observed"
	awk '{ print $4 / $3 }' "$tmp/$kind" | figure "$kind: other system calls of the host"
	awk -v n=$blocks '{ print ($4 - $3) * 1e6 / (2 * n) }' "$tmp/$kind" | figure "$kind: ns more for each of these" %.0f
done
[ -z "${DEFERD_VM-}" ] || done_testing
