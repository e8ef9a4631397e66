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

static void grouped(void **state)
{
	struct groups gs = {};
	struct census_goroutine g = goroutine(7);
	const struct group *first;

	g.depth = 3;
	groups_add(&gs, &g);
	g = goroutine(8);
	g.since_ns = 500;
	groups_add(&gs, &g);
	g = goroutine(9);
	g.since_ns = 400;
	g.exact = false;
	groups_add(&gs, &g);
	g = goroutine(1);
	g.reason = 15;
	groups_add(&gs, &g);
	g = goroutine(2);
	g.stack[2]++;
	groups_add(&gs, &g);
	g = goroutine(3);
	g.state = CENSUS_LEAKED;
	groups_add(&gs, &g);
	g = goroutine(4);
	g.nstack = 2;
	groups_add(&gs, &g);
	g = goroutine(5);
	g.created_at++;
	groups_add(&gs, &g);
	groups_sort(&gs);
	assert_int_equal(HASH_COUNT(gs.by_key), 6);
	first = gs.by_key;
	assert_int_equal(first->count, 3);
	assert_int_equal(first->oldest_ns, 400);
	assert_int_equal(first->depth_max, 3);
	assert_int_equal(first->inexact, 1);
	assert_int_equal(first->n_members, 3);
	assert_int_equal(first->members[2].goid, 9);
	assert_int_equal(first->members[2].parent, 109);
	assert_int_equal(first->members[1].since_ns, 500);
	assert_int_equal(first->members[0].depth, 3);
	first = first->hh.next; /* of one size, the oldest */
	assert_int_equal(first->members[0].goid, 1);
	groups_done(&gs);
}

/* Who has no stack is known by where it began. */
static void without_stack(void **state)
{
	struct groups gs = {};

	for (unsigned i = 0; i < 4; i++) {
		struct census_goroutine g = goroutine(i + 1);

		g.nstack = 0;
		g.start += i / 2;
		groups_add(&gs, &g);
	}
	assert_int_equal(HASH_COUNT(gs.by_key), 2);
	groups_done(&gs);
}

static void bounds(void **state)
{
	struct groups gs = {};

	for (unsigned i = 0; i < GROUPS_MAX + 5; i++) {
		struct census_goroutine g = goroutine(i + 1);

		g.stack[0] += i;
		groups_add(&gs, &g);
	}
	for (unsigned i = 0; i < GROUP_MEMBERS + 5; i++) {
		struct census_goroutine g = goroutine(i + 1);

		groups_add(&gs, &g);
	}
	assert_int_equal(HASH_COUNT(gs.by_key), GROUPS_MAX);
	assert_int_equal(gs.left_out, 5);
	groups_sort(&gs);
	assert_int_equal(gs.by_key->count, GROUP_MEMBERS + 6);
	assert_int_equal(gs.by_key->n_members, GROUP_MEMBERS);
	groups_done(&gs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grouped),
		cmocka_unit_test(without_stack),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests_name("census/groups", tests, NULL, NULL);
}
