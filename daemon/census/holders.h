/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Who may have a lock. A Mutex does not know, but its address is where somebody will give it back: in a
 * deferred call, or in a frame. None of this is proof: a slot of a frame keeps what was in it.
 */
#ifndef DEFERD_CENSUS_HOLDERS_H
#define DEFERD_CENSUS_HOLDERS_H

#include "census/census.h"

#define HOLDERS_LOCKS_MAX 16
#define HOLDERS_LOOKS_MAX 8192 /* goroutines looked at: about 15 ms */

/* From the strongest. */
enum holder_hint {
	HOLDER_DEFERRED, /* a pending deferred call has the lock's address as its first capture */
	HOLDER_CLOSURE,  /* in a frame: the entry of a function, and the lock's address behind it */
	HOLDER_FRAME,    /* in a frame: the lock's address */
	HOLDER_HINT_MAX,
};

struct holder {
	unsigned lock; /* index into those asked for */
	enum holder_hint hint;
	uint64_t goid;
	uint64_t
		function; /* DEFERRED, CLOSURE: entry of the function, link-time; whoever knows its name
			      knows whether it unlocks */
	uint32_t group; /* of the census: where it stands */
};

/*
 * Look for these addresses (of locks, not of their semaphores) on the stacks and in the deferred calls of
 * all goroutines of the last census but those that wait for a lock or run; fn is called for each hint.
 * Returns how many goroutines were looked at.
 */
uint32_t holders_find(const struct census *c, const uint64_t *locks, unsigned n,
		      void (*fn)(void *arg, const struct holder *h), void *arg);

#endif
