// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A process made up for each layout there is: goroutines in every state, whole, torn and broken. */
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
#include "census/census.h"
#include "census/fetch_priv.h"
#include "census/holders.h"
#include "census/piles.h"
#include "census/reasons_priv.h"
#include "census/selects.h"
#include "golang/semtable.h"

#define BASE     0xc000000000ull
#define LEN      0x40000u
#define LIST     (BASE + 0x100)
#define REASONS  (BASE + 0x800)
#define G(i)     (BASE + 0x1000 + 0x180 * (uint64_t)(i))
#define STACK(i) (BASE + 0x10000 + 0x1000 * (uint64_t)(i))
#define TOP(i)   (STACK(i) + 0x1000)
#define WAITING  4u
#define SEEN_MAX 32

static uint8_t memory[LEN];
static struct go_layout layout;
static const struct census_where where = { BASE, BASE + 8, REASONS, 3 };
static uint64_t hole;            /* an address that cannot be read */
static uint64_t moves_at, moves; /* at its Nth read a word changes */
static bool moves_on;            /* and at each one after */
static uint64_t reads_of_moving, reads;
static uint64_t now;
static const uint8_t *big; /* instead of `memory` */
static size_t big_len;
static bool gone;
static struct injected injected;
static struct census_open opened;
static int64_t clock_ns;
static int64_t frame; /* that is known of every place; -1: none */
static struct census_goroutine seen[SEEN_MAX];
static unsigned n_seen;

static void put(uint64_t addr, uint64_t v)
{
	memcpy(memory + (addr - BASE), &v, sizeof(v));
}

static int read_memory(void *arg, uint64_t addr, void *dst, size_t n)
{
	if (gone)
		return -ESRCH;
	if (big) {
		if (addr < BASE || n > big_len || addr - BASE > big_len - n)
			return -EFAULT;
		memcpy(dst, big + (addr - BASE), n);
		return 0;
	}
	if (addr < BASE || n > LEN || addr - BASE > LEN - n)
		return -EFAULT;
	if (hole && addr <= hole && hole < addr + n)
		return -EFAULT;
	reads++;
	if (moves && addr <= moves && moves < addr + n) {
		reads_of_moving++;
		if (reads_of_moving == moves_at || (moves_on && reads_of_moving > moves_at))
			memory[moves - BASE]++;
	}
	memcpy(dst, memory + (addr - BASE), n);
	return 0;
}

static const struct memread reader = { .read = read_memory };

/* Waits in a function called by its first one. */
static void make_goroutine(unsigned i, uint32_t status)
{
	uint64_t g = G(i), sp = TOP(i) - 0x80;

	put(LIST + 8 * i, g);
	put(g + layout.g.stack_lo, STACK(i));
	put(g + layout.g.stack_hi, TOP(i));
	put(g + layout.g.sched_sp, sp);
	put(g + layout.g.sched_pc, 0x401000);
	put(g + layout.g.sched_bp, sp + 0x20);
	put(g + layout.g.syscallsp, sp);
	put(g + layout.g.syscallpc, 0x401000);
	put(g + 72, g);
	put(g + layout.g.atomicstatus, status);
	put(g + layout.g.goid, i + 1);
	put(g + layout.g.gopc, 0x404000);
	put(g + layout.g.startpc, 0x403000);
	put(g + layout.g.waitsince, 77);
	memory[g + layout.g.waitreason - BASE] = 2;
	if (layout.g.parent_goid != GO_LAYOUT_ABSENT)
		put(g + layout.g.parent_goid, 1);
	put(sp, 0x401800);
	put(sp + 0x20, sp + 0x40); /* saved bp, return address */
	put(sp + 0x28, 0x402000);
	put(sp + 0x40, 0);
	put(sp + 0x48, 0x403010);
}

static void make(unsigned minor, unsigned n)
{
	assert_int_equal(go_layout_find(minor, &layout), 0);
	memset(memory, 0, sizeof(memory));
	hole = moves = moves_at = reads_of_moving = reads = 0;
	moves_on = false;
	now = 1000;
	frame = -1;
	injected = (struct injected){};
	opened = (struct census_open){ .complete = true };
	clock_ns = 0;
	put(BASE, n);
	put(BASE + 8, LIST);
	for (unsigned i = 0; i < n; i++)
		make_goroutine(i, WAITING);
}

static void on_goroutine(void *arg, const struct census_goroutine *g, uint32_t group)
{
	assert_true(n_seen < SEEN_MAX);
	seen[n_seen++] = *g;
}

static int frame_at(void *arg, uint64_t pc, uint32_t *ret)
{
	assert_true(pc == 0x401000 || pc == 0x401001 || pc == 0x402001);
	*ret = (uint32_t)frame;
	return frame < 0 ? -ENOENT : 0;
}

static struct census *new_census(void)
{
	const struct census_opts opts = { .mem = reader,
					  .layout = &layout,
					  .where = where,
					  .frames = { .frame = frame_at },
					  .injected = injected,
					  .open = opened,
					  .clock_ns = clock_ns,
					  .groups_max = GROUPS_MAX,
					  .quiet_ns = 100 };
	struct census *c = census_new(&opts);

	assert_non_null(c);
	return c;
}

static int take(struct census *c)
{
	struct reason reason = {};
	int err = census_begin(c, now, &reason), more = !err;

	while (more > 0) {
		assert_true(census_running(c));
		more = census_step(c, now, &reason);
	}
	err = err ? err : more;
	assert_int_equal(err != 0, reason.text[0] != 0);
	assert_false(census_running(c));
	n_seen = 0;
	if (!err)
		census_each(c, on_goroutine, NULL);
	return err;
}

/* One, of a process that is new. */
static int census(struct census_summary *ret)
{
	struct census *c = new_census();
	int err = take(c);

	memset(ret, 0, sizeof(*ret));
	if (!err)
		*ret = *census_summary(c);
	else
		assert_null(census_summary(c));
	census_free(c);
	return err;
}

static void every_release(void **state)
{
	for (unsigned minor = 19; minor <= 27; minor++) {
		static const uint64_t stack[] = { 0x401000, 0x402000, 0x403010 };
		const struct census_goroutine *g = &seen[1];
		struct census_summary st;

		make(minor, 3);
		assert_int_equal(census(&st), 0);
		assert_int_equal(n_seen, 3);
		assert_int_equal(st.listed, 3);
		assert_int_equal(st.told, 3);
		assert_int_equal(st.bad + st.inexact, 0);
		assert_int_equal(g->goid, 2);
		assert_int_equal(g->g, G(1));
		assert_int_equal(g->state, CENSUS_WAITING);
		assert_int_equal(g->reason, 2);
		assert_int_equal(g->waitsince_ns, 77);
		assert_int_equal(g->seen_ns, 1000);
		assert_int_equal(g->start, 0x403000);
		assert_int_equal(g->created_at, 0x404000);
		assert_int_equal(g->parent, minor < 21 ? 0 : 1);
		assert_true(g->exact && g->whole && g->depth_exact);
		assert_int_equal(g->depth, 0);
		assert_int_equal(g->nstack, 3);
		assert_memory_equal(g->stack, stack, sizeof(stack));
		assert_int_equal(seen[0].created_at, 0); /* the runtime made the first one */
	}
}

static void states(void **state)
{
	static const struct {
		uint32_t status;
		bool alive;
		enum census_state state;
		unsigned nstack;
		bool exact;
	} cases[] = {
		{ 0, false, 0, 0, false },
		{ 1, true, CENSUS_RUNNABLE, 1, true },
		{ 2, true, CENSUS_RUNNING, 0, false },
		{ 3, true, CENSUS_SYSCALL, 1, true },
		{ 4, true, CENSUS_WAITING, 3, true },
		{ 6, false, 0, 0, false },
		{ 8, true, CENSUS_RUNNING, 0, false },
		{ 9, true, CENSUS_PREEMPTED, 1, true },
		{ 10, true, CENSUS_LEAKED, 3, true },
		{ 11, false, 0, 0, false },
		{ 0x1004, true, CENSUS_WAITING, 3, true }, /* the collector looks at it */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct census_summary st;

		make(27, 2);
		make_goroutine(1, cases[i].status);
		assert_int_equal(census(&st), 0);
		assert_int_equal(n_seen, 1 + cases[i].alive);
		assert_int_equal(st.bad, 0);
		if (!cases[i].alive)
			continue;
		assert_int_equal(seen[1].state, cases[i].state);
		assert_int_equal(seen[1].nstack, cases[i].nstack);
		assert_int_equal(seen[1].exact, cases[i].exact);
		assert_int_equal(seen[1].reason, cases[i].nstack == 3 ? 2 : 0);
	}
}

/* Where the function stands whose frame is made, or not yet; and where that leads out of the stack. */
static void leaves(void **state)
{
	static const struct {
		uint32_t status;
		int64_t frame;
		unsigned nstack;
		uint64_t stack[4];
	} cases[] = {
		{ 1, 0x28, 3, { 0x401001, 0x402000, 0x403010 } },
		{ 1, 0, 4, { 0x401001, 0x401800, 0x402000, 0x403010 } },
		{ 9, 0x28, 3, { 0x401001, 0x402000, 0x403010 } },
		{ 3, 0x28, 3, { 0x401000, 0x402000, 0x403010 } },
		{ 3, 0x80, 1, { 0x401000 } },
		{ 3, 0x7fffff8, 1, { 0x401000 } },
		{ 3, 0x24, 1, { 0x401000 } },
		{ 4, 0x48, 3, { 0x401000, 0x402000, 0x403010 } }, /* not asked of those that wait */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct census_summary st;

		make(26, 2);
		frame = cases[i].frame;
		make_goroutine(1, cases[i].status);
		assert_int_equal(census(&st), 0);
		assert_int_equal(seen[1].nstack, cases[i].nstack);
		assert_memory_equal(seen[1].stack, cases[i].stack,
				    cases[i].nstack * sizeof(uint64_t));
		assert_int_equal(seen[1].whole, cases[i].nstack > 1);
	}
	/* A syscall's stack pointer of another stack. */
	for (unsigned i = 0; i < 2; i++) {
		struct census_summary st;

		make(26, 2);
		frame = 0x28;
		make_goroutine(1, 3);
		put(G(1) + layout.g.syscallsp, i ? TOP(1) + 8 : STACK(1));
		assert_int_equal(census(&st), 0);
		assert_int_equal(seen[1].nstack, 0);
	}
}

/* Whom a fault interrupted stands at an instruction, as the one behind a call would. */
static void faults(void **state)
{
	static const struct {
		int64_t frame;
		unsigned nstack;
		uint64_t stack[4];
	} cases[] = {
		{ 0x18, 3, { 0x401000, 0x402001, 0x403010 } },
		/* One without a frame: its caller would be left out. */
		{ 0, 4, { 0x401000, 0x402001, 0x401800, 0x403010 } },
		/* Where its frame ends is not known yet, or in another stack. */
		{ -1, 2, { 0x401000, 0x402001 } },
		{ 0x7fffff8, 2, { 0x401000, 0x402001 } },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct census *c;

		make(26, 1);
		put(TOP(0) - 0x50, 0x401800); /* where the stack pointer was */
		injected.functions[0].begin = 0x400f00;
		injected.functions[0].end = 0x401100;
		frame = cases[i].frame;
		c = new_census();
		assert_int_equal(take(c), 0);
		assert_int_equal(seen[0].nstack, cases[i].nstack);
		assert_memory_equal(seen[0].stack, cases[i].stack,
				    cases[i].nstack * sizeof(uint64_t));
		assert_int_equal(seen[0].whole, cases[i].nstack > 2);
		/* Who has not run is looked at again as long as it is not known. */
		now = 2000;
		frame = frame < 0 ? 0 : frame;
		assert_int_equal(take(c), 0);
		assert_int_equal(seen[0].nstack, cases[i].frame < 0 ? 4 : cases[i].nstack);
		census_free(c);
	}
}

/* What is no goroutine is counted and not told; the others are. */
static void broken(void **state)
{
	const struct {
		uint64_t at, value;
	} cases[] = {
		{ G(1) + 72, 0 },          { G(1) + 8, STACK(1) }, { G(1) + 56, STACK(1) - 8 },
		{ G(1) + 56, TOP(1) + 8 }, { G(1) + 144, 12 },     { G(1) + 152, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct census_summary st;

		make(26, 3);
		put(cases[i].at, cases[i].value);
		assert_int_equal(census(&st), 0);
		assert_int_equal(st.bad, 1);
		assert_int_equal(n_seen, 2);
	}
}

/* One that runs in between is looked at again; one that goes on running is told, but not believed. */
static void moved(void **state)
{
	make(26, 1);
	const uint64_t fields[] = { layout.g.goid, layout.g.sched_sp, layout.g.defer,
				    layout.g.tracking_seq };

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(fields); i++) {
		struct census_summary st;

		make(26, 2);
		moves = G(1) + fields[i / 2];
		moves_at = 2; /* the second read */
		moves_on = i % 2;
		assert_int_equal(census(&st), 0);
		assert_int_equal(n_seen, 2);
		assert_true(seen[0].exact);
		assert_int_equal(seen[1].exact, !moves_on);
		/* A g.defer that moved leads nowhere. */
		assert_int_equal(seen[1].depth_exact, !moves_on && fields[i / 2] != layout.g.defer);
		assert_int_equal(st.inexact, moves_on);
	}
}

/* What it panics with lies on its stack, and is not read again before it has run. */
static void panicking(void **state)
{
	struct census *c;
	uint64_t panic;

	make(26, 2);
	panic = TOP(1) - 0x200;
	put(G(1) + layout.g.panic, panic);
	c = new_census();
	assert_int_equal(take(c), 0);
	assert_true(seen[0].panics_known && seen[1].panics_known);
	assert_int_equal(seen[0].panics, 0);
	assert_int_equal(seen[1].panics, 1);
	assert_false(seen[1].goexit);
	assert_int_equal(census_groups(c)->by_id[1]->sum.panics_max, 1);
	assert_int_equal(take(c), 0);
	assert_int_equal(census_summary(c)->reused, 2);
	assert_int_equal(seen[1].panics, 1);

	memory[panic + layout.panic.goexit - BASE] = 1;
	memory[G(1) + layout.g.tracking_seq - BASE]++;
	assert_int_equal(take(c), 0);
	assert_int_equal(census_summary(c)->reused, 1);
	assert_int_equal(seen[1].panics, 0);
	assert_true(seen[1].goexit);
	assert_int_equal(census_groups(c)->by_id[1]->sum.goexit, 1);

	/* Not on its stack: that is not known, and is looked at each time. */
	put(G(1) + layout.g.panic, TOP(0) - 0x200);
	memory[G(1) + layout.g.tracking_seq - BASE]++;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(take(c), 0);
		assert_int_equal(census_summary(c)->reused, 1);
		assert_true(seen[1].exact);
		assert_false(seen[1].panics_known || seen[1].panics || seen[1].goexit);
	}
	census_free(c);
}

/* Two functions that keep bits of theirs in their frames: the one called, and the one that waits. */
static const struct opendefer functions[] = { { 0x1000, 0x1100, 8, 0 }, { 0x1f00, 0x2100, 12, 0 } };

static void open_coded(void **state)
{
	const struct census_open two = { functions, 2, true, 0x400000 };
	static const struct {
		uint8_t bits;
		unsigned chain; /* records */
		uint32_t depth;
	} cases[] = { { 0, 0, 0 }, { 0x80, 0, 1 }, { 0x55, 0, 4 }, { 0xff, 0, 8 }, { 3, 1, 3 } };

	for (unsigned minor = 19; minor <= 27; minor++) {
		for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
			uint64_t base = TOP(0) - 0x40; /* of the function that is called first */
			struct census_summary st;

			make(minor, 1);
			put(G(0) + layout.g.sched_pc, 0x401800);
			memory[base - 12 - BASE] = cases[i].bits;
			if (cases[i].chain) {
				put(G(0) + layout.g.defer, BASE + 0x900);
				put(BASE + 0x900 + layout.defer.sp, TOP(0) - 0x40);
			}
			opened = two;
			assert_int_equal(census(&st), 0);
			assert_int_equal(seen[0].depth, cases[i].depth);
			assert_int_equal(seen[0].open_coded, cases[i].depth - cases[i].chain);
			assert_true(seen[0].depth_exact);
			opened.complete = false;
			assert_int_equal(census(&st), 0);
			assert_int_equal(seen[0].depth, cases[i].depth);
			assert_false(seen[0].depth_exact);
		}
	}
}

/* What a frame says is believed where it is made for certain. */
static void open_coded_unsure(void **state)
{
	struct census_summary st;

	for (unsigned bits = 0; bits < 2; bits++) {
		make(27, 1);
		make_goroutine(0, 9);                     /* preempted within 0x401000 */
		put(TOP(0) - 0x80 + 0x10, TOP(0) - 0x60); /* its caller's frame */
		put(TOP(0) - 0x80 + 0x18, 0x402000);
		memory[TOP(0) - 0x80 + 0x10 - 8 - BASE] = (uint8_t)bits;
		opened = (struct census_open){ functions, 1, true, 0x400000 };
		frame = 0x18;
		assert_int_equal(census(&st), 0);
		assert_true(seen[0].whole);
		assert_int_equal(seen[0].depth, bits);
		assert_int_equal(seen[0].depth_exact, !bits);
	}
	/* Below the stack; and where its frames do not end. */
	make(27, 1);
	opened = (struct census_open){ functions, 1, true, 0x400000 };
	put(G(0) + layout.g.sched_pc, 0x402000);
	put(TOP(0) - 0x58, 0x401001);
	put(TOP(0) - 0x60, TOP(0) + 0x40);
	assert_int_equal(census(&st), 0);
	assert_int_equal(seen[0].depth, 0);
	assert_false(seen[0].depth_exact || seen[0].whole);
}

/* Far more frames than are shown, each with one. */
static void open_coded_far(void **state)
{
	enum { FRAMES = 120 };
	uint64_t bp = STACK(0) + 0x40;
	struct census_summary st;

	make(26, 1);
	put(G(0) + layout.g.sched_sp, STACK(0) + 0x20);
	put(G(0) + layout.g.sched_bp, bp);
	for (unsigned i = 0; i < FRAMES; i++) {
		put(bp, i + 1 < FRAMES ? bp + 0x20 : 0);
		put(bp + 8, i + 1 < FRAMES ? 0x402010 : 0x403010);
		memory[bp - 8 - BASE] = 0x10;
		bp += 0x20;
	}
	opened = (struct census_open){ (struct opendefer[]){ { 0x2000, 0x2100, 8, 0 } }, 1, true,
				       0x400000 };
	assert_int_equal(census(&st), 0);
	assert_int_equal(seen[0].nstack, CENSUS_STACK_MAX);
	assert_false(seen[0].whole);
	assert_true(seen[0].depth_exact);
	assert_int_equal(seen[0].depth, FRAMES - 1); /* the outermost is another function's */
	/* A ring: frames ascend, or there is an end. */
	put(STACK(0) + 0x40 + 0x20 * 100, STACK(0) + 0x40);
	assert_int_equal(census(&st), 0);
	assert_false(seen[0].depth_exact);
}

static void stacks(void **state)
{
	uint64_t bp;
	struct census_summary st;

	/* A frame pointer that leads inward, in a ring, out of the stack, or nowhere. */
	make(26, 1);
	bp = TOP(0) - 0x60;
	const uint64_t wrong[] = { bp - 0x10, bp, TOP(0), TOP(0) - 8, bp + 4, UINT64_MAX };

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		make(26, 1);
		put(bp, wrong[i]);
		assert_int_equal(census(&st), 0);
		assert_int_equal(seen[0].nstack, 2);
		assert_false(seen[0].whole);
	}
	/* Deeper than is kept: the innermost frames. */
	make(26, 1);
	put(G(0) + layout.g.sched_sp, STACK(0) + 0x10);
	put(G(0) + layout.g.sched_bp, STACK(0) + 0x20);
	for (bp = STACK(0) + 0x20; bp < TOP(0) - 0x20; bp += 0x10) {
		put(bp, bp + 0x10);
		put(bp + 8, 0x500000 + bp - STACK(0));
	}
	assert_int_equal(census(&st), 0);
	assert_int_equal(seen[0].nstack, CENSUS_STACK_MAX);
	assert_int_equal(seen[0].stack[1], 0x500020);
	assert_false(seen[0].whole);
}

/* Far apart, twice in the list, and with a hole that one read for both would meet. */
static void runs(void **state)
{
	struct census_summary st;
	uint64_t far = BASE + 0x3f000;

	make(26, 4);
	memcpy(memory + (far - BASE), memory + (G(3) - BASE), 0x180);
	put(far + 72, far);
	put(LIST + 8 * 3, far);
	put(LIST + 8 * 2, G(1));
	hole = G(0) + 0x180 * 8;
	assert_int_equal(census(&st), 0);
	assert_int_equal(n_seen, 3);
	assert_int_equal(seen[2].g, far);

	make(26, 2);
	put(LIST + 8, G(0) + 0x600);
	memcpy(memory + (G(0) + 0x600 - BASE), memory + (G(1) - BASE), 0x180);
	put(G(0) + 0x600 + 72, G(0) + 0x600);
	hole = G(0) + 0x300;
	assert_int_equal(census(&st), 0);
	assert_int_equal(n_seen, 2);

	make(26, 2);
	hole = G(1) + 0x10; /* a g that cannot be read */
	assert_int_equal(census(&st), 0);
	assert_int_equal(n_seen, 1);
	assert_int_equal(st.told, 1);
	assert_int_equal(st.bad, 1);
}

static void lists(void **state)
{
	struct census_summary st;

	make(26, 0);
	assert_int_equal(census(&st), 0);
	assert_int_equal(n_seen, 0);

	make(26, 2);
	put(BASE, CENSUS_GOROUTINES_MAX + 1ull);
	assert_int_equal(census(&st), -E2BIG);
	put(BASE, 1000000);
	assert_int_equal(census(&st), -EFAULT);

	/* It grew into another array while it was read, once, or each time. */
	make(26, 2);
	moves = BASE + 9;
	moves_at = 2;
	memcpy(memory + 0x200, memory + 0x100, 16);
	assert_int_equal(census(&st), 0);
	assert_int_equal(n_seen, 2);
}

/* What the census before found is not read again, but of those that ran. */
static void again(void **state)
{
	struct census *c;
	uint64_t first;

	make(25, 6);
	frame = 0x28;
	make_goroutine(4, 3); /* in a syscall */
	make_goroutine(5, 1); /* about to run */
	c = new_census();
	assert_int_equal(take(c), 0);
	assert_int_equal(census_summary(c)->reused, 0);
	assert_int_equal(census_summary(c)->number, 1);
	first = reads;
	assert_int_equal(take(c), 0);
	assert_int_equal(census_summary(c)->reused, 5);
	assert_int_equal(census_summary(c)->number, 2);
	assert_true(reads - first < 10);
	assert_int_equal(n_seen, 6);
	assert_int_equal(seen[3].nstack, 3);
	assert_true(seen[3].exact && seen[3].whole);
	/* Each of these says that it ran. */
	memory[G(0) + layout.g.tracking_seq - BASE]++;
	put(G(1) + layout.g.goid, 77);
	put(G(2) + layout.g.sched_pc, 0x401001);
	put(G(3) + layout.g.atomicstatus, 1);
	assert_int_equal(take(c), 0);
	assert_int_equal(census_summary(c)->reused, 1);
	assert_int_equal(seen[1].goid, 77);
	assert_int_equal(seen[2].stack[0], 0x401001);
	assert_int_equal(seen[3].state, CENSUS_RUNNABLE);
	/* It ends, and its g serves another. */
	make_goroutine(2, 6);
	assert_int_equal(take(c), 0);
	assert_int_equal(n_seen, 5);
	make_goroutine(2, 4);
	assert_int_equal(take(c), 0);
	assert_int_equal(n_seen, 6);
	census_free(c);
	/* One syscall may follow another unseen. */
	make(26, 2);
	frame = 0x28;
	make_goroutine(1, 3);
	c = new_census();
	assert_int_equal(take(c), 0);
	assert_int_equal(take(c), 0);
	assert_int_equal(census_summary(c)->reused, 1);
	census_free(c);
}

/* The list grows at its end, and a new g may lie anywhere. */
static void growth(void **state)
{
	static const unsigned order[] = { 4, 1, 7, 0, 6, 2, 5, 3 };
	struct census *c;

	make(26, 8);
	for (unsigned i = 0; i < 8; i++)
		put(LIST + 8 * i, G(order[i]));
	put(BASE, 2);
	c = new_census();
	for (unsigned n = 2; n <= 8; n += 2) {
		put(BASE, n);
		assert_int_equal(take(c), 0);
		assert_int_equal(n_seen, n);
		assert_int_equal(census_summary(c)->listed, n);
		assert_int_equal(census_summary(c)->reused, n - (n > 2 ? 2 : n));
		for (unsigned i = 1; i < n; i++)
			assert_true(seen[i - 1].g < seen[i].g);
	}
	/* It never shrinks: this is another program's memory. What was found stays. */
	put(BASE, 7);
	assert_int_equal(take(c), -EBADMSG);
	assert_int_equal(census_summary(c)->told, 8);
	census_free(c);
}

/* A minute in one system call: told where the runtime counts that one went to the next. */
static void in_syscalls(void **state)
{
	static const struct {
		unsigned minor;
		uint32_t minute;
	} cases[] = { { 19, 2 }, { 25, 2 }, { 26, 0 } };

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct group *g;
		struct census *c;

		make(cases[i].minor, 3);
		for (unsigned k = 0; k < 3; k++)
			make_goroutine(k, 3);
		c = new_census();
		now = 1000;
		assert_int_equal(take(c), 0);
		assert_int_equal(census_summary(c)->times_syscalls, cases[i].minor < 26);
		now += 60000000000ull - 1;
		assert_int_equal(take(c), 0);
		g = census_groups(c)->by_key;
		for (const struct group *k = g; k; k = k->hh.next)
			assert_int_equal(k->sum.minute, 0);
		now++;
		memory[G(2) + layout.g.tracking_seq - BASE]++; /* it has run */
		assert_int_equal(take(c), 0);
		g = census_groups(c)->by_key;
		assert_int_equal(
			g->sum.minute +
				(g->hh.next ? ((const struct group *)g->hh.next)->sum.minute : 0),
			cases[i].minute);
		census_free(c);
	}
}

/*
 * Since when one has not run: from our first sight of it. What the runtime says may be older than the
 * wait, so nobody is called quiet for it.
 */
static void since(void **state)
{
	struct census *c;
	struct group *g;

	make(26, 3);
	for (unsigned i = 0; i < 3; i++)
		put(G(i) + layout.g.waitsince, 0);
	c = new_census();
	assert_int_equal(take(c), 0);
	assert_int_equal(seen[0].seen_ns, 1000);
	assert_int_equal(seen[0].waitsince_ns, 0);
	now = 1090;
	put(G(1) + layout.g.waitsince, 900);
	memory[G(2) + layout.g.tracking_seq - BASE]++;
	assert_int_equal(take(c), 0);
	assert_int_equal(seen[0].seen_ns, 1000);
	assert_int_equal(seen[1].seen_ns, 1000);
	assert_int_equal(seen[1].waitsince_ns, 900);
	assert_int_equal(census_since(seen[1].seen_ns, seen[1].waitsince_ns), 900);
	assert_int_equal(census_since(seen[0].seen_ns, seen[0].waitsince_ns), 1000);
	assert_int_equal(seen[2].seen_ns, 1090);
	/* The limit is 100. */
	groups_sort(census_groups(c));
	g = census_groups(c)->by_key;
	assert_int_equal(g->sum.count, 2); /* the first one has another creator */
	assert_int_equal(g->sum.quiet, 0);
	assert_int_equal(g->sum.oldest_ns, 900);
	assert_int_equal(g->sum.first, 2);
	now = 1190;
	assert_int_equal(take(c), 0);
	assert_int_equal(g->sum.quiet, 2);
	assert_int_equal(g->sum.woken, 0);
	/* One runs, one ends. */
	memory[G(1) + layout.g.tracking_seq - BASE]++;
	make_goroutine(2, 6);
	assert_int_equal(take(c), 0);
	assert_int_equal(g->sum.count, 1);
	assert_int_equal(g->sum.quiet, 0);
	assert_int_equal(g->sum.woken, 2);
	assert_int_equal(g->sum.gone, 1);
	assert_int_equal(g->sum.moving, 1);
	assert_int_equal(take(c), 0);
	assert_int_equal(g->sum.woken, 0);
	assert_int_equal(g->sum.gone, 0);
	assert_int_equal(g->sum.moving, 0);
	/* Its g is another's. */
	put(G(1) + layout.g.goid, 50);
	assert_int_equal(take(c), 0);
	assert_int_equal(g->sum.gone, 1);
	assert_int_equal(g->sum.moving, 1);
	census_free(c);
}

/* Its clock is ahead of ours, or behind. */
static void time_namespace(void **state)
{
	for (clock_ns = -5000; clock_ns <= 5000; clock_ns += 10000) {
		struct census *c;
		int64_t offset = clock_ns;

		make(26, 2);
		clock_ns = offset;
		now = 20000;
		put(G(0) + layout.g.waitsince, 0);
		put(G(1) + layout.g.waitsince, (uint64_t)(15000 + offset));
		c = new_census();
		assert_int_equal(take(c), 0);
		assert_int_equal(seen[0].waitsince_ns, 0);
		assert_int_equal(seen[1].waitsince_ns, 15000);
		put(G(0) + layout.g.waitsince, (uint64_t)(16000 + offset)); /* it was met since */
		assert_int_equal(take(c), 0);
		assert_int_equal(census_summary(c)->reused, 2);
		assert_int_equal(seen[0].waitsince_ns, 16000);
		census_free(c);
	}
}

static void wait_reason(unsigned i, const char *text)
{
	uint64_t at = BASE + 0xa00 + 0x20 * (uint64_t)i;

	put(REASONS + 16 * i, at);
	put(REASONS + 16 * i + 8, strlen(text));
	memcpy(memory + (at - BASE), text, strlen(text));
}

static uint64_t select_sudog(unsigned i)
{
	return BASE + 0x32000 + 0x80 * (uint64_t)i;
}

static void select_case(uint64_t sudog, uint64_t g, uint64_t channel, uint64_t next)
{
	put(sudog, g);
	put(sudog + layout.sudog.c, channel);
	put(sudog + layout.sudog.waitlink, next);
}

static unsigned n_cases;
static uint64_t cases[SEEN_MAX];

static void on_select(void *arg, const struct census_goroutine *g, uint32_t group, uint64_t channel)
{
	assert_int_equal(g->goid, 1);
	assert_true(n_cases < SEEN_MAX);
	cases[n_cases++] = channel;
}

static uint32_t find_selects(const struct census *c)
{
	n_cases = 0;
	return selects_find(c, on_select, NULL);
}

/* What a select waits for is read when asked for; who has gone on by then is told as not known. */
static void selects(void **state)
{
	for (unsigned minor = 19; minor <= 27; minor++) {
		struct census *c;

		make(minor, 1);
		wait_reason(2, "select");
		put(G(0) + layout.g.waiting, select_sudog(0));
		select_case(select_sudog(0), G(0), 0x1000, select_sudog(1));
		select_case(select_sudog(1), G(0), 0x2000, select_sudog(2));
		select_case(select_sudog(2), G(0), 0x2000, select_sudog(3)); /* sends, too */
		select_case(select_sudog(3), G(0), 0x3000, 0);
		c = new_census();
		assert_int_equal(take(c), 0);
		assert_int_equal(seen[0].wait, CENSUS_WAIT_SELECT);
		assert_int_equal(find_selects(c), 0);
		assert_int_equal(n_cases, 3);
		assert_true(cases[0] == 0x1000 && cases[1] == 0x2000 && cases[2] == 0x3000);

		/* Somebody else's, no channel, and a ring. */
		put(select_sudog(1), G(1));
		assert_int_equal(find_selects(c), 1);
		assert_int_equal(n_cases, 0);
		select_case(select_sudog(1), G(0), 0, 0);
		assert_int_equal(find_selects(c), 1);
		select_case(select_sudog(1), G(0), 0x2000, select_sudog(0));
		assert_int_equal(find_selects(c), 1);
		select_case(select_sudog(1), G(0), 0x2000, 7);
		assert_int_equal(find_selects(c), 1);
		select_case(select_sudog(1), G(0), 0x2000, 0);
		assert_int_equal(find_selects(c), 0);

		/* It runs between the two looks, has done so, waits otherwise, is another. */
		moves = G(0) + layout.g.tracking_seq;
		moves_at = reads_of_moving + 2;
		assert_int_equal(find_selects(c), 1);
		moves = 0;
		make_goroutine(0, 2);
		assert_int_equal(find_selects(c), 1);
		make_goroutine(0, WAITING);
		assert_int_equal(find_selects(c), 0);
		memory[G(0) + layout.g.waitreason - BASE] = 1;
		assert_int_equal(find_selects(c), 1);
		make_goroutine(0, WAITING);
		put(G(0) + layout.g.goid, 5);
		assert_int_equal(find_selects(c), 1);
		hole = G(0);
		assert_int_equal(find_selects(c), 1);
		assert_int_equal(n_cases, 0);
		census_free(c);
	}
}

static void on_each_select(void *arg, const struct census_goroutine *g, uint32_t group,
			   uint64_t channel)
{
	uint64_t *told = arg;

	assert_true(g->goid <= SEEN_MAX && channel > 0x1000 * g->goid &&
		    channel <= 0x1000 * g->goid + 4);
	told[g->goid - 1] |= 1u << (channel - 0x1000 * g->goid);
}

/* Each with channels of its own: one, two, three or four. */
static void many_selects(void **state)
{
	uint64_t told[SEEN_MAX] = {};
	unsigned n = 30, sudog = 0;
	struct census *c;

	make(26, n);
	wait_reason(2, "select");
	for (unsigned i = 0; i < n; i++) {
		put(G(i) + layout.g.waiting, select_sudog(sudog));
		for (unsigned k = 0; k <= i % 4; k++, sudog++)
			select_case(select_sudog(sudog), G(i), 0x1000 * (i + 1) + k + 1,
				    k < i % 4 ? select_sudog(sudog + 1) : 0);
	}
	make_goroutine(17, 2); /* runs */
	c = new_census();
	assert_int_equal(take(c), 0);
	assert_int_equal(selects_find(c, on_each_select, told), 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(told[i], i == 17 ? 0 : (2u << (i % 4 + 1)) - 2);
	census_free(c);
}

/* A channel by the goroutine's sudog; a lock by it since Go 1.26, before by the table of semaphores. */
static void objects(void **state)
{
	static const char *const texts[] = { "chan receive", "sync.Mutex.Lock", "select" };
	uint64_t sudogs = BASE + 0x30000, table = BASE + 0x31000, channel = 0xc000777000,
		 word = 0xc000123004;

	for (unsigned minor = 19; minor <= 27; minor++) {
		struct census_opts opts = {
			.mem = reader, .layout = &layout, .where = where, .groups_max = GROUPS_MAX
		};
		struct piles piles;
		struct census *c;

		make(minor, 8);
		opts.where.semtable = table;
		for (unsigned i = 0; i < 3; i++)
			wait_reason(i, texts[i]);
		/* 0-2 for the channel, 3-6 for the lock, of which 6 cannot be told, 7 in a select. */
		for (unsigned i = 0; i < 8; i++) {
			uint64_t sudog = sudogs + 0x80 * i;

			memory[G(i) + layout.g.waitreason - BASE] = i < 3 ? 0 : i < 7 ? 1 : 2;
			if (i == 6)
				continue;
			put(sudog, G(i));
			if (i < 3 || minor >= 26 || i == 7)
				put(G(i) + layout.g.waiting, sudog);
			if (i == 7)
				select_case(sudog, G(i), channel, select_sudog(0));
			else
				put(sudog + (i < 3 ? layout.sudog.c : layout.sudog.elem),
				    i < 3 ? channel : word);
		}
		select_case(select_sudog(0), G(7), channel + 0x60, 0);
		put(sudogs + 0x80 * 3 + layout.sudog.waitlink, sudogs + 0x80 * 4);
		put(sudogs + 0x80 * 4 + layout.sudog.waitlink, sudogs + 0x80 * 5);
		put(table + word / 8 % SEMTABLE_ROWS * SEMTABLE_ROW + 8, sudogs + 0x80 * 3);
		put(table + word / 8 % SEMTABLE_ROWS * SEMTABLE_ROW + 16, 3);
		c = census_new(&opts);
		for (unsigned turn = 0; turn < 2; turn++) {
			assert_int_equal(take(c), 0);
			assert_int_equal(census_summary(c)->lock_waiters, 4);
			assert_int_equal(census_summary(c)->not_located, 1);
			assert_int_equal(seen[0].object, channel);
			assert_int_equal(seen[3].object, word);
			assert_int_equal(seen[6].object, 0);
			assert_int_equal(seen[7].wait, CENSUS_WAIT_SELECT);
			assert_int_equal(seen[7].object, 0);
			piles_gather(c, CENSUS_WAIT_LOCK, &piles);
			assert_int_equal(HASH_COUNT(piles.by_object), 1);
			assert_int_equal(piles.by_object->object, word);
			assert_int_equal(piles.by_object->count, 3);
			assert_int_equal(piles.by_object->n_groups, 1);
			assert_int_equal(piles.by_object->oldest_ns, 77);
			assert_int_equal(piles.by_object->seen_ns, 1000);
			piles_done(&piles);
			piles_gather(c, CENSUS_WAIT_CHANNEL, &piles);
			assert_int_equal(HASH_COUNT(piles.by_object), 2);
			assert_int_equal(piles.left_out, 0);
			assert_int_equal(piles.by_object->object, channel);
			assert_int_equal(piles.by_object->count, 4);
			assert_int_equal(piles.by_object->selecting, 1);
			/* The first one has no creator, the last another reason. */
			assert_int_equal(piles.by_object->n_groups, 3);
			piles_done(&piles);
			assert_null(piles.by_object);
		}
		census_free(c);
	}
}

/* Crews: 0 is the first goroutine, which nobody made; 1 to 6 are of one go statement. */

#define CREW 7

static int place(void *arg, const uint64_t *stack, unsigned n, uint64_t *ret_place,
		 bool *ret_direct)
{
	const bool *direct = arg;

	*ret_place = n ? stack[n - 1] : 0; /* who runs has none */
	*ret_direct = *direct;
	return 0;
}

static struct census *new_crew_census(bool *direct)
{
	const struct census_opts opts = { .mem = reader,
					  .layout = &layout,
					  .where = where,
					  .places = { .place = place, .arg = direct },
					  .groups_max = GROUPS_MAX,
					  .quiet_ns = 100 };
	struct census *c = census_new(&opts);

	assert_non_null(c);
	return c;
}

/* What they wait for. */
enum channel { JOBS, TIMER, UNNAMED_TIMER, SIGNALS };

static uint64_t channel_of(unsigned i)
{
	return BASE + 0x34000 + 0x100 * (uint64_t)i;
}

static void make_channel(unsigned i, enum channel kind)
{
	uint64_t at = channel_of(i), type = BASE + 0x38000;
	bool timer = kind == TIMER || kind == UNNAMED_TIMER;

	for (unsigned k = 0; k < 48; k += 8)
		put(at + k, 0);
	put(at + 8, timer || kind == JOBS);
	put(at + 24, kind == SIGNALS ? 0 : 24);
	put(at + (layout.minor < 23 ? 32 : 40), type + (timer ? 0 : 0x100));
	if (kind == TIMER && layout.minor >= 23)
		put(at + 32, 0xc000999000);
	for (unsigned k = 0; k < 2; k++) {
		put(type + 0x100 * k, 24);
		put(type + 0x100 * k + 8, k ? 8 : 24); /* a slice */
		put(type + 0x100 * k + 16, (k ? 23ull : 25ull) << 56 | 4ull << 32);
	}
}

static void make_crew(unsigned minor, const char *reason, enum channel kind)
{
	make(minor, CREW);
	wait_reason(2, reason);
	for (unsigned i = 0; i < CREW; i++) {
		put(G(i) + layout.g.waiting, select_sudog(i));
		select_case(select_sudog(i), G(i), channel_of(i), 0);
		make_channel(i, kind);
	}
	/* A select has one more: whether it is all over. */
	for (unsigned i = 0; i < CREW && !strcmp(reason, "select"); i++) {
		select_case(select_sudog(i), G(i), channel_of(i), select_sudog(CREW));
		put(select_sudog(i) + layout.sudog.waitlink, select_sudog(CREW + i));
		select_case(select_sudog(CREW + i), G(i), channel_of(CREW + i), 0);
		make_channel(CREW + i, SIGNALS);
	}
}

/* Of those that one statement made; at one line. */
static const struct crew_sum *crew_sum(const struct census *c, bool at_line)
{
	for (const struct crew *k = census_crews(c)->by_key; k; k = k->hh.next) {
		if (k->key.created_at == 0x404000 && (k->key.place != 0) == at_line)
			return &k->sum;
	}
	fail_msg("no such crew");
	return NULL;
}

/* They run, and wait again. */
static void take_running(struct census *c)
{
	now += 20;
	for (unsigned i = 0; i < CREW; i++)
		memory[G(i) + layout.g.tracking_seq - BASE]++;
	assert_int_equal(take(c), 0);
}

/* How many stay that run between any two of ten looks; each has found them at the same line. */
static uint32_t stays(bool direct)
{
	struct census *c = new_crew_census(&direct);
	uint32_t n;

	for (unsigned i = 0; i < 10; i++)
		take_running(c);
	n = crew_sum(c, false)->stays;
	assert_int_equal(crew_sum(c, false)->count, CREW - 1);
	assert_int_equal(crew_sum(c, true)->count, CREW - 1);
	assert_int_equal(crew_sum(c, true)->stays, n);
	assert_int_equal(crew_sum(c, false)->left, 0);
	census_free(c);
	return n;
}

static void crews_that_run(void **state)
{
	static const struct {
		const char *reason;
		enum channel kind;
		bool stay;
	} waits[] = {
		{ "chan receive", TIMER, true },   { "chan receive", UNNAMED_TIMER, true },
		{ "chan receive", JOBS, false },   { "chan receive", SIGNALS, false },
		{ "select", TIMER, true },         { "select", JOBS, false },
		{ "select", UNNAMED_TIMER, true }, { "sleep", JOBS, true },
		{ "sync.Cond.Wait", JOBS, false }, { "IO wait", JOBS, false },
		{ "chan send", JOBS, false },
	};

	for (unsigned minor = 19; minor <= 27; minor++) {
		for (unsigned i = 0; i < ARRAY_SIZE(waits); i++) {
			make_crew(minor, waits[i].reason, waits[i].kind);
			assert_int_equal(stays(true), waits[i].stay ? CREW - 1 : 0);
		}
	}
}

/* Also where the runtime does not tell one system call from the next. */
static void crews_in_syscalls(void **state)
{
	for (unsigned minor = 25; minor <= 27; minor++) {
		make_crew(minor, "sleep", JOBS);
		for (unsigned i = 1; i < CREW; i++)
			make_goroutine(i, 3);
		assert_int_equal(stays(true), CREW - 1);
	}
}

static void crews_change(void **state)
{
	bool direct = true;
	struct census *c;

	make_crew(26, "sleep", JOBS);
	c = new_crew_census(&direct);
	for (unsigned i = 0; i < 10; i++)
		take_running(c);
	/* One ends, and its g is another's at once; one runs. */
	put(G(1) + layout.g.goid, 100);
	make_goroutine(2, 2);
	take_running(c);
	assert_int_equal(crew_sum(c, false)->count, CREW - 1);
	assert_int_equal(crew_sum(c, false)->stays, CREW - 2);
	assert_int_equal(crew_sum(c, false)->left, 1);
	assert_int_equal(crew_sum(c, true)->stays, CREW - 2);
	/* Another line: they have not been there for long. */
	make_goroutine(2, WAITING);
	for (unsigned i = 1; i < CREW; i++)
		put(TOP(i) - 0x80 + 0x48, 0x403020);
	take_running(c);
	assert_int_equal(crew_sum(c, false)->stays, CREW - 2);
	assert_int_equal(crew_sum(c, true)->stays, 0);
	/* All end. */
	for (unsigned i = 1; i < CREW; i++)
		make_goroutine(i, 6);
	take_running(c);
	for (const struct crew *k = census_crews(c)->by_key; k; k = k->hh.next)
		assert_int_equal(k->key.created_at, 0);
	census_free(c);
}

static struct holder hints[8];
static unsigned n_hints;

static void on_hint(void *arg, const struct holder *h)
{
	assert_true(n_hints < ARRAY_SIZE(hints));
	hints[n_hints++] = *h;
}

/* An address in a frame, one behind the entry of a function, and one in a deferred call. */
static void holders(void **state)
{
	static const uint64_t locks[] = { 0xc000123000, 0xc000456000 };
	uint64_t record = BASE + 0x30000, closure = BASE + 0x30100;

	for (unsigned minor = 19; minor <= 27; minor++) {
		struct census *c;

		make(minor, 5);
		c = new_census();
		put(TOP(1) - 0x20, locks[0]);
		put(TOP(2) - 0x30, 0x403000);
		put(TOP(2) - 0x28, locks[1]);
		put(G(3) + layout.g.defer, record);
		put(record + layout.defer.sp, TOP(3) - 0x40);
		put(record + layout.defer.fn, closure);
		put(closure, 0x405000);
		put(closure + 8, locks[0]);
		put(TOP(4) - 0x30, locks[0]);
		put(G(4) + layout.g.atomicstatus, 2); /* it runs: its stack is in motion */
		assert_int_equal(take(c), 0);
		n_hints = 0;
		assert_int_equal(holders_find(c, locks, 2, on_hint, NULL), 4);
		assert_int_equal(n_hints, 3);
		assert_true(hints[0].lock == 0 && hints[0].hint == HOLDER_FRAME &&
			    hints[0].goid == 2);
		assert_true(hints[1].lock == 1 && hints[1].hint == HOLDER_CLOSURE &&
			    hints[1].goid == 3 && hints[1].function == 0x403000);
		assert_true(hints[2].lock == 0 && hints[2].hint == HOLDER_DEFERRED &&
			    hints[2].goid == 4 && hints[2].function == 0x405000);
		assert_int_equal(holders_find(c, locks, 0, on_hint, NULL), 0);
		census_free(c);
	}
}

/* Addresses are told as the file has them. */
static void bias(void **state)
{
	struct census_opts opts = {
		.mem = reader, .layout = &layout, .where = where, .bias = 0x1000, .groups_max = 8
	};
	struct census *c = census_new(&opts);

	make(26, 2);
	assert_int_equal(take(c), 0);
	assert_int_equal(seen[1].start, 0x402000);
	assert_int_equal(seen[1].created_at, 0x403000);
	assert_int_equal(seen[0].created_at, 0);
	assert_int_equal(seen[1].stack[2], 0x402010);
	census_free(c);
}

/* No room for another group: told all the same, and grouped as soon as there is. */
static void no_room(void **state)
{
	struct census_opts opts = {
		.mem = reader, .layout = &layout, .where = where, .groups_max = 2
	};
	struct census *c = census_new(&opts);

	make(26, 4);
	for (unsigned i = 1; i < 4; i++)
		put(G(i) + layout.g.gopc, 0x404000 + i);
	assert_int_equal(take(c), 0);
	assert_int_equal(census_summary(c)->told, 4);
	assert_int_equal(census_summary(c)->left_out, 2);
	assert_int_equal(seen[3].nstack, 0);
	make_goroutine(1, 6);
	assert_int_equal(take(c), 0);
	assert_int_equal(census_summary(c)->left_out, 2); /* the group ends with this census */
	assert_int_equal(take(c), 0);
	assert_int_equal(census_summary(c)->left_out, 1);
	assert_int_equal(n_seen, 3);
	census_free(c);
}

/* More than one step, one given up in the middle, and a process that ends in between. */
static void steps(void **state)
{
	enum { N = 1300 };
	static uint8_t many[0x100000];
	struct census *c;
	struct reason reason = {};
	unsigned n = 0;
	int more;

	make(26, 1);
	memcpy(many, memory, LEN);
	for (unsigned i = 0; i < N; i++) {
		uint64_t g = BASE + 0x8000 + 0x200 * i;

		memcpy(many + (g - BASE), memory + (G(0) - BASE), 0x180);
		memcpy(many + (g - BASE) + 72, &g, 8);
		*(uint64_t *)(many + (g - BASE) + layout.g.goid) = i + 2;
		memcpy(many + 0x1000 + 0x180 + 8 * i, &g, 8);
	}
	memcpy(many + 0x1000 + 0x180 + 8 * N, &(uint64_t){ G(0) }, 8);
	memcpy(many, &(uint64_t){ N + 1 }, 8);
	memcpy(many + 8, &(uint64_t){ G(1) }, 8);
	big = many;
	big_len = sizeof(many);
	c = new_census();
	assert_int_equal(census_begin(c, 1, &reason), 0);
	assert_int_equal(census_step(c, 1, &reason), 1);
	assert_null(census_summary(c));
	assert_int_equal(census_begin(c, 1, &reason), 0);
	do {
		more = census_step(c, 1, &reason);
		n++;
	} while (more > 0);
	assert_int_equal(more, 0);
	assert_int_equal(n, N / FETCH_MAX + 1);
	assert_int_equal(census_summary(c)->told, N + 1);
	assert_int_equal(census_summary(c)->states[CENSUS_WAITING], N + 1);
	assert_int_equal(census_begin(c, 1, &reason), 0);
	assert_int_equal(census_step(c, 1, &reason), 1);
	gone = true;
	assert_int_equal(census_step(c, 1, &reason), -ESRCH);
	assert_false(census_running(c));
	assert_int_equal(census_summary(c)->told, N + 1);
	gone = false;
	big = NULL;
	census_free(c);
}

static void unknown_layout(void **state)
{
	struct census_summary st;

	make(26, 1);
	layout.g.tracking_seq = GO_LAYOUT_ABSENT;
	assert_int_equal(census(&st), -EBADMSG);
	assert_int_equal(n_seen, 0);
}

static void reasons(void **state)
{
	static char texts[CENSUS_REASONS_MAX][CENSUS_REASON_MAX];
	struct census_where w = where;

	make(26, 0);
	put(REASONS + 16, BASE + 0xa00);
	put(REASONS + 24, 6);
	put(REASONS + 32, BASE + 0xa00);
	put(REASONS + 40, 12);
	memcpy(memory + 0xa00, "select\x1b chan", 12);
	assert_int_equal(census_reasons(&reader, &w, texts), 0);
	assert_string_equal(texts[0], "");
	assert_string_equal(texts[1], "select");
	assert_string_equal(texts[2], "select? chan");
	assert_string_equal(texts[3], "");
	put(REASONS + 40, CENSUS_REASON_MAX);
	assert_int_equal(census_reasons(&reader, &w, texts), -EBADMSG);
	w.wait_reasons = BASE + LEN;
	assert_int_equal(census_reasons(&reader, &w, texts), -EFAULT);
	w.wait_reasons = 0;
	assert_int_equal(census_reasons(&reader, &w, texts), -ENOENT);
	assert_true(census_reason_runs("GC worker (active)"));
	assert_false(census_reason_runs("GC worker (idle)"));
	assert_false(census_reason_runs(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_release),
		cmocka_unit_test(states),
		cmocka_unit_test(leaves),
		cmocka_unit_test(faults),
		cmocka_unit_test(broken),
		cmocka_unit_test(moved),
		cmocka_unit_test(stacks),
		cmocka_unit_test(runs),
		cmocka_unit_test(lists),
		cmocka_unit_test(unknown_layout),
		cmocka_unit_test(reasons),
		cmocka_unit_test(again),
		cmocka_unit_test(growth),
		cmocka_unit_test(in_syscalls),
		cmocka_unit_test(since),
		cmocka_unit_test(time_namespace),
		cmocka_unit_test(bias),
		cmocka_unit_test(no_room),
		cmocka_unit_test(objects),
		cmocka_unit_test(holders),
		cmocka_unit_test(steps),
		cmocka_unit_test(panicking),
		cmocka_unit_test(open_coded),
		cmocka_unit_test(open_coded_unsure),
		cmocka_unit_test(open_coded_far),
		cmocka_unit_test(selects),
		cmocka_unit_test(many_selects),
		cmocka_unit_test(crews_that_run),
		cmocka_unit_test(crews_in_syscalls),
		cmocka_unit_test(crews_change),
	};

	return cmocka_run_group_tests_name("census/census", tests, NULL, NULL);
}
