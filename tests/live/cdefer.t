#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# vm: 6.1
# C: pushes, runs, panics and depth of threads equal the program's own count, stripped or not.
. "$(dirname "$0")/../lib/live.sh"
need_root
build_fixtures c "" || skip_all "the fixtures cannot be built: $(tail -1 "$tmp/build.log")"

variants=("" .stripped .pie)
[ -z "${DEFERD_VM-}" ] || variants=(.stripped) # emulated: a third of a minute each
for variant in "${variants[@]}"; do
	start_program cpile "$fixtures/cpile$variant"
	start_daemon
	wait_until 20 attached "$program"
	ok $? "cpile$variant: attached"
	go_on
	wait_until 60 has_truth cpile
	wait_until 5 target_is defer_runs "$(truth cpile run)"
	is "$(target defers_registered)" "$(truth cpile registered)" "cpile$variant: registered"
	is "$(target defer_runs)" "$(truth cpile run)" "cpile$variant: run"
	is "$(target panics_started)" "$(truth cpile panics)" "cpile$variant: panics"
	is "$(target panics_recovered)" "$(truth cpile recovered)" "cpile$variant: recovered"
	is "$(target defer_depth_max)" "$(truth cpile peak_depth)" "cpile$variant: peak depth"
	stop_daemon
	ok $? "cpile$variant: the daemon ends well"
	go_on
	exec 7>&-
	wait "$program"
	ok $? "cpile$variant: the program ends well"
done
done_testing
