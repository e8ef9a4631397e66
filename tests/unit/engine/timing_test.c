// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/timing.h"
#include "fakewatch.h"

static struct timing ti;
static uint64_t timed;

static int setup(void **state)
{
	world_begin();
	world.config->requests.timed = true;
	timed = 0;
	return timing_init(&ti, 8);
}

static int teardown(void **state)
{
	timing_done(&ti);
	world_end();
	return 0;
}

/* A second with so many requests a second, two hits each, while they are timed. */
static void second(struct watch *w, unsigned requests)
{
	world_pass(1);
	timed += w->have.timed ? 2 * requests : 0;
	world_hits(w, timed, timed);
	timing_tick(&ti, &world.turn);
	w->have = w->wish;
}

static void requests_are_timed_from_the_first_second(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	second(w, 0);
	assert_true(w->wish.timed);
	assert_int_equal(w->wish.timed_every, 1);
}

static void few_requests_are_timed_all_the_time(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	for (unsigned i = 0; i < 30; i++) {
		second(w, 1000); /* 2000 hits of 2 us are 0.4 % of a core; 0.5 are allowed */
		assert_true(w->wish.timed);
	}
	assert_true(w->wish.timed_percent > 0.39 && w->wish.timed_percent < 0.41);
}

static void many_are_timed_for_a_share_of_the_time(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);
	unsigned on = 0;

	for (unsigned i = 0; i < 100; i++) {
		second(w, 5000); /* 2 % */
		on += w->wish.timed;
	}
	assert_int_equal(w->wish.timed_every, 5);
	assert_in_range(on, 18, 22);
	assert_true(w->wish.timed_percent <= 0.5);
}

static void never_less_than_a_second_of_each_minute(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	for (unsigned i = 0; i < 10; i++)
		second(w, 1000000);
	assert_int_equal(w->wish.timed_every, 60);
}

static void calm_brings_all_the_time_back(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	for (unsigned i = 0; i < 10; i++)
		second(w, 5000);
	for (unsigned i = 0; i < 10; i++)
		second(w, 100);
	assert_int_equal(w->wish.timed_every, 1);
	assert_true(w->wish.timed);
}

static void without_a_budget_all_are_timed(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	w->wish.budget_percent = 0;
	for (unsigned i = 0; i < 10; i++)
		second(w, 1000000);
	assert_int_equal(w->wish.timed_every, 1);
}

static void nothing_is_timed_where_there_is_nothing_to_time(void **state)
{
	struct watch *off = world_watch(1, CONFIG_PROBES_OFF);
	struct watch *failed = world_watch(2, CONFIG_PROBES_LEAN);

	failed->state = TARGET_FAILED;
	timing_tick(&ti, &world.turn);
	assert_false(off->wish.timed);
	assert_false(failed->wish.timed);
	world.report.plan.n = POINT_BEGIN; /* no server in it */
	assert_false(world_watch(3, CONFIG_PROBES_LEAN)->wish.timed);
}

static void the_configuration_can_end_it(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	second(w, 10);
	world.config->requests.timed = false;
	second(w, 10);
	assert_false(w->wish.timed);
	assert_int_equal(w->wish.timed_every, 0);
}

static void what_failed_is_tried_again_after_a_reload(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	w->timing_failed = true;
	second(w, 10);
	assert_false(w->wish.timed);
	timing_reload(&world.turn);
	assert_true(w->announce);
	second(w, 10);
	assert_true(w->wish.timed);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(requests_are_timed_from_the_first_second),
		T(few_requests_are_timed_all_the_time),
		T(many_are_timed_for_a_share_of_the_time),
		T(never_less_than_a_second_of_each_minute),
		T(calm_brings_all_the_time_back),
		T(without_a_budget_all_are_timed),
		T(nothing_is_timed_where_there_is_nothing_to_time),
		T(the_configuration_can_end_it),
		T(what_failed_is_tried_again_after_a_reload),
	};

	return cmocka_run_group_tests_name("engine/timing", tests, NULL, NULL);
}
