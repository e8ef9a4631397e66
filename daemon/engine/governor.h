/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What probes may cost a process. Hits are counted by the kernel side, each has a price that was measured at the start,
 * and a process whose probes are past the budget is taken down the ladder of probe/budget.h: within the second, or at
 * once when the kernel side reports that there are too many hits to look at.
 */
#ifndef DEFERD_ENGINE_GOVERNOR_H
#define DEFERD_ENGINE_GOVERNOR_H

#include "engine/slots.h"
#include "engine/turn.h"

struct governor {
	struct slots ladders;
	bool flood; /* some process has one */
};

int governor_init(struct governor *g, unsigned targets_max); /* 0, or -ENOMEM */
void governor_done(struct governor *g);
/* Each second, after the scan and before the timing of requests. */
void governor_tick(struct governor *g, struct turn *turn);
/* At EVENT_HOT, while the ring is drained. */
void governor_hot(struct governor *g, const struct turn *turn, const struct event *ev);
/* After the ring was drained: take down those that were flooded. Whether something new is wished. */
bool governor_cool(struct governor *g, struct turn *turn);
/* The level that was wished could not be attached: whether another is wished instead. */
bool governor_refused(struct governor *g, struct turn *turn, struct watch *w);
/* The configuration has changed. */
void governor_reload(struct governor *g, struct turn *turn);

#endif
