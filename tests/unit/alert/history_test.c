// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "alert/history.h"
#include "base/cleanup.h"

#define SECOND 1000000000ull
#define T0     (3600 * SECOND)

DEFINE_CLEANUP(struct history *, history_free)
#define _history_ _cleanup_(history_freep) struct history *

/* A counter that grows by 3 a second, asked each quarter of a second. */
static void rates(void **state)
{
	_history_ h = history_new();
	double v = 77;

	assert_non_null(h);
	for (unsigned i = 0; i < 4 * 3600; i++) {
		uint64_t now = T0 + i * SECOND / 4;
		bool known = history_ask(h, "r", 1, 0, EXPR_RATE, 60 * SECOND, now, i * 0.75, &v);

		if (i < 4 * 29)
			assert_false(known);
		else if (i > 4 * 32)
			assert_true(known && fabs(v - 3) < 0.01);
	}
	/* A gap: what is older than the window is no help. */
	assert_false(history_ask(h, "r", 1, 0, EXPR_RATE, 60 * SECOND, T0 + 7200 * SECOND, 0, &v));
}

static void rises(void **state)
{
	_history_ h = history_new();
	double v = 77;

	assert_non_null(h);
	for (unsigned i = 0; i < 1800; i++) {
		bool known = history_ask(h, "r", 1, 0, EXPR_RISE, 0, T0 + i * SECOND,
					 i % 59 ? 10 : 500, &v);

		assert_int_equal(known, i > 240);
		if (known && i % 59)
			assert_true(v == 0);
	}
	assert_true(history_ask(h, "r", 1, 0, EXPR_RISE, 0, T0 + 1800 * SECOND, 42, &v));
	assert_true(v == 32);
}

/* Each rule, place and subject for itself. */
static void apart(void **state)
{
	_history_ h = history_new();
	double v;

	assert_non_null(h);
	for (unsigned i = 0; i < 60; i++) {
		uint64_t now = T0 + i * SECOND;

		(void)history_ask(h, "a", 1, 0, EXPR_RATE, 60 * SECOND, now, i, &v);
		(void)history_ask(h, "b", 1, 0, EXPR_RATE, 60 * SECOND, now, 2.0 * i, &v);
		(void)history_ask(h, "a", 2, 0, EXPR_RATE, 60 * SECOND, now, 3.0 * i, &v);
		(void)history_ask(h, "a", 1, 1, EXPR_RATE, 60 * SECOND, now, 4.0 * i, &v);
	}
	assert_true(history_ask(h, "a", 1, 0, EXPR_RATE, 60 * SECOND, T0 + 60 * SECOND, 60, &v));
	assert_true(fabs(v - 1) < 0.01);
	assert_true(history_ask(h, "b", 1, 0, EXPR_RATE, 60 * SECOND, T0 + 60 * SECOND, 120, &v));
	assert_true(fabs(v - 2) < 0.01);
	assert_true(history_ask(h, "a", 2, 0, EXPR_RATE, 60 * SECOND, T0 + 60 * SECOND, 180, &v));
	assert_true(fabs(v - 3) < 0.01);
	assert_true(history_ask(h, "a", 1, 1, EXPR_RATE, 60 * SECOND, T0 + 60 * SECOND, 240, &v));
	assert_true(fabs(v - 4) < 0.01);
	history_forget_unused(h, T0 + 61 * SECOND);
	assert_true(history_ask(h, "a", 1, 0, EXPR_RATE, 60 * SECOND, T0 + 61 * SECOND, 61, &v));
	history_forget_unused(h, T0 + 61 * SECOND + HISTORY_UNUSED_NS);
	assert_false(history_ask(h, "a", 1, 0, EXPR_RATE, 300 * SECOND, T0 + 182 * SECOND, 61, &v));
}

static void full(void **state)
{
	_history_ h = history_new();
	double v;

	assert_non_null(h);
	for (uint64_t i = 0; i <= HISTORY_MAX; i++)
		(void)history_ask(h, "r", i, 0, EXPR_RATE, 10 * SECOND, T0, 0, &v);
	/* The last one found no room; the first has its series. */
	assert_false(history_ask(h, "r", HISTORY_MAX, 0, EXPR_RATE, 10 * SECOND, T0 + 9 * SECOND, 9,
				 &v));
	assert_true(history_ask(h, "r", 0, 0, EXPR_RATE, 10 * SECOND, T0 + 9 * SECOND, 9, &v));
	assert_true(v == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates),
		cmocka_unit_test(rises),
		cmocka_unit_test(apart),
		cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
