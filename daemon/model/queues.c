// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/queues.h"

#include <stdbool.h>
#include <string.h>

static uint32_t newest(const struct queue *q)
{
	return q->n ? q->samples[q->n - 1].waiting : 0;
}

static uint32_t most(const struct queue *q)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < q->n; i++)
		n = q->samples[i].waiting > n ? q->samples[i].waiting : n;
	return n;
}

static void add(struct queue *q, uint64_t spacing_ns, uint64_t time_ns, uint32_t waiting)
{
	bool early = q->n > 1 && time_ns - q->samples[q->n - 2].time_ns < spacing_ns;

	if (early) {
		q->n--;
	} else if (q->n == QUEUE_SAMPLES) {
		memmove(q->samples, q->samples + 1, (QUEUE_SAMPLES - 1) * sizeof(q->samples[0]));
		q->n--;
	}
	q->samples[q->n++] = (struct queue_sample){ time_ns, waiting };
}

static uint32_t waiting_for(const struct event_census *c, uint64_t lock)
{
	for (unsigned i = 0; i < c->n_queues; i++) {
		if (c->queues[i].lock == lock)
			return c->queues[i].waiting;
	}
	return 0;
}

/* A free one, or that of the lock that fewest wait for: of those that were not told there is one. */
static struct queue *room(struct queues *qs)
{
	struct queue *least = &qs->of[0];

	for (unsigned i = 0; i < EVENT_QUEUES_MAX && least->lock; i++) {
		if (!qs->of[i].lock || newest(&qs->of[i]) < newest(least))
			least = &qs->of[i];
	}
	return least;
}

const struct queue *queues_find(const struct queues *qs, uint64_t lock)
{
	for (unsigned i = 0; i < EVENT_QUEUES_MAX && lock; i++) {
		if (qs->of[i].lock == lock)
			return &qs->of[i];
	}
	return NULL;
}

void queues_apply(struct queues *qs, const struct event_census *c, uint64_t time_ns)
{
	for (unsigned i = 0; i < EVENT_QUEUES_MAX; i++) {
		struct queue *q = &qs->of[i];

		if (!q->lock)
			continue;
		add(q, c->interval_ns, time_ns, waiting_for(c, q->lock));
		if (!most(q))
			*q = (struct queue){};
	}
	for (unsigned i = 0; i < c->n_queues; i++) {
		struct queue *q;

		if (queues_find(qs, c->queues[i].lock))
			continue;
		q = room(qs);
		*q = (struct queue){ .lock = c->queues[i].lock };
		add(q, c->interval_ns, time_ns, c->queues[i].waiting);
	}
}
