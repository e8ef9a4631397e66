// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/causes.h"

static struct target t;
static struct fdgroup descriptors;
static struct leak_series series;
static struct parked places[8];

static void add_place(unsigned i, const char *reason, double per_hour)
{
	struct parked *p = &places[i];

	*p = (struct parked){ .what.serial = i + 1,
			      .leak = { .verdict = LEAK_LEAKING,
					.per_hour = per_hour,
					.low_per_hour = per_hour * 0.95,
					.high_per_hour = per_hour * 1.05 } };
	snprintf(p->reason, sizeof(p->reason), "%s", reason);
	HASH_ADD(hh, t.parked, what.serial, sizeof(p->what.serial), p);
}

static void add_descriptors(enum leak_verdict verdict, double per_hour)
{
	descriptors = (struct fdgroup){ .what.key = { .kind = FD_INET, .port = 80 },
					.series = &series,
					.leak = { .verdict = verdict,
						  .per_hour = per_hour,
						  .low_per_hour = per_hour * 0.95,
						  .high_per_hour = per_hour * 1.05 } };
	t.n_fd_censuses = 1;
	HASH_ADD(hh, t.fd_groups, what.key, sizeof(descriptors.what.key), &descriptors);
}

static int begin(void **state)
{
	t = (struct target){};
	series = (struct leak_series){};
	return 0;
}

static int done(void **state)
{
	HASH_CLEAR(hh, t.parked);
	HASH_CLEAR(hh, t.fd_groups);
	return 0;
}

static unsigned leaks(double *ret_per_hour)
{
	const struct parked *fastest = NULL;
	unsigned n = target_goroutine_leaks(&t, &fastest);

	*ret_per_hour = n ? fastest->leak.per_hour : 0;
	return n;
}

static void the_fastest(void **state)
{
	double per_hour;

	assert_int_equal(leaks(&per_hour), 0);
	add_place(0, "select", 100);
	add_place(1, "chan receive", 300);
	assert_int_equal(leaks(&per_hour), 2);
	assert_true(per_hour == 300);
	places[1].leak.verdict = LEAK_UNSURE;
	assert_int_equal(leaks(&per_hour), 1);
	assert_true(per_hour == 100);
}

static void add_scope(unsigned i, enum group_scope scope, uint64_t place, double per_hour)
{
	add_place(i, "sleep", per_hour);
	places[i].what.scope = scope;
	places[i].what.created_at = 0x400200;
	places[i].what.place = place;
}

/* One leak is one finding, however many stacks it has. */
static void of_one_statement(void **state)
{
	double per_hour;

	/* Nothing is known of the lines of the first two. */
	add_scope(0, GROUP_OF_STACK, 0, 10);
	add_scope(1, GROUP_OF_STACK, 0, 20);
	assert_int_equal(leaks(&per_hour), 2);
	add_scope(2, GROUP_OF_STATEMENT, 0, 30);
	assert_int_equal(leaks(&per_hour), 1);
	assert_true(per_hour == 30);
	/* Two lines: they are told instead. */
	add_scope(3, GROUP_OF_STACK, 0x400300, 11);
	add_scope(4, GROUP_OF_STACK, 0x400300, 12);
	add_scope(5, GROUP_OF_LINE, 0x400300, 23);
	add_scope(6, GROUP_OF_LINE, 0x400400, 7);
	places[0].leak.verdict = places[1].leak.verdict = LEAK_STEADY;
	assert_int_equal(leaks(&per_hour), 2);
	assert_true(per_hour == 23);
	/* Of another statement, at the same line. */
	add_scope(7, GROUP_OF_STACK, 0x400300, 40);
	places[7].what.created_at = 0x400201;
	assert_int_equal(leaks(&per_hour), 3);
	assert_true(per_hour == 40);
	/* The line does not grow as a leak does, but a stack of it. */
	places[5].leak.verdict = places[6].leak.verdict = places[7].leak.verdict = LEAK_UNSURE;
	places[3].leak.verdict = LEAK_STEADY;
	assert_int_equal(leaks(&per_hour), 1);
	assert_true(per_hour == 12);
	places[4].leak.verdict = LEAK_UNSURE;
	assert_int_equal(leaks(&per_hour), 1);
	assert_true(per_hour == 30);
}

/* Two that serve a connection, as those of net/http do: what leaks is the connection. */
static void those_of_connections_are_one_finding(void **state)
{
	double per_hour;

	add_descriptors(LEAK_LEAKING, 1800);
	add_place(0, "select", 1790);
	add_place(1, "IO wait", 1810);
	assert_int_equal(leaks(&per_hour), 0);
	descriptors.leak.verdict = LEAK_LOAD;
	assert_int_equal(leaks(&per_hour), 0);
}

/* A verdict on the descriptors is to come. */
static void so_are_those_that_are_found_first(void **state)
{
	double per_hour;

	add_descriptors(LEAK_TOO_YOUNG, 0);
	add_place(0, "select", 1790);
	assert_int_equal(leaks(&per_hour), 1);
	for (unsigned i = 0; i < LEAK_SAMPLES; i++) {
		series.levels[0].samples[i].time_ns = 10000000000ull * (i + 1);
		series.levels[0].samples[i].quiet = 5 * i;
	}
	series.levels[0].n = 3;
	assert_int_equal(leaks(&per_hour), 0);
	series.levels[0].n = LEAK_SAMPLES; /* it did not come */
	assert_int_equal(leaks(&per_hour), 1);
}

static void those_that_grow_otherwise_are_their_own(void **state)
{
	double per_hour;

	add_descriptors(LEAK_LEAKING, 1800);
	add_place(0, "chan send", 600);
	add_place(1, "chan send", 3600);
	assert_int_equal(leaks(&per_hour), 2);
	descriptors.leak = (struct leak){ .verdict = LEAK_STEADY };
	assert_int_equal(leaks(&per_hour), 2);
}

/* Who waits for a descriptor has one; where these are not looked at, nothing else tells of it. */
static void readers(void **state)
{
	double per_hour;

	add_place(0, "IO wait", 600);
	assert_int_equal(leaks(&per_hour), 1);
	t.n_fd_censuses = 1;
	assert_int_equal(leaks(&per_hour), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_fastest, begin, done),
		cmocka_unit_test_setup_teardown(of_one_statement, begin, done),
		cmocka_unit_test_setup_teardown(those_of_connections_are_one_finding, begin, done),
		cmocka_unit_test_setup_teardown(so_are_those_that_are_found_first, begin, done),
		cmocka_unit_test_setup_teardown(those_that_grow_otherwise_are_their_own, begin,
						done),
		cmocka_unit_test_setup_teardown(readers, begin, done),
	};

	return cmocka_run_group_tests_name("model/causes", tests, NULL, NULL);
}
