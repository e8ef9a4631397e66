// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Goroutines made up that wait for each other's locks, and those that only look like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "census/deadlock.h"

#define BASE       0xc000000000ull
#define LEN        0x40000u
#define LIST       (BASE + 0x100)
#define REASONS    (BASE + 0x800)
#define G(i)       (BASE + 0x1000 + 0x180 * (uint64_t)(i))
#define LOCK(i)    (BASE + 0x9000 + 0x20 * (uint64_t)(i))
#define SUDOG(i)   (BASE + 0xa000 + 0x80 * (uint64_t)(i))
#define RECORD(i)  (BASE + 0xc000 + 0x40 * (uint64_t)(i))
#define CLOSURE(i) (BASE + 0xe000 + 0x10 * (uint64_t)(i))
#define STACK(i)   (BASE + 0x10000 + 0x1000 * (uint64_t)(i))
#define TOP(i)     (STACK(i) + 0x1000)
#define CALLS_MAX  3
#define MAX        5
#define SECOND     1000000000ull

static uint8_t memory[LEN];
static struct go_layout layout;

/* Where one waits, and what it will call. */
enum { SLEEPS, LOCKS, READS, WRITES, WAKES };
enum { NONE, UNLOCK, RUNLOCK, WUNLOCK, OTHER };

static const struct {
	uint64_t pc;
	unsigned word;
	const char *functions[2];
} places[] = {
	[SLEEPS] = { 0x402000, 0, { "main.sleeps" } },
	[LOCKS] = { 0x402100, 4, { "sync.(*Mutex).lockSlow" } },
	[READS] = { 0x402200, 12, { "sync.(*RWMutex).RLock" } },
	[WRITES] = { 0x402300, 8, { "sync.(*RWMutex).Lock" } },
	[WAKES] = { 0x402400, 4, { "internal/sync.(*Mutex).lockSlow", "sync.(*Cond).Wait" } },
};
static const char *const calls[] = {
	[UNLOCK] = "sync.(*Mutex).Unlock",
	[RUNLOCK] = "sync.(*RWMutex).RUnlock",
	[WUNLOCK] = "sync.(*RWMutex).Unlock",
	[OTHER] = "main.other",
};

struct one {
	int place, lock;
	struct {
		int what, lock;
	} calls[CALLS_MAX];
};

static void put(uint64_t addr, uint64_t v)
{
	memcpy(memory + (addr - BASE), &v, sizeof(v));
}

static int read_memory(void *arg, uint64_t addr, void *dst, size_t n)
{
	if (addr < BASE || n > LEN || addr - BASE > LEN - n)
		return -1;
	memcpy(dst, memory + (addr - BASE), n);
	return 0;
}

static void make_calls(unsigned i, const struct one *o)
{
	uint64_t link = 0;

	for (unsigned k = 0; k < CALLS_MAX && o->calls[k].what; k++) {
		unsigned id = i * CALLS_MAX + k;

		put(CLOSURE(id), 0x405000 + 0x100 * (unsigned)o->calls[k].what);
		put(CLOSURE(id) + 8, LOCK(o->calls[k].lock));
		put(RECORD(id) + layout.defer.sp, TOP(i) - 0x40);
		put(RECORD(id) + layout.defer.fn, CLOSURE(id));
		put(RECORD(id) + layout.defer.link, link);
		link = RECORD(id);
	}
	put(G(i) + layout.g.defer, link);
}

static void make_one(unsigned i, const struct one *o)
{
	uint64_t g = G(i), sp = TOP(i) - 0x80;

	put(LIST + 8 * i, g);
	put(g + layout.g.stack_lo, STACK(i));
	put(g + layout.g.stack_hi, TOP(i));
	put(g + layout.g.sched_sp, sp);
	put(g + layout.g.sched_pc, 0x401000);
	put(g + layout.g.sched_bp, sp + 0x20);
	put(g + 72, g);
	put(g + layout.g.atomicstatus, 4);
	put(g + layout.g.goid, i + 1);
	memory[g + layout.g.waitreason - BASE] = o->place != SLEEPS;
	put(sp + 0x20, sp + 0x40);
	put(sp + 0x28, places[o->place].pc);
	put(sp + 0x48, 0x403010);
	if (o->place != SLEEPS) {
		put(g + layout.g.waiting, SUDOG(i));
		put(SUDOG(i), g);
		put(SUDOG(i) + layout.sudog.elem, LOCK(o->lock) + places[o->place].word);
	}
	make_calls(i, o);
}

static void make(const struct one *list, unsigned n, uint64_t readers_to_leave)
{
	static const char reason[] = "sync.Mutex.Lock";

	assert_int_equal(go_layout_find(27, &layout), 0);
	memset(memory, 0, sizeof(memory));
	put(BASE, n);
	put(BASE + 8, LIST);
	memcpy(memory + 0x900, reason, sizeof(reason));
	put(REASONS + 16, BASE + 0x900);
	put(REASONS + 24, strlen(reason));
	for (unsigned i = 0; i < n; i++)
		make_one(i, &list[i]);
	/* A writer waits for all of RWMutex 9 to leave. */
	put(LOCK(9) + 16, readers_to_leave << 32 | (uint32_t)(1 - (1 << 30)));
}

static bool known = true;

static const char *at_site(void *arg, uint64_t pc, unsigned k, bool *ret_known)
{
	*ret_known = known;
	for (unsigned i = 0; i < ARRAY_SIZE(places) && known; i++) {
		if (places[i].pc == pc && k < 2)
			return places[i].functions[k];
	}
	return NULL;
}

static const char *at_entry(void *arg, uint64_t entry, bool *ret_known)
{
	*ret_known = true;
	return calls[(entry - 0x405000) / 0x100];
}

static const struct lock_names names = { at_site, at_entry, NULL };

static void look(struct census *c, uint64_t now_ns)
{
	struct reason reason = {};
	int more = census_begin(c, now_ns, &reason) ?: 1;

	while (more > 0)
		more = census_step(c, now_ns, &reason);
	assert_int_equal(more, 0);
}

static struct census *new_census(void)
{
	const struct census_opts opts = { .mem = { .read = read_memory },
					  .layout = &layout,
					  .where = { BASE, BASE + 8, REASONS, 2 },
					  .open = { .complete = true },
					  .groups_max = GROUPS_MAX };

	return census_new(&opts);
}

/* Seen twice. */
static bool find(struct deadlock *ret)
{
	struct census *c = new_census();
	bool named, found;

	assert_non_null(c);
	look(c, SECOND);
	assert_false(deadlock_find(c, &names, ret, &named)); /* seen once, it is no proof */
	look(c, 11 * SECOND);
	found = deadlock_find(c, &names, ret, &named);
	assert_int_equal(named, known);
	census_free(c);
	return found;
}

#define HAS(l)            \
	{                 \
		UNLOCK, l \
	}
#define READ(l)            \
	{                  \
		RUNLOCK, l \
	}

static void rings(void **state)
{
	static const struct {
		const char *name;
		struct one list[MAX];
		unsigned n, readers_to_leave;
		uint32_t goroutines, length; /* 0: none */
	} cases[] = {
		{ "two", { { LOCKS, 1, { HAS(0) } }, { LOCKS, 0, { HAS(1) } } }, 2, 0, 2, 2 },
		{ "and who waits for them",
		  { { LOCKS, 1, { HAS(0) } },
		    { LOCKS, 0, { HAS(1) } },
		    { LOCKS, 1, {} },
		    { LOCKS, 2, {} },
		    { LOCKS, 0, { HAS(2) } } },
		  5,
		  0,
		  5,
		  2 },
		{ "three",
		  { { LOCKS, 1, { HAS(0) } }, { LOCKS, 2, { HAS(1) } }, { LOCKS, 0, { HAS(2) } } },
		  3,
		  0,
		  3,
		  3 },
		{ "one", { { LOCKS, 0, { HAS(0) } } }, 1, 0, 1, 1 },
		{ "one order",
		  { { LOCKS, 1, { HAS(0) } },
		    { LOCKS, 0, {} },
		    { LOCKS, 1, {} },
		    { SLEEPS, 0, { HAS(1) } } },
		  4,
		  0,
		  0,
		  0 },
		{ "its holder sleeps",
		  { { LOCKS, 0, {} }, { SLEEPS, 0, { HAS(0) } } },
		  2,
		  0,
		  0,
		  0 },
		{ "another has it",
		  { { LOCKS, 0, { HAS(0) } }, { SLEEPS, 0, { HAS(0) } } },
		  2,
		  0,
		  0,
		  0 },
		{ "it is not known which",
		  { { LOCKS, 1, { HAS(0) } }, { LOCKS, 0, { HAS(1) } }, { SLEEPS, 0, { HAS(1) } } },
		  3,
		  0,
		  0,
		  0 },
		{ "two that deferred first",
		  { { LOCKS, 0, { HAS(0) } }, { LOCKS, 0, { HAS(0) } } },
		  2,
		  0,
		  0,
		  0 },
		{ "another call", { { LOCKS, 0, { { OTHER, 0 } } } }, 1, 0, 0, 0 },
		{ "woken by a condition", { { WAKES, 0, { HAS(0) } } }, 1, 0, 0, 0 },
		{ "reads twice, a writer between",
		  { { READS, 9, { READ(9) } }, { WRITES, 9, {} }, { READS, 9, {} } },
		  3,
		  1,
		  3,
		  2 },
		{ "has left meanwhile, and another reads",
		  { { READS, 9, { READ(9) } }, { WRITES, 9, {} }, { SLEEPS, 0, { READ(9) } } },
		  3,
		  1,
		  0,
		  0 },
		{ "a slow reader",
		  { { SLEEPS, 0, { READ(9) } }, { WRITES, 9, {} }, { READS, 9, {} } },
		  3,
		  1,
		  0,
		  0 },
		{ "reads what it writes", { { READS, 8, { { WUNLOCK, 8 } } } }, 1, 0, 1, 1 },
		{ "a slow writer",
		  { { READS, 8, {} }, { SLEEPS, 0, { { WUNLOCK, 8 } } } },
		  2,
		  0,
		  0,
		  0 },
		{ "a Mutex and an RWMutex",
		  { { LOCKS, 0, { READ(9) } }, { WRITES, 9, { HAS(0) } } },
		  2,
		  1,
		  2,
		  2 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct deadlock d;
		bool found;

		make(cases[i].list, cases[i].n, cases[i].readers_to_leave);
		found = find(&d);
		if (found != (cases[i].length != 0) || d.goroutines != cases[i].goroutines ||
		    d.length != cases[i].length)
			fail_msg("%s: %u goroutines, a ring of %u", cases[i].name, d.goroutines,
				 d.length);
		for (unsigned k = 0; k < d.n_edges; k++)
			assert_int_equal(d.edges[k].holder, d.edges[(k + 1) % d.n_edges].goid);
	}
}

/* What moved between two looks, or has no name, is no proof. */
static void unproven(void **state)
{
	static const struct one pair[] = { { LOCKS, 1, { HAS(0) } }, { LOCKS, 0, { HAS(1) } } };
	struct deadlock d;
	struct census *c;
	bool named;

	make(pair, 2, 0);
	c = new_census();
	assert_non_null(c);
	look(c, SECOND);
	memory[G(0) + layout.g.tracking_seq - BASE]++;
	look(c, 11 * SECOND);
	assert_false(deadlock_find(c, &names, &d, &named));
	look(c, 21 * SECOND);
	assert_true(deadlock_find(c, &names, &d, &named));
	assert_int_equal(d.edges[0].lock, LOCK(1));
	assert_int_equal(d.edges[0].kind, SYNCLOCK_MUTEX);
	memory[G(0) + layout.g.tracking_seq - BASE]++; /* after the census */
	assert_false(deadlock_find(c, &names, &d, &named));
	census_free(c);
	known = false;
	make(pair, 2, 0);
	assert_false(find(&d));
	known = true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings),
		cmocka_unit_test(unproven),
	};

	return cmocka_run_group_tests_name("census/deadlock", tests, NULL, NULL);
}
