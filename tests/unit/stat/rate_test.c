// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stat/rate.h"

#define SECOND 1000000000ull
#define BOOT   (3600 * SECOND)

static void a_rate_needs_two(void **state)
{
	struct rate r = {};

	assert_true(rate_per_sec(&r) == 0);
	rate_add(&r, BOOT, 7);
	assert_true(rate_per_sec(&r) == 0);
	rate_add(&r, BOOT + 2 * SECOND, 17);
	assert_true(rate_per_sec(&r) == 5);
}

/* However often somebody looks, it is over a quarter of a minute, and what was before that is forgotten. */
static void a_rate_is_of_fifteen_seconds(void **state)
{
	struct rate r = {};
	uint64_t value = 0;

	for (unsigned quarter = 0; quarter <= 60 * 4; quarter++) {
		uint64_t now_ns = BOOT + quarter * SECOND / 4;

		value += quarter < 40 * 4 ? 1000 : 1;
		rate_add(&r, now_ns, value);
		if (quarter == 40 * 4 - 1)
			assert_true(rate_per_sec(&r) == 4000);
	}
	assert_true(rate_per_sec(&r) == 4);
}

static void a_rate_at_one_moment(void **state)
{
	struct rate r = {};

	rate_add(&r, BOOT, 1);
	rate_add(&r, BOOT, 100);
	assert_true(rate_per_sec(&r) == 0);
}

static void recent_is_five_minutes(void **state)
{
	struct recent r = {};

	assert_int_equal(recent_sum(&r, BOOT), 0);
	recent_add(&r, BOOT, 3);
	recent_add(&r, BOOT + SECOND, 4);
	recent_add(&r, BOOT + 100 * SECOND, 10);
	assert_int_equal(recent_sum(&r, BOOT + 100 * SECOND), 17);
	assert_int_equal(recent_sum(&r, BOOT + 299 * SECOND), 17);
	assert_int_equal(recent_sum(&r, BOOT + 300 * SECOND), 10);
	assert_int_equal(recent_sum(&r, BOOT + 399 * SECOND), 10);
	assert_int_equal(recent_sum(&r, BOOT + 400 * SECOND), 0);
	/* A slot is used again. */
	recent_add(&r, BOOT + 300 * SECOND, 5);
	assert_int_equal(recent_sum(&r, BOOT + 300 * SECOND), 15);
}

static void what_was_none_is_taken_back_from_the_newest(void **state)
{
	struct recent r = {};

	recent_add(&r, BOOT, 3);
	recent_add(&r, BOOT + 10 * SECOND, 4);
	recent_take_back(&r, BOOT + 11 * SECOND, 5);
	assert_int_equal(recent_sum(&r, BOOT + 11 * SECOND), 2);
	recent_take_back(&r, BOOT + 12 * SECOND, 9); /* more than there were lately */
	assert_int_equal(recent_sum(&r, BOOT + 12 * SECOND), 0);
	recent_add(&r, BOOT + 13 * SECOND, 1);
	assert_int_equal(recent_sum(&r, BOOT + 13 * SECOND), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_needs_two),
		cmocka_unit_test(a_rate_is_of_fifteen_seconds),
		cmocka_unit_test(a_rate_at_one_moment),
		cmocka_unit_test(recent_is_five_minutes),
		cmocka_unit_test(what_was_none_is_taken_back_from_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
