/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Who opened the descriptors of one process that are open: one group for each stack and kind or port. What its code
 * opens and closes at once is seldom there when somebody looks, and never old; what it forgets piles up. Pure.
 */
#ifndef DEFERD_CENSUS_FDSITES_H
#define DEFERD_CENSUS_FDSITES_H

#include "event/event.h"

#define FDSITES_MAX  256 /* groups; what others opened is left out */
#define FDSITES_TOLD 32  /* of them, those that keep most */

struct fdsites;

struct fdsites *fdsites_new(void);    /* NULL: out of memory */
void fdsites_free(struct fdsites *s); /* NULL is allowed */

/* One that is open, of a group of descriptors.h. Old: opened at or before `old_ns`. -ENOMEM: it is left out. */
int fdsites_add(struct fdsites *s, const struct event_fd_opened *o, struct event_fd_key what,
		uint64_t old_ns);
/* FD_SITE for each group, most kept first, with the target, pid and time of `ev`; then it is empty. */
void fdsites_tell(struct fdsites *s, const struct event *ev, event_fn fn, void *arg);

#endif
