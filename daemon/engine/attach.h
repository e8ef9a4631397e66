/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A process and the report about its file become a watch, and end being one. Loop thread only.
 */
#ifndef DEFERD_ENGINE_ATTACH_H
#define DEFERD_ENGINE_ATTACH_H

#include "engine/turn.h"

/* A cgroup that deferd sits in itself names no service. */
struct attach_self {
	char service[CGROUP_SERVICE_MAX]; /* of that cgroup; "": it has none */
	struct proc_image image;          /* its own file */
};

void attach_find_self(const struct turn *turn, struct attach_self *ret);

/*
 * 0: it is observed, or the configuration does not want it. Else negative errno: -ESRCH, -ESTALE: it has ended or has
 * executed something else; -EACCES, -EPERM: its memory may not be read; -ENOSPC: limits.targets. What cannot be probed is
 * attached without points, TARGET_FAILED with the reason.
 */
int attach_process(struct turn *turn, const struct attach_self *self, pid_t pid, struct image *im);
/* The process is gone, or is not wanted now: read its last counts, detach, emit EVENT_TARGET_GONE. */
void attach_end(struct turn *turn, struct watch *w);

#endif
