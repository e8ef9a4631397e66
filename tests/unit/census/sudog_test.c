// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A table of semaphores made up for each layout: trees, queues, and what is no table. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "census/reasons_priv.h"
#include "census/sudog_priv.h"
#include "golang/semtable.h"

#define BASE     0xc000000000ull
#define LEN      0x20000u
#define TABLE    BASE
#define SUDOG(i) (BASE + 0x8000 + 0x100 * (uint64_t)(i))
#define G(i)     (0x700000 + 0x1000 * (uint64_t)(i))
#define SEEN_MAX 64

static uint8_t memory[LEN];
static struct go_layout layout;
static struct {
	uint64_t g, word;
} seen[SEEN_MAX];
static unsigned n_seen;

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

static void make(unsigned minor)
{
	assert_int_equal(go_layout_find(minor, &layout), 0);
	memset(memory, 0, sizeof(memory));
	n_seen = 0;
}

static unsigned row_of(uint64_t word)
{
	return word / 8 % SEMTABLE_ROWS;
}

static void sudog(unsigned i, uint64_t word, uint64_t next, uint64_t prev, uint64_t waitlink)
{
	put(SUDOG(i), G(i));
	put(SUDOG(i) + 8, next);
	put(SUDOG(i) + 16, prev);
	put(SUDOG(i) + layout.sudog.elem, word);
	put(SUDOG(i) + layout.sudog.waitlink, waitlink);
}

static void root(uint64_t word, uint64_t treap, uint32_t nwait)
{
	put(TABLE + row_of(word) * SEMTABLE_ROW + 8, treap);
	put(TABLE + row_of(word) * SEMTABLE_ROW + 16, nwait);
}

static void on_waiter(void *arg, uint64_t g, uint64_t word)
{
	if (n_seen < SEEN_MAX) {
		seen[n_seen].g = g;
		seen[n_seen].word = word;
	}
	n_seen++;
}

static int walk(void)
{
	n_seen = 0;
	return sudog_semtable(&reader, &layout, TABLE, on_waiter, NULL);
}

static bool waits(unsigned i, uint64_t word)
{
	for (unsigned k = 0; k < n_seen && k < SEEN_MAX; k++) {
		if (seen[k].g == G(i) && seen[k].word == word)
			return true;
	}
	return false;
}

/* Three words of one row, and one of another; two goroutines wait for the second. */
static void trees_and_queues(void **state)
{
	for (unsigned minor = 19; minor <= 25; minor++) {
		uint64_t word = 0xc000123004, step = 8 * SEMTABLE_ROWS;

		make(minor);
		root(word, SUDOG(0), 4);
		sudog(0, word, SUDOG(1), SUDOG(2), 0);
		sudog(1, word + step, 0, 0, SUDOG(3));
		sudog(2, word - step, 0, 0, 0);
		sudog(3, word + step, 0, 0, 0);
		root(word + 8, SUDOG(4), 1);
		sudog(4, word + 8, 0, 0, 0);
		root(word + 16, SUDOG(5), 0); /* nobody waits there any more */
		assert_int_equal(walk(), 0);
		assert_int_equal(n_seen, 5);
		assert_true(waits(0, word) && waits(1, word + step) && waits(2, word - step) &&
			    waits(3, word + step) && waits(4, word + 8));
	}
}

static void what_is_no_table(void **state)
{
	uint64_t word = 0xc000123004;

	make(21);
	assert_int_equal(walk(), 0); /* nobody waits */
	root(word, SUDOG(0), 1);
	sudog(0, word + 8, 0, 0, 0); /* of another row */
	assert_int_equal(walk(), -EBADMSG);
	put(TABLE + row_of(word) * SEMTABLE_ROW + 8, 77);
	assert_int_equal(walk(), -EBADMSG);
	/* One row in motion beside one that is right. */
	root(word + 16, SUDOG(1), 1);
	sudog(1, word + 16, 0, 0, 0);
	assert_int_equal(walk(), 0);
	assert_int_equal(n_seen, 1);
	assert_int_equal(sudog_semtable(&reader, &layout, BASE + LEN, on_waiter, NULL), -EFAULT);
}

/* Rings end. */
static void rings(void **state)
{
	uint64_t word = 0xc000123004;

	make(22);
	root(word, SUDOG(0), 2);
	sudog(0, word, 0, 0, SUDOG(1));
	sudog(1, word, 0, 0, SUDOG(0));
	assert_int_equal(walk(), -EBADMSG);
	assert_true(n_seen > 2);
	sudog(0, word, SUDOG(1), SUDOG(1), 0);
	sudog(1, word, SUDOG(0), SUDOG(0), 0);
	assert_int_equal(walk(), -EBADMSG);
	/* A queue that leads to who waits for something else by now. */
	sudog(0, word, 0, 0, SUDOG(1));
	sudog(1, word + 8, 0, 0, SUDOG(1));
	assert_int_equal(walk(), 0);
	assert_int_equal(n_seen, 1);
}

static void objects(void **state)
{
	struct pages pages;

	for (unsigned minor = 19; minor <= 27; minor++) {
		make(minor);
		pages_init(&pages, &reader);
		sudog(0, 0xc000123004, 0, 0, 0);
		sudog(1, 0, 0, 0, 0);
		put(SUDOG(1) + layout.sudog.c, 0xc000777000);
		assert_int_equal(sudog_object(&pages, &layout, SUDOG(0), G(0)), 0xc000123004);
		assert_int_equal(sudog_object(&pages, &layout, SUDOG(1), G(1)), 0xc000777000);
		assert_int_equal(sudog_object(&pages, &layout, SUDOG(1), G(0)), 0);
		assert_int_equal(sudog_object(&pages, &layout, 0, G(0)), 0);
		assert_int_equal(sudog_object(&pages, &layout, 8, G(0)), 0);
	}
}

static void reasons(void **state)
{
	static const struct {
		const char *text;
		enum census_wait wait;
	} cases[] = {
		{ "chan receive", CENSUS_WAIT_CHANNEL },
		{ "chan send (durable)", CENSUS_WAIT_CHANNEL },
		{ "chan receive (nil chan)", CENSUS_WAIT_OTHER },
		{ "select", CENSUS_WAIT_SELECT },
		{ "select (no cases)", CENSUS_WAIT_OTHER },
		{ "semacquire", CENSUS_WAIT_LOCK },
		{ "sync.Mutex.Lock", CENSUS_WAIT_LOCK },
		{ "sync.WaitGroup.Wait (durable)", CENSUS_WAIT_LOCK },
		{ "IO wait", CENSUS_WAIT_OTHER },
		{ "", CENSUS_WAIT_OTHER },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(census_wait_of(cases[i].text), cases[i].wait);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_and_queues),
		cmocka_unit_test(what_is_no_table),
		cmocka_unit_test(rings),
		cmocka_unit_test(objects),
		cmocka_unit_test(reasons),
	};

	return cmocka_run_group_tests_name("census/sudog", tests, NULL, NULL);
}
