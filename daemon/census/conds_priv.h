/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which sync.Cond a goroutine waits for, before Go 1.26: it does not say, but its frames hold a pointer to
 * the Cond, or to the list in it, and that list has the goroutine in it.
 */
#ifndef DEFERD_CENSUS_CONDS_PRIV_H
#define DEFERD_CENSUS_CONDS_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "census/pages.h"

#define CONDS_SEARCHES_MAX 256u       /* of one census: some 5 ms */
#define CONDS_STEPS_MAX    (1u << 17) /* waiters looked at in one census: some 10 ms */

struct conds;

/*
 * For one census. `fn` is called for each waiter of a list that is found, with the g and the address of
 * the sync.notifyList. NULL: out of memory; else for free(3).
 */
struct conds *conds_new(const struct memread *m, void (*fn)(void *arg, uint64_t g, uint64_t list),
			void *arg);
/*
 * Look on the stack, from sp on, of the goroutine at g. False: it was not found, or enough was looked
 * at.
 */
bool conds_find(struct conds *c, uint64_t g, uint64_t sp);

#endif
