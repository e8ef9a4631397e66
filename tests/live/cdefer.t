#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# vm: 6.12
# C: pushes, runs, panics and depth of threads equal the program's own count, stripped or not.
. "$(dirname "$0")/../lib/live.sh"
need_root
build_fixtures c - default stripped pie || skip_all "the fixtures cannot be built: $(tail -1 "$tmp/build.log")"

variants=("" .stripped .pie)
[ -z "${DEFERD_VM-}" ] || variants=(.stripped) # emulated: a third of a minute each
for variant in "${variants[@]}"; do
	start_program cpile "$fixtures/cpile$variant"
	start_daemon
	wait_until 20 attached "$program"
	ok $? "cpile$variant: attached"
	go_on
	wait_until 60 has_truth cpile
	agree "cpile$variant" cpile defers_registered=registered defer_runs=run panics_started=panics \
		panics_recovered=recovered defer_depth_max=peak_depth
	stop_daemon
	ok $? "cpile$variant: the daemon ends well"
	go_on
	exec 7>&-
	wait "$program"
	ok $? "cpile$variant: the program ends well"
done
done_testing
