// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "census/groups.h"

static struct census_goroutine goroutine(uint64_t goid)
{
	return (struct census_goroutine){ .goid = goid,
					  .start = 0x403000,
					  .created_at = 0x404000,
					  .parent = 100 + goid,
					  .state = CENSUS_WAITING,
					  .reason = 14,
					  .exact = true,
					  .whole = true,
					  .nstack = 3,
					  .stack = { 0x401000, 0x402000, 0x403010 } };
}

static struct groups gs;

static struct group *add(const struct census_goroutine *g)
{
	uint32_t id = groups_intern(&gs, g);

	if (id == GROUP_NONE)
		return NULL;
	assert_true(id < gs.n_ids);
	gs.by_id[id]->next.count++;
	if (!gs.by_id[id]->next.first)
		gs.by_id[id]->next.first = g->goid;
	return gs.by_id[id];
}

static void grouped(void **state)
{
	struct census_goroutine g = goroutine(7);
	const struct group *first;

	gs = (struct groups){ .max = GROUPS_MAX };
	groups_begin(&gs);
	add(&g);
	g = goroutine(8);
	add(&g);
	g = goroutine(9);
	g.exact = false;
	add(&g);
	g = goroutine(1);
	g.reason = 15;
	add(&g);
	g = goroutine(2);
	g.stack[2]++;
	add(&g);
	g = goroutine(3);
	g.state = CENSUS_LEAKED;
	add(&g);
	g = goroutine(4);
	g.nstack = 2;
	add(&g);
	g = goroutine(5);
	g.created_at++;
	add(&g);
	groups_end(&gs);
	groups_sort(&gs);
	assert_int_equal(HASH_COUNT(gs.by_key), 6);
	first = gs.by_key;
	assert_int_equal(first->sum.count, 3);
	assert_int_equal(first->key.nstack, 3);
	assert_int_equal(first->key.stack[2], 0x403010);
	first = first->hh.next; /* of one size, the oldest */
	assert_int_equal(first->sum.first, 1);
	groups_done(&gs);
}

/* Who has no stack is known by where it began. */
static void without_stack(void **state)
{
	gs = (struct groups){ .max = GROUPS_MAX };
	for (unsigned i = 0; i < 4; i++) {
		struct census_goroutine g = goroutine(i + 1);

		g.nstack = 0;
		g.start += i / 2;
		add(&g);
	}
	assert_int_equal(HASH_COUNT(gs.by_key), 2);
	groups_done(&gs);
}

/* One without members goes, and its id serves another; its serial does not. */
static void from_census_to_census(void **state)
{
	struct census_goroutine a = goroutine(1), b = goroutine(2), c = goroutine(3);
	struct group *ga, *gb, *gc;
	uint32_t id;

	gs = (struct groups){ .max = GROUPS_MAX };
	b.stack[0]++;
	c.stack[0] += 2;
	groups_begin(&gs);
	ga = add(&a);
	gb = add(&b);
	assert_int_equal(ga->sum.count, 0);
	groups_end(&gs);
	assert_int_equal(ga->sum.count, 1);
	id = ga->id;
	groups_begin(&gs);
	assert_ptr_equal(add(&b), gb);
	add(&b);
	assert_int_equal(gb->sum.count, 1);
	groups_end(&gs);
	assert_int_equal(gb->sum.count, 2);
	assert_null(gs.by_id[id]);
	assert_int_equal(HASH_COUNT(gs.by_key), 1);
	groups_begin(&gs);
	gc = add(&c);
	assert_int_equal(gc->id, id);
	assert_int_equal(gc->serial, 3);
	groups_done(&gs);
	assert_int_equal(gs.max, GROUPS_MAX);
}

static void bounds(void **state)
{
	unsigned left_out = 0;

	gs = (struct groups){ .max = 100 };
	for (unsigned i = 0; i < 105; i++) {
		struct census_goroutine g = goroutine(i + 1);

		g.stack[0] += i;
		assert_int_equal(groups_full(&gs), i >= 100);
		left_out += !add(&g);
	}
	assert_int_equal(left_out, 5);
	for (unsigned i = 0; i < 5; i++) {
		struct census_goroutine g = goroutine(i + 1);

		assert_non_null(add(&g)); /* one that is there has room for more */
	}
	groups_end(&gs);
	groups_sort(&gs);
	assert_int_equal(gs.by_key->sum.count, 6);
	groups_done(&gs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grouped),
		cmocka_unit_test(without_stack),
		cmocka_unit_test(from_census_to_census),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests_name("census/groups", tests, NULL, NULL);
}
