/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which descriptor hooks the host should have: the kind that the configuration names, else the cheapest that the kernel
 * has. Syscall tracepoints tax every syscall of the host, so they are wished for on suspicion only, and for a minute
 * after it.
 */
#ifndef DEFERD_ENGINE_HOOKS_H
#define DEFERD_ENGINE_HOOKS_H

#include "engine/turn.h"

struct hooks {
	uint64_t until_ns; /* tracepoints on suspicion end then */
	bool failed;       /* not tried again before a reload */
};

/* Each second, and at the start: write turn->wish.fd_hooks. */
void hooks_tick(struct hooks *h, struct turn *turn);
/* What was wished could not be attached. */
void hooks_refused(struct hooks *h);
/* The configuration has changed. */
void hooks_reload(struct hooks *h);

#endif
