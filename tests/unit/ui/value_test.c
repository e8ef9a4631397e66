// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "ui/value.h"

static void counts(void **state)
{
	static const struct {
		double n;
		unsigned width;
		const char *want;
	} cases[] = {
		{ 0, 6, "0" },
		{ 999999, 6, "999999" },
		{ 1000000, 6, "1.00M" },
		{ 9999999, 6, "10.00M" },
		{ 12345678, 6, "12.35M" },
		{ 999999, 5, "1.00M" },
		{ 123456789, 4, "123M" },
		{ 1e15, 10, "1.00P" },
		{ 9223372036854775807.0, 10, "9.22E" },
		{ 1e300, 10, ">" },
		{ -1e300, 10, "<" },
		{ -5, 6, "-5" },
		{ 10000, 3, "10k" },
		{ 100000, 2, ">" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char buf[VALUE_MAX];

		value_count(buf, sizeof(buf), cases[i].n, cases[i].width);
		assert_string_equal(buf, cases[i].want);
		assert_true(strlen(buf) <= cases[i].width);
	}
}

static void rates(void **state)
{
	static const struct {
		double n;
		bool sign;
		const char *want;
	} cases[] = {
		{ 0, false, "0" },         { 0.001, true, "0" },     { -0.001, true, "0" },
		{ 1.5, false, "1.50" },    { 9.996, false, "10.0" }, { 99.96, false, "100" },
		{ 1234.4, false, "1234" }, { 1.5, true, "+1.50" },   { -1.5, true, "-1.50" },
		{ 10, true, "+10.0" },     { 250, true, "+250" },    { -250, true, "-250" },
		{ 1e9, true, "+1.00G" },   { 1e9, false, "1.00G" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char buf[VALUE_MAX];

		value_rate(buf, sizeof(buf), cases[i].n, 7, cases[i].sign);
		assert_string_equal(buf, cases[i].want);
	}
}

static void durations(void **state)
{
	static const struct {
		double s;
		const char *want;
	} cases[] = {
		{ -1, "0s" },          { 0, "0s" },
		{ 59.9, "59s" },       { 60, "1m00s" },
		{ 3599, "59m59s" },    { 3600, "1h00m" },
		{ 86399, "23h59m" },   { 86400, "1d00h" },
		{ 90000, "1d01h" },    { 86400 * 999.5, "999d12h" },
		{ 86400e3, ">999d" },  { 1e300, ">999d" },
		{ INFINITY, ">999d" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char buf[VALUE_MAX];

		value_duration(buf, sizeof(buf), cases[i].s);
		assert_string_equal(buf, cases[i].want);
		assert_true(strlen(buf) <= 7); /* the width of its columns */
	}
}

static void sizes(void **state)
{
	char buf[VALUE_MAX];

	value_bytes(buf, sizeof(buf), 0);
	assert_string_equal(buf, "0 B");
	value_bytes(buf, sizeof(buf), 1023);
	assert_string_equal(buf, "1023 B");
	value_bytes(buf, sizeof(buf), 24222105);
	assert_string_equal(buf, "23.1 MiB");
	value_bytes(buf, sizeof(buf), 1e16);
	assert_string_equal(buf, "9094.9 TiB");
}

static void times(void **state)
{
	static const char *const none[] = { "", "yesterday", "2026-11-24", "2026-11-24T16:05",
					    "2026-11-24T16:05:39.Z" };
	double ms = -1;

	assert_true(value_time_ms("1970-01-01T00:00:01.250Z", &ms));
	assert_float_equal(ms, 1250, 0);
	assert_true(value_time_ms("2026-11-24T16:05:39Z", &ms));
	assert_float_equal(ms, 1795536339000.0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_false(value_time_ms(none[i], &ms));
	assert_float_equal(ms, 1795536339000.0, 0); /* untouched */
}

static void members(void **state)
{
	json_t *o = json_loads("{\"i\":3,\"r\":0.5,\"s\":\"text\",\"n\":null,\"b\":true}", 0, NULL);
	double n = 42;

	assert_true(value_number(o, "i", &n) && n == 3);
	assert_true(value_number(o, "r", &n) && n == 0.5);
	assert_false(value_number(o, "s", &n) || value_number(o, "n", &n) ||
		     value_number(o, "b", &n) || value_number(o, "missing", &n) ||
		     value_number(NULL, "i", &n));
	assert_float_equal(n, 0.5, 0); /* untouched */
	assert_string_equal(value_string(o, "s"), "text");
	assert_string_equal(value_string(o, "i"), "");
	assert_string_equal(value_string(NULL, "s"), "");
	json_decref(o);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts), cmocka_unit_test(rates), cmocka_unit_test(durations),
		cmocka_unit_test(sizes),  cmocka_unit_test(times), cmocka_unit_test(members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
