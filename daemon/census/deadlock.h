/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Goroutines that wait for each other's locks. An edge leads from one that waits to one that has the lock, which is claimed
 * where it is certain to have to give it back: a deferred Unlock of that lock is pending, and nobody else has one (of an
 * RWMutex, no more readers have than the lock counts). A ring of edges between goroutines that have not run since an earlier
 * census is a deadlock: none of them will ever run again.
 *
 * What is not seen: a lock that is given back without defer, and one that is waited for through a channel.
 */
#ifndef DEFERD_CENSUS_DEADLOCK_H
#define DEFERD_CENSUS_DEADLOCK_H

#include "census/locks.h"

#define DEADLOCK_WAITERS_MAX 4096u         /* that are looked at */
#define DEADLOCK_EDGES_MAX   8u            /* of a ring that are told */
#define DEADLOCK_STOOD_NS    1000000000ull /* since an earlier look, at least */

struct deadlock {
	uint32_t goroutines; /* that will never run again: the ring, and who waits for one of it */
	uint32_t length;     /* of the ring */
	unsigned n_edges;
	struct deadlock_edge {
		uint64_t goid, holder; /* `goid` waits for what `holder` has to give back */
		uint64_t lock;
		enum synclock_kind kind;
		bool reads; /* RLock */
		const struct group
			*group; /* where it waits; borrowed, until the next census begins */
	} edges[DEADLOCK_EDGES_MAX];
};

/*
 * Of the last census that is complete, the shortest ring. False: there is none, or it cannot be told: out of memory, or
 * *ret_named is false.
 */
bool deadlock_find(struct census *c, const struct lock_names *names, struct deadlock *ret,
		   bool *ret_named);

#endif
