/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Who opened the descriptors of a process that are open, as of its newest census. Pure. */
#ifndef DEFERD_MODEL_FDOPENERS_H
#define DEFERD_MODEL_FDOPENERS_H

#include <stdbool.h>

#include "event/event.h"

struct fdopeners {
	uint64_t census; /* the number of the one that they are of */
	unsigned n, room;
	struct event_fd_site *sites; /* those that keep most first */
};

/* False: out of memory, and this one is left out. */
bool fdopeners_apply(struct fdopeners *o, const struct event_fd_site *s, uint64_t census);
void fdopeners_done(struct fdopeners *o);

/* Of all stacks together. */
uint64_t fdopeners_kept(const struct fdopeners *o);

#endif
