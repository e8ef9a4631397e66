// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What follows a recovery, watched from the panic to the end, or not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "model/aftermath.h"

#define MS 1000000ull
#define T0 (3600 * 1000 * MS)

static struct event started(uint64_t id, uint64_t now)
{
	return (struct event){ .type = EVENT_PANIC,
			       .target = 1,
			       .pid = 1001,
			       .tid = 1002,
			       .time_ns = now,
			       .panic = { .step = PANIC_STARTED,
					  .id = id,
					  .g = 0xc000,
					  .goid = 18,
					  .watched = true } };
}

static void start(struct aftermaths *a, struct aftermath_counts *t, uint64_t id, uint64_t now)
{
	struct event ev = started(id, now);

	aftermaths_panic(a, &ev, t);
}

static void end(struct aftermaths *a, uint64_t id, enum panic_outcome outcome, bool watched,
		uint64_t now)
{
	struct event ev = { .type = EVENT_PANIC,
			    .target = 1,
			    .time_ns = now,
			    .panic = { .step = PANIC_RECOVERED,
				       .watched = watched,
				       .nclosed = 1,
				       .closed = { { id, outcome } } } };

	aftermaths_panic(a, &ev, NULL);
}

static void recover(struct aftermaths *a, uint64_t id, uint64_t now)
{
	end(a, id, OUTCOME_RECOVERED, true, now);
}

static void wrote(struct aftermaths *a, uint64_t id, enum write_kind kind)
{
	aftermaths_write(a, &(struct event_write){ id, kind });
}

/* Closes all that are complete; returns how many. */
static unsigned close_complete(struct aftermaths *a, uint64_t now, bool went_on)
{
	struct aftermath *each;
	unsigned n = 0;

	for (; (each = aftermaths_complete(a, now)); n++)
		aftermath_close(each, went_on);
	return n;
}

static void silent(void **state)
{
	struct aftermath_counts t = {};
	struct aftermaths a = {};

	start(&a, &t, 5, T0);
	assert_int_equal(close_complete(&a, T0 + 900 * MS, true), 0); /* it runs */
	recover(&a, 5, T0 + MS);
	assert_int_equal(close_complete(&a, T0 + MS + AFTERMATH_COMPLETE_NS, true), 0);
	assert_int_equal(close_complete(&a, T0 + 2 * MS + AFTERMATH_COMPLETE_NS, true), 1);
	assert_int_equal(t.watched, 1);
	assert_int_equal(t.silent, 1);
	assert_int_equal(t.went_on, 1);
	assert_int_equal(close_complete(&a, T0 + 5000 * MS, true), 0);
}

static void each_kind_of_write(void **state)
{
	for (enum write_kind k = WRITE_STDERR; k < WRITE_KIND_MAX; k++) {
		struct aftermath_counts t = {};
		struct aftermaths a = {};

		start(&a, &t, 5, T0);
		wrote(&a, 5, k);            /* while it runs: a deferred function logs */
		wrote(&a, 6, WRITE_STDOUT); /* of a panic that is not watched */
		recover(&a, 5, T0);
		wrote(&a, 5, k);
		close_complete(&a, T0 + 900 * MS, false);
		assert_int_equal(t.wrote[k], 1);
		assert_int_equal(t.silent, k == WRITE_NETWORK);
		assert_int_equal(t.watched, 1);
		assert_int_equal(t.went_on, 0);
	}
}

/* A panic elsewhere in the same goroutine at once; a loop that meets the next bad message is no matter. */
static void panics_again(void **state)
{
	static const struct {
		uint32_t target;
		uint64_t goid, after_ns;
		bool same_site, again;
	} cases[] = {
		{ 1, 18, 1 * MS, false, true },  { 1, 18, 5 * MS, false, false },
		{ 1, 18, 1 * MS, true, false },  { 1, 19, 1 * MS, false, false },
		{ 2, 18, 1 * MS, false, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct aftermath_counts t = {}, other = {};
		struct aftermaths a = {};
		struct event ev = started(6, T0 + cases[i].after_ns);

		start(&a, &t, 5, T0);
		recover(&a, 5, T0);
		ev.target = cases[i].target;
		ev.panic.goid = cases[i].goid;
		aftermaths_panic(&a, &ev, cases[i].same_site ? &t : &other);
		close_complete(&a, T0 + 900 * MS, true);
		assert_int_equal(t.watched, 1);
		assert_int_equal(t.panicked, cases[i].again);
		assert_int_equal(t.silent, !cases[i].again);
	}
}

/* Threads of C have no goroutine. */
static void threads_of_c(void **state)
{
	struct aftermath_counts t = {}, other = {};
	struct aftermaths a = {};
	struct event ev = started(5, T0);

	ev.panic.c = true;
	ev.panic.g = ev.panic.goid = 0;
	aftermaths_panic(&a, &ev, &t);
	recover(&a, 5, T0);
	ev.panic.id = 6;
	ev.tid++;
	aftermaths_panic(&a, &ev, &other);
	close_complete(&a, T0 + 900 * MS, true);
	assert_int_equal(t.silent, 1);
}

/* What was not seen from the first to the last is no evidence. */
static void not_believed(void **state)
{
	struct aftermath_counts t = {};
	struct aftermaths a = {};
	struct event ev = started(5, T0);

	ev.panic.watched = false;
	aftermaths_panic(&a, &ev, &t); /* began before the hooks */
	recover(&a, 5, T0);
	start(&a, &t, 6, T0);
	end(&a, 6, OUTCOME_RECOVERED, false, T0); /* driven out of the kernel's map */
	start(&a, &t, 7, T0);
	end(&a, 7, OUTCOME_OVERRIDDEN, true, T0);
	start(&a, &t, 8, T0);
	recover(&a, 8, T0);
	aftermaths_drop(&a, 1); /* records were lost */
	start(&a, NULL, 9, T0); /* its site is not kept */
	recover(&a, 9, T0);
	start(&a, &t, 10, T0);
	recover(&a, 10, T0);
	aftermaths_forget(&a, &t); /* or not any more */
	start(&a, &t, 11, T0);
	recover(&a, 11, T0);
	aftermath_discard(aftermaths_complete(&a, T0 + 900 * MS));
	assert_int_equal(close_complete(&a, T0 + 900 * MS, true), 0);
	assert_int_equal(t.watched, 0);
}

static void discarded(void **state)
{
	struct aftermath_counts t = {};
	struct aftermaths a = {};

	start(&a, &t, 5, T0);
	recover(&a, 5, T0);
	start(&a, &t, 6, T0);
	recover(&a, 6, T0 + 50 * MS);
	start(&a, &t, 7, T0);
	aftermaths_discard(&a, T0 + 120 * MS);
	recover(&a, 7, T0 + 130 * MS);
	assert_int_equal(close_complete(&a, T0 + 900 * MS, true), 1); /* 5 */
}

/* A place is waited for by new panics only while it may come to an end. */
static void places(void **state)
{
	struct aftermath_counts t = {};
	struct aftermaths a = {};

	for (uint64_t id = 1; id <= AFTERMATH_MAX; id++)
		start(&a, &t, id, T0);
	start(&a, &t, 50, T0 + 100 * MS);
	recover(&a, 50, T0 + 100 * MS);
	assert_int_equal(close_complete(&a, T0 + 900 * MS, true), 0);
	recover(&a, 1, T0 + 200 * MS);
	start(&a, &t, 51, T0 + 2 * AFTERMATH_STALE_NS);
	recover(&a, 51, T0 + 2 * AFTERMATH_STALE_NS);
	assert_int_equal(close_complete(&a, T0 + 3 * AFTERMATH_STALE_NS, true), 2);
}

static void enough(void **state)
{
	struct aftermath_counts t = {};
	struct aftermaths a = {};

	for (uint64_t id = 1; id <= 20; id++) {
		uint64_t now = T0 + id * 1000 * MS;

		start(&a, &t, id, now);
		recover(&a, id, now);
		close_complete(&a, now + 900 * MS, true);
	}
	assert_int_equal(t.watched, AFTERMATH_ENOUGH);
}

static void verdicts(void **state)
{
	static const struct {
		uint32_t watched, silent, raised;
		enum aftermath_verdict verdict;
	} cases[] = {
		{ 0, 0, 0, AFTERMATH_UNSURE },     { 1, 1, 0, AFTERMATH_UNSURE },
		{ 2, 2, 0, AFTERMATH_UNSURE },     { 1, 0, 0, AFTERMATH_NOT_SILENT },
		{ 3, 3, 0, AFTERMATH_SUSPECTED },  { 5, 5, 0, AFTERMATH_SUSPECTED },
		{ 5, 4, 0, AFTERMATH_NOT_SILENT }, { 5, 5, 1, AFTERMATH_NOT_SILENT },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct aftermath_counts t = { .watched = cases[i].watched,
					      .silent = cases[i].silent,
					      .raised = cases[i].raised };

		assert_int_equal(aftermath_verdict(&t), cases[i].verdict);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silent),       cmocka_unit_test(each_kind_of_write),
		cmocka_unit_test(panics_again), cmocka_unit_test(threads_of_c),
		cmocka_unit_test(not_believed), cmocka_unit_test(discarded),
		cmocka_unit_test(places),       cmocka_unit_test(enough),
		cmocka_unit_test(verdicts),
	};

	return cmocka_run_group_tests_name("model/aftermath", tests, NULL, NULL);
}
