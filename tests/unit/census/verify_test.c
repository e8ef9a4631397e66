// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A process made up for each layout there is: the right one fits, and a field that is off shows. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "census/verify.h"

#define BASE  0xc000000000ull
#define LEN   0x8000u
#define G(i)  (BASE + 0x1000 + 0x400 * (i))
#define MAIN  0x401000ull
#define STACK (BASE + 0x4000)

static uint8_t memory[LEN];
static const struct verify_where where = { BASE, BASE + 8, MAIN };

static int read_memory(void *arg, uint64_t addr, void *dst, size_t n)
{
	if (addr < BASE || n > LEN || addr - BASE > LEN - n)
		return -EFAULT;
	memcpy(dst, memory + (addr - BASE), n);
	return 0;
}

static const struct memread reader = { .read = read_memory };

static void put(uint64_t addr, uint64_t v)
{
	memcpy(memory + (addr - BASE), &v, sizeof(v));
}

static void make(const struct go_layout *l, unsigned n)
{
	memset(memory, 0, sizeof(memory));
	put(BASE, n);
	put(BASE + 8, BASE + 0x100);
	for (unsigned i = 0; i < n; i++) {
		put(BASE + 0x100 + 8 * i, G(i));
		put(G(i) + l->g.stack_lo, STACK);
		put(G(i) + l->g.stack_hi, STACK + 0x1000);
		put(G(i) + l->g.sched_sp, STACK + 0x800);
		put(G(i) + 72, G(i));
		put(G(i) + l->g.atomicstatus, 4);
		put(G(i) + l->g.goid, i + 1);
		if (l->g.startpc != GO_LAYOUT_ABSENT)
			put(G(i) + l->g.startpc, i ? 0x402000 : MAIN);
	}
}

static int verify(const struct go_layout *l)
{
	struct reason reason = {};
	int err = verify_layout(&reader, l, &where, &reason);

	assert_int_equal(err == -EBADMSG, reason.text[0] != 0);
	return err;
}

static void every_release(void **state)
{
	for (unsigned minor = 19; minor <= 27; minor++) {
		struct go_layout l, other;

		assert_int_equal(go_layout_find(minor, &l), 0);
		make(&l, 3);
		assert_int_equal(verify(&l), 0);
		for (unsigned wrong = 19; wrong <= 27; wrong++) {
			assert_int_equal(go_layout_find(wrong, &other), 0);
			if (other.g.goid != l.g.goid)
				assert_int_equal(verify(&other), -EBADMSG);
		}
	}
}

static void too_early(void **state)
{
	struct go_layout l;

	assert_int_equal(go_layout_find(26, &l), 0);
	make(&l, 0);
	assert_int_equal(verify(&l), -EAGAIN);
	make(&l, 1);
	put(BASE + 8, 0);
	assert_int_equal(verify(&l), -EAGAIN);
	assert_int_equal(verify_layout(&reader, &l, &(struct verify_where){ 1, 2, 3 }, NULL),
			 -EFAULT);
}

static void wrong_words(void **state)
{
	struct go_layout l;

	assert_int_equal(go_layout_find(26, &l), 0);
	const struct {
		uint64_t addr, v;
	} cases[] = {
		{ G(0) + l.g.goid, 2 },
		{ G(0) + l.g.startpc, MAIN + 1 },
		{ G(0) + 72, G(1) },
		{ G(1) + 72, G(0) },
		{ G(0) + l.g.atomicstatus, 99 },
		{ G(2) + l.g.atomicstatus, 12 },
		{ G(0) + l.g.stack_lo, -1 },
		{ G(0) + l.g.sched_sp, STACK - 8 },
		{ G(1) + l.g.sched_sp, -1 },
		{ BASE, 1ull << 40 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		make(&l, 3);
		put(cases[i].addr, cases[i].v);
		assert_int_equal(verify(&l), -EBADMSG);
	}
	/* One that runs has its sp in a register; a dead one has nothing. */
	make(&l, 3);
	put(G(1) + l.g.atomicstatus, 2);
	put(G(1) + l.g.sched_sp, 1);
	put(G(2) + l.g.stack_hi, 0);
	put(G(2) + 72, 5);
	assert_int_equal(verify(&l), 0);
	/* A list that leads out of memory. */
	make(&l, 3);
	put(BASE + 0x108, 0x10);
	assert_int_equal(verify(&l), -EFAULT);
}

static void absurd_layout(void **state)
{
	struct go_layout l;

	assert_int_equal(go_layout_find(26, &l), 0);
	make(&l, 1);
	l.g.goid = 60000;
	assert_int_equal(verify(&l), -EBADMSG);
	l.g.goid = GO_LAYOUT_ABSENT;
	assert_int_equal(verify(&l), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_release),
		cmocka_unit_test(too_early),
		cmocka_unit_test(wrong_words),
		cmocka_unit_test(absurd_layout),
	};

	return cmocka_run_group_tests_name("census/verify", tests, NULL, NULL);
}
