/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Who waits for what, as JSON.
 *
 *   { locks[] (most waiters first), channels[] (those with two waiters and more), not_located, left_out, searched, seconds, complete }
 *
 *   locks[]     { address: "0x...", kind: mutex | rwmutex | waitgroup | cond | semaphore, waiting, oldest_seconds (or null): one
 *                 waits about so long, sites[], state{} | null, holders[], history[] | null }
 *   locks[].state  as the lock's own words say a moment later:
 *                  mutex { locked, woken, starving, waiters }; waitgroup { counter, waiters };
 *                  rwmutex { writer: one has it or waits for readers to leave, readers: that have it or wait, readers_to_leave }
 *   locks[].holders[]  who may have it, of the first 16 mutexes and RWMutexes: { goroutine, hint, site{}: where it stands };
 *                  hint: deferred: a pending deferred call of its has the lock's address; unlock: a call of Unlock in a frame has it;
 *                  frame: its address is in a frame, perhaps of old. Those of the best hint only
 *   locks[].history[]  { age_seconds, waiting }, the oldest first: at the last censuses of the daemon; null: that is not known
 *   searched    goroutines that were looked at for this; 0: there was no reason to
 *   channels[]  { address, waiting, selecting: of these, in a select that has other cases too, oldest_seconds, sites[], state { length, capacity, closed } | null }
 *   left_out    goroutines that are in none of these because there are too many, or because their select is over by now
 *   sites[]     { count, reason, site{}: line of the program, created_by{} | null }
 *   not_located goroutines that wait for a lock which is not known: see the log and deferd doctor
 */
#ifndef DEFERD_EXPORT_LOCKS_H
#define DEFERD_EXPORT_LOCKS_H

#include <jansson.h>

#include "export/show.h"

/*
 * The last census that is complete; `t` NULL: nothing is known of before. *ret_complete is false while
 * names are being looked up: ask again. The object is the caller's; NULL: out of memory, or no census.
 */
json_t *view_locks(struct model *m, const struct target *t, const struct show_census *sc,
		   bool *ret_complete);

#endif
