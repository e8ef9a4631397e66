// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The kernel's depth logic on a made-up goroutine: a chain of defer records in frames and in a
 * pool, a stack that is copied when it grows, frames that return without a word. The test knows the
 * true depth at every push.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int sim_read(void *dst, size_t size, uint64_t addr);
#define GODEPTH_READ(dst, size, addr) sim_read(dst, size, addr)
#include "../../../bpf/godepth.h"

#define CHAIN_MAX  20000
#define POOL_BASE  0xc000100000ull
#define POOL_SLOT  64u
#define STACK_SIZE (1ull << 30)

struct record {
	uint64_t sp; /* distance to stack.hi, as everything in the stack */
	uint64_t pc;
	uint64_t at; /* in_stack: distance; else slot of the pool */
	int in_stack;
	int uncounted;
};

static struct sim {
	struct go_g_head g;
	struct dfd_depth st;
	struct dfd_target t;
	struct record chain[CHAIN_MAX]; /* the newest last */
	unsigned n;
	unsigned free_slots[CHAIN_MAX], n_free;
	uint64_t random;
	int full; /* stack pushes and runs are probed, too */
	/* What came out */
	unsigned pushes, inferred, wrong, ran, popped;
} sim;

static unsigned below(unsigned n)
{
	sim.random ^= sim.random << 13;
	sim.random ^= sim.random >> 7;
	sim.random ^= sim.random << 17;
	return sim.random % n;
}

static uint64_t address(const struct record *r)
{
	return r->in_stack ? sim.g.stack_hi - r->at : POOL_BASE + r->at * POOL_SLOT;
}

static int sim_read(void *dst, size_t size, uint64_t addr)
{
	assert_int_equal(size, sizeof(struct go_defer_head));
	for (unsigned i = sim.n; i-- > 0;) {
		const struct record *r = &sim.chain[i];
		uint64_t link = i ? address(&sim.chain[i - 1]) : 0;
		struct go_defer_head d = { .sp = sim.g.stack_hi - r->sp, .pc = r->pc };

		if (address(r) != addr)
			continue;
		d.flags = r->uncounted ? 1ull << (8 * sim.t.uncounted_off) : 0;
		if (sim.t.link_off == 40)
			d.word40 = link;
		else
			d.word32 = link;
		memcpy(dst, &d, sizeof(d));
		return 0;
	}
	return -1;
}

static void sim_start(uint64_t seed, int full)
{
	memset(&sim, 0, sizeof(sim));
	sim.random = seed * 2654435761u + 1;
	sim.full = full;
	sim.g.stack_hi = 0xc000400000ull + STACK_SIZE;
	sim.g.stack_lo = sim.g.stack_hi - STACK_SIZE;
	sim.t.link_off = seed % 2 ? 40 : 32;
	sim.t.uncounted_off = seed % 2 ? 2 : 1;
	for (unsigned i = 0; i < CHAIN_MAX; i++)
		sim.free_slots[sim.n_free++] = CHAIN_MAX - 1 - i;
}

static unsigned true_depth(void)
{
	unsigned depth = 0;

	for (unsigned i = 0; i < sim.n; i++)
		depth += !sim.chain[i].uncounted;
	return depth;
}

/* The stack is copied to another place: distances to its top stay. */
static void grow(void)
{
	uint64_t to = 0xc000400000ull + STACK_SIZE * (1 + below(64));

	sim.g.stack_hi = to;
	sim.g.stack_lo = to - STACK_SIZE;
}

static void link_record(struct record r)
{
	assert_true(sim.n < CHAIN_MAX);
	if (!r.in_stack)
		r.at = sim.free_slots[--sim.n_free];
	sim.chain[sim.n++] = r;
}

/* One defer statement of the frame at `sp`. */
static void defer_at(uint64_t sp, uint64_t pc, int in_stack, uint64_t at)
{
	struct record r = { .sp = sp, .pc = pc, .in_stack = in_stack, .at = at };

	sim.g.defer = sim.n ? address(&sim.chain[sim.n - 1]) : 0;
	if (!in_stack || sim.full) {
		godepth_push(&sim.st, &sim.g, &sim.t, sim.g.stack_hi - sp, pc);
		sim.pushes++;
		if (sim.st.flags & DFD_CALL_INFERRED)
			sim.inferred++;
		else if (sim.st.depth != true_depth() + 1)
			sim.wrong++;
	}
	link_record(r);
}

/* The frame returns: its records run and are gone; the pool gets them back at once. */
static void return_from(uint64_t sp)
{
	sim.g.defer = sim.n ? address(&sim.chain[sim.n - 1]) : 0;
	if (sim.full)
		sim.ran += godepth_run(&sim.st, &sim.g, &sim.t, sim.g.stack_hi - sp);
	while (sim.n && sim.chain[sim.n - 1].sp == sp) {
		const struct record *r = &sim.chain[--sim.n];

		sim.popped += !r->uncounted;
		if (!r->in_stack)
			sim.free_slots[sim.n_free++] = r->at;
	}
	if (sim.full && !(sim.st.flags & DFD_CALL_INFERRED) && sim.st.depth != true_depth())
		sim.wrong++;
}

static void loop_at(uint64_t sp, uint64_t pc, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		defer_at(sp, pc, 0, 0);
}

/* Patterns of the essay: nothing may be inferred, nothing wrong. */

static void expect_exact(void)
{
	assert_int_equal(sim.wrong, 0);
	assert_int_equal(sim.inferred, 0);
	assert_true(sim.pushes > 0);
}

static void loops_of_any_length(void **state)
{
	static const unsigned lengths[] = { 1, 2, 15, 16, 17, 34, 36, 5000 };

	for (unsigned full = 0; full < 2; full++) {
		for (unsigned i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
			sim_start(i, full);
			for (unsigned call = 0; call < 3; call++) {
				loop_at(100, 0x1000, lengths[i]);
				assert_int_equal(sim.st.depth, lengths[i]);
				grow();
				return_from(100);
			}
			expect_exact();
			if (full)
				assert_int_equal(sim.ran, sim.popped);
		}
	}
}

/* Every net/http connection holds defers in outer frames, which are not probed in the lean set. */
static void under_an_outer_defer(void **state)
{
	sim_start(1, 0);
	link_record((struct record){ .sp = 50, .pc = 0x500, .in_stack = 1, .at = 40 });
	link_record((struct record){ .sp = 50, .pc = 0x510, .in_stack = 1, .at = 44 });
	for (unsigned request = 0; request < 1000; request++) {
		loop_at(200, 0x1000, 3);
		assert_int_equal(sim.st.depth, 5);
		return_from(200);
	}
	expect_exact();
}

/*
 * pile() { for { defer f(); helper() } }, helper() { for { defer g() } }: nobody tells when helper
 * returns.
 */
static void a_helper_that_returns(void **state)
{
	sim_start(2, 0);
	for (unsigned i = 0; i < 500; i++) {
		defer_at(100, 0x1000, 0, 0);
		assert_int_equal(sim.st.depth, i + 1);
		loop_at(200, 0x2000, 40);
		assert_int_equal(sim.st.depth, i + 41);
		grow();
		return_from(200);
	}
	expect_exact();
}

static void nested_piles(void **state)
{
	for (unsigned full = 0; full < 2; full++) {
		sim_start(3 + full, full);
		for (unsigned turn = 0; turn < 20; turn++) {
			for (unsigned f = 0; f < DFD_BELOW_MAX; f++)
				loop_at(100 * (f + 1), 0x1000 * (f + 1), 100 + f);
			for (unsigned f = DFD_BELOW_MAX; f-- > 0;) {
				loop_at(100 * (f + 1), 0x1000 * (f + 1),
					7); /* back in the frame, before it returns */
				grow();
				return_from(100 * (f + 1));
			}
		}
		expect_exact();
		if (full)
			assert_int_equal(sim.ran, sim.popped);
	}
}

static void recursion(void **state)
{
	for (unsigned full = 0; full < 2; full++) {
		sim_start(5 + full, full);
		for (unsigned level = 1; level <= 2001; level++) {
			loop_at(100 * level, 0x1000, 2);
			defer_at(100 * level, 0x1100, 1, 100 * level - 8);
			if (level % 64 == 0)
				grow();
		}
		for (unsigned level = 2001; level >= 1; level--)
			return_from(100 * level);
		expect_exact();
		assert_int_equal(sim.n, 0);
	}
}

/* A goroutine dies, another gets its g and its records: the state is an old one's. */
static void a_reused_g(void **state)
{
	sim_start(7, 0);
	for (unsigned life = 0; life < 50; life++) {
		loop_at(100 + life % 3 * 16, 0x1000, 1 + life % 20);
		assert_int_equal(sim.st.depth, 1 + life % 20);
		while (sim.n)
			return_from(sim.chain[sim.n - 1].sp);
		grow();
	}
	expect_exact();
}

static void uncounted_records(void **state)
{
	sim_start(8, 0);
	link_record((struct record){ .sp = 50, .pc = 0x500, .uncounted = 1 });
	loop_at(100, 0x1000, 10);
	assert_int_equal(sim.st.depth, 10);
	expect_exact();
}

/* What cannot be known is said to be inferred, and heals when the chain ends in sight. */
static void inferred_and_healed(void **state)
{
	sim_start(9, 0);
	for (unsigned i = 0; i < 40; i++) /* pending before anybody looked */
		link_record((struct record){ .sp = 50, .pc = 0x500 });
	loop_at(100, 0x1000, 5);
	assert_int_equal(sim.inferred, 5);
	assert_int_equal(sim.wrong, 0);
	return_from(100);
	return_from(50);
	loop_at(100, 0x1000, 5);
	assert_int_equal(sim.inferred, 5);
	assert_int_equal(sim.st.depth, 5);
}

static uint64_t pile_site(uint64_t pc)
{
	return godepth_pile_site(sim.g.defer, sim.t.link_off, sim.t.uncounted_off, pc);
}

/* The push that makes a pile deep enough to be told may be of a helper that is called in the loop. */
static void the_site_of_a_pile(void **state)
{
	sim_start(11, 0);
	assert_int_equal(pile_site(0x9000), 0x9000); /* nothing is pending */
	defer_at(40, 0x100, 1, 40);
	defer_at(80, 0x200, 0, 0);
	loop_at(100, 0x1000, 34);
	sim.g.defer = address(&sim.chain[sim.n - 1]);
	assert_int_equal(pile_site(0x9000), 0x1000);
	assert_int_equal(pile_site(0x1000), 0x1000);
	/* Two helpers deep, and records that are no pending defers. */
	defer_at(60, 0x8000, 0, 0);
	sim.chain[sim.n - 1].uncounted = 1;
	defer_at(50, 0x8100, 0, 0);
	sim.g.defer = address(&sim.chain[sim.n - 1]);
	assert_int_equal(pile_site(0x9000), 0x1000);
	/* A pile on a pile: what is newest counts. */
	loop_at(30, 0x3000, 40);
	sim.g.defer = address(&sim.chain[sim.n - 1]);
	assert_int_equal(pile_site(0x9000), 0x3000);
	sim.g.defer = 0xdead;
	assert_int_equal(pile_site(0x9000), 0x9000);
}

static void torn_and_unreadable(void **state)
{
	struct dfd_depth st = {};

	sim_start(10, 0);
	link_record((struct record){ .sp = STACK_SIZE + 1,
				     .pc = 0x500 }); /* a frame outside the stack */
	sim.g.defer = address(&sim.chain[0]);
	assert_int_equal(godepth_push(&st, &sim.g, &sim.t, sim.g.stack_hi - 100, 0x1000),
			 GODEPTH_TORN);
	assert_true(st.flags & DFD_CALL_INFERRED);
	sim.g.defer = 0xdead;
	assert_int_equal(godepth_push(&st, &sim.g, &sim.t, sim.g.stack_hi - 100, 0x1000),
			 GODEPTH_UNREAD);
	assert_int_equal(godepth_run(&st, &sim.g, &sim.t, sim.g.stack_hi - 100), 0);
}

/* Random programs */

static void random_frame(uint64_t sp, unsigned level)
{
	uint64_t pc = 0x1000 + 0x1000 * below(6);
	unsigned statements = below(6), in_frame = 0;

	for (unsigned i = 0; i < statements; i++) {
		switch (below(5)) {
		case 0:
			loop_at(sp, pc, below(8) ? below(12) : below(200));
			break;
		case 1:
			if (in_frame < 3)
				defer_at(sp, pc + 0x10 * i, 1, sp - 8 * ++in_frame);
			break;
		case 2:
			grow();
			break;
		default:
			if (level < 12 && sim.n < CHAIN_MAX / 2)
				random_frame(sp + 64 + 16 * below(8), level + 1);
		}
	}
	return_from(sp);
}

static void random_programs(void **state)
{
	unsigned pushes = 0, inferred = 0;

	for (unsigned seed = 0; seed < 3000; seed++) {
		sim_start(seed + 100, seed % 2);
		for (unsigned call = 0; call < 4; call++)
			random_frame(64, 0);
		if (sim.wrong)
			print_message("# seed %u: %u of %u pushes wrong\n", seed, sim.wrong,
				      sim.pushes);
		assert_int_equal(sim.wrong, 0);
		pushes += sim.pushes;
		inferred += sim.inferred;
	}
	print_message("# %u pushes, %u inferred\n", pushes, inferred);
	assert_true(pushes > 500000);
	assert_true(inferred < pushes / 20);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(loops_of_any_length),
		cmocka_unit_test(under_an_outer_defer),
		cmocka_unit_test(a_helper_that_returns),
		cmocka_unit_test(nested_piles),
		cmocka_unit_test(recursion),
		cmocka_unit_test(a_reused_g),
		cmocka_unit_test(uncounted_records),
		cmocka_unit_test(inferred_and_healed),
		cmocka_unit_test(the_site_of_a_pile),
		cmocka_unit_test(torn_and_unreadable),
		cmocka_unit_test(random_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
