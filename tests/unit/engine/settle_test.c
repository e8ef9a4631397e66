// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/settle.h"
#include "fakewatch.h"

#define GOROUTINES 10

/* Scan: the same goroutines in the same order, each of which costs so many reads. Bits: those that were read. */
static unsigned scan(struct settle *s, unsigned reads, unsigned cost)
{
	unsigned read = 0;

	settle_begin(s, reads);
	for (unsigned i = 0; i < GOROUTINES; i++) {
		if (!settle_take_turn(s))
			continue;
		settle_spend(s, cost);
		read |= 1u << i;
	}
	return read;
}

static void all_are_read_when_there_is_room(void **state)
{
	struct settle s = {};

	assert_int_equal(scan(&s, 100, 1), 0x3ff);
	assert_int_equal(scan(&s, 100, 1), 0x3ff);
}

static void those_left_out_go_first_at_the_next_scan(void **state)
{
	struct settle s = {};

	assert_int_equal(scan(&s, 4, 1), 0x00f);
	assert_int_equal(scan(&s, 4, 1), 0x0f0);
	assert_int_equal(scan(&s, 4, 1), 0x300); /* the end of the walk */
	assert_int_equal(scan(&s, 4, 1), 0x00f); /* from the start again */
}

static void each_has_its_turn_whatever_the_bound(void **state)
{
	for (unsigned reads = 1; reads < 12; reads++) {
		struct settle s = {};
		unsigned all = 0;

		for (unsigned i = 0; i < GOROUTINES; i++)
			all |= scan(&s, reads, 3);
		assert_int_equal(all, 0x3ff);
	}
}

static void a_deep_one_does_not_take_the_budget_below_zero(void **state)
{
	struct settle s = {};

	settle_begin(&s, 5);
	assert_true(settle_take_turn(&s));
	settle_spend(&s, 500);
	assert_int_equal(s.budget, 0);
	assert_false(settle_take_turn(&s));
}

static struct event goroutine(const struct watch *w, uint32_t depth, bool inferred)
{
	return (struct event){ .type = EVENT_GOROUTINE,
			       .target = w->id,
			       .time_ns = world.turn.now_ns,
			       .goroutine = { .g = 0xc000,
					      .goid = 7,
					      .depth = depth,
					      .inferred = inferred,
					      .last_ns = world.turn.now_ns } };
}

/* A goroutine of depth 5 whose newest push was so long ago, in a scan of so many reads: what comes of it. */
static struct event settled(uint64_t age_ns, unsigned reads)
{
	struct settle s = {};
	struct watch *w;
	struct event ev;

	world_begin();
	w = world_watch(1, CONFIG_PROBES_LEAN);
	w->layout = LAYOUT_CONFIRMED;
	ev = goroutine(w, 5, false);
	ev.goroutine.last_ns -= age_ns;
	settle_begin(&s, reads);
	assert_true(settle_goroutine(&s, &world.turn, &ev));
	assert_int_equal(world.turn.stats.chains_read, 0);
	world_end();
	return ev;
}

static void one_that_pushes_still_is_not_read(void **state)
{
	assert_int_equal(settled(0, 10).goroutine.depth, 5);
	assert_false(settled(0, 10).goroutine.inferred);
}

static void one_whose_turn_it_is_not_is_inferred(void **state)
{
	assert_true(settled(2 * WORLD_SECOND, 0).goroutine.inferred);
}

static void without_a_layout_nothing_is_read(void **state)
{
	static const enum watch_layout layouts[] = { LAYOUT_NONE, LAYOUT_REFUTED };
	struct settle s = {};

	world_begin();
	for (unsigned i = 0; i < 2; i++) {
		struct watch *w = world_watch(1 + i, CONFIG_PROBES_LEAN);
		struct event ev = goroutine(w, 5, true);

		w->layout = layouts[i];
		settle_begin(&s, 10);
		assert_true(settle_goroutine(&s, &world.turn, &ev));
	}
	assert_int_equal(world.turn.stats.chains_read, 0);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_read_when_there_is_room),
		cmocka_unit_test(those_left_out_go_first_at_the_next_scan),
		cmocka_unit_test(each_has_its_turn_whatever_the_bound),
		cmocka_unit_test(a_deep_one_does_not_take_the_budget_below_zero),
		cmocka_unit_test(one_that_pushes_still_is_not_read),
		cmocka_unit_test(one_whose_turn_it_is_not_is_inferred),
		cmocka_unit_test(without_a_layout_nothing_is_read),
	};

	return cmocka_run_group_tests_name("engine/settle", tests, NULL, NULL);
}
