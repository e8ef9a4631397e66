#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# vm: yes
# The lean set on whatever this kernel has (uprobe_multi, or perf events): counts and depths of a small Go program, and
# its panics, equal its own.
. "$(dirname "$0")/../lib/live.sh"
need_gos
[ -z "${DEFERD_VM-}" ] || gos=$(head -1 <<<"$gos") # emulated: kernels differ here, not releases

while read -r version go; do
	way=stripped
	if is_sample "$version" "$go"; then way=pie; fi
	build_fixtures "$version" "$go" stripped ${way#stripped} || { ok 1 "$version: fixtures: $(tail -1 "$tmp/build.log")"; continue; }
	start_program pile "$fixtures/pile.stripped" -goroutines 4 -defers 20000 -deep 3000
	start_daemon
	wait_until 30 attached "$program"
	ok $? "$version: attached"
	note "$(curl -sf "$url/api/v1/snapshot" | jq -r '"Linux \(.deferd.kernel), \(.deferd.attach)"')"
	go_on
	wait_until 120 has_truth pile
	agree "$version" pile defers_registered=registered_heap defer_depth_max=peak_depth
	go_on
	exec 7>&-
	wait "$program"
	ok $? "$version: the program ends well"

	start_program panics "$fixtures/panics.$way" -n 20
	wait_until 30 attached "$program"
	go_on
	wait_until 60 has_truth panics
	agree "$version" panics panics_started=panics panics_recovered=recovered
	go_on
	exec 7>&-
	wait "$program"
	ok $? "$version: the panicking program ends well"
	stop_daemon
	ok $? "$version: the daemon ends well"
done <<<"$gos"
done_testing
