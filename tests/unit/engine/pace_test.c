// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/pace.h"

#define S 1000000000ull

static struct pace p;

static int setup(void **state)
{
	p = (struct pace){};
	pace_reload(&p, 0, 100 * S);
	return 0;
}

static void a_second_is_over_a_little_early(void **state)
{
	assert_true(pace_second(&p, 100 * S));
	assert_false(pace_second(&p, 100 * S + S * 97 / 100));
	assert_true(pace_second(&p, 100 * S + S * 99 / 100));
}

/* So many seconds that cost so many percent of a core. */
static bool seconds(unsigned n, double percent)
{
	static uint64_t now, cpu;
	bool changed = false;

	if (!p.second_ns)
		now = 100 * S, cpu = 0;
	p.second_ns = now;
	for (unsigned i = 0; i < n; i++) {
		now += S;
		cpu += (uint64_t)(percent * 1e7);
		changed |= pace_judge(&p, 2, cpu, now);
	}
	return changed;
}

static void past_its_budget_it_looks_less_often(void **state)
{
	assert_false(seconds(9, 50)); /* ten are judged together */
	assert_int_equal(pace_stretch(&p), 1);
	assert_true(seconds(1, 50));
	assert_int_equal(pace_stretch(&p), 2);
	seconds(20, 50);
	assert_int_equal(pace_stretch(&p), 8);
	seconds(100, 50);
	assert_int_equal(pace_stretch(&p), 8);
}

static void within_its_budget_it_looks_each_second(void **state)
{
	assert_false(seconds(100, 1.9));
	assert_int_equal(pace_stretch(&p), 1);
}

static void another_budget_begins_anew(void **state)
{
	seconds(30, 50);
	assert_int_equal(pace_stretch(&p), 8);
	pace_reload(&p, 0, 200 * S);
	assert_int_equal(pace_stretch(&p), 1);
}

static void looks_are_spread_by_the_stretch(void **state)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 8; i++)
		n += pace_looks(&p);
	assert_int_equal(n, 8);
	seconds(30, 50);
	n = 0;
	for (unsigned i = 0; i < 16; i++)
		n += pace_looks(&p);
	assert_int_equal(n, 2);
}

static void it_rests_after_a_second_without_news(void **state)
{
	assert_false(pace_rests(&p, 5, 7, false, 0, 100 * S)); /* what came before is not known */
	assert_true(pace_rests(&p, 5, 7, false, 0, 101 * S));
	assert_true(pace_rests(&p, 5, 7, false, 0, 102 * S));
}

static void events_hits_work_and_new_processes_keep_it_awake(void **state)
{
	(void)pace_rests(&p, 5, 7, false, 0, 100 * S);
	assert_false(pace_rests(&p, 6, 7, false, 0, 101 * S));
	assert_false(pace_rests(&p, 6, 8, false, 0, 102 * S));
	assert_false(pace_rests(&p, 6, 8, true, 0, 103 * S));
	assert_false(pace_rests(&p, 6, 8, false, 102 * S, 104 * S));
	assert_true(pace_rests(&p, 6, 8, false, 102 * S, 105 * S));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(a_second_is_over_a_little_early),
		T(past_its_budget_it_looks_less_often),
		T(within_its_budget_it_looks_each_second),
		T(another_budget_begins_anew),
		T(looks_are_spread_by_the_stretch),
		T(it_rests_after_a_second_without_news),
		T(events_hits_work_and_new_processes_keep_it_awake),
	};

	return cmocka_run_group_tests_name("engine/pace", tests, NULL, NULL);
}
