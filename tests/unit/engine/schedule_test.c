// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/schedule.h"

#define S 1000000000ull

static void the_first_census_is_due_at_once(void **state)
{
	struct schedule s = {};

	assert_true(schedule_is_due(&s, false, 5 * S));
}

static void the_next_is_due_after_the_interval(void **state)
{
	struct schedule s = {};

	schedule_completed(&s, 100 * S, S / 100, 10 * S, 101 * S);
	assert_false(schedule_is_due(&s, false, 110 * S - 1));
	assert_true(schedule_is_due(&s, false, 110 * S));
	assert_int_equal(s.cost_ns, S / 100);
}

static void one_that_is_asked_for_comes_after_a_second(void **state)
{
	struct schedule s = {};

	schedule_completed(&s, 100 * S, S / 1000, 10 * S, 100 * S);
	assert_false(schedule_is_due(&s, true, 101 * S - 1));
	assert_true(schedule_is_due(&s, true, 101 * S));
}

static void a_dear_one_is_asked_for_less_often(void **state)
{
	struct schedule s = {};

	schedule_completed(&s, 100 * S, S / 5, 60 * S, 100 * S);
	assert_false(schedule_is_due(&s, true, 104 * S - 1)); /* 20 times its cost */
	assert_true(schedule_is_due(&s, true, 104 * S));
}

static void one_that_fails_is_tried_each_minute_and_is_news_once(void **state)
{
	struct schedule s = {};

	assert_true(schedule_failed(&s, 100 * S));
	assert_false(schedule_is_due(&s, true, 159 * S)); /* asking does not help */
	assert_true(schedule_is_due(&s, false, 160 * S));
	assert_false(schedule_failed(&s, 160 * S));
	schedule_completed(&s, 220 * S, 1, 10 * S, 220 * S);
	assert_true(schedule_failed(&s, 230 * S));
}

static void what_is_asked_for_goes_first_then_what_has_waited_longest(void **state)
{
	struct schedule early = { .due_ns = 1 }, late = { .due_ns = 2 };

	assert_true(schedule_before(&early, false, &late, false));
	assert_false(schedule_before(&late, false, &early, false));
	assert_true(schedule_before(&late, true, &early, false));
	assert_false(schedule_before(&early, false, &late, true));
	assert_true(schedule_before(&early, true, &late, true));
}

static void the_interval_keeps_all_of_them_to_the_budget(void **state)
{
	assert_int_equal(schedule_interval(S / 100, 1, 10 * S, 1), 10 * S);
	assert_int_equal(schedule_interval(S, 1, 10 * S, 1), 100 * S);
	assert_int_equal(schedule_interval(S, 1, 10 * S, 8), 800 * S);
	assert_int_equal(schedule_interval(0, 0.5, 10 * S, 2), 20 * S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_census_is_due_at_once),
		cmocka_unit_test(the_next_is_due_after_the_interval),
		cmocka_unit_test(one_that_is_asked_for_comes_after_a_second),
		cmocka_unit_test(a_dear_one_is_asked_for_less_often),
		cmocka_unit_test(one_that_fails_is_tried_each_minute_and_is_news_once),
		cmocka_unit_test(what_is_asked_for_goes_first_then_what_has_waited_longest),
		cmocka_unit_test(the_interval_keeps_all_of_them_to_the_budget),
	};

	return cmocka_run_group_tests_name("engine/schedule", tests, NULL, NULL);
}
