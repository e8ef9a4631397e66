// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The data of a process, with one list of goroutines in it, or none, or two. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "census/search.h"

#define DATA  0x600000ull
#define LEN   0x30000u
#define HEAP  0xc000000000ull
#define MAIN  0x401000ull
#define G(i)  (HEAP + 0x1000 + 0x400 * (uint64_t)(i))
#define STACK (HEAP + 0x4000)

static uint8_t data[LEN], heap[0x8000];
static uint64_t hole; /* an address that cannot be read */
static bool gone;
static struct go_layout layout;

static int read_memory(void *arg, uint64_t addr, void *dst, size_t n)
{
	bool in_heap = addr >= HEAP;
	uint64_t base = in_heap ? HEAP : DATA, len = in_heap ? sizeof(heap) : LEN;

	if (gone)
		return -ESRCH;
	if (addr < base || n > len || addr - base > len - n ||
	    (hole && addr <= hole && hole < addr + n))
		return -EFAULT;
	memcpy(dst, (in_heap ? heap : data) + (addr - base), n);
	return 0;
}

static const struct memread reader = { .read = read_memory };

static void put(uint64_t addr, uint64_t v)
{
	memcpy(addr >= HEAP ? heap + (addr - HEAP) : data + (addr - DATA), &v, sizeof(v));
}

static void put_slice(uint64_t addr, uint64_t at, uint64_t n, uint64_t room)
{
	put(addr, at);
	put(addr + 8, n);
	put(addr + 16, room);
}

/* Two goroutines, a list of them, and slices that are none of goroutines. */
static void make(unsigned minor)
{
	assert_int_equal(go_layout_find(minor, &layout), 0);
	memset(data, 0, sizeof(data));
	memset(heap, 0, sizeof(heap));
	hole = 0;
	gone = false;
	for (unsigned i = 0; i < 2; i++) {
		put(HEAP + 8 * i, G(i));
		put(G(i) + layout.g.stack_lo, STACK);
		put(G(i) + layout.g.stack_hi, STACK + 0x1000);
		put(G(i) + layout.g.sched_sp, STACK + 0x800);
		put(G(i) + 72, G(i));
		put(G(i) + layout.g.atomicstatus, 4);
		put(G(i) + layout.g.goid, i + 1);
		put(G(i) + layout.g.startpc, i ? 0x402000 : MAIN);
	}
	put_slice(DATA + 0x20, HEAP + 8, 2, 4);         /* its first is not number 1 */
	put_slice(DATA + 0x60, HEAP + 0x1000, 2, 2);    /* what it points to is no g */
	put_slice(DATA + 0x80, 0x1234567890, 100, 100); /* nor is there memory */
	put_slice(DATA + 0xa0, HEAP, 500, 1000);        /* nor is this its length */
}

static int search(uint64_t runtime_main, uint64_t *ret)
{
	const struct search_where w = { DATA, DATA + LEN, runtime_main };
	struct reason reason = {};
	int err = search_allgs(&reader, &layout, &w, ret, &reason);

	assert_int_equal(err != 0, reason.text[0] != 0);
	return err;
}

static void finds_it(void **state)
{
	/* At both ends, and across the pieces in which it is read. */
	static const uint64_t offsets[] = { 0, 0x200, 0xfff0, 0xfff8, 0x1fff0, LEN - 24 };

	for (unsigned minor = 19; minor <= 27; minor++) {
		for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
			uint64_t at = 0;

			make(minor);
			put_slice(DATA + offsets[i], HEAP, 2, 4);
			assert_int_equal(search(MAIN, &at), 0);
			assert_int_equal(at, DATA + offsets[i]);
			assert_int_equal(search(0, &at), 0);
			assert_int_equal(search(MAIN + 1, &at), -ENOENT);
		}
	}
}

static void finds_none(void **state)
{
	static const uint64_t slices[][3] = {
		{ HEAP, 1, 4 }, /* the program has not begun */
		{ HEAP, 2, 1 }, { HEAP, 2, 1ull << 40 }, { HEAP + 4, 2, 4 }, { 8, 2, 4 },
		{ 0, 0, 0 },
	};
	const struct search_where nothing = { DATA + LEN, DATA, 0 },
				  little = { DATA, DATA + 23, 0 };
	struct reason reason;
	uint64_t at = 77;

	for (unsigned i = 0; i < ARRAY_SIZE(slices); i++) {
		make(26);
		put_slice(DATA + 0x200, slices[i][0], slices[i][1], slices[i][2]);
		assert_int_equal(search(MAIN, &at), -ENOENT);
	}
	put_slice(DATA, HEAP, 2, 4);
	assert_int_equal(search_allgs(&reader, &layout, &little, &at, &reason), -ENOENT);
	assert_int_equal(search_allgs(&reader, &layout, &nothing, &at, &reason), -ENOENT);
	gone = true;
	assert_int_equal(search(MAIN, &at), -ESRCH);
	assert_int_equal(at, 77);
}

/* A copy is shorter, or has no room for more; one that is as long as its own cannot be told from it. */
static void copies(void **state)
{
	static const struct {
		uint64_t n, room;
		int err;
	} cases[] = { { 2, 2, 0 }, { 2, 3, 0 }, { 2, 4, -ENOENT } };

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		for (unsigned before = 0; before < 2; before++) {
			uint64_t at = 77;

			make(26);
			put_slice(DATA + 0x300, HEAP, 2, 4);
			put_slice(DATA + (before ? 0x200 : 0x20000), HEAP, cases[i].n,
				  cases[i].room);
			assert_int_equal(search(MAIN, &at), cases[i].err);
			assert_int_equal(at, cases[i].err ? 77 : DATA + 0x300);
		}
	}
	/* A list that is longer is the newer one, wherever it lies. */
	make(26);
	put(HEAP + 0x7000, G(0));
	put(HEAP + 0x7008, G(1));
	put(HEAP + 0x7010, G(1));
	put_slice(DATA + 0x300, HEAP + 0x7000, 3, 3);
	put_slice(DATA + 0x400, HEAP, 2, 4);
	uint64_t at = 0;
	assert_int_equal(search(MAIN, &at), 0);
	assert_int_equal(at, DATA + 0x300);
}

static void two_runtimes(void **state)
{
	uint64_t at = 77;

	make(26);
	memcpy(heap + 0x6000, heap + (G(0) - HEAP), 0x400);
	put(HEAP + 0x6000 + 72, HEAP + 0x6000);
	put(HEAP + 0x7000, HEAP + 0x6000);
	put(HEAP + 0x7008, G(1));
	put_slice(DATA + 0x200, HEAP, 2, 4);
	put_slice(DATA + 0x20000, HEAP + 0x7000, 2, 4);
	assert_int_equal(search(0, &at), -EBADMSG);
	assert_int_equal(at, 77);
}

/* What cannot be read holds back nothing else. */
static void holes(void **state)
{
	uint64_t at;

	make(26);
	put_slice(DATA + 0x20000, HEAP, 2, 4);
	hole = DATA + 0x100;
	assert_int_equal(search(MAIN, &at), 0);
	assert_int_equal(at, DATA + 0x20000);
	hole = DATA + 0x20008;
	assert_int_equal(search(MAIN, &at), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_it), cmocka_unit_test(finds_none),
		cmocka_unit_test(copies),   cmocka_unit_test(two_runtimes),
		cmocka_unit_test(holes),
	};

	return cmocka_run_group_tests_name("census/search", tests, NULL, NULL);
}
