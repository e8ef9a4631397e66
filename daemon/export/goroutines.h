/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A census as JSON.
 *
 *   { groups[] (largest first), goroutines, system, inexact, unreadable, left_out, seconds }
 *
 *   groups[]  { count, system, state: runnable | running | syscall | waiting | preempted | leaked, reason (or null), on_cpu: the
 *               reason is one of those that the runtime gives while it runs, since_seconds (or null): the oldest waits at least
 *               so long, stack[] (innermost first), whole: the stack reaches to the first function, start{}, created_by{} | null,
 *               depth_max: pending defers of the deepest, inexact, goroutines[]: some of them }
 *   groups[].goroutines[]  { id, parent (or null), since_seconds (or null), depth }
 *   goroutines, system   all, and those of the runtime itself
 *   unreadable           entries of the runtime's list that failed a check
 *   seconds              that the reading took
 */
#ifndef DEFERD_EXPORT_GOROUTINES_H
#define DEFERD_EXPORT_GOROUTINES_H

#include <jansson.h>

#include "census/census.h"
#include "model/model.h"

extern const char *const view_census_state_names[CENSUS_STATE_MAX];

/*
 * The last census that is complete. *ret_complete is false while names are being looked up: ask again.
 * The object is the caller's; NULL: out of memory, or no census.
 */
json_t *view_goroutines(struct model *m, uint32_t image_id, struct census *c, uint64_t took_ns,
			bool *ret_complete);

#endif
