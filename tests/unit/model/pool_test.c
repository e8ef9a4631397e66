// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "model/pool.h"
#include "shop.h"

#define INTERVAL (10 * SECOND)

/* Censuses of a process; `since`: who has waited longest has done so for so many seconds, 0: is not known. */
static void census(struct pool *p, unsigned i, uint32_t waiting, uint64_t since)
{
	char reason[] = "select"; /* is not there any more when somebody asks */
	uint64_t now = T0 + i * INTERVAL;

	if (waiting)
		pool_apply(p,
			   &(struct event_pile){ .count = waiting,
						 .reason = reason,
						 .oldest_ns = since ? now - since * SECOND : 0 },
			   i + 1);
	memset(reason, 'x', sizeof(reason) - 1);
	pool_end(p, i + 1, now);
}

static void grows(void **state)
{
	struct pool p = {};
	double per_hour;

	for (unsigned i = 0; i < 30; i++) {
		bool is;

		census(&p, i, 5 + 6 * i, 20);
		is = pool_is_short(&p, T0, &per_hour);
		assert_int_equal(is, i >= 7);
		assert_true(!is || fabs(per_hour - 6 * 360) < 1);
	}
	assert_string_equal(p.newest.reason, "select");
	/* Only what was seen since then counts. */
	assert_true(pool_is_short(&p, T0 + 22 * INTERVAL, &per_hour));
	assert_false(pool_is_short(&p, T0 + 23 * INTERVAL, &per_hour));
	assert_false(pool_is_short(&p, T0 + 100 * INTERVAL, &per_hour));
}

/* Whoever has waited longest goes on waiting, but others do not. */
static void served_in_no_order(void **state)
{
	struct pool p = {};
	double per_hour;

	for (unsigned i = 0; i < 12; i++) {
		pool_apply(&p,
			   &(struct event_pile){ .count = 5 + 6 * i,
						 .woken = i == 9,
						 .reason = "",
						 .oldest_ns = T0 },
			   i);
		pool_end(&p, i, T0 + i * INTERVAL);
		assert_int_equal(pool_is_short(&p, T0, &per_hour), i >= 9);
	}
}

static void does_not(void **state)
{
	struct pool none = {}, same = {}, few = {}, shrinks = {}, stuck = {}, once = {}, gone = {};
	double per_hour;

	for (unsigned i = 0; i < 20; i++) {
		census(&none, i, 0, 0);
		census(&same, i, 40 + i % 3, 20);
		census(&few, i, 1 + i / 4, 20);
		census(&shrinks, i, 200 - 8 * i, 20);
		census(&stuck, i, 10 + 6 * i,
		       10 + 10 * i); /* nobody gets what he waits for: no matter of size */
		census(&once, i, i < 10 ? 10 : 100, 20);
		census(&gone, i, i < 19 ? 10 * i : 0, 20);
	}
	assert_false(pool_is_short(&none, T0, &per_hour));
	assert_false(pool_is_short(&same, T0, &per_hour));
	assert_false(pool_is_short(&few, T0, &per_hour));
	assert_false(pool_is_short(&shrinks, T0, &per_hour));
	assert_false(pool_is_short(&stuck, T0, &per_hour));
	assert_false(pool_is_short(&once, T0, &per_hour));
	assert_false(pool_is_short(&gone, T0, &per_hour));
}

/* A process whose connections are looked at, too. */

static void tell(struct model *m, unsigned i, uint32_t open, uint32_t waiting)
{
	const uint64_t now = T0 + i * INTERVAL;
	struct event fds = { .type = EVENT_FD_GROUP,
			     .target = 1,
			     .fd_group = { .key = { .kind = FD_INET, .port = 5432 },
					   .open = open } };
	struct event incoming = {
		.type = EVENT_FD_GROUP,
		.target = 1,
		.fd_group = { .key = { .kind = FD_INET, .port = 80, .incoming = 1 }, .open = 500 }
	};

	model_apply(m, &fds);
	model_apply(m, &incoming);
	model_apply(m, &(struct event){ .type = EVENT_FD_CENSUS,
					.target = 1,
					.time_ns = now,
					.fd_census = { .interval_ns = INTERVAL } });
	model_apply(m, &(struct event){ .type = EVENT_POOL,
					.target = 1,
					.time_ns = now,
					.pile = { .count = waiting,
						  .reason = "select",
						  .oldest_ns = now - 20 * SECOND,
						  .nstack = 1,
						  .stack = { 0x400100 } } });
	model_apply(m, &(struct event){ .type = EVENT_CENSUS,
					.target = 1,
					.time_ns = now,
					.census = { .begin_ns = now, .interval_ns = INTERVAL } });
}

static void of_a_process(void **state)
{
	_cleanup_(model_freep) struct model *m = shop_model();
	struct pool_shortage s;

	shop_add(m, 1, 0);
	assert_false(target_pool_shortage(model_target(m, 1), &s));
	/* As long as the pool grows it is not too small. */
	for (unsigned i = 0; i < 12; i++)
		tell(m, i, 4 + i, 10 + 6 * i);
	assert_false(target_pool_shortage(model_target(m, 1), &s));
	for (unsigned i = 12; i < 20; i++) {
		assert_false(target_pool_shortage(model_target(m, 1), &s));
		tell(m, i, 16, 10 + 6 * i);
	}
	assert_true(target_pool_shortage(model_target(m, 1), &s));
	assert_int_equal(s.in_use->what.key.port, 5432);
	assert_int_equal(s.in_use->what.open, 16);
	assert_int_equal(s.waiters->count, 124);
	assert_true(fabs(s.per_hour - 6 * 360) < 1);
	tell(m, 20, 17, 130);
	assert_false(target_pool_shortage(model_target(m, 1), &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows),
		cmocka_unit_test(served_in_no_order),
		cmocka_unit_test(does_not),
		cmocka_unit_test(of_a_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
