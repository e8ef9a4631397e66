/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How many goroutines of a process waited for a lock over time: at the last censuses at which it was one
 * of the locks that most waited for.
 */
#ifndef DEFERD_MODEL_QUEUES_H
#define DEFERD_MODEL_QUEUES_H

#include <stdint.h>

#include "event/event.h"

#define QUEUE_SAMPLES 32 /* five minutes and more, at the usual interval */

struct queue {
	uint64_t lock; /* its address; 0: none */
	unsigned n;
	struct queue_sample {
		uint64_t time_ns;
		uint32_t waiting; /* 0: nobody, or fewer than for the locks that were told then */
	} samples[QUEUE_SAMPLES]; /* the oldest first */
};

struct queues {
	struct queue of[EVENT_QUEUES_MAX];
};

/*
 * A census has ended. One that came sooner after the last but one than the interval takes the place of
 * the last. A lock that nobody has waited for since its oldest sample is forgotten; one that was not told
 * gives way to one that was.
 */
void queues_apply(struct queues *qs, const struct event_census *c, uint64_t time_ns);

const struct queue *queues_find(const struct queues *qs, uint64_t lock); /* NULL: not known */

#endif
