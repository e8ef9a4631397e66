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
						  .gone = 1,
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

/* A pool that is used up */

struct look {
	uint32_t waiting, moving, gone;
};

static bool is_stuck(const struct look *looks, unsigned n, bool *ret_ended)
{
	struct pool p = {};
	uint64_t since = 0;
	bool is;

	for (unsigned i = 0; i < n; i++) {
		if (looks[i].waiting)
			pool_apply(&p,
				   &(struct event_pile){ .count = looks[i].waiting,
							 .moving = looks[i].moving,
							 .gone = looks[i].gone,
							 .reason = "select" },
				   i + 1);
		pool_end(&p, i + 1, T0 + i * INTERVAL);
	}
	is = pool_is_stuck(&p, &since, ret_ended);
	assert_true(!is || since == T0 + (n - POOL_STUCK) * INTERVAL);
	return is;
}

static void stuck(void **state)
{
	const struct {
		struct look looks[6];
		unsigned n;
		bool is, ended;
	} cases[] = {
		/* As many wait as ever, be they others at each census or not. */
		{ { { 1 }, { 1 }, { 1 }, { 1 } }, 4, true, false },
		{ { { 15, 0, 9 }, { 15, 0, 15 }, { 15, 0, 15 }, { 15, 0, 15 } }, 4, true, true },
		/* Too short; nobody waited for a while; the last who did was served. */
		{ { { 15 }, { 15 }, { 15 } }, 3, false, false },
		{ { { 15 }, { 15 }, { 0 }, { 15 }, { 15 }, { 15 } }, 6, false, false },
		{ { { 15 }, { 15 }, { 15 }, { 15 }, { 0 } }, 5, false, false },
		/* They move. */
		{ { { 15, 4 }, { 15, 4 }, { 15, 4 }, { 15, 4 } }, 4, false, false },
		{ { { 15 }, { 15 }, { 15, 1 }, { 15 } }, 4, false, false },
		/* What had begun before stands still since; among a hundred that wait one is on its way. */
		{ { { 15, 10 }, { 15 }, { 15 }, { 15 } }, 4, true, false },
		{ { { 100 }, { 100, 2, 50 }, { 100 }, { 100, 3, 50 } }, 4, true, true },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool ended = false;

		assert_int_equal(is_stuck(cases[i].looks, cases[i].n, &ended), cases[i].is);
		assert_true(!cases[i].is || ended == cases[i].ended);
	}
}

/* One census of a process: 10 connections, which moved last at `moved` seconds, or never do (carried 0). */
static void used(struct model *m, unsigned i, struct event_fd_group connections, uint32_t gone)
{
	const uint64_t now = T0 + i * INTERVAL;
	struct event ev = { .target = 1, .time_ns = now };

	ev.type = EVENT_FD_GROUP;
	ev.fd_group = connections;
	model_apply(m, &ev);
	ev.type = EVENT_FD_CENSUS;
	ev.fd_census = (struct event_fd_census){ .interval_ns = INTERVAL };
	model_apply(m, &ev);
	ev.type = EVENT_HELD;
	ev.pile = (struct event_pile){ .count = 10, .reason = "IO wait", .oldest_ns = T0 };
	if (i % 2)
		model_apply(m, &ev);
	ev.type = EVENT_POOL;
	ev.pile = (struct event_pile){ .count = 15, .gone = gone, .reason = "select" };
	model_apply(m, &ev);
	ev.type = EVENT_CENSUS;
	ev.census = (struct event_census){ .begin_ns = now, .interval_ns = INTERVAL };
	model_apply(m, &ev);
}

static struct event_fd_group ten(bool incoming, uint32_t carried, uint64_t moved_ns)
{
	return (struct event_fd_group){
		.key = { .kind = FD_INET, .port = 6379, .incoming = incoming },
		.open = 10,
		.carried = carried,
		.moved_ns = moved_ns
	};
}

static void used_up(void **state)
{
	_cleanup_(model_freep) struct model *m = shop_model();
	struct pool_exhaustion e;
	struct pool_shortage s;
	const struct target *t;

	shop_add(m, 1, 0);
	t = model_target(m, 1);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(target_pool_exhaustion(t, &e), i > 4);
		used(m, i, ten(false, 10, T0 + INTERVAL), 15);
	}
	assert_true(target_pool_exhaustion(t, &e));
	assert_int_equal(e.in_use->what.key.port, 6379);
	assert_int_equal(e.waiters->count, 15);
	assert_int_equal(e.since_ns, T0 + INTERVAL);
	assert_int_equal(e.holders->count, 10);
	assert_string_equal(e.holders->reason, "IO wait");
	assert_false(target_pool_shortage(t, &s));
	/* Nobody is seen to hold one. */
	used(m, 8, ten(false, 10, T0 + INTERVAL), 15);
	assert_true(target_pool_exhaustion(t, &e));
	assert_null(e.holders);
	/* One has carried something. */
	used(m, 9, ten(false, 10, T0 + 9 * INTERVAL), 15);
	assert_false(target_pool_exhaustion(t, &e));
}

static void not_used_up(void **state)
{
	const struct {
		struct event_fd_group connections;
		uint32_t gone;
		bool is;
	} cases[] = {
		{ ten(false, 10, T0 + 7 * INTERVAL), 15, false }, /* they move */
		{ ten(true, 10, T0), 15, false },                 /* clients' */
		{ ten(false, 0, T0), 0, true },                   /* none has ever moved: */
		{ ten(false, 0, T0), 1, false }, /* somebody was served, it may be */
	};

	for (unsigned k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		_cleanup_(model_freep) struct model *m = shop_model();
		struct pool_exhaustion e;

		shop_add(m, 1, 0);
		for (unsigned i = 0; i < 8; i++)
			used(m, i, cases[k].connections, cases[k].gone);
		assert_int_equal(target_pool_exhaustion(model_target(m, 1), &e), cases[k].is);
	}
}

/* Descriptors were looked at too long ago to say that nothing moves. */
static void looked_at_late(void **state)
{
	_cleanup_(model_freep) struct model *m = shop_model();
	struct pool_exhaustion e;

	shop_add(m, 1, 0);
	for (unsigned i = 0; i < 8; i++)
		used(m, i, ten(false, 10, T0), 15);
	assert_true(target_pool_exhaustion(model_target(m, 1), &e));
	for (unsigned i = 8; i < 10; i++) {
		struct event ev = { .type = EVENT_POOL,
				    .target = 1,
				    .time_ns = T0 + i * INTERVAL,
				    .pile = { .count = 15, .reason = "select" } };

		model_apply(m, &ev);
		ev.type = EVENT_CENSUS;
		ev.census =
			(struct event_census){ .begin_ns = ev.time_ns, .interval_ns = INTERVAL };
		model_apply(m, &ev);
	}
	assert_false(target_pool_exhaustion(model_target(m, 1), &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows),       cmocka_unit_test(served_in_no_order),
		cmocka_unit_test(does_not),    cmocka_unit_test(of_a_process),
		cmocka_unit_test(stuck),       cmocka_unit_test(used_up),
		cmocka_unit_test(not_used_up), cmocka_unit_test(looked_at_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
