// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/governor.h"
#include "fakewatch.h"
#include "probe/scan.h"

static struct governor g;
static uint64_t hits;

/* Sites as the kernel's map has them when the governor reads it: { return address, pushes }. */
static struct event_site sites[4];
static unsigned n_sites, site_reads;

void probe_read_sites(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	site_reads++;
	for (unsigned i = 0; i < n_sites; i++) {
		struct event ev = { .type = EVENT_SITE,
				    .target = 1u << 16 | 1,
				    .pid = 101,
				    .time_ns = now_ns,
				    .site = sites[i] };

		fn(arg, &ev);
	}
}

static int setup(void **state)
{
	world_begin();
	hits = 0;
	n_sites = site_reads = 0;
	return governor_init(&g, 8);
}

static int teardown(void **state)
{
	governor_done(&g);
	world_end();
	return 0;
}

/* The fitter attaches what was wished, now. */
static void fit(struct watch *w)
{
	if (!wish_same_points(&w->wish, &w->have))
		w->since_ns = world.turn.now_ns;
	w->have = w->wish;
}

/* A second in which its probes cost so many percent of a core. */
static void second(struct watch *w, double percent)
{
	world_pass(1);
	hits += (uint64_t)(percent * 10000);
	world_hits(w, hits, 0);
	governor_tick(&g, &world.turn);
}

static void under_the_budget_all_stays(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	for (unsigned i = 0; i < 60; i++)
		second(w, 0.99);
	assert_int_equal(w->wish.level, BUDGET_WHOLE);
	assert_false(w->wish.suspect);
}

static void past_the_budget_it_goes_down_within_the_second(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	second(w, 1.5);
	assert_int_equal(w->wish.level, BUDGET_PANICS);
	assert_true(w->wish.suspect);
	assert_null(w->wish.cause);
	assert_true(w->wish.cost_percent > 1.4 && w->wish.cost_percent < 1.6);
}

static void steps_are_those_of_the_set_it_has(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_FULL);

	second(w, 3);
	assert_int_equal(w->wish.level, BUDGET_LEAN);
	fit(w);
	second(w, 3); /* links are being closed: not judged yet */
	assert_int_equal(w->wish.level, BUDGET_LEAN);
	second(w, 3);
	second(w, 3);
	assert_int_equal(w->wish.level, BUDGET_PANICS);
}

static void it_comes_back_with_patience(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);
	unsigned seconds = 0;

	second(w, 3);
	fit(w);
	while (w->wish.level != BUDGET_WHOLE && seconds++ < 600)
		second(w, 0);
	assert_in_range(seconds, 8, 12);
}

static void a_burst_may_cost_what_the_minute_has(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_BURST);

	w->wish.burst = w->have.burst = true;
	second(w, 50);
	assert_int_equal(w->wish.level, BUDGET_WHOLE);
	second(w, 70);
	assert_int_not_equal(w->wish.level, BUDGET_WHOLE);
	assert_false(w->wish.burst);
}

static void timing_has_its_own_share(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	world_pass(1);
	world_hits(w, 0, 0);
	governor_tick(&g, &world.turn);
	world_pass(1);
	world_hits(w, 20000, 20000); /* 4 % of a core, all of it timing */
	governor_tick(&g, &world.turn);
	assert_int_equal(w->wish.level, BUDGET_WHOLE);
	w->have.timed_percent = w->wish.timed_percent = 0.5;
	world_pass(1);
	world_hits(w, 27000, 20000); /* 0.7 %, of the half that is left */
	governor_tick(&g, &world.turn);
	assert_int_equal(w->wish.level, BUDGET_PANICS);
}

static void without_a_budget_nothing_is_taken(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	w->wish.budget_percent = w->have.budget_percent = 0;
	second(w, 90);
	second(w, 90);
	assert_int_equal(w->wish.level, BUDGET_WHOLE);
}

static void without_a_price_nothing_is_taken(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	world.features.hit_ns[0] = 0;
	second(w, 90);
	assert_int_equal(w->wish.level, BUDGET_WHOLE);
}

static void hot(struct watch *w)
{
	struct event ev = { .type = EVENT_HOT, .target = w->id, .time_ns = world.turn.now_ns };

	governor_hot(&g, &world.turn, &ev);
}

static void a_flood_is_cut_at_once(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	assert_false(governor_cool(&g, &world.turn));
	world_pass(0.1);
	hot(w);
	assert_true(governor_cool(&g, &world.turn));
	assert_int_equal(w->wish.level, BUDGET_PANICS);
	assert_non_null(w->wish.cause);
	assert_false(governor_cool(&g, &world.turn)); /* once */
}

static void a_flood_of_the_probes_before_does_not_count(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_FULL);
	struct event ev = { .type = EVENT_HOT, .target = w->id };

	world_pass(1);
	ev.time_ns = world.turn.now_ns;
	hot(w);
	assert_true(governor_cool(&g, &world.turn));
	assert_int_equal(w->wish.level, BUDGET_LEAN);
	world_pass(0.1);
	fit(w);
	governor_hot(&g, &world.turn, &ev); /* it lay on the ring */
	assert_false(governor_cool(&g, &world.turn));
	assert_int_equal(w->wish.level, BUDGET_LEAN);
}

static void a_flood_of_a_process_that_is_gone_is_ignored(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);
	struct event ev = { .type = EVENT_HOT, .target = w->id, .time_ns = world.turn.now_ns };

	world_gone(w);
	governor_hot(&g, &world.turn, &ev);
	assert_false(governor_cool(&g, &world.turn));
}

static void site(unsigned call, uint64_t registered)
{
	sites[n_sites++] =
		(struct event_site){ .pc = world.calls[call].va + 5, .registered = registered };
}

static void the_busiest_function_is_pruned_first(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	world_know_calls();
	site(0, 300);
	site(1, 600);
	site(2, 100);
	world_pass(0.1);
	hot(w);
	assert_true(governor_cool(&g, &world.turn));
	assert_int_equal(site_reads, 1);
	assert_int_equal(w->wish.level, BUDGET_PRUNED);
	assert_true(wish_call_has(&w->wish.pruned, 0));
	assert_true(wish_call_has(&w->wish.pruned, 1));
	/* A whole core, of which half a percent may stay: the other function goes, too. */
	assert_true(wish_call_has(&w->wish.pruned, 2));
}

static void what_fits_half_of_the_budget_is_not_pruned(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	world_know_calls();
	site(0, 900);
	site(2, 100);
	probe_read_sites(NULL, world.turn.now_ns, turn_take, &world.turn);
	second(w, 4); /* a tenth of it is 0.4 % */
	assert_int_equal(w->wish.level, BUDGET_PRUNED);
	assert_true(wish_call_has(&w->wish.pruned, 0));
	assert_false(wish_call_has(&w->wish.pruned, 2));
}

static void when_no_function_is_known_to_be_busy_all_pushes_go(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	world_know_calls();
	second(w, 4);
	assert_int_equal(w->wish.level, BUDGET_PANICS);
}

static void a_refused_level_gives_way_to_the_next(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	world_know_calls();
	site(0, 900);
	probe_read_sites(NULL, world.turn.now_ns, turn_take, &world.turn);
	second(w, 4);
	assert_int_equal(w->wish.level, BUDGET_PRUNED);
	wish_restore_points(&w->wish, &w->have);
	w->level_refused = true;
	assert_true(governor_refused(&g, &world.turn, w));
	assert_int_equal(w->wish.level, BUDGET_PANICS);
	assert_false(w->level_refused);
}

static void a_refused_set_is_not_the_governors(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	second(w, 0);
	assert_false(governor_refused(&g, &world.turn, w));
	assert_int_equal(w->wish.level, BUDGET_WHOLE);
}

static void another_set_has_another_ladder(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	second(w, 3);
	fit(w);
	assert_int_equal(w->have.level, BUDGET_PANICS);
	w->wish.set = CONFIG_PROBES_FULL;
	w->wish.level = BUDGET_WHOLE;
	fit(w);
	second(w, 0);
	second(w, 0);
	assert_false(w->wish.suspect);
	second(w, 3);
	assert_int_equal(w->wish.level, BUDGET_LEAN);
}

static void without_a_budget_any_more_all_comes_back(void **state)
{
	struct watch *w = world_watch(1, CONFIG_PROBES_LEAN);

	second(w, 3);
	fit(w);
	w->wish.budget_percent = 0;
	governor_reload(&g, &world.turn);
	assert_int_equal(w->wish.level, BUDGET_WHOLE);
	assert_string_equal(w->wish.cause, "the configuration");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(under_the_budget_all_stays),
		T(past_the_budget_it_goes_down_within_the_second),
		T(steps_are_those_of_the_set_it_has),
		T(it_comes_back_with_patience),
		T(a_burst_may_cost_what_the_minute_has),
		T(timing_has_its_own_share),
		T(without_a_budget_nothing_is_taken),
		T(without_a_price_nothing_is_taken),
		T(a_flood_is_cut_at_once),
		T(a_flood_of_the_probes_before_does_not_count),
		T(a_flood_of_a_process_that_is_gone_is_ignored),
		T(the_busiest_function_is_pruned_first),
		T(what_fits_half_of_the_budget_is_not_pruned),
		T(when_no_function_is_known_to_be_busy_all_pushes_go),
		T(a_refused_level_gives_way_to_the_next),
		T(a_refused_set_is_not_the_governors),
		T(another_set_has_another_ladder),
		T(without_a_budget_any_more_all_comes_back),
	};

	return cmocka_run_group_tests_name("engine/governor", tests, NULL, NULL);
}
