/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * When the requests of a process are timed: all the time, as long as that costs it no more than half of its budget;
 * else one second in every N, in which it may cost N times as much. The other half of the budget is left to
 * its other probes (governor.c).
 */
#ifndef DEFERD_ENGINE_TIMING_H
#define DEFERD_ENGINE_TIMING_H

#include "engine/slots.h"
#include "engine/turn.h"

struct timing {
	struct slots turns;
};

int timing_init(struct timing *ti, unsigned targets_max); /* 0, or -ENOMEM */
void timing_done(struct timing *ti);
/* Each second, after the scan. */
void timing_tick(struct timing *ti, const struct turn *turn);
/* The configuration has changed: what failed is tried again. */
void timing_reload(const struct turn *turn);

#endif
