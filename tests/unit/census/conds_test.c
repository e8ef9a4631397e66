// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Stacks with a pointer to a sync.Cond, and with what only looks like one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "census/conds_priv.h"

#define BASE     0xc000000000ull
#define LEN      0x10000u
#define SP       (BASE + 0x1000)
#define COND     (BASE + 0x2000)
#define LIST     (COND + 16)
#define SUDOG(i) (BASE + 0x3000 + 0x80 * (uint64_t)(i))
#define G(i)     (BASE + 0x8000 + 0x200 * (uint64_t)(i))

static uint8_t memory[LEN];
static uint64_t told[8];
static unsigned n_told;

static void put(uint64_t addr, uint64_t v)
{
	memcpy(memory + (addr - BASE), &v, sizeof(v));
}

static int read_memory(void *arg, uint64_t addr, void *dst, size_t n)
{
	if (addr < BASE || n > LEN || addr - BASE > LEN - n)
		return -EFAULT;
	memcpy(dst, memory + (addr - BASE), n);
	return 0;
}

static const struct memread reader = { .read = read_memory };

static void on_waiter(void *arg, uint64_t g, uint64_t list)
{
	assert_int_equal(list, LIST);
	if (n_told < ARRAY_SIZE(told))
		told[n_told] = g;
	n_told++;
}

/* Three wait; nothing on the stack yet. */
static void make(void)
{
	memset(memory, 0, sizeof(memory));
	for (unsigned i = 0; i < 3; i++) {
		put(SUDOG(i), G(i));
		put(SUDOG(i) + 8, i < 2 ? SUDOG(i + 1) : 0);
		put(SUDOG(i) + 16, i ? SUDOG(i - 1) : 0);
	}
	put(LIST, 3);
	put(LIST + 16, SUDOG(0));
	put(LIST + 24, SUDOG(2));
	put(LIST + 32, COND); /* copyChecker */
	n_told = 0;
}

static bool find(uint64_t g)
{
	_cleanup_free_ struct conds *c = conds_new(&reader, on_waiter, NULL);

	assert_non_null(c);
	return conds_find(c, g, SP);
}

static void finds_it(void **state)
{
	static const struct {
		unsigned slot;
		uint64_t pointer;
		bool found;
	} cases
		[] = {
			{ 0, LIST, true },
			{ 5, COND, true },
			{ 63, COND, true },
			{ 64, COND, false },
			{ 3, LIST + 8, false }, /* of its lock: the tail is where the head would be */
			{ 3, SUDOG(1), false },
			{ 3, SUDOG(2), false },
			{ 3, SUDOG(2) - 16, false },
			{ 3, COND + 1, false },
			{ 3, SP + 8, false },
			{ 3, 8, false },
			{ 3, 0, false },
			{ 3, BASE + LEN, false },
		};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		for (unsigned g = 0; g < 3; g++) {
			make();
			put(SP + 8 * 1, BASE + 0x9000); /* another pointer */
			put(SP + 8 * cases[i].slot, cases[i].pointer);
			assert_int_equal(find(G(g)), cases[i].found);
			assert_int_equal(n_told, cases[i].found ? 3 : 0);
			for (unsigned k = 0; k < n_told; k++)
				assert_int_equal(told[k], G(k));
		}
	}
}

static void lists_that_are_none(void **state)
{
	const struct {
		uint64_t at, value;
	} cases[] = {
		{ SUDOG(1), G(7) },         /* G(1) is not in it */
		{ SUDOG(2) + 8, SUDOG(0) }, /* a ring */
		{ SUDOG(2) + 8, BASE + LEN },
		{ SUDOG(0) + 8, 1 },
		{ LIST + 24, SUDOG(1) }, /* it does not end at its tail */
		{ LIST + 16, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		make();
		put(SP, COND);
		put(cases[i].at, cases[i].value);
		assert_false(find(G(1)));
		assert_int_equal(n_told, 0);
	}
}

/* Many that are not found do not hold up a census. */
static void bounds(void **state)
{
	_cleanup_free_ struct conds *c = conds_new(&reader, on_waiter, NULL);

	make();
	put(SP, COND);
	for (unsigned i = 0; i < CONDS_SEARCHES_MAX - 1; i++)
		assert_false(conds_find(c, G(7), SP));
	assert_true(conds_find(c, G(0), SP));
	assert_false(conds_find(c, G(0), SP));
	assert_int_equal(n_told, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_it),
		cmocka_unit_test(lists_that_are_none),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests_name("census/conds", tests, NULL, NULL);
}
