// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "golang/hchan.h"

static void states(void **state)
{
	static const struct {
		uint64_t words[4]; /* qcount, dataqsiz, buf, elemsize and closed */
		bool good;
		struct hchan_state want;
	} cases[] = {
		{ { 0, 0, 0, 8 }, true, { 0, 0, false } },
		{ { 3, 10, 0xc000010000, 8 }, true, { 3, 10, false } },
		{ { 10, 10, 0xc000010000, 1ull << 32 | 8 }, true, { 10, 10, true } },
		{ { 11, 10, 0xc000010000, 8 }, false, {} }, /* what else was put there */
		{ { UINT64_MAX, 0, 0, 0 }, false, {} },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hchan_state st = { 77, 77, true };

		assert_int_equal(hchan_state((const uint8_t *)cases[i].words, &st), cases[i].good);
		assert_int_equal(st.length, cases[i].good ? cases[i].want.length : 77);
		assert_int_equal(st.capacity, cases[i].good ? cases[i].want.capacity : 77);
		assert_int_equal(st.closed, cases[i].good ? cases[i].want.closed : true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(states) };

	return cmocka_run_group_tests_name("golang/hchan", tests, NULL, NULL);
}
