// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <deferd/record.h>

#include "base/cleanup.h"
#include "model/requests.h"

#define SECOND 1000000000ull
#define START  (3600 * SECOND) /* after boot */

/* One process that counts, as the kernel side does. */
struct process {
	struct dfd_requests r;
	struct requests_seen seen;
	bool own_only;
};

static void serve(struct process *p, unsigned n, double ms, unsigned defers)
{
	uint64_t ns = (uint64_t)(ms * 1e6);

	p->r.ended += n;
	p->r.ns_sum += n * ns;
	p->r.defers_sum += (uint64_t)n * defers;
	p->r.ns[dfd_bucket(ns >> DFD_REQUEST_NS_SHIFT, DFD_REQUEST_NS_BUCKETS)] += n;
	p->r.defers[dfd_bucket(defers, DFD_REQUEST_DEFERS_BUCKETS)] += n;
}

static void tell(struct requests *r, struct process *p, uint64_t now_ns)
{
	struct event_requests now = {
		.ended = p->r.ended,
		.streams = p->r.streams,
		.streams_ended = p->r.streams_ended,
		.hijacked = p->r.hijacked,
		.panicked = p->r.panicked,
		.unfinished = p->r.unfinished,
		.unbegun = p->r.unbegun,
		.untracked = p->r.untracked,
		.ns_sum = p->r.ns_sum,
		.defers_sum = p->r.defers_sum,
		.own_only = p->own_only,
		.ns = p->r.ns,
		.deep_ns = p->r.deep_ns,
		.defers = p->r.defers,
	};

	requests_add(r, &p->seen, &now, now_ns);
}

/* So many requests of `ms` each second, from `at` seconds on for `n`. Returns when it was over. */
static unsigned serve_for(struct requests *r, struct process *p, unsigned at, unsigned n,
			  unsigned a_second, double ms)
{
	for (unsigned s = at; s < at + n; s++) {
		serve(p, a_second, ms, 12);
		tell(r, p, START + s * SECOND);
	}
	return at + n;
}

static bool close_to(double got, double want)
{
	return fabs(got - want) <= want / 32;
}

static int setup(void **state)
{
	static struct process p;

	p = (struct process){};
	*state = &p;
	return 0;
}

static void nobody(void **state)
{
	double v = 77;

	assert_false(requests_seconds(NULL, 0.95, &v));
	assert_false(requests_defers(NULL, 0.95, &v));
	assert_false(requests_baseline(NULL, &v));
	assert_true(v == 77);
	assert_int_equal(requests_recent(NULL, &v), 0);
}

static void window(void **state)
{
	struct requests *r = requests_new();
	struct process *p = *state;
	double v;

	assert_non_null(r);
	serve(p, REQUESTS_ENOUGH - 1, 8, 12);
	tell(r, p, START);
	assert_false(requests_seconds(r, 0.95, &v));
	serve(p, 1, 80, 47);
	tell(r, p, START + SECOND);
	assert_true(requests_seconds(r, 0.5, &v) && close_to(v, 0.008));
	assert_true(requests_seconds(r, 1, &v) && close_to(v, 0.08));
	assert_true(requests_defers(r, 0.5, &v) && v == 12);
	assert_true(requests_defers(r, 1, &v) && v == 47);
	assert_int_equal(requests_recent(r, &v), REQUESTS_ENOUGH);
	assert_true(v == (19 * 12 + 47) / 20.0);
	/* The same again is nothing new; half a minute later it is past. */
	tell(r, p, START + 2 * SECOND);
	assert_int_equal(r->ended, 20);
	requests_tick(r, START + 25 * SECOND);
	assert_int_equal(requests_recent(r, &v), 20);
	requests_tick(r, START + 31 * SECOND);
	assert_int_equal(requests_recent(r, &v), 0);
	assert_int_equal(r->ended, 20);
	assert_true(close_to(r->seconds_sum, (19 * 8 + 80) / 1e3));
	assert_true(r->defers_sum == 19 * 12 + 47);
	free(r);
}

/* Requests that pile up defers, by how slow they are. */
static void deep(struct process *p, unsigned n, double ms)
{
	serve(p, n, ms, 50);
	p->r.deep_ns[dfd_bucket((uint64_t)(ms * 1e6) >> DFD_REQUEST_NS_SHIFT,
				DFD_REQUEST_NS_BUCKETS)] += n;
}

static void who_is_slow_and_deep(void **state)
{
	static const struct {
		unsigned deep, ms; /* of a hundred beside 95 quick ones */
		double want;
	} cases[] = {
		{ 0, 1, 0 },     /* nobody piles up */
		{ 5, 1, 0 },     /* only who is quick */
		{ 5, 200, 1 },   /* all who are slow */
		{ 2, 200, 0.4 }, /* two who hold what the other three wait for */
		{ 20, 200, 1 },  /* more than a twentieth */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct requests *r = requests_new();
		struct process p = {};
		double share = 77;

		assert_non_null(r);
		assert_false(requests_slow_deep(r, &share));
		assert_true(share == 77);
		deep(&p, cases[i].deep, cases[i].ms);
		serve(&p, 95, 3, 0);
		serve(&p, cases[i].ms == 200 && cases[i].deep < 5 ? 5 - cases[i].deep : 0, 100, 0);
		tell(r, &p, START);
		assert_true(requests_slow_deep(r, &share));
		assert_true(fabs(share - cases[i].want) < 0.001);
		/* Half a minute later it is past. */
		requests_tick(r, START + 31 * SECOND);
		assert_false(requests_slow_deep(r, &share));
		free(r);
	}
	assert_false(requests_slow_deep(NULL, &(double){ 0 }));
}

/* Those of two processes, one of which ends. */
static void streams(void **state)
{
	struct requests *r = requests_new();
	struct process *p = *state, other = {};
	double v;

	assert_non_null(r);
	p->r.streams = 7;
	p->r.streams_ended = 2;
	other.r.streams = 3;
	tell(r, p, START);
	tell(r, &other, START);
	assert_int_equal(r->streams, 10);
	assert_int_equal(requests_streams_open(r), 8);
	assert_false(requests_seconds(r, 0.5, &v)); /* they have no latency */
	requests_gone(r, &other.seen);
	assert_int_equal(requests_streams_open(r), 5);
	assert_int_equal(requests_streams_open(NULL), 0);
	free(r);
}

static void for_good(void **state)
{
	struct requests *r = requests_new();
	struct process *p = *state;
	uint64_t n = 0;

	assert_non_null(r);
	serve(p, 3, 0.3, 0); /* <= 0.5 ms, 0 defers */
	serve(p, 5, 3, 35);  /* <= 5 ms, <= 35 */
	serve(p, 7, 3, 36);  /* <= 5 ms, <= 50 */
	serve(p, 1, 20e3, 6000);
	p->r.unfinished = 4;
	p->r.unbegun = 5;
	p->r.untracked = 6;
	tell(r, p, START);
	requests_tick(r, START + 3600 * SECOND);
	assert_int_equal(r->seconds_le[0], 3);
	assert_int_equal(r->seconds_le[3], 12);
	assert_int_equal(r->seconds_le[REQUESTS_LE], 1);
	assert_int_equal(r->defers_le[0], 3);
	assert_int_equal(r->defers_le[6], 5);
	assert_int_equal(r->defers_le[7], 7);
	assert_int_equal(r->defers_le[REQUESTS_LE], 1);
	for (unsigned i = 0; i <= REQUESTS_LE; i++)
		n += r->seconds_le[i];
	assert_int_equal(n, r->ended);
	assert_int_equal(r->unfinished, 4);
	assert_int_equal(r->unbegun, 5);
	assert_int_equal(r->untracked, 6);
	free(r);
}

/* Counts of the kernel wrap, and another process begins at 0. */
static void processes(void **state)
{
	struct requests *r = requests_new();
	struct process *p = *state, other = {};
	unsigned at = dfd_bucket(8000000 >> DFD_REQUEST_NS_SHIFT, DFD_REQUEST_NS_BUCKETS);
	double v;

	assert_non_null(r);
	p->r.ns[at] = p->seen.counts.ns[at] = UINT32_MAX - 5;
	serve(p, 20, 8, 1);
	tell(r, p, START);
	serve(&other, 30, 8, 1);
	tell(r, &other, START);
	assert_int_equal(r->ended, 50);
	assert_int_equal(r->seconds_le[4], 50);
	assert_int_equal(requests_recent(r, &v), 50);
	free(r);
}

static void baseline(void **state)
{
	struct requests *r = requests_new();
	struct process *p = *state;
	unsigned at = serve_for(r, p, 0, 28, 10, 10);
	double v;

	assert_false(requests_baseline(r, &v));
	at = serve_for(r, p, at, 10, 10, 10);
	assert_true(requests_baseline(r, &v) && close_to(v, 0.010));
	/* Ten slow minutes after ten usual ones are not usual yet, whoever is told of them. */
	at = serve_for(r, p, at, 600, 10, 10);
	at = serve_for(r, p, at, 540, 10, 50);
	assert_true(requests_baseline(r, &v) && close_to(v, 0.010));
	assert_true(requests_seconds(r, 0.95, &v) && close_to(v, 0.050));
	/* A service that has changed for good is known as it is, within the hour. */
	at = serve_for(r, p, at, 3600, 10, 50);
	assert_true(requests_baseline(r, &v) && close_to(v, 0.050));
	free(r);
}

static void held(void **state)
{
	struct requests *r = requests_new();
	struct process *p = *state;
	unsigned at = serve_for(r, p, 0, 60, 10, 10);
	double v;

	for (unsigned i = 0; i < 3600; i++) {
		at = serve_for(r, p, at, 1, 10, 90);
		requests_hold(r, START + at * SECOND + REQUESTS_SLOT_NS);
	}
	assert_true(requests_baseline(r, &v) && close_to(v, 0.010));
	/* Too few requests teach nothing either. */
	at = serve_for(r, p, at + 60, 600, 0, 0);
	assert_true(requests_baseline(r, &v) && close_to(v, 0.010));
	assert_false(requests_seconds(r, 0.95, &v));
	free(r);
}

/* Where nobody knows who started a goroutine, a handler without defers is not one that has none. */
static void defers_of_others_are_not_known(void **state)
{
	static const struct {
		bool own_only;
		unsigned defers;
		bool known;
	} cases[] = {
		{ false, 0, true },
		{ true, 0, false },
		{ true, 3, true },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct requests *r = requests_new();
		struct process p = { .own_only = cases[i].own_only };
		double mean, p95;

		serve(&p, 100, 5, cases[i].defers);
		tell(r, &p, START);
		assert_int_equal(requests_recent(r, &mean), 100);
		assert_int_equal(!isnan(mean), cases[i].known);
		assert_int_equal(requests_defers(r, 0.95, &p95), cases[i].known);
		free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody),
		cmocka_unit_test_setup(window, setup),
		cmocka_unit_test(who_is_slow_and_deep),
		cmocka_unit_test(defers_of_others_are_not_known),
		cmocka_unit_test_setup(streams, setup),
		cmocka_unit_test_setup(for_good, setup),
		cmocka_unit_test_setup(processes, setup),
		cmocka_unit_test_setup(baseline, setup),
		cmocka_unit_test_setup(held, setup),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
