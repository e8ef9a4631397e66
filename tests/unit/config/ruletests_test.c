// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "config/ruletests.h"
#include "tempdir.h"

static void values(void **state)
{
	static const struct {
		const char *text;
		int n;
		double v[6];
	} cases[] = {
		{ "", 0, {} },
		{ "5", 1, { 5 } },
		{ "5x2", 3, { 5, 5, 5 } },
		{ "0+10x3", 4, { 0, 10, 20, 30 } },
		{ "3-1x3", 4, { 3, 2, 1, 0 } },
		{ "-1-1x1", 2, { -1, -2 } },
		{ "1.5e-3 _ 2", 3, { 0.0015, NAN, 2 } },
		{ " _x3\n1 ", 4, { NAN, NAN, NAN, 1 } },
		{ "1x0", 1, { 1 } },
		{ "0x2 1+0x1", 5, { 0, 0, 0, 1, 1 } },
	};
	double v[6];
	size_t at;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(ruletests_values(cases[i].text, v, 6, &at), cases[i].n);
		for (int k = 0; k < cases[i].n; k++) {
			assert_int_equal(isnan(v[k]), isnan(cases[i].v[k]));
			assert_true(isnan(v[k]) || v[k] == cases[i].v[k]);
		}
	}
}

static void value_faults(void **state)
{
	static const struct {
		const char *text;
		size_t at;
	} cases[] = { { "x", 0 },  { "1 2y", 2 },   { "1x", 0 },          { "1xx", 0 },
		      { "1+", 0 }, { "1 1+x3", 2 }, { "nan", 0 },         { "inf", 0 },
		      { "__", 0 }, { "1,2", 0 },    { "1 2x99999999", 2 } };
	double v[6];
	size_t at = 77;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(ruletests_values(cases[i].text, v, 6, &at), -EINVAL);
		assert_int_equal(at, cases[i].at);
	}
	assert_int_equal(ruletests_values("1x6", v, 6, &at), -E2BIG);
	assert_int_equal(ruletests_values("1x5 1", v, 6, &at), -E2BIG);
}

static void faults(void **state)
{
	static const struct {
		const char *text, *want; /* after the path */
	} cases[] = {
		{ "", ": the file is empty\n" },
		{ "tests: {}\n", ":1:8: tests: expected a list\n" },
		{ "tests:\n  - { name: a, series: [], alerts: [{ at: 1s }] }\n",
		  ":2:37: alerts: key 'firing' is missing\n" },
		{ "tests:\n  - { name: a, alerts: [], series: [{ metric: open_fds, service: s, "
		  "values: 1 }] }\n",
		  ":2:37: series: open_fds is a metric of processes: `pid` is missing\n" },
		{ "tests:\n  - { name: a, alerts: [], series: [{ metric: fds, service: s, values: "
		  "1 }] }\n",
		  ":2:47: metric: unknown metric 'fds': see deferd check-config --example\n" },
		{ "tests:\n  - { name: a, alerts: [], series: [{ metric: open_fds, pid: 1, "
		  "service: s, values: 1y }] }\n",
		  ":2:85: values: '1y' is not a value; write 5, 5x3, 0+10x30, or _ for a missing "
		  "value\n" },
	};
	_tempdir_ dir = {};

	tempdir_make(&dir);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *path = tempdir_puts(&dir, "t.yml", cases[i].text);
		struct ruletests *ts = NULL;
		struct buf errors = {};

		assert_int_equal(ruletests_load(path, &ts, &errors), -EINVAL);
		assert_null(ts);
		assert_int_equal(strncmp(errors.data, path, strlen(path)), 0);
		assert_string_equal(errors.data + strlen(path), cases[i].want);
		buf_done(&errors);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(value_faults),
		cmocka_unit_test(faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
