// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Panics on the stack of a goroutine made up for each layout: some, one after the other, and broken ones. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "census/g_priv.h"
#include "census/panics_priv.h"

#define STACK 0xc000000000ull
#define LEN   0x10000u

static struct go_layout layout;
static uint8_t memory[LEN], g[G_BYTES];
static struct pages pages;

static void put(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

static int read_memory(void *arg, uint64_t addr, void *dst, size_t n)
{
	if (addr < STACK || n > LEN || addr - STACK > LEN - n)
		return -EFAULT;
	memcpy(dst, memory + (addr - STACK), n);
	return 0;
}

static const struct memread reader = { .read = read_memory };

/* All of the memory is its stack. */
static void make(unsigned minor)
{
	assert_int_equal(go_layout_find(minor, &layout), 0);
	assert_true(panics_layout_fits(&layout));
	memset(memory, 0, sizeof(memory));
	memset(g, 0, sizeof(g));
	put(g + layout.g.stack_lo, STACK);
	put(g + layout.g.stack_hi, STACK + LEN);
	pages_init(&pages, &reader);
}

/* One more, further in than the ones before. */
static uint8_t *raise(uint64_t offset)
{
	uint8_t *record = memory + offset;

	put(record + layout.panic.link, g_word(g, layout.g.panic));
	put(g + layout.g.panic, STACK + offset);
	return record;
}

static int walk(struct panics *ret)
{
	*ret = (struct panics){ .n = 77 };
	pages_forget(&pages);
	return panics_walk(&pages, &layout, g, ret);
}

static void assert_walk(uint32_t n, bool goexit)
{
	struct panics panics;

	assert_int_equal(walk(&panics), 0);
	assert_int_equal(panics.n, n);
	assert_int_equal(panics.goexit, goexit);
}

static void assert_fails(int err)
{
	struct panics panics;

	assert_int_equal(walk(&panics), err);
	assert_int_equal(panics.n, 77); /* nothing was written */
}

static void every_release(void **state)
{
	for (unsigned minor = 19; minor <= 27; minor++) {
		make(minor);
		assert_walk(0, false);
		raise(0xf000)[layout.panic.goexit] = 1;
		assert_walk(0, true);
		raise(0xe000);
		assert_walk(1, true);
		raise(0xd000)[layout.panic.recovered] = 1;
		assert_walk(1, true);
		raise(0xc000);
		assert_walk(2, true);
	}
}

static void broken(void **state)
{
	uint8_t *record;

	make(26);
	record = raise(0x8000);
	assert_walk(1, false);

	put(record + layout.panic.link, STACK + 0x8000); /* a ring */
	assert_fails(-EBADMSG);
	put(record + layout.panic.link, STACK + 0x7000); /* an older one further in */
	assert_fails(-EBADMSG);
	put(record + layout.panic.link, STACK + 0x8000 + layout.panic.size - 8); /* within it */
	assert_fails(-EBADMSG);
	put(record + layout.panic.link, STACK + LEN - layout.panic.size + 8); /* cut by the end */
	assert_fails(-EBADMSG);
	put(record + layout.panic.link, STACK + LEN);
	assert_fails(-EBADMSG);
	put(record + layout.panic.link, UINT64_MAX);
	assert_fails(-EBADMSG);
	put(record + layout.panic.link, STACK + LEN - layout.panic.size); /* the last that fits */
	assert_walk(2, false);

	record[layout.panic.goexit] = 2;
	assert_fails(-EBADMSG);
	record[layout.panic.goexit] = 0;
	record[layout.panic.recovered] = 0xff;
	assert_fails(-EBADMSG);

	make(26);
	put(g + layout.g.stack_hi, STACK + 2 * LEN); /* there is no such memory */
	put(g + layout.g.panic, STACK + LEN);
	assert_fails(-EFAULT);
}

static void many(void **state)
{
	make(27);
	for (unsigned i = 0; i < PANICS_MAX + 45; i++)
		raise(LEN - (i + 1) * 128);
	assert_walk(PANICS_MAX, false);
}

static void unknown_layout(void **state)
{
	make(26);
	layout.panic.size = 4096;
	assert_false(panics_layout_fits(&layout));
	make(26);
	layout.panic.goexit = GO_LAYOUT_ABSENT;
	assert_false(panics_layout_fits(&layout));
	make(26);
	layout.panic.link = layout.panic.size - 4;
	assert_false(panics_layout_fits(&layout));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_release),
		cmocka_unit_test(broken),
		cmocka_unit_test(many),
		cmocka_unit_test(unknown_layout),
	};

	return cmocka_run_group_tests_name("census/panics", tests, NULL, NULL);
}
