/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How often the loop turns, and what deferd may cost itself.
 *
 * While anything happens the ring is drained 20 times a second: records wait there and wake no thread, because a wake-up
 * costs the observed thread more than the probe itself. After a second in which nothing came and no probe was hit the
 * loop turns once a second, and the next record, whatever it is, wakes it.
 *
 * Past its own budget deferd looks less often: at the kernel's maps, at descriptors, and at goroutines. Nothing is lost
 * by that: records are taken as ever, and what must be known at once still is.
 */
#ifndef DEFERD_ENGINE_PACE_H
#define DEFERD_ENGINE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "probe/budget.h"

#define PACE_DRAIN_NS 50000000ull
#define PACE_TICK_NS  250000000ull

struct pace {
	bool asleep;
	uint64_t second_ns;    /* the newest one */
	uint64_t events, hits; /* at the newest second */
	unsigned looks;        /* seconds */
	unsigned unjudged;     /* seconds of its own cost */
	struct budget own;     /* of its steps only the number matters */
};

/* At the start, and after a reload: under another budget. `cpu_ns`: what the process has taken so far. */
void pace_reload(struct pace *p, uint64_t cpu_ns, uint64_t now_ns);
/* Each tick: whether a second is over. */
bool pace_second(struct pace *p, uint64_t now_ns);
/* Each second: judge the cost; whether the stretch has changed. `percent`: of a core, that is allowed. */
bool pace_judge(struct pace *p, double percent, uint64_t cpu_ns, uint64_t now_ns);
/* Past its own budget everything that is done at intervals is done this many times less often: 1, 2, 4, 8. */
unsigned pace_stretch(const struct pace *p);
/* Each second, once: whether the kernel's maps and descriptors are looked at in this one. */
bool pace_looks(struct pace *p);
/*
 * Each second, at its end. `events`, `hits`: so far; `busy`: work is under way; `attached_ns`: when the newest process
 * was attached. Whether the loop should be asleep now; the caller makes it so, and sets p->asleep.
 */
bool pace_rests(struct pace *p, uint64_t events, uint64_t hits, bool busy, uint64_t attached_ns,
		uint64_t now_ns);

#endif
