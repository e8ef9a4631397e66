// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Who waited for a lock, census by census. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/queues.h"

#define SECOND 1000000000ull
#define T0     (1000 * SECOND)

static void tell(struct event_census *c, uint64_t lock, uint32_t waiting)
{
	assert_true(c->n_queues < EVENT_QUEUES_MAX);
	c->queues[c->n_queues].lock = lock;
	c->queues[c->n_queues++].waiting = waiting;
}

static void one_lock(struct queues *qs, uint64_t lock, uint32_t waiting, uint64_t time_ns)
{
	struct event_census c = { .interval_ns = 10 * SECOND };

	if (waiting)
		tell(&c, lock, waiting);
	queues_apply(qs, &c, time_ns);
}

static void followed(void **state)
{
	struct queues qs = {};
	const struct queue *q;

	assert_null(queues_find(&qs, 0x1000));
	assert_null(queues_find(&qs, 0)); /* no lock is there */
	for (unsigned i = 0; i < 5; i++)
		one_lock(&qs, 0x1000, 2 + i, T0 + 10 * i * SECOND);
	one_lock(&qs, 0, 0, T0 + 50 * SECOND);
	q = queues_find(&qs, 0x1000);
	assert_non_null(q);
	assert_int_equal(q->n, 6);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(q->samples[i].waiting, 2 + i);
		assert_int_equal(q->samples[i].time_ns, T0 + 10 * i * SECOND);
	}
	assert_int_equal(q->samples[5].waiting, 0);
	assert_null(queues_find(&qs, 0x2000));
}

/* The oldest go; a lock that nobody has waited for in all that time is forgotten. */
static void long_ones(void **state)
{
	struct queues qs = {};
	const struct queue *q;
	uint64_t now = T0;

	for (unsigned i = 0; i < QUEUE_SAMPLES + 7; i++, now += 10 * SECOND)
		one_lock(&qs, 0x1000, 100 + i, now);
	q = queues_find(&qs, 0x1000);
	assert_int_equal(q->n, QUEUE_SAMPLES);
	assert_int_equal(q->samples[0].waiting, 107);
	assert_int_equal(q->samples[QUEUE_SAMPLES - 1].waiting, 100 + QUEUE_SAMPLES + 6);
	for (unsigned i = 0; i < QUEUE_SAMPLES - 1; i++, now += 10 * SECOND)
		one_lock(&qs, 0, 0, now);
	assert_non_null(queues_find(&qs, 0x1000));
	one_lock(&qs, 0, 0, now);
	assert_null(queues_find(&qs, 0x1000));
}

/* After a loss a census comes each second; five minutes are to be kept nevertheless. */
static void early_ones(void **state)
{
	struct queues qs = {};
	const struct queue *q;

	for (unsigned i = 0; i <= 100; i++)
		one_lock(&qs, 0x1000, 2 + i, T0 + i * SECOND);
	q = queues_find(&qs, 0x1000);
	assert_int_equal(q->samples[0].time_ns, T0);
	assert_int_equal(q->samples[q->n - 1].time_ns, T0 + 100 * SECOND);
	assert_int_equal(q->samples[q->n - 1].waiting, 102);
	for (unsigned i = 2; i < q->n; i++)
		assert_true(q->samples[i].time_ns - q->samples[i - 2].time_ns >= 10 * SECOND);
	assert_true(q->n <= 21);
}

/* One that was not told makes room for one that was. */
static void room(void **state)
{
	struct event_census c = { .interval_ns = 10 * SECOND };
	struct queues qs = {};

	for (unsigned i = 0; i < EVENT_QUEUES_MAX; i++)
		tell(&c, 0x1000 + 8 * i, 100 - i);
	queues_apply(&qs, &c, T0);
	for (unsigned i = 0; i < EVENT_QUEUES_MAX; i++)
		assert_non_null(queues_find(&qs, 0x1000 + 8 * i));
	/* The rest still wait, but were not told: theirs is 0, and the first of them goes. */
	c.n_queues = 0;
	tell(&c, 0x5000, 500);
	tell(&c, 0x1000, 90);
	queues_apply(&qs, &c, T0 + 10 * SECOND);
	assert_non_null(queues_find(&qs, 0x5000));
	assert_non_null(queues_find(&qs, 0x1000));
	assert_null(queues_find(&qs, 0x1008));
	assert_non_null(queues_find(&qs, 0x1010));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(followed),
		cmocka_unit_test(long_ones),
		cmocka_unit_test(early_ones),
		cmocka_unit_test(room),
	};

	return cmocka_run_group_tests_name("model/queues", tests, NULL, NULL);
}
