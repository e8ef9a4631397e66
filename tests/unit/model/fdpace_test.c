// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "model/fdpace.h"

#define SECOND 1000000000ull

static struct fdpace p;
static uint64_t now;

static int begin(void **state)
{
	now = 3600 * SECOND;
	fdpace_init(&p, 60 * SECOND);
	return 0;
}

static void has(uint64_t open)
{
	fdpace_add(&p, now, open);
	now += SECOND;
}

static bool grows(uint64_t limit)
{
	struct trend t;

	return fdpace_fit(&p, limit, &t) && trend_growing(&t);
}

/* Twenty a second, of three hundred: there are fifteen seconds. */
static void a_near_limit_is_seen_in_half_of_the_time(void **state)
{
	for (unsigned i = 0; i < 60; i++)
		has(10);
	assert_false(grows(300));
	for (unsigned i = 1; i < TREND_SAMPLES_MIN; i++)
		has(10 + 20 * i);
	assert_true(grows(300));
}

static void a_limit_that_is_far_can_wait(void **state)
{
	for (unsigned i = 0; i < 60; i++)
		has(10);
	for (unsigned i = 1; i < 16; i++)
		has(10 + 20 * i);
	assert_false(grows(100000));
	assert_false(grows(UINT64_MAX));
	for (unsigned i = 16; i < 60; i++)
		has(10 + 20 * i);
	assert_true(grows(100000));
}

/* Up and down, as clients come and go, near the limit. */
static void coming_and_going_is_no_growth(void **state)
{
	for (unsigned i = 0; i < 600; i++) {
		has(270 + i * 7 % 11);
		assert_false(grows(300));
	}
}

static void a_step_is_none(void **state)
{
	for (unsigned i = 0; i < 60; i++)
		has(100);
	for (unsigned i = 0; i < 30; i++) {
		has(270);
		assert_false(grows(300));
	}
}

/* What waits for a garbage collector. */
static void what_fell_before_falls_again(void **state)
{
	for (unsigned cycle = 0; cycle < 3; cycle++) {
		for (unsigned i = 0; i < 120; i++) {
			has(20 + 2 * i);
			assert_int_equal(fdpace_has_been(&p, 20 + 2 * i), cycle > 0);
		}
	}
	assert_false(fdpace_has_been(&p, 259));
	now += FDPACE_REMEMBERED_NS + SECOND;
	has(20);
	has(21);
	assert_true(fdpace_has_been(&p, 20)); /* it has just fallen once more */
	now += FDPACE_REMEMBERED_NS + SECOND;
	has(22);
	assert_false(fdpace_has_been(&p, 22));
}

static void a_few_less_are_no_fall(void **state)
{
	for (unsigned i = 0; i < 100; i++)
		has(20 + 2 * i - i % 7);
	assert_false(fdpace_has_been(&p, 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_near_limit_is_seen_in_half_of_the_time, begin),
		cmocka_unit_test_setup(a_limit_that_is_far_can_wait, begin),
		cmocka_unit_test_setup(coming_and_going_is_no_growth, begin),
		cmocka_unit_test_setup(a_step_is_none, begin),
		cmocka_unit_test_setup(what_fell_before_falls_again, begin),
		cmocka_unit_test_setup(a_few_less_are_no_fall, begin),
	};

	return cmocka_run_group_tests_name("model/fdpace", tests, NULL, NULL);
}
