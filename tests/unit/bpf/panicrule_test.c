// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The rule of the panic ledger on event sequences as the runtime makes them: what gopanic, recovery,
 * Goexit and fatalpanic were seen to do by programs of Go 1.19 to 1.27. Depths are distances to
 * stack.hi, as in the kernel; only their order matters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../../bpf/panicrule.h"
#include "base/cleanup.h"

enum step { END, START, TAKEN, RECOVER, GOEXIT, FATAL };

/* What a goroutine does: START begins panic 1, 2, ... at `depth`; RECOVER goes on in the frame there. */
struct doing {
	enum step step;
	unsigned depth;
};

#define R DFD_OUTCOME_RECOVERED
#define O DFD_OUTCOME_OVERRIDDEN
#define P DFD_OUTCOME_REPANICKED
#define G DFD_OUTCOME_GOEXIT
#define F DFD_OUTCOME_FATAL

static const struct {
	const char *name;
	struct doing steps[12];
	uint8_t outcome[8]; /* of panic 1, 2, ...; 0: still runs */
} cases[] = {
	{ "recovered", { { START, 200 }, { RECOVER, 100 } }, { R } },
	{ "recovered by the caller's caller", { { START, 900 }, { RECOVER, 100 } }, { R } },
	{ "one after the other",
	  { { START, 200 }, { RECOVER, 100 }, { START, 200 }, { RECOVER, 100 } },
	  { R, R } },
	{ "a deferred call panics anew, an outer frame recovers",
	  { { START, 200 }, { START, 400 }, { RECOVER, 100 } },
	  { O, R } },
	{ "three levels, one recovery",
	  { { START, 200 }, { START, 400 }, { START, 600 }, { RECOVER, 100 } },
	  { O, O, R } },
	{ "a deferred call panics and recovers inside itself",
	  { { START, 200 }, { START, 400 }, { RECOVER, 300 } },
	  { 0, R } },
	{ "and then the first one is recovered",
	  { { START, 200 }, { START, 400 }, { RECOVER, 300 }, { RECOVER, 100 } },
	  { R, R } },
	{ "inside, twice",
	  { { START, 200 }, { START, 400 }, { RECOVER, 300 }, { START, 400 }, { RECOVER, 300 } },
	  { 0, R, R } },
	{ "recovered, then panicked again",
	  { { START, 200 }, { TAKEN, 0 }, { START, 400 }, { RECOVER, 100 } },
	  { P, R } },
	{ "taken, and a panic inside recovered there: the first recovery still has effect",
	  { { START, 200 }, { TAKEN, 0 }, { START, 400 }, { RECOVER, 300 }, { RECOVER, 100 } },
	  { R, R } },
	{ "taken and overridden in one chain",
	  { { START, 200 }, { START, 400 }, { TAKEN, 0 }, { START, 600 }, { RECOVER, 100 } },
	  { O, P, R } },
	{ "Goexit while it panics", { { START, 200 }, { GOEXIT, 0 } }, { G } },
	{ "Goexit, a deferred call panics, another recovers",
	  { { GOEXIT, 0 }, { START, 400 }, { RECOVER, 300 } },
	  { R } },
	{ "panic, Goexit, panic, recovered within the Goexit",
	  { { START, 200 }, { GOEXIT, 0 }, { START, 600 }, { RECOVER, 500 } },
	  { G, R } },
	{ "nobody recovers", { { START, 200 }, { FATAL, 0 } }, { F } },
	{ "overridden, then fatal", { { START, 200 }, { START, 400 }, { FATAL, 0 } }, { O, F } },
	{ "panicked again, then fatal",
	  { { START, 200 }, { TAKEN, 0 }, { START, 400 }, { FATAL, 0 } },
	  { P, F } },
	{ "Error() panics while the first is printed: throw",
	  { { START, 200 }, { START, 400 }, { TAKEN, 0 }, { FATAL, 0 } },
	  { F, P } },
	{ "the frame is exactly as deep: not thrown away",
	  { { START, 100 }, { RECOVER, 100 } },
	  { 0 } },
	{ "nothing runs", { { RECOVER, 100 }, { GOEXIT, 0 }, { FATAL, 0 }, { TAKEN, 0 } }, { 0 } },
};

struct run {
	struct dfd_panics st;
	uint8_t outcome[8];
	unsigned begun;
};

static void note(struct run *r, const struct panic_end *end)
{
	for (unsigned i = 0; i < end->n; i++) {
		assert_in_range(end->id[i], 1, r->begun);
		assert_int_equal(r->outcome[end->id[i] - 1], 0);
		assert_int_not_equal(end->outcome[i], 0);
		assert_true(i == 0 || end->id[i] < end->id[i - 1]); /* newest first */
		r->outcome[end->id[i] - 1] = end->outcome[i];
	}
}

static void do_step(struct run *r, const struct doing *d)
{
	struct panic_end end = {};

	switch (d->step) {
	case START:
		r->begun++;
		assert_int_equal(panicrule_start(&r->st, r->begun, 0x1000 + r->begun, d->depth, 0),
				 0);
		assert_int_equal(panicrule_type(&r->st), 0x1000 + r->begun);
		break;
	case TAKEN:
		panicrule_taken(&r->st);
		break;
	case RECOVER:
		panicrule_recover(&r->st, d->depth, &end);
		break;
	case GOEXIT:
		panicrule_all(&r->st, DFD_OUTCOME_GOEXIT, &end);
		break;
	case FATAL:
		panicrule_fatal(&r->st, &end);
		break;
	case END:
		break;
	}
	note(r, &end);
}

static void sequences(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run r = {};

		for (unsigned k = 0; k < ARRAY_SIZE(cases[i].steps); k++)
			do_step(&r, &cases[i].steps[k]);
		if (memcmp(r.outcome, cases[i].outcome, sizeof(r.outcome)))
			fail_msg("%s: got %u %u %u %u", cases[i].name, r.outcome[0], r.outcome[1],
				 r.outcome[2], r.outcome[3]);
	}
}

/* Too many in each other: the newest ones are not followed, the others end as they should. */
static void nesting(void **state)
{
	struct dfd_panics st = {};
	struct panic_end end = {};

	for (unsigned i = 0; i < DFD_PANIC_NEST_MAX; i++)
		assert_int_equal(panicrule_start(&st, i + 1, 0, 100 * (i + 1), DFD_PANIC_TOLD), 0);
	assert_int_equal(panicrule_start(&st, 99, 0, 5000, 0), -1);
	assert_int_equal(st.n, DFD_PANIC_NEST_MAX);
	panicrule_recover(&st, 0, &end);
	assert_int_equal(end.n, DFD_PANIC_NEST_MAX);
	assert_int_equal(end.id[0], DFD_PANIC_NEST_MAX);
	assert_int_equal(end.outcome[0], R);
	for (unsigned i = 1; i < end.n; i++)
		assert_int_equal(end.outcome[i], O);
	assert_int_equal(st.n, 0);
	assert_true(end.told);
}

/* A step tells of something only when one of the panics it ended was told. */
static void told(void **state)
{
	struct dfd_panics st = {};
	struct panic_end end = {};

	panicrule_start(&st, 1, 0, 100, DFD_PANIC_TOLD);
	panicrule_start(&st, 2, 0, 200, 0);
	panicrule_recover(&st, 150, &end);
	assert_int_equal(end.n, 1);
	assert_false(end.told);
	panicrule_recover(&st, 50, &end);
	assert_true(end.told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequences),
		cmocka_unit_test(nesting),
		cmocka_unit_test(told),
	};

	return cmocka_run_group_tests_name("bpf/panicrule", tests, NULL, NULL);
}
