// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "probe/budget.h"

#define S   1000000000ull
#define ALL ((1u << BUDGET_LEVELS) - 1)

static struct budget b;
static uint64_t now, cost;

static void start(unsigned levels)
{
	now = 100 * S;
	cost = 0;
	budget_init(&b, levels, now);
}

static bool attached(bool changed)
{
	if (changed)
		budget_attached(&b, now);
	return changed;
}

/* A second at which the probes cost so many percent of a core. */
static bool second(double percent)
{
	now += S;
	cost += (uint64_t)(percent * 1e7);
	return attached(budget_judge(&b, 1, cost, now));
}

/* Seconds without cost until there is a step up. */
static unsigned until_up(void)
{
	unsigned n = 1;

	while (!second(0))
		assert_true(n++ < 5000);
	return n;
}

static void steps(void **state)
{
	start(ALL);
	assert_false(second(0.99));
	assert_int_equal(b.level, BUDGET_WHOLE);
	assert_true(b.percent > 0.98 && b.percent < 1);
	assert_false(budget_is_suspect(&b));
	assert_true(second(1.01));
	assert_true(budget_is_suspect(&b));
	assert_int_equal(b.level, BUDGET_PRUNED);
	assert_false(second(200)); /* while links are closed */
	assert_true(second(2));
	assert_int_equal(b.level, BUDGET_LEAN);
	assert_false(second(0));
	assert_true(second(2));
	assert_int_equal(b.level, BUDGET_PANICS);
	assert_false(second(0));
	assert_true(second(200));
	assert_int_equal(b.level, BUDGET_CENSUS);
	assert_false(second(200));
	assert_int_equal(until_up(), 79);
	assert_int_equal(b.level, BUDGET_PANICS);
	assert_int_equal(until_up(), 10);
	assert_int_equal(b.level, BUDGET_LEAN);
	assert_int_equal(until_up(), 10);
	assert_int_equal(b.level, BUDGET_PRUNED);
	assert_int_equal(until_up(), 10);
	assert_int_equal(b.level, BUDGET_WHOLE);
	assert_false(second(0));
}

/* The kernel does not want what a level has. */
static void refused(void **state)
{
	start(1u << BUDGET_PRUNED | 1u << BUDGET_PANICS);
	assert_true(budget_judge(&b, 1, S / 2, now + S));
	assert_int_equal(b.level, BUDGET_PRUNED);
	assert_true(budget_refuse(&b, now + S));
	assert_int_equal(b.level, BUDGET_PANICS);
	now += S;
	budget_attached(&b, now);
	cost = S / 2;
	assert_int_equal(until_up(), 10);
	assert_int_equal(b.level, BUDGET_WHOLE); /* it is not tried again */
	start(1u << BUDGET_PRUNED);
	assert_true(budget_judge(&b, 1, S / 2, now + S));
	assert_false(budget_refuse(&b, now + S));
}

static void patience(void **state)
{
	unsigned wait = 10;

	start(1u << BUDGET_CENSUS);
	for (unsigned i = 0; i < 12; i++) {
		assert_false(i && second(50)); /* just put back */
		assert_true(second(50));
		assert_int_equal(b.level, BUDGET_CENSUS);
		assert_int_equal(until_up(), wait);
		assert_int_equal(b.level, BUDGET_WHOLE);
		wait = 2 * wait < 3600 ? 2 * wait : 3600;
	}
	/* Calm, but not for long enough; and for long enough. */
	for (unsigned i = 0; i < 10 * 3600; i++)
		assert_false(second(0.5));
	assert_true(second(50));
	assert_int_equal(until_up(), 3600);
	for (unsigned i = 0; i < 10 * 3600 + 2; i++)
		assert_false(second(0.5));
	assert_false(budget_is_suspect(&b));
	assert_true(second(50));
	assert_int_equal(until_up(), 10);
}

static void hot(void **state)
{
	start(1u << BUDGET_PANICS | 1u << BUDGET_CENSUS);
	now += S / 10;
	assert_true(budget_hot(&b, now - 1, now));
	assert_int_equal(b.level, BUDGET_PANICS);
	now += S / 100; /* it took a while to attach others, and the old ones went on meanwhile */
	budget_attached(&b, now);
	assert_false(budget_hot(&b, now - 1, now + 2));
	assert_true(budget_hot(&b, now + 1, now + 2));
	assert_int_equal(b.level, BUDGET_CENSUS);
	assert_false(budget_hot(&b, now + 3, now + 4)); /* there is no further down */
	/* What came before is told when it is over. */
	start(1u << BUDGET_PANICS | 1u << BUDGET_CENSUS);
	now += S / 10;
	assert_true(attached(budget_hot(&b, now, now)));
	assert_false(second(12));
	assert_int_equal(b.level, BUDGET_PANICS);
	assert_int_equal(until_up(), 9);
}

static void nothing_to_take_off(void **state)
{
	start(0);
	assert_false(second(50));
	assert_int_equal(b.level, BUDGET_WHOLE);
	start(ALL);
	now += S;
	assert_false(budget_judge(&b, 0, 10 * S, now)); /* any cost is allowed */
	now += S / 10;
	assert_false(budget_judge(&b, 1, 20 * S, now)); /* too soon to tell */
}

static void texts(void **state)
{
	for (int i = -1; i <= BUDGET_LEVELS; i++)
		assert_int_equal(!strcmp(budget_level_text((enum budget_level)i), "?"),
				 i < 0 || i == BUDGET_LEVELS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps),
		cmocka_unit_test(refused),
		cmocka_unit_test(patience),
		cmocka_unit_test(hot),
		cmocka_unit_test(texts),
		cmocka_unit_test(nothing_to_take_off),
	};

	return cmocka_run_group_tests_name("probe/budget", tests, NULL, NULL);
}
