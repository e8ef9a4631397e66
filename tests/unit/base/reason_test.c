// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/reason.h"

static void says_why(void **state)
{
	struct reason why = { "before" };

	assert_int_equal(reason_set(&why, -ENOENT, "%s: %d", "file", 7), -ENOENT);
	assert_string_equal(why.text, "file: 7");
	/* The newest one stands. */
	assert_int_equal(reason_set(&why, 0, "fine"), 0);
	assert_string_equal(why.text, "fine");
	assert_int_equal(reason_set(&why, 5, "%s", ""), 5);
	assert_string_equal(why.text, "");
}

static void nobody_asks(void **state)
{
	assert_int_equal(reason_set(NULL, -EIO, "%s", "x"), -EIO);
	assert_int_equal(reason_set(NULL, 0, "x"), 0);
}

static void is_cut(void **state)
{
	struct {
		struct reason why;
		char behind[8];
	} r;
	char longest[REASON_MAX * 2];

	for (size_t n = REASON_MAX - 2; n <= REASON_MAX + 1; n++) {
		memset(&r, '!', sizeof(r));
		memset(longest, 'x', sizeof(longest));
		longest[n] = 0;
		assert_int_equal(reason_set(&r.why, -E2BIG, "%s", longest), -E2BIG);
		assert_int_equal(strlen(r.why.text), n < REASON_MAX ? n : REASON_MAX - 1);
		assert_memory_equal(r.behind, "!!!!!!!!", sizeof(r.behind));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_why),
		cmocka_unit_test(nobody_asks),
		cmocka_unit_test(is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
