/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The descriptors of one process, followed from census to census: how old each is, and with it how many
 * are kept, which is what a leak makes more of. A descriptor is the same one as long as its number stands
 * for the same file; one that is closed and opened again on the same file between two censuses is taken for
 * one that stayed. Pure: time and descriptors are arguments.
 */
#ifndef DEFERD_CENSUS_DESCRIPTORS_H
#define DEFERD_CENSUS_DESCRIPTORS_H

#include "event/event.h"
#include "proc/fd.h"

#define DESCRIPTORS_PORTS_MAX 64 /* told apart at a census; the rest counts as port 0 */

/* Ages, in intervals, for event_fd_group.kept; the first also for event_fd_site.kept */
#define DESCRIPTORS_OLD 6
#define DESCRIPTORS_AGES            \
	{                           \
		DESCRIPTORS_OLD, 96 \
	}

struct descriptors;

struct descriptors *descriptors_new(void);    /* NULL: out of memory */
void descriptors_free(struct descriptors *d); /* NULL is allowed */

/*
 * All descriptors of the process, in ascending order of their numbers. `fn` gets FD_GROUP for each group that there is
 * or was at the census before, and FD_CENSUS at the end, with the target, pid, time and limits (fd_census.max,
 * and what the host uses) of `ev`.
 * 0, or -ENOMEM: nothing was told, and what was known is kept.
 */
int descriptors_take(struct descriptors *d, const struct fd_entry *fds, unsigned n,
		     uint64_t interval_ns, const struct event *ev, event_fn fn, void *arg);

/* When it was first seen at a census, and which group it is of; 0: at the newest one it was not open. */
uint64_t descriptors_since(const struct descriptors *d, int fd, struct event_fd_key *ret_key);

#endif
