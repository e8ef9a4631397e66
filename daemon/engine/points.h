/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * From a wish to probe points: those that wish_points() has, with their bytes compared with the file and with the
 * process's memory. Loop thread only.
 */
#ifndef DEFERD_ENGINE_POINTS_H
#define DEFERD_ENGINE_POINTS_H

#include "engine/turn.h"

struct points {
	unsigned n;
	struct probe_point *list; /* room for PROBE_POINTS_MAX */
	uint32_t attached;        /* see struct watch */
	uint32_t n_calls;
};

/*
 * The points of `wish`, but those of requests; none for a process that failed or whose file could not be read. 0, or
 * with the reason: -EBADMSG: the file or the memory differ from what was planned; -ESRCH: the memory is gone; -ENOMEM.
 */
int points_choose(const struct turn *turn, const struct watch *w, const struct wish *wish,
		  struct points *ret, struct reason *reason);
/* The points where requests begin and end; the rest as points_choose(). */
int points_requests(const struct watch *w, struct points *ret, struct reason *reason);
void points_done(struct points *p);

/* What the kernel side is told; borrows the points and the image. */
struct probe_target points_target(const struct turn *turn, const struct watch *w,
				  const struct wish *wish, const struct points *p);

#endif
