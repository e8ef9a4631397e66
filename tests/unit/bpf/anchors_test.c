// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What the anchors of the depth logic must not believe. A goroutine on made-up memory, record by
 * record as the runtime keeps them: its frames register, run and return as compiled Go does, in a
 * pool and in stack slots that are used again and again at the same place. The kernel side sees
 * what its probes see: in the lean set only records from the heap (deferproc), in the full set all
 * of them and every deferreturn. godepth_test.c has the patterns that must be exact.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int sim_read(void *dst, size_t n, uint64_t addr);
#define GODEPTH_READ(dst, size, addr) sim_read(dst, size, addr)
#include "../../../bpf/godepth.h"

#define HEAP_AT     0xc000000000ull
#define HEAP_MAX    8192 /* records */
#define STACK_MAX   (1u << 19)
#define RECORD_SIZE 64u
#define FRAME_SIZE  512u
#define FRAMES_MAX  100
#define OWN_MAX     6 /* records in a frame */

struct frame {
	uint64_t below_hi; /* distance of its sp to stack.hi: what a stack move keeps */
	unsigned function;
	unsigned records; /* pending */
	unsigned in_frame;
};

static struct sim {
	bool full;
	unsigned char heap[HEAP_MAX * RECORD_SIZE];
	unsigned char stack[STACK_MAX]; /* ends at g.stack_hi */
	uint64_t pool[HEAP_MAX];
	unsigned n_pool, n_heap;
	struct go_g_head g;
	struct dfd_target t;
	struct dfd_depth st;
	struct frame frames[FRAMES_MAX];
	unsigned n_frames;
	unsigned truth;
	uint64_t moves;
	/* What came out */
	unsigned pushes, inferred;
} sim;

static uint64_t rng;

static uint64_t below(uint64_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng % n;
}

static unsigned char *sim_at(uint64_t addr, size_t n)
{
	if (addr >= HEAP_AT && addr + n <= HEAP_AT + sizeof(sim.heap))
		return sim.heap + (addr - HEAP_AT);
	if (addr >= sim.g.stack_lo && addr + n <= sim.g.stack_hi)
		return sim.stack + STACK_MAX - (sim.g.stack_hi - addr);
	return NULL;
}

static int sim_read(void *dst, size_t n, uint64_t addr)
{
	const unsigned char *p = sim_at(addr, n);

	if (!p)
		return -14;
	memcpy(dst, p, n);
	return 0;
}

static void place_stack(void)
{
	sim.g.stack_hi = 0xc100000000ull + ++sim.moves * 2 * STACK_MAX;
	sim.g.stack_lo = sim.g.stack_hi - STACK_MAX;
}

static void sim_start(bool full, uint16_t link_off)
{
	memset(&sim, 0, sizeof(sim));
	sim.full = full;
	sim.t.link_off = link_off;
	sim.t.uncounted_off = link_off == 40 ? 2 : 1;
	place_stack();
}

static uint64_t get(uint64_t addr, unsigned off)
{
	uint64_t v;

	memcpy(&v, sim_at(addr + off, sizeof(v)), sizeof(v));
	return v;
}

static void set(uint64_t addr, unsigned off, uint64_t v)
{
	memcpy(sim_at(addr + off, sizeof(v)), &v, sizeof(v));
}

static uint64_t sp_of(const struct frame *f)
{
	return sim.g.stack_hi - f->below_hi;
}

static struct frame *top(void)
{
	return &sim.frames[sim.n_frames - 1];
}

/* The stack is copied; pointers into it are adjusted, those of the records in it and of the heap's
 * as well. */
static void move_stack(void)
{
	uint64_t lo = sim.g.stack_lo, hi = sim.g.stack_hi, rec, link, prev = 0, delta;

	place_stack();
	delta = sim.g.stack_hi - hi;
	for (link = sim.g.defer; link; link = get(rec, sim.t.link_off)) {
		rec = link >= lo && link < hi ? link + delta : link;
		if (prev)
			set(prev, sim.t.link_off, rec);
		else
			sim.g.defer = rec;
		set(rec, 8, get(rec, 8) + delta);
		prev = rec;
	}
}

static void call(unsigned function)
{
	struct frame *f = &sim.frames[sim.n_frames++];

	assert_true(sim.n_frames <= FRAMES_MAX);
	*f = (struct frame){ .below_hi = (uint64_t)sim.n_frames * FRAME_SIZE,
			     .function = function };
}

static uint64_t record_new(bool heap)
{
	if (!heap)
		return sp_of(top()) - FRAME_SIZE + 64 + RECORD_SIZE * top()->in_frame++;
	if (sim.n_pool)
		return sim.pool[--sim.n_pool];
	assert_true(sim.n_heap < HEAP_MAX);
	return HEAP_AT + RECORD_SIZE * sim.n_heap++;
}

/* Returns whether the depth is claimed to be exact; checks that it is, then. */
static bool observe(uint64_t pc)
{
	bool exact;

	godepth_push(&sim.st, &sim.g, &sim.t, sp_of(top()), pc);
	exact = !(sim.st.flags & DFD_CALL_INFERRED);
	sim.pushes++;
	sim.inferred += !exact;
	if (exact && sim.st.depth != sim.truth + 1)
		fail_msg("push %u: depth %u is called exact, %u are pending", sim.pushes,
			 sim.st.depth, sim.truth + 1);
	return exact;
}

static bool push_at(bool heap, unsigned site)
{
	uint64_t pc = 0x400000 + top()->function * 4096 + site * 64 + (heap ? 0 : 32), rec;
	bool exact = true;

	if (heap || sim.full)
		exact = observe(pc);
	rec = record_new(heap);
	memset(sim_at(rec, RECORD_SIZE), 0xa5, RECORD_SIZE);
	set(rec, 0, 0);
	set(rec, 8, sp_of(top()));
	set(rec, 16, pc);
	set(rec, sim.t.link_off, sim.g.defer);
	sim.g.defer = rec;
	top()->records++;
	sim.truth++;
	return exact;
}

static bool push(unsigned site)
{
	return push_at(true, site);
}

/* A defer that is no loop's: each of its sites once in a frame, and only so many. */
static void push_in_frame(unsigned site)
{
	if (top()->in_frame < OWN_MAX)
		push_at(false, site);
}

static void run_records(void)
{
	while (top()->records) {
		uint64_t rec = sim.g.defer;

		sim.truth--;
		sim.g.defer = get(rec, sim.t.link_off);
		if (rec < sim.g.stack_lo || rec >= sim.g.stack_hi)
			sim.pool[sim.n_pool++] = rec;
		top()->records--;
	}
}

static void ret(void)
{
	unsigned had = sim.truth, pending;
	bool exact = false;
	dfd_u32 ran = 0;

	/* Only functions with defers call deferreturn. */
	if (sim.full && top()->records) {
		ran = godepth_run(&sim.st, &sim.g, &sim.t, sp_of(top()));
		exact = !(sim.st.flags & DFD_CALL_INFERRED);
	}
	run_records();
	pending = sim.truth;
	if (exact && (sim.st.depth != pending || ran != had - pending))
		fail_msg("run: %u ran, %u are left; %u and %u are true", ran, sim.st.depth,
			 had - pending, pending);
	sim.n_frames--;
}

/* The goroutine ends; another one gets its g, perhaps its stack, and the kernel is not told. */
static void end_goroutine(bool same_stack)
{
	while (sim.n_frames) {
		run_records();
		sim.n_frames--;
	}
	assert_int_equal(sim.truth, 0);
	assert_int_equal(sim.g.defer, 0);
	if (!same_stack)
		place_stack();
	if (sim.full)
		memset(&sim.st, 0, sizeof(sim.st));
}

static const uint16_t link_offs[] = { 32, 40 };

/* Chains that end within the walk are counted, whatever came between. */
static void short_chains(void **state)
{
	rng = 7;
	for (unsigned k = 0; k < 4; k++) {
		sim_start(k & 1, link_offs[k / 2]);
		for (unsigned i = 0; i < 20000; i++) {
			unsigned act = below(8);

			if (sim.n_frames < 2 || (act < 2 && sim.n_frames < 6))
				call(below(5));
			else if (act < 4)
				ret();
			else if (act == 4 && sim.truth < GODEPTH_WALK_MAX - 1)
				push_in_frame(top()->in_frame);
			else if (act == 5)
				move_stack();
			else if (sim.truth < GODEPTH_WALK_MAX - 1)
				assert_true(push(below(2)));
		}
		assert_int_equal(sim.inferred, 0);
		assert_true(sim.pushes > 1000);
	}
}

/* Stacks move in the middle of everything. */
static void moves(void **state)
{
	for (unsigned k = 0; k < 4; k++) {
		sim_start(k & 1, link_offs[k / 2]);
		call(1);
		push_in_frame(3);
		for (unsigned i = 0; i < 60; i++) {
			assert_true(push(0));
			call(2);
			push_in_frame(1);
			for (unsigned j = 0; j < 20; j++) {
				assert_true(push(0));
				if (i % 7 == 3 && j == 10)
					move_stack();
			}
			ret();
			if (i % 5 == 1)
				move_stack();
		}
		assert_int_equal(sim.inferred, 0);
		assert_true(sim.moves > 15);
	}
}

/* Frames that register in the frame first and then in a loop, above a pile that goes on afterwards.
 */
static void in_frame_then_loop(void **state)
{
	for (unsigned k = 0; k < 4; k++) {
		sim_start(k & 1, link_offs[k / 2]);
		call(1);
		for (unsigned i = 0; i < 40; i++) {
			assert_true(push(0));
			call(2);
			push_in_frame(1);
			for (unsigned j = 0; j < 40; j++)
				assert_true(push(0));
			push_in_frame(2);
			for (unsigned j = 0; j < 40; j++)
				assert_true(push(1));
			ret();
		}
		assert_int_equal(sim.inferred, 0);
	}
}

/*
 * A frame is entered twice, at the same place. The second time it has registered more before its
 * last record, which nobody sees; that record looks as it did the first time, and so does the one
 * on top of it.
 */
static void same_place_other_depth(void **state)
{
	for (unsigned more = 0; more <= 3; more++) {
		for (unsigned heap = 0; heap < 2; heap++) {
			sim_start(false, 32);
			for (unsigned turn = 0; turn < 2; turn++) {
				call(1);
				if (!turn)
					top()->in_frame = more;
				for (unsigned i = 0; turn && i < more; i++)
					push_in_frame(i);
				if (heap)
					push(0);
				else
					push_in_frame(more);
				call(2);
				push_in_frame(0);
				call(3);
				push(0);
				assert_int_equal(sim.st.depth, 3 + (turn ? more : 0));
				ret();
				ret();
				ret();
			}
			assert_int_equal(sim.inferred, 0);
		}
	}
}

/* Any program at all: what is called exact is exact. observe() and ret() check it. */
static void program(unsigned steps, unsigned pile)
{
	for (unsigned i = 0; i < steps; i++) {
		switch (below(10)) {
		case 0:
		case 1:
			if (sim.n_frames < FRAMES_MAX - 1)
				call(below(4));
			break;
		case 2:
		case 3:
			if (sim.n_frames > 1)
				ret();
			break;
		case 4:
			push_in_frame(top()->in_frame);
			break;
		case 5:
			/* A branch that is not taken this time leaves its slot unused. */
			if (top()->in_frame < OWN_MAX)
				top()->in_frame++;
			break;
		case 6:
			if (!below(10))
				move_stack();
			break;
		case 7:
			if (!below(500)) {
				end_goroutine(below(2));
				call(0);
			}
			break;
		default:
			for (uint64_t n = below(4) ? 1 : below(pile) + 1, site = below(2); n; n--)
				push(site);
		}
		if (sim.truth > 4000)
			while (sim.n_frames > 1)
				ret();
	}
}

static void random_programs(void **state)
{
	for (unsigned seed = 1; seed <= 200; seed++) {
		rng = seed * 0x9e3779b97f4a7c15ull;
		sim_start(seed & 1, link_offs[seed / 2 & 1]);
		call(0);
		program(4000, seed % 3 ? 40 : 6);
		assert_true(sim.pushes > 500);
		/* Most of it is exact, too. */
		assert_true(sim.inferred < sim.pushes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_chains),       cmocka_unit_test(moves),
		cmocka_unit_test(in_frame_then_loop), cmocka_unit_test(same_place_other_depth),
		cmocka_unit_test(random_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
