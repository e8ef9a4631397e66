// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/images.h"

#define S 1000000000ull

static void a_file_is_tried_again_ever_more_seldom(void **state)
{
	static const uint64_t pauses[] = { 1, 2, 4, 8, 16, 32, 64, 64, 64 };
	struct image im = { .exe_fd = -1 };

	assert_int_equal(image_add_waiting(&im, 7), 0);
	assert_false(image_is_due(&im, 100 * S)); /* it was never refused */
	for (unsigned i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		im.state = IMAGE_ASKED;
		image_postpone(&im, 100 * S);
		assert_int_equal(im.state, IMAGE_NEW);
		assert_false(image_is_due(&im, (100 + pauses[i]) * S - 1));
		assert_true(image_is_due(&im, (100 + pauses[i]) * S));
	}
	free(im.waiting);
}

static void a_file_that_no_process_waits_for_is_not_tried(void **state)
{
	struct image im = { .exe_fd = -1 };

	image_postpone(&im, 100 * S);
	assert_false(image_is_due(&im, 200 * S));
}

static void who_waits_for_an_answer_waits_for_three_more_tries(void **state)
{
	struct image im = { .exe_fd = -1 };

	assert_int_equal(image_add_waiting(&im, 7), 0);
	assert_false(image_is_awaited(&im));
	for (unsigned i = 0; i < 5; i++) {
		im.state = IMAGE_ASKED;
		assert_false(image_is_awaited(&im)); /* a job, which is waited for as such */
		image_postpone(&im, 100 * S);
		assert_int_equal(image_is_awaited(&im), i < 3);
	}
	free(im.waiting);
}

static void a_report_ends_the_tries(void **state)
{
	static struct worker_result empty = { .report.kind = IMAGE_NONE };
	struct image im = { .exe_fd = -1 };

	assert_int_equal(image_add_waiting(&im, 7), 0);
	image_postpone(&im, 100 * S);
	assert_int_equal(image_set_report(&im, &empty, false), 0);
	assert_false(image_is_due(&im, 200 * S));
	assert_int_equal(im.failures, 0);
	free(im.waiting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_tried_again_ever_more_seldom),
		cmocka_unit_test(a_file_that_no_process_waits_for_is_not_tried),
		cmocka_unit_test(who_waits_for_an_answer_waits_for_three_more_tries),
		cmocka_unit_test(a_report_ends_the_tries),
	};

	return cmocka_run_group_tests_name("engine/images", tests, NULL, NULL);
}
