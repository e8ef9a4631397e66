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

/* What comes out of it: the time, signals, or values of the program. */
static void uses(void **state)
{
	static const uint64_t at = 0x500000;
	static const struct {
		unsigned minor;
		uint64_t words[6]; /* the last two: *timer and type, or type */
		enum hchan_use want;
	} cases[] = {
		{ 19, { 0, 1, 7, 24, at }, HCHAN_TIMES },
		{ 22, { 0, 1, 7, 24, at }, HCHAN_TIMES },
		{ 23, { 0, 1, 7, 24, 0xc000010000, at }, HCHAN_TIMER },
		{ 23, { 0, 1, 7, 24, 0, at }, HCHAN_TIMES }, /* asynctimerchan=1 */
		{ 27, { 0, 1, 7, 24, 0xc000010000, at }, HCHAN_TIMER },
		{ 26, { 0, 0, 7, 0, 0, at }, HCHAN_SIGNALS },
		{ 19, { 0, 1, 7, 1ull << 32, at }, HCHAN_SIGNALS },
		{ 26, { 0, 2, 7, 24, 0, at }, HCHAN_VALUES },
		{ 26, { 0, 1, 7, 8, 0, at }, HCHAN_VALUES },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t element = 0;

		assert_int_equal(
			hchan_use((const uint8_t *)cases[i].words, cases[i].minor, &element),
			cases[i].want);
		assert_int_equal(element, cases[i].want == HCHAN_TIMES ? at : 0);
	}
}

static void times(void **state)
{
	/* Size, bytes with pointers; flags and kind behind the hash. */
	static const struct {
		uint64_t size, pointers;
		uint8_t flags, kind;
		bool is;
	} cases[] = {
		{ 24, 24, 7, 25, true },  { 24, 24, 7, 25 | 32, true },
		{ 24, 8, 2, 23, false },  /* a slice */
		{ 24, 24, 2, 25, false }, /* a struct without a name */
		{ 24, 16, 7, 25, false }, { 32, 24, 7, 25, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const uint64_t type[] = { cases[i].size, cases[i].pointers,
					  0x12345678 | (uint64_t)cases[i].flags << 32 |
						  (uint64_t)cases[i].kind << 56 };

		assert_int_equal(hchan_is_time((const uint8_t *)type), cases[i].is);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(states), cmocka_unit_test(uses),
					    cmocka_unit_test(times) };

	return cmocka_run_group_tests_name("golang/hchan", tests, NULL, NULL);
}
