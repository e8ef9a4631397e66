/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A census as JSON.
 *
 *   { groups[] (largest first), goroutines, system, inexact, unreadable, left_out, seconds, complete }
 *
 *   groups[]  { count, system, state: runnable | running | syscall | waiting | preempted | leaked, reason (or null), on_cpu: the
 *               reason is one of those that the runtime gives while it runs, since_seconds (or null): the oldest waits
 *               about so long, see census/goroutine.h, stack[] (innermost first), whole: the stack reaches to the first function, start{}, created_by{} | null,
 *               depth_max: pending defers of the deepest, panics_max: most panics of one, goexit: are being
 *               ended by runtime.Goexit, inexact, quiet: have not run for long, leak{} | null, goroutines[]: some of
 *               them }
 *   groups[].leak        { verdict: too_young | steady | unsure | leaking, per_hour, low_per_hour, high_per_hour, seconds: over which
 *                        that was seen }; null: nobody of them is quiet, or there was one census only
 *   groups[].goroutines[]  { id, parent (or null), since_seconds (or null), waits_for (or null): address of the channel, or of
 *                        the word of the lock, depth, panics: not recovered yet, whose deferred calls run (255: or
 *                        more), goexit: runtime.Goexit ends it; both null: they moved while they were read }
 *   goroutines, system   all, and those of the runtime itself
 *   unreadable           entries of the runtime's list that failed a check
 *   seconds              that the reading took
 *   complete             false: names are still being looked up; ask again
 */
#ifndef DEFERD_EXPORT_GOROUTINES_H
#define DEFERD_EXPORT_GOROUTINES_H

#include <jansson.h>

#include "export/show.h"
#include "model/model.h"

/*
 * `t` NULL: nothing is known of leaks. *ret_complete is false while names are being looked up: ask again.
 * The object is the caller's; NULL: out of memory, or no census.
 */
json_t *view_goroutines(struct model *m, const struct target *t, const struct show_census *sc,
			bool *ret_complete);

/*
 * Some groups of the newest census of an observed process, those that leak first, then the largest; []
 * when there is none: { serial, count, state, reason (or null), quiet, since_seconds (or null), leak{} |
 * null, depth_max, site{}: the line of the program where they stand, created_by{} | null }.
 */
json_t *view_groups(const struct show *s, const struct target *t, unsigned max);

#endif
