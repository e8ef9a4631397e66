/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Links: which points of a target are attached. A change is exact: no hit is counted twice, and none that both sets have is missed. Loop
 * thread only.
 */
#ifndef DEFERD_PROBE_LINKS_H
#define DEFERD_PROBE_LINKS_H

#include "base/reason.h"
#include "probe/target.h"

/*
 * Attach to a process. *ret_id is its target id, in events from now on. -ENOSPC: no slot; -ESRCH:
 * the process is gone; else what the kernel said.
 */
int probe_attach(struct probe *p, const struct probe_target *t, uint32_t *ret_id,
		 struct reason *reason);
/*
 * Other points, maybe none, and another hits_max, from one moment to the next: no hit is seen twice, and
 * none that both have is missed; *ret_ns is that moment, CLOCK_MONOTONIC. On failure all is as it was.
 */
int probe_set_points(struct probe *p, uint32_t id, const struct probe_target *t, uint64_t *ret_ns,
		     struct reason *reason);
/* Detach and forget what the maps hold of it. A process that is gone needs this too. */
void probe_detach(struct probe *p, uint32_t id);
/*
 * The requests of a target's servers are timed from now on, by its points of PLAN_SET_REQUESTS; with none, not any more. What
 * was counted goes on. 0, or negative errno with the reason; then they are not timed. Needs uprobe_multi: -ENOTSUP.
 */
int probe_time_requests(struct probe *p, uint32_t id, const struct probe_target *t,
			struct reason *reason);

#endif
