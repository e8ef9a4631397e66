/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a goroutine waits for. On a channel it has a sudog at g.waiting, which names the channel; since
 * Go 1.26 on a semaphore, too. Before, only the table of semaphores knows: a treap of sudogs a row, one for
 * each address, with a queue of the others that wait for the same.
 */
#ifndef DEFERD_CENSUS_SUDOG_PRIV_H
#define DEFERD_CENSUS_SUDOG_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "census/pages.h"
#include "golang/layout.h"

#define SUDOG_BYTES 112u /* covers every field that is looked at, in every layout */

/* These have never moved: runtime2.go, type sudog. */
#define SUDOG_G    0u
#define SUDOG_NEXT 8u
#define SUDOG_PREV 16u

/* Whether what is looked at of a sudog is within bounds. */
bool sudog_layout_fits(const struct go_layout *l);
/*
 * The channel, or the word of the semaphore, that the goroutine at `g` waits for, by the sudog at
 * `waiting`; 0: it is not its sudog, or cannot be read.
 */
uint64_t sudog_object(struct pages *p, const struct go_layout *l, uint64_t waiting, uint64_t g);
/*
 * One case of a select in which the goroutine at `g` waits, of SUDOG_BYTES: its channel is added to the
 * *n that are known, if it is another; *ret_next: the next sudog, 0: none. They are in the order of the
 * channels' addresses (select.go, selectgo). False: it is not its sudog, or is out of that order; nothing is
 * written.
 */
bool sudog_case(const struct go_layout *l, const uint8_t *sudog, uint64_t g, uint64_t *channels,
		unsigned *n, uint64_t *ret_next);

/*
 * Call fn for each waiter of the table, with the g and the word it waits for; before Go 1.26. 0;
 * -EBADMSG: it is no such table; -EFAULT, -ESRCH. It may change while it is read: an end is met in any
 * case, and what is told need not be so any more.
 */
int sudog_semtable(const struct memread *m, const struct go_layout *l, uint64_t semtable,
		   void (*fn)(void *arg, uint64_t g, uint64_t word), void *arg);

#endif
