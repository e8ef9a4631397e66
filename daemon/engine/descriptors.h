/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How many descriptors processes have, each second; and each census.interval which ones, of all processes in one pass
 * of the kernel: those of observed processes are compared with the pass before. Where the kernel has no such pass, or
 * keeps a process from it, /proc is read. While descriptor hooks are attached, the openers of what grows are reported.
 */
#ifndef DEFERD_ENGINE_DESCRIPTORS_H
#define DEFERD_ENGINE_DESCRIPTORS_H

#include "engine/slots.h"
#include "engine/turn.h"

struct fditer;
struct fd_entry;

struct fdcounts {
	struct slots processes;
	struct fditer *it; /* NULL: not yet, or the kernel has none, and /proc is read */
	bool tried;        /* to open it */
	bool complained;   /* that a pass failed */
	bool sites;        /* openers of some process are kept, or were at the census before */
	uint64_t due_ns;
	struct event_fd_census limits; /* max, and used of the host */
	struct fd_entry *fds;          /* of the process that is being read */
	unsigned n, room;
	bool failed; /* no room for them */
};

int fdcounts_init(struct fdcounts *d, unsigned targets_max); /* 0, or -ENOMEM */
void fdcounts_done(struct fdcounts *d);
/* Each second that is looked in: emit an EVENT_FDS a process. Whether one was found gone. */
bool fdcounts_read(struct fdcounts *d, struct turn *turn);
/* The same seconds: make the census when it is due, and write wish.fd_sites. */
void fdcounts_tick(struct fdcounts *d, struct turn *turn);

#endif
