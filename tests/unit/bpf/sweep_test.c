// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../../bpf/sweep.h"

#define US 1000ull
#define S  1000000000ull

static struct dfd_sweep s;
static uint64_t now;
static int counted;

static int begin(void **state)
{
	s = (struct dfd_sweep){};
	now = 100 * S;
	counted = 0;
	return 0;
}

static void closes(unsigned fd, bool had, uint64_t after_ns)
{
	now += after_ns;
	counted += sweep_close(&s, fd, had, now);
}

static void a_number_that_was_open_counts(void **state)
{
	for (int i = 0; i < 100; i++)
		closes(7, true, i % 2 ? US : S);
	assert_int_equal(counted, 100);
}

static void one_that_never_was_does_not(void **state)
{
	for (int i = 0; i < 100; i++)
		closes(700, false, S);
	assert_int_equal(counted, 0);
}

/* Numbers rise because others are leaked meanwhile. */
static void one_after_another_in_their_own_time_count(void **state)
{
	for (unsigned i = 0; i < 100; i++)
		closes(10 + i, true, S / 20);
	assert_int_equal(counted, 100);
}

/* The two ends of a pipe, and all that a session had. */
static void some_at_once_count(void **state)
{
	for (unsigned i = 0; i < 20; i++) {
		closes(8, true, US);
		closes(9, true, US);
	}
	for (unsigned i = 0; i < 20; i++)
		closes(30 + i, true, US);
	assert_int_equal(counted, 60);
}

static void a_sweep_does_not(void **state)
{
	for (unsigned fd = 3; fd < 1024; fd++)
		closes(fd, fd < 20, US);
	assert_int_equal(counted, 0);
	for (unsigned fd = 1023; fd >= 3; fd--)
		closes(fd, fd < 20, US);
	/* Those at its end are found by what was before. */
	assert_int_equal(counted, 0);
}

static void nor_does_one_that_leaves_out_what_is_open(void **state)
{
	for (unsigned fd = 3; fd < 256; fd += 1 + fd % 5)
		closes(fd, fd < 40, US);
	assert_int_equal(counted, 0);
}

static void nor_one_of_numbers_that_all_were_open(void **state)
{
	for (unsigned fd = 3; fd < 1024; fd++)
		closes(fd, true, US);
	assert_int_equal(counted, 0);
}

/* A close before it looks like its first step in the other direction. */
static void nor_one_that_follows_another_close(void **state)
{
	closes(700, false, S);
	for (unsigned fd = 3; fd < 1024; fd++)
		closes(fd, fd < 20, US);
	assert_int_equal(counted, 0);
	closes(7, true, S);
	for (unsigned fd = 1023; fd >= 3; fd--)
		closes(fd, fd < 20, US);
	assert_int_equal(counted, 1); /* that of 7 */
}

static void what_follows_a_sweep_counts(void **state)
{
	for (unsigned fd = 3; fd < 1024; fd++)
		closes(fd, fd < 20, US);
	closes(7, true, 2 * S);
	assert_int_equal(counted, 1);
	closes(7, true, US);
	assert_int_equal(counted, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_number_that_was_open_counts, begin),
		cmocka_unit_test_setup(one_that_never_was_does_not, begin),
		cmocka_unit_test_setup(one_after_another_in_their_own_time_count, begin),
		cmocka_unit_test_setup(some_at_once_count, begin),
		cmocka_unit_test_setup(a_sweep_does_not, begin),
		cmocka_unit_test_setup(nor_does_one_that_leaves_out_what_is_open, begin),
		cmocka_unit_test_setup(nor_one_of_numbers_that_all_were_open, begin),
		cmocka_unit_test_setup(nor_one_that_follows_another_close, begin),
		cmocka_unit_test_setup(what_follows_a_sweep_counts, begin),
	};

	return cmocka_run_group_tests_name("bpf/sweep", tests, NULL, NULL);
}
