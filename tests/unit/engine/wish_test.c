// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/wish.h"
#include "fakewatch.h"

static enum wish_point decided[PLAN_POINTS_MAX];
static struct wish w;

/* Points as letters: a attached, c at its calls, b in bursts, o over budget, p f r without uprobe_multi, - not. */
static const char *points(bool multi)
{
	static const char letters[WISH_POINT_MAX] = { 'a', 'c', '-', 'b', 'o', 'p', 'f', 'r', 't' };
	static char text[POINT_MAX + 1];
	struct wish_image im = { .plan = &world.report.plan,
				 .calls = world.calls,
				 .n_calls = world.image.n_calls,
				 .calls_complete = world.image.calls_complete };

	wish_points(&w, &im, multi, decided);
	for (unsigned i = 0; i < POINT_MAX; i++)
		text[i] = letters[decided[i]];
	return text;
}

static unsigned levels(bool multi)
{
	struct wish_image im = { .plan = &world.report.plan,
				 .n_calls = world.image.n_calls,
				 .calls_complete = world.image.calls_complete };

	return wish_levels(&w, &im, multi);
}

static int setup(void **state)
{
	world_begin();
	w = (struct wish){ .set = CONFIG_PROBES_LEAN, .budget_percent = 1 };
	return 0;
}

static int teardown(void **state)
{
	world_end();
	return 0;
}

static void lean_set_has_lean_points(void **state)
{
	assert_string_equal(points(true), "a--aaaaaatt");
}

static void full_set_has_all_but_requests(void **state)
{
	w.set = CONFIG_PROBES_FULL;
	assert_string_equal(points(true), "aaaaaaaaatt");
}

static void off_set_has_none(void **state)
{
	w.set = CONFIG_PROBES_OFF;
	assert_string_equal(points(true), "---------tt");
}

static void burst_set_is_full_in_bursts_only(void **state)
{
	w.set = CONFIG_PROBES_BURST;
	assert_string_equal(points(true), "abbaaaaaatt");
	w.burst = true;
	assert_string_equal(points(true), "aaaaaaaaatt");
}

static void requests_are_points_while_timed(void **state)
{
	w.timed = true;
	assert_string_equal(points(true), "a--aaaaaaaa");
}

static void level_lean_takes_the_rest_of_full(void **state)
{
	w.set = CONFIG_PROBES_FULL;
	w.level = BUDGET_LEAN;
	assert_string_equal(points(true), "aooaaaaaatt");
}

static void level_panics_takes_pushes(void **state)
{
	w.level = BUDGET_PANICS;
	assert_string_equal(points(true), "o--aaaaaatt");
}

static void level_census_takes_all(void **state)
{
	w.level = BUDGET_CENSUS;
	assert_string_equal(points(true), "o--oooooott");
}

static void pushes_are_probed_at_their_calls_when_all_are_known(void **state)
{
	struct wish_image im = { .plan = &world.report.plan, .calls = world.calls, .n_calls = 3 };

	world_know_calls();
	assert_string_equal(points(true), "c--aaaaaatt");
	assert_false(wish_call(&w, &im, true, 0)); /* not all of them */
	im.calls_complete = true;
	assert_true(wish_call(&w, &im, true, 0));
	assert_false(wish_call(&w, &im, false, 0));
}

static void pruned_calls_are_left_out_at_that_level_only(void **state)
{
	struct wish_image im = { .plan = &world.report.plan,
				 .calls = world.calls,
				 .n_calls = 3,
				 .calls_complete = true };

	wish_call_set(&w.pruned, 1);
	assert_true(wish_call(&w, &im, true, 1));
	w.level = BUDGET_PRUNED;
	assert_true(wish_call(&w, &im, true, 0));
	assert_false(wish_call(&w, &im, true, 1));
	w.level = BUDGET_PANICS;
	assert_false(wish_call(&w, &im, true, 0));
}

/* Linux 6.1: Goexit, gorecover, throw and startpanic_m were shown as attached there. */
static void perf_events_leave_out_what_the_ledger_can_do_without(void **state)
{
	assert_string_equal(points(false), "a--aapppptt");
}

static void perf_events_leave_out_the_full_set(void **state)
{
	w.set = CONFIG_PROBES_FULL;
	assert_string_equal(points(false), "affaapppptt");
}

static void burst_set_without_uprobe_multi_is_reported_as_full(void **state)
{
	w.set = CONFIG_PROBES_BURST;
	assert_string_equal(points(false), "affaapppptt");
}

static void more_perf_events_than_there_is_room_for(void **state)
{
	for (unsigned i = 0; i < POINT_MAX; i++) {
		world.report.plan.points[i].role = DFD_ROLE_PANIC;
		world.report.plan.points[i].sets = PLAN_SET_LEAN;
	}
	assert_string_equal(points(false), "aaaaarrrrrr");
	assert_string_equal(points(true), "aaaaaaaaaaa");
}

static void levels_are_those_that_differ(void **state)
{
	assert_int_equal(levels(true), 1 << BUDGET_WHOLE | 1 << BUDGET_PANICS | 1 << BUDGET_CENSUS);
	w.set = CONFIG_PROBES_FULL;
	assert_int_equal(levels(true), 1 << BUDGET_WHOLE | 1 << BUDGET_LEAN | 1 << BUDGET_PANICS |
					       1 << BUDGET_CENSUS);
	w.set = CONFIG_PROBES_OFF;
	assert_int_equal(levels(true), 1 << BUDGET_WHOLE);
}

static void calls_can_be_pruned_where_all_are_known(void **state)
{
	world_know_calls();
	assert_true(levels(true) & 1 << BUDGET_PRUNED);
	assert_false(levels(false) & 1 << BUDGET_PRUNED);
	w.set = CONFIG_PROBES_OFF;
	assert_false(levels(true) & 1 << BUDGET_PRUNED);
}

static void same_points(void **state)
{
	struct wish other = w;

	other.timed = true;
	other.budget_percent = 7;
	wish_call_set(&other.pruned, 2); /* of no level but BUDGET_PRUNED */
	assert_true(wish_same_points(&w, &other));
	w.level = other.level = BUDGET_PRUNED;
	assert_false(wish_same_points(&w, &other));
	w.level = BUDGET_WHOLE;
	assert_false(wish_same_points(&w, &other));
}

static bool missed(int before, enum budget_level from, bool from_burst, int after,
		   enum budget_level to, bool to_burst)
{
	struct wish a = { .set = before, .level = from, .burst = from_burst };
	struct wish b = { .set = after, .level = to, .burst = to_burst };

	return wish_missed(&a, &b, true);
}

static void nothing_is_missed_from_lean_upwards(void **state)
{
	assert_false(
		missed(CONFIG_PROBES_LEAN, BUDGET_WHOLE, 0, CONFIG_PROBES_FULL, BUDGET_WHOLE, 0));
	assert_false(
		missed(CONFIG_PROBES_FULL, BUDGET_LEAN, 0, CONFIG_PROBES_FULL, BUDGET_WHOLE, 0));
	assert_false(
		missed(CONFIG_PROBES_BURST, BUDGET_WHOLE, 0, CONFIG_PROBES_BURST, BUDGET_WHOLE, 1));
	assert_false(
		missed(CONFIG_PROBES_LEAN, BUDGET_WHOLE, 0, CONFIG_PROBES_BURST, BUDGET_WHOLE, 0));
}

static void pushes_are_missed_by_all_other_changes(void **state)
{
	assert_true(
		missed(CONFIG_PROBES_BURST, BUDGET_WHOLE, 1, CONFIG_PROBES_BURST, BUDGET_WHOLE, 0));
	assert_true(
		missed(CONFIG_PROBES_FULL, BUDGET_WHOLE, 0, CONFIG_PROBES_LEAN, BUDGET_WHOLE, 0));
	assert_true(
		missed(CONFIG_PROBES_OFF, BUDGET_WHOLE, 0, CONFIG_PROBES_LEAN, BUDGET_WHOLE, 0));
	assert_true(
		missed(CONFIG_PROBES_LEAN, BUDGET_WHOLE, 0, CONFIG_PROBES_OFF, BUDGET_WHOLE, 0));
	assert_true(
		missed(CONFIG_PROBES_LEAN, BUDGET_PRUNED, 0, CONFIG_PROBES_LEAN, BUDGET_WHOLE, 0));
	assert_true(
		missed(CONFIG_PROBES_LEAN, BUDGET_WHOLE, 0, CONFIG_PROBES_LEAN, BUDGET_PANICS, 0));
}

static void full_is_what_is_attached_now(void **state)
{
	assert_false(wish_is_full(&w, true));
	w.set = CONFIG_PROBES_BURST;
	assert_false(wish_is_full(&w, true));
	w.burst = true;
	assert_true(wish_is_full(&w, true));
	assert_false(wish_is_full(&w, false));
	w.level = BUDGET_LEAN;
	assert_false(wish_is_full(&w, true));
}

static void a_flood_is_twice_the_budget(void **state)
{
	static const uint64_t price[2] = { 1000, 10000 }, unknown[2] = {};

	assert_int_equal(wish_hits_max(&w, price), 20000);
	w.suspect = true;
	assert_int_equal(wish_hits_max(&w, price), 5000);
	w.suspect = false;
	w.burst = true; /* it has what a whole minute has */
	assert_int_equal(wish_hits_max(&w, price), 60 * 20000);
	assert_int_equal(wish_hits_max(&w, unknown), 0);
	w.budget_percent = 0;
	assert_int_equal(wish_hits_max(&w, price), 0);
	w.budget_percent = 1e-9;
	assert_int_equal(wish_hits_max(&w, price), 1);
}

static void single_stepped_hits_count_for_more(void **state)
{
	static const uint64_t price[2] = { 1000, 10500 }, cheap[2] = { 1000, 10 },
			      dear[2] = { 1, 1 << 20 }, unknown[2] = {};

	assert_int_equal(wish_stepped_hits(price), 10);
	assert_int_equal(wish_stepped_hits(cheap), 1);
	assert_int_equal(wish_stepped_hits(dear), UINT16_MAX);
	assert_int_equal(wish_stepped_hits(unknown), 1);
}

static void each_decision_has_a_text(void **state)
{
	for (unsigned i = 0; i < WISH_POINT_MAX; i++)
		assert_true(strlen(wish_point_text((enum wish_point)i)) > 5);
	assert_string_equal(wish_point_text(WISH_POINT_MAX), "?");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(lean_set_has_lean_points),
		T(full_set_has_all_but_requests),
		T(off_set_has_none),
		T(burst_set_is_full_in_bursts_only),
		T(requests_are_points_while_timed),
		T(level_lean_takes_the_rest_of_full),
		T(level_panics_takes_pushes),
		T(level_census_takes_all),
		T(pushes_are_probed_at_their_calls_when_all_are_known),
		T(pruned_calls_are_left_out_at_that_level_only),
		T(perf_events_leave_out_what_the_ledger_can_do_without),
		T(perf_events_leave_out_the_full_set),
		T(burst_set_without_uprobe_multi_is_reported_as_full),
		T(more_perf_events_than_there_is_room_for),
		T(levels_are_those_that_differ),
		T(calls_can_be_pruned_where_all_are_known),
		T(same_points),
		T(nothing_is_missed_from_lean_upwards),
		T(pushes_are_missed_by_all_other_changes),
		T(full_is_what_is_attached_now),
		T(a_flood_is_twice_the_budget),
		T(single_stepped_hits_count_for_more),
		T(each_decision_has_a_text),
	};

	return cmocka_run_group_tests_name("engine/wish", tests, NULL, NULL);
}
