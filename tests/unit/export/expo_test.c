// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "export/expo.h"

static struct buf out;

static struct expo start(bool openmetrics, uint32_t series_max)
{
	buf_done(&out);
	buf_init(&out, 0);
	return (struct expo){ .out = &out, .openmetrics = openmetrics, .series_max = series_max };
}

static void test_counter(void **state)
{
	struct expo x = start(false, 0);

	expo_family(&x, "deferd_events", EXPO_COUNTER, "", "Records.");
	expo_sample(&x, 18446744073709551615.0, NULL);
	expo_sample(&x, 1234567890123, "service", "a", "kind", "b", NULL);
	expo_end(&x);
	assert_string_equal(
		out.data,
		"# HELP deferd_events_total Records.\n# TYPE deferd_events_total counter\n"
		"deferd_events_total 1.84467440737096e+19\n"
		"deferd_events_total{service=\"a\",kind=\"b\"} 1234567890123\n");
	x = start(true, 0);
	expo_family(&x, "deferd_events", EXPO_COUNTER, "", "Records.");
	expo_sample(&x, 0, NULL);
	expo_end(&x);
	assert_string_equal(out.data,
			    "# HELP deferd_events Records.\n# TYPE deferd_events counter\n"
			    "deferd_events_total 0\n# EOF\n");
}

static void test_info_is_a_gauge_in_text(void **state)
{
	struct expo x = start(false, 0);

	expo_family(&x, "deferd_build", EXPO_INFO, "", "What.");
	expo_sample(&x, 1, "version", "1", NULL);
	assert_string_equal(out.data,
			    "# HELP deferd_build_info What.\n# TYPE deferd_build_info gauge\n"
			    "deferd_build_info{version=\"1\"} 1\n");
	x = start(true, 0);
	expo_family(&x, "deferd_build", EXPO_INFO, "", "What.");
	expo_sample(&x, 1, "version", "1", NULL);
	assert_string_equal(out.data, "# HELP deferd_build What.\n# TYPE deferd_build info\n"
				      "deferd_build_info{version=\"1\"} 1\n");
}

static void test_hostile_labels(void **state)
{
	static const struct {
		const char *value, *written;
	} cases[] = {
		{ "", "" },
		{ "a b", "a b" },
		{ "say \"hi\"", "say \\\"hi\\\"" },
		{ "back\\slash", "back\\\\slash" },
		{ "two\nlines", "two\\nlines" },
		{ "ä€𝄞", "ä€𝄞" },
		{ "\xff\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd" },
		{ "}\" 1\nx 2", "}\\\" 1\\nx 2" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct expo x = start(false, 0);
		char want[128];

		x.name = "m";
		expo_sample(&x, 1, "l", cases[i].value, NULL);
		snprintf(want, sizeof(want), "m{l=\"%s\"} 1\n", cases[i].written);
		assert_string_equal(out.data, want);
	}
}

static void test_values(void **state)
{
	static const struct {
		double value;
		const char *written;
	} cases[] = {
		{ 0, "m 0\n" },
		{ -1, "m -1\n" },
		{ 0.5, "m 0.5\n" },
		{ NAN, "m NaN\n" },
		{ INFINITY, "m +Inf\n" },
		{ -INFINITY, "m -Inf\n" },
		{ 1e-9, "m 1e-09\n" },
		{ 999999999999999, "m 999999999999999\n" },
		{ 0x1p53 - 1, "m 9007199254740991\n" },
		{ 1764003600.123, "m 1764003600.123\n" },
		{ 0.1, "m 0.1\n" },
		{ -2.5, "m -2.5\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct expo x = start(false, 0);

		x.name = "m";
		expo_sample(&x, cases[i].value, NULL);
		assert_string_equal(out.data, cases[i].written);
	}
}

static void test_series_are_capped_by_family(void **state)
{
	struct expo x = start(false, 3);

	for (int family = 0; family < 2; family++) {
		expo_family(&x, "m", EXPO_GAUGE, "", "M.");
		for (int i = 0; i < 5; i++)
			expo_sample(&x, i, NULL);
	}
	assert_int_equal(x.dropped, 4);
	assert_string_equal(out.data, "# HELP m M.\n# TYPE m gauge\nm 0\nm 1\nm 2\n"
				      "# HELP m M.\n# TYPE m gauge\nm 0\nm 1\nm 2\n");
}

static void test_histogram(void **state)
{
	static const double edges[] = { 1, 35 };
	static const uint64_t counts[] = { 2, 3, 4 };
	struct expo x = start(false, 0);

	expo_family(&x, "d", EXPO_HISTOGRAM, "", "D.");
	expo_histogram(&x, "service", "a\"b", edges, counts, 2, 600);
	assert_string_equal(
		out.data,
		"# HELP d D.\n# TYPE d histogram\n"
		"d_bucket{service=\"a\\\"b\",le=\"1\"} 2\nd_bucket{service=\"a\\\"b\",le=\"35\"} "
		"5\n"
		"d_bucket{service=\"a\\\"b\",le=\"+Inf\"} 9\nd_sum{service=\"a\\\"b\"} 600\n"
		"d_count{service=\"a\\\"b\"} 9\n");
	x = start(true, 0);
	x.name = "d";
	expo_histogram(&x, NULL, NULL, edges, counts, 2, 600);
	assert_string_equal(
		out.data,
		"d_bucket{le=\"1.0\"} 2\nd_bucket{le=\"35.0\"} 5\nd_bucket{le=\"+Inf\"} 9\n"
		"d_sum 600\nd_count 9\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_info_is_a_gauge_in_text),
		cmocka_unit_test(test_hostile_labels),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_series_are_capped_by_family),
		cmocka_unit_test(test_histogram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
