// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The chain of a goroutine read from made-up memory, with the layouts of an old and a new release.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "census/chain.h"

#define BASE     0xc000000000ull
#define SIZE     (4u << 20)
#define G        (BASE + 0x1000)
#define STACK_LO (BASE + 0x100000)
#define STACK_HI (BASE + 0x200000)
#define RECORDS  (BASE + 0x200000)

static unsigned char memory[SIZE];
static unsigned reads_of_g;
static int changes_between_reads;
static uint64_t hole; /* this page cannot be read */
static struct go_layout layout;

static int read_memory(void *arg, uint64_t addr, void *dst, size_t n)
{
	if (addr < BASE || addr - BASE + n > SIZE ||
	    (hole && addr < hole + 4096 && addr + n > hole))
		return -EFAULT;
	if (addr == G && reads_of_g++ && changes_between_reads)
		memory[G - BASE + layout.g.sched_sp]++;
	memcpy(dst, memory + (addr - BASE), n);
	return 0;
}

static const struct memread reader = { read_memory, NULL };

static void put(uint64_t addr, uint64_t v)
{
	memcpy(memory + (addr - BASE), &v, sizeof(v));
}

static void put_status(uint32_t status)
{
	memcpy(memory + (G - BASE + layout.g.atomicstatus), &status, sizeof(status));
}

static void start(unsigned minor)
{
	memset(memory, 0, sizeof(memory));
	reads_of_g = 0;
	changes_between_reads = 0;
	hole = 0;
	assert_int_equal(go_layout_find(minor, &layout), 0);
	put(G + layout.g.stack_lo, STACK_LO);
	put(G + layout.g.stack_hi, STACK_HI);
	put(G + layout.g.goid, 18);
	put(G + layout.g.sched_sp, STACK_LO + 0x500);
	put_status(4);
}

static uint64_t record(unsigned i)
{
	return RECORDS + i * 64;
}

/* A chain of n records, the newest first, each in a frame further out than the one before. */
static void chain(unsigned n)
{
	put(G + layout.g.defer, n ? record(0) : 0);
	for (unsigned i = 0; i < n; i++) {
		put(record(i) + layout.defer.sp, STACK_LO + 0x800 + i / 4 * 16);
		put(record(i) + layout.defer.link, i + 1 < n ? record(i + 1) : 0);
	}
}

static const unsigned minors[] = { 19, 21, 22, 26, 27 };
#define FOR_EACH_MINOR for (size_t k = 0; k < sizeof(minors) / sizeof(*minors); k++)

static void test_depths(void **state)
{
	static const unsigned depths[] = { 0, 1, 35, 1000, 20000 };

	FOR_EACH_MINOR {
		for (size_t i = 0; i < sizeof(depths) / sizeof(*depths); i++) {
			struct chain c;

			start(minors[k]);
			chain(depths[i]);
			assert_int_equal(chain_read(&reader, &layout, G, &c), 0);
			assert_int_equal(c.depth, depths[i]);
			assert_int_equal(c.goid, 18);
			assert_true(c.exact);
			/* Neighbours share a page: one read for 64 records, not one each. */
			assert_true(c.reads <= depths[i] / 64 + 2);
		}
	}
}

static void test_range_over_func(void **state)
{
	struct chain c;
	uint64_t head = RECORDS + 0x8000, list = RECORDS + 0x9000;

	start(26);
	chain(3);
	memory[record(1) - BASE + layout.defer.rangefunc] = 1;
	put(record(1) + layout.defer.head, head);
	put(head, list);
	for (unsigned i = 0; i < 12; i++)
		put(list + i * 64 + layout.defer.link, i + 1 < 12 ? list + (i + 1) * 64 : 0);
	assert_int_equal(chain_read(&reader, &layout, G, &c), 0);
	assert_int_equal(c.depth, 2 + 12);
	put(head, 1); /* the loop is over */
	assert_int_equal(chain_read(&reader, &layout, G, &c), 0);
	assert_int_equal(c.depth, 2);
}

static void test_records_of_the_runtime(void **state)
{
	struct chain c;

	start(19);
	chain(5);
	memory[record(0) - BASE + layout.defer.open_defer] = 1;
	assert_int_equal(chain_read(&reader, &layout, G, &c), 0);
	assert_int_equal(c.depth, 4);
}

static void test_torn(void **state)
{
	FOR_EACH_MINOR {
		struct chain c = { .depth = 4711 };

		start(minors[k]);
		chain(8);
		put(record(5) + layout.defer.sp, STACK_HI + 8); /* another goroutine's record */
		assert_int_equal(chain_read(&reader, &layout, G, &c), -EBADMSG);
		put(record(5) + layout.defer.sp, STACK_LO); /* further in than the one before */
		assert_int_equal(chain_read(&reader, &layout, G, &c), -EBADMSG);
		assert_int_equal(c.depth, 4711);
	}
}

/* The newest record says where it was registered. */
static void test_site(void **state)
{
	uint64_t goid, site = 77;

	start(26);
	assert_int_equal(chain_site(&reader, &layout, G, &goid, &site), -ENOENT);
	chain(3);
	put(record(0) + layout.defer.pc, 0x401234);
	assert_int_equal(chain_site(&reader, &layout, G, &goid, &site), 0);
	assert_int_equal(site, 0x401234);
	put(G + layout.g.defer, 8);
	assert_int_equal(chain_site(&reader, &layout, G, &goid, &site), -EFAULT);
}

static void test_a_ring_ends(void **state)
{
	struct chain c;

	start(26);
	chain(4);
	for (unsigned i = 0; i < 4; i++)
		put(record(i) + layout.defer.sp, STACK_LO + 0x800);
	put(record(3) + layout.defer.link, record(0));
	assert_int_equal(chain_read(&reader, &layout, G, &c), 0);
	assert_int_equal(c.depth, CHAIN_MAX);
	assert_false(c.exact);
	/* One that runs has records that are used again: no depth is to be had. */
	put_status(2);
	assert_int_equal(chain_read(&reader, &layout, G, &c), -EBADMSG);
}

/* Records that do not count reach no depth, however long one follows them: that is no end either.
 */
static void test_a_ring_that_does_not_count(void **state)
{
	static const unsigned old_and_new[] = { 21, 26 };

	for (size_t i = 0; i < sizeof(old_and_new) / sizeof(*old_and_new); i++) {
		struct chain c;
		uint16_t flag;

		start(old_and_new[i]);
		flag = old_and_new[i] == 21 ? layout.defer.open_defer : layout.defer.rangefunc;
		chain(3);
		for (unsigned k = 0; k < 3; k++) {
			put(record(k) + layout.defer.sp, STACK_LO + 0x800);
			memory[record(k) - BASE + flag] = 1;
			if (old_and_new[i] != 21)
				put(record(k) + layout.defer.head, RECORDS + 0x8000); /* holds 0 */
		}
		assert_int_equal(chain_read(&reader, &layout, G, &c), 0);
		assert_int_equal(c.depth, 0);
		assert_true(c.exact);
		put(record(2) + layout.defer.link, record(0));
		assert_int_equal(chain_read(&reader, &layout, G, &c), 0);
		assert_int_equal(c.depth, 0);
		assert_false(c.exact);
	}
}

/* The list of a loop in a ring, within a chain: both bounds together are still one. */
static void test_a_ring_within_a_chain(void **state)
{
	uint64_t head = RECORDS + 0x8000, list = RECORDS + 0x9000;
	struct chain c;

	start(26);
	chain(9);
	memory[record(4) - BASE + layout.defer.rangefunc] = 1;
	put(record(4) + layout.defer.head, head);
	put(head, list);
	put(list + layout.defer.link, list);
	assert_int_equal(chain_read(&reader, &layout, G, &c), 0);
	assert_int_equal(c.depth, CHAIN_MAX - 1);
	assert_false(c.exact);
}

static void test_states(void **state)
{
	static const struct {
		uint32_t status;
		int err;
		int exact;
	} cases[] = {
		{ 0, -ESRCH, 0 },      { 1, 0, 1 },       { 2, 0, 0 }, { 3, 0, 1 },
		{ 4, 0, 1 },           { 6, -ESRCH, 0 },  { 8, 0, 0 }, { 0x1004, 0, 1 },
		{ 0x1006, -ESRCH, 0 }, { 11, -ESRCH, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct chain c = {};

		start(26);
		chain(3);
		put_status(cases[i].status);
		assert_int_equal(chain_read(&reader, &layout, G, &c), cases[i].err);
		assert_int_equal(c.exact, cases[i].exact);
	}
	start(26);
	put(G + layout.g.goid, 0);
	assert_int_equal(chain_read(&reader, &layout, G, &(struct chain){}), -ESRCH);
}

static void test_it_ran_in_between(void **state)
{
	struct chain c;

	start(26);
	chain(3);
	changes_between_reads = 1;
	assert_int_equal(chain_read(&reader, &layout, G, &c), 0);
	assert_int_equal(c.depth, 3);
	assert_false(c.exact);
}

static void test_unreadable(void **state)
{
	start(26);
	chain(200);
	hole = RECORDS + 4096;
	assert_int_equal(chain_read(&reader, &layout, G, &(struct chain){}), -EFAULT);
	assert_int_equal(chain_read(&reader, &layout, BASE - 8, &(struct chain){}), -EFAULT);
}

static void test_who(void **state)
{
	static const uint32_t free_ones[] = { 0, 6, 11 };
	uint64_t goid = 0;

	FOR_EACH_MINOR {
		start(minors[k]);
		chain(1000);
		assert_int_equal(chain_goid(&reader, &layout, G, &goid), 0);
		assert_int_equal(goid, 18);
		for (size_t i = 0; i < sizeof(free_ones) / sizeof(*free_ones); i++) {
			put_status(free_ones[i]);
			assert_int_equal(chain_goid(&reader, &layout, G, &goid), -ESRCH);
		}
		put_status(4);
		put(G + layout.g.goid, 0);
		assert_int_equal(chain_goid(&reader, &layout, G, &goid), -ESRCH);
	}
	hole = G;
	assert_int_equal(chain_goid(&reader, &layout, G, &goid), -EFAULT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_depths),
		cmocka_unit_test(test_range_over_func),
		cmocka_unit_test(test_records_of_the_runtime),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_site),
		cmocka_unit_test(test_a_ring_ends),
		cmocka_unit_test(test_a_ring_that_does_not_count),
		cmocka_unit_test(test_a_ring_within_a_chain),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_it_ran_in_between),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
