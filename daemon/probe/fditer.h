/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * All descriptors of all processes in one pass of the kernel: 0.2 us each, without a hook. Loads a program of its
 * own, which is run when it is read and attached to nothing.
 */
#ifndef DEFERD_PROBE_FDITER_H
#define DEFERD_PROBE_FDITER_H

#include "base/reason.h"
#include "proc/fd.h"

struct fditer;

/* 0, or negative errno with the reason: the kernel has no such iterator (before 5.8), or privilege is missing. */
int fditer_open(struct fditer **ret_it, struct reason *reason);
void fditer_close(struct fditer *it); /* NULL is allowed */

/*
 * One pass. Descriptors of one process come together, in ascending order; `fn` is told of no kernel thread and of no
 * descriptor that is being opened. 0, or negative errno with the reason; what was told until then is true.
 */
int fditer_read(struct fditer *it, void (*fn)(void *arg, const struct fd_entry *fd), void *arg,
		struct reason *reason);

#endif
