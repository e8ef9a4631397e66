// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "engine/sets.h"
#include "fakewatch.h"

static struct sets sets;

static int setup(void **state)
{
	world_begin();
	return sets_init(&sets, 8);
}

static int teardown(void **state)
{
	sets_done(&sets);
	world_end();
	return 0;
}

/* The fitter attaches what was wished. */
static void fit(struct watch *w)
{
	w->have = w->wish;
}

static int choose(struct watch *w, const char *set)
{
	struct reason reason = {};

	return sets_choose(&world.turn, w, set, &reason);
}

static void configuration_gives_set_and_budget(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_OFF);

	world.config->probes.all = (struct config_probes){ CONFIG_PROBES_LEAN, 3 };
	sets_configure(&world.turn, w);
	assert_int_equal(w->wish.set, CONFIG_PROBES_LEAN);
	assert_true(w->wish.budget_percent == 3);
	assert_false(w->wish.chosen);
}

static void a_trace_has_no_budget(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_OFF);

	world.opts.trace = true;
	sets_configure(&world.turn, w);
	assert_true(w->wish.budget_percent == 0);
}

static void a_chosen_set_is_whole_again(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	w->wish.level = BUDGET_PANICS;
	assert_int_equal(choose(w, "full"), 0);
	assert_int_equal(w->wish.set, CONFIG_PROBES_FULL);
	assert_int_equal(w->wish.level, BUDGET_WHOLE);
	assert_true(w->wish.chosen);
	assert_int_equal(choose(w, "default"), 0);
	assert_int_equal(w->wish.set, world.config->probes.all.set);
	assert_false(w->wish.chosen);
}

static void choosing_what_it_has_leaves_the_level(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	w->wish.level = BUDGET_PANICS;
	assert_int_equal(choose(w, "lean"), 0);
	assert_int_equal(w->wish.level, BUDGET_PANICS);
	assert_true(w->wish.chosen);
}

static void an_unknown_set_changes_nothing(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	assert_int_equal(choose(w, "everything"), -EINVAL);
	assert_int_equal(w->wish.set, CONFIG_PROBES_LEAN);
	assert_false(w->wish.chosen);
}

static void the_full_set_needs_uprobe_multi(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	world.features.have[KERNEL_UPROBE_MULTI] = false;
	assert_int_equal(choose(w, "full"), -ENOTSUP);
	assert_int_equal(choose(w, "burst"), -ENOTSUP);
	assert_int_equal(choose(w, "off"), 0);
	assert_int_equal(w->wish.set, CONFIG_PROBES_OFF);
}

static void a_reload_leaves_what_a_command_chose(void **state)
{
	struct watch *chosen = world_watch(1, CONFIG_PROBES_LEAN);
	struct watch *other = world_watch(2, CONFIG_PROBES_LEAN);

	assert_int_equal(choose(chosen, "off"), 0);
	world.config->probes.all = (struct config_probes){ CONFIG_PROBES_FULL, 5 };
	sets_reload(&world.turn);
	assert_int_equal(chosen->wish.set, CONFIG_PROBES_OFF);
	assert_true(chosen->wish.budget_percent == 5);
	assert_int_equal(other->wish.set, CONFIG_PROBES_FULL);
}

static void a_burst_takes_one_second_of_each_minute(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_BURST);
	unsigned seconds = 0, bursts = 0;
	bool before = false;

	for (unsigned i = 0; i < 600; i++) {
		sets_tick(&sets, &world.turn);
		fit(w);
		seconds += w->have.burst;
		bursts += w->have.burst && !before;
		before = w->have.burst;
		world_pass(1);
	}
	assert_int_equal(bursts, 10);
	assert_int_equal(seconds, 10);
}

static void bursts_of_several_do_not_come_together(void **state)
{
	struct watch *a = world_watch(1, CONFIG_PROBES_BURST);
	struct watch *b = world_watch(2, CONFIG_PROBES_BURST);

	for (unsigned i = 0; i < 120; i++) {
		sets_tick(&sets, &world.turn);
		fit(a);
		fit(b);
		assert_false(a->have.burst && b->have.burst);
		world_pass(1);
	}
}

static void a_chosen_burst_begins_at_once(void **state)
{
	struct watch *w = world_watch(7, CONFIG_PROBES_LEAN);

	assert_int_equal(choose(w, "burst"), 0);
	fit(w);
	sets_tick(&sets, &world.turn);
	assert_true(w->wish.burst);
}

static void a_refused_burst_waits_for_the_next_minute(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_BURST);
	unsigned tried = 0;

	for (unsigned i = 0; i < 120; i++) {
		sets_tick(&sets, &world.turn);
		tried += w->wish.burst;
		w->wish.burst = false; /* as the fitter restores it */
		world_pass(1);
	}
	assert_int_equal(tried, 2);
}

static void no_burst_while_the_budget_binds(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_BURST);

	w->wish.level = w->have.level = BUDGET_LEAN;
	for (unsigned i = 0; i < 120; i++) {
		sets_tick(&sets, &world.turn);
		assert_false(w->wish.burst);
		world_pass(1);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(configuration_gives_set_and_budget),
		T(a_trace_has_no_budget),
		T(a_chosen_set_is_whole_again),
		T(choosing_what_it_has_leaves_the_level),
		T(an_unknown_set_changes_nothing),
		T(the_full_set_needs_uprobe_multi),
		T(a_reload_leaves_what_a_command_chose),
		T(a_burst_takes_one_second_of_each_minute),
		T(bursts_of_several_do_not_come_together),
		T(a_chosen_burst_begins_at_once),
		T(a_refused_burst_waits_for_the_next_minute),
		T(no_burst_while_the_budget_binds),
	};

	return cmocka_run_group_tests_name("engine/sets", tests, NULL, NULL);
}
