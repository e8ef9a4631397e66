// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alert/expr.h"
#include "alert/rule.h"
#include "base/cleanup.h"

#define T0 3600000000000ull

/* A service of two processes, with 30 and 300 descriptors open; of the second one the limit is known. */
static struct service shop = { .name = "api-shop" };
static struct target small = {
	.service = &shop, .have_fds = true, .fds = { 30, 0 }, .n_censuses = 1
};
static struct target large = {
	.service = &shop, .have_fds = true, .fds = { 300, 1000 }, .next_in_service = &small
};
static struct model *m;

static int setup(void **state)
{
	struct model_opts opts = MODEL_OPTS_DEFAULT;

	shop.targets = &large;
	m = model_new(&opts);
	return m ? 0 : -1;
}

static int teardown(void **state)
{
	model_free(m);
	return 0;
}

static enum expr_truth eval_of(const char *text, const struct target *t)
{
	struct expr_env env = { .of = { .m = m, .service = &shop, .target = t, .now_ns = T0 } };
	struct reason reason = {};
	enum expr_truth truth;
	struct expr *x;

	if (expr_compile(text, &x, &reason))
		fail_msg("%s: %s", text, reason.text);
	truth = expr_eval(x, &env);
	expr_free(x);
	return truth;
}

static void truths(void **state)
{
	static const struct {
		const char *text;
		enum expr_truth large, small;
	} cases[] = {
		{ "open_fds > 100", EXPR_TRUE, EXPR_FALSE },
		{ "  open_fds>=300  ", EXPR_TRUE, EXPR_FALSE },
		{ "open_fds < 100", EXPR_FALSE, EXPR_TRUE },
		{ "open_fds <= 30", EXPR_FALSE, EXPR_TRUE },
		{ "open_fds == 300", EXPR_TRUE, EXPR_FALSE },
		{ "open_fds != 300", EXPR_FALSE, EXPR_TRUE },
		{ "100 < open_fds", EXPR_TRUE, EXPR_FALSE },
		{ "not open_fds > 100", EXPR_FALSE, EXPR_TRUE },
		{ "not not (open_fds > 100)", EXPR_TRUE, EXPR_FALSE },
		{ "open_fds > 100 and open_fds < 200", EXPR_FALSE, EXPR_FALSE },
		{ "open_fds > 100 or open_fds < 50", EXPR_TRUE, EXPR_TRUE },
		/* `and` is tighter than `or` */
		{ "open_fds > 100 or open_fds > 100 and open_fds > 1000", EXPR_TRUE, EXPR_FALSE },
		{ "(open_fds > 100 or open_fds > 100) and open_fds > 1000", EXPR_FALSE,
		  EXPR_FALSE },
		{ "open_fds * 2 + 5 > 600", EXPR_TRUE, EXPR_FALSE },
		{ "open_fds + 2 * 150 == 600", EXPR_TRUE, EXPR_FALSE },
		{ "(open_fds + 2) * 2 == 604", EXPR_TRUE, EXPR_FALSE },
		{ "open_fds - 100 - 100 == 100", EXPR_TRUE, EXPR_FALSE },
		{ "-open_fds < -100", EXPR_TRUE, EXPR_FALSE },
		{ "open_fds / 0 > 1", EXPR_TRUE, EXPR_TRUE },
		{ "0 / (open_fds - 300) > 1", EXPR_UNKNOWN, EXPR_FALSE },
		/* What is not known */
		{ "fd_usage_ratio > 0.2", EXPR_TRUE, EXPR_UNKNOWN },
		{ "fd_usage_ratio > 20%", EXPR_TRUE, EXPR_UNKNOWN },
		{ "not fd_usage_ratio > 0.2", EXPR_FALSE, EXPR_UNKNOWN },
		{ "fd_usage_ratio > 0.2 and open_fds > 1000", EXPR_FALSE, EXPR_FALSE },
		{ "fd_usage_ratio > 0.2 and open_fds > 0", EXPR_TRUE, EXPR_UNKNOWN },
		{ "open_fds > 0 or fd_usage_ratio > 0.2", EXPR_TRUE, EXPR_TRUE },
		{ "rate(open_fds, 5m) > 0", EXPR_UNKNOWN, EXPR_UNKNOWN },
		/* Services */
		{ "open_fds{service=\"api-shop\"} > 100", EXPR_TRUE, EXPR_FALSE },
		{ "open_fds{service=\"api\"} > 100", EXPR_UNKNOWN, EXPR_UNKNOWN },
		{ "open_fds{service!=\"api\"} > 100", EXPR_TRUE, EXPR_FALSE },
		{ "open_fds{service=~\"api-.*\"} > 100", EXPR_TRUE, EXPR_FALSE },
		{ "open_fds{service=~\"api|shop\"} > 100", EXPR_UNKNOWN, EXPR_UNKNOWN },
		{ "open_fds { service !~ \"test-.*\" } > 100", EXPR_TRUE, EXPR_FALSE },
		{ "max by (service) (open_fds) > 299", EXPR_TRUE, EXPR_TRUE },
		{ "min by(service)(open_fds) == 30", EXPR_TRUE, EXPR_TRUE },
		{ "sum by (service) (open_fds) == 330", EXPR_TRUE, EXPR_TRUE },
		{ "sum by (service) (fd_usage_ratio) == 0.3", EXPR_TRUE, EXPR_TRUE },
		{ "sum by (service) (panics_per_second) == 0", EXPR_UNKNOWN, EXPR_UNKNOWN },
		{ "max by (service) (open_fds) > 299 and panics_overridden == 0", EXPR_TRUE,
		  EXPR_TRUE },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		if (eval_of(cases[i].text, &large) != cases[i].large ||
		    eval_of(cases[i].text, &small) != cases[i].small)
			fail_msg("%s: %d, %d", cases[i].text, eval_of(cases[i].text, &large),
				 eval_of(cases[i].text, &small));
	}
}

static void faults(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "column 1: unexpected end of expression" },
		{ "open_fds", "column 1: a number is neither true nor false: compare it with "
			      "something" },
		{ "3 > 2", "column 1: the expression names no metric" },
		{ "open_fd > 1", "column 1: unknown metric 'open_fd': see deferd "
				 "check-config --example" },
		{ "open_fds > ", "column 12: unexpected end of expression" },
		{ "open_fds > 1 2", "column 14: expected 'and', 'or', an operator or the end" },
		{ "open_fds = 1", "column 10: use '==' to compare" },
		{ "open_fds > 1 and", "column 17: unexpected end of expression" },
		{ "open_fds > 1 and goroutines",
		  "column 18: a number is neither true nor false: compare it with something" },
		{ "goroutines and open_fds > 1",
		  "column 1: a number is neither true nor false: compare it with something" },
		{ "not open_fds",
		  "column 5: a number is neither true nor false: compare it with something" },
		{ "(open_fds > 1", "column 14: expected ')'" },
		{ "open_fds > 1)", "column 13: expected 'and', 'or', an operator or the end" },
		{ "(open_fds > 1) > 2", "column 16: expected a number before '>'" },
		{ "open_fds > (open_fds > 1)", "column 12: expected a number, not a comparison" },
		{ "(open_fds > 1) + 2 > 1", "column 16: expected a number before '+'" },
		{ "open_fds > 5q", "column 13: unknown unit; use us, ms, s, m, h, d, /s, "
				   "/min, /h, %, KiB, MiB, GiB" },
		{ "open_fds > 5/week", "column 13: unknown unit; use us, ms, s, m, h, d, /s, "
				       "/min, /h, %, KiB, MiB, GiB" },
		{ "open_fds > 1e999", "column 12: not a finite number" },
		{ "open_fds > 30ms", "column 10: a plain number is compared with a time: open_fds "
				     "is in descriptors" },
		{ "request_p95_seconds > 3/min",
		  "column 21: a time is compared with a rate: request_p95_seconds is in s" },
		{ "fd_leak_per_hour > 2h",
		  "column 18: a rate is compared with a time: fd_leak_per_hour is in 1/h" },
		{ "open_fds{service=api} > 1", "column 18: expected a string in double quotes" },
		{ "open_fds{service=\"api} > 1", "column 18: unterminated string" },
		{ "open_fds{pid=\"1\"} > 1",
		  "column 10: the only label to select by is 'service'" },
		{ "open_fds{service=\"a\" > 1", "column 22: expected '}'" },
		{ "open_fds{service=~\"(\"} > 1",
		  "column 19: invalid regular expression: Unmatched ( or \\(" },
		{ "open_fds{service=~\"(a{9}){9}\"} > 1",
		  "column 19: counted repetitions and back references are not supported" },
		{ "rate(open_fds) > 1", "column 14: expected ','" },
		{ "rate(open_fds, 5) > 1",
		  "column 16: expected a time from 10s to 1d, as in rate(open_fds, 5m)" },
		{ "rate(open_fds, 5s) > 1",
		  "column 16: expected a time from 10s to 1d, as in rate(open_fds, 5m)" },
		{ "rate(rate(open_fds, 5m), 5m) > 1",
		  "column 6: unknown metric 'rate': see deferd check-config --example" },
		{ "max (open_fds) > 1", "column 5: expected 'by'" },
		{ "max by (pid) (open_fds) > 1", "column 9: expected 'service'" },
		{ "max by (service) (process_deaths) > 1",
		  "column 19: process_deaths is already a metric of services" },
		{ "process_deaths > 1 and open_fds > 1",
		  "column 1: it mixes metrics of services with open_fds, a metric of processes: "
		  "write max by (service) (open_fds)" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct expr *x = (struct expr *)&x;
		struct reason reason = {};

		assert_int_equal(expr_compile(cases[i].text, &x, &reason), -EINVAL);
		assert_ptr_equal(x, &x); /* untouched */
		assert_string_equal(reason.text, cases[i].want);
	}
}

/* What glibc takes for one is refused; a backslash that is meant itself, and other escapes, are not. */
static void back_references(void **state)
{
	static const struct {
		const char *pattern;
		bool good;
	} cases[] = {
		{ "(a)(b)(c)(d)(e)(f)(g)(h)\\0", true },
		{ "(a)\\1", false },
		{ "(a)(b)\\2", false },
		{ "(a)(b)(c)\\3", false },
		{ "(a)(b)(c)(d)\\4", false },
		{ "(a)(b)(c)(d)(e)\\5", false },
		{ "(a)(b)(c)(d)(e)(f)\\6", false },
		{ "(a)(b)(c)(d)(e)(f)(g)\\7", false },
		{ "(a)(b)(c)(d)(e)(f)(g)(h)\\8", false },
		{ "(a)(b)(c)(d)(e)(f)(g)(h)(i)\\9", false },
		{ "(a)[\\]\\1", false },
		/* The string of the rule halves them: an escaped backslash, then the digit. */
		{ "api\\\\\\\\3", true },
		{ "(a)\\\\\\\\\\1", false },
		{ "api\\.v3", true },
		{ "api-[0-9]+", true },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reason reason = {};
		char text[128];
		struct expr *x;
		int err;

		snprintf(text, sizeof(text), "open_fds{service=~\"%s\"} > 1", cases[i].pattern);
		err = expr_compile(text, &x, &reason);
		if (err != (cases[i].good ? 0 : -EINVAL))
			fail_msg("%s: %s", cases[i].pattern, reason.text);
		if (!err)
			expr_free(x);
		else
			assert_non_null(strstr(reason.text, "back references are not supported"));
	}
}

static void bounds(void **state)
{
	char text[2 * EXPR_BYTES_MAX] = "";
	struct reason reason = {};
	struct expr *x;

	for (unsigned i = 0; i < 200; i++)
		strcat(text, "(");
	assert_int_equal(expr_compile(text, &x, &reason), -EINVAL);
	assert_non_null(strstr(reason.text, "nested more than"));
	text[0] = '\0';
	for (unsigned i = 0; i < 200; i++)
		strcat(text, "not ");
	assert_int_equal(expr_compile(text, &x, &reason), -EINVAL);
	assert_non_null(strstr(reason.text, "nested more than"));
	text[0] = '\0';
	for (unsigned i = 0; i < 30; i++)
		strcat(text, i ? " and open_fds > 1" : "open_fds > 1");
	assert_int_equal(expr_compile(text, &x, &reason), -EINVAL);
	assert_non_null(strstr(reason.text, "more than 64 parts"));
	memset(text, ' ', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(expr_compile(text, &x, &reason), -EINVAL);
	assert_non_null(strstr(reason.text, "longer than"));
}

static void conditions(void **state)
{
	static const struct {
		const char *text;
		unsigned n;
		bool plain, of_service;
		const char *metric;
		double threshold;
	} cases[] = {
		{ "open_fds > 5", 1, true, false, "open_fds", 5 },
		{ "request_p95_rise_seconds > 30ms and defer_depth_max >= 35", 2, true, false,
		  "request_p95_rise_seconds", 0.03 },
		{ "fd_leak_per_hour > 10/min", 1, true, false, "fd_leak_per_hour", 600 },
		{ "process_deaths >= 1", 1, true, true, "process_deaths", 1 },
		{ "open_fds > 5 or goroutines > 7", 2, false, false, "open_fds", 5 },
		{ "open_fds{service=\"a\"} > 5", 1, false, false, "open_fds", 5 },
		{ "rate(open_fds, 5m) > 60/min", 1, false, false, "open_fds", 1 },
		{ "max by (service) (open_fds) > 5", 1, false, true, "open_fds", 5 },
		{ "open_fds > goroutines", 1, false, false, "open_fds", NAN },
		{ "open_fds == 5", 1, false, false, "open_fds", 5 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rule_condition c[RULE_CONDITIONS_MAX];
		bool plain;
		struct expr *x;

		assert_int_equal(expr_compile(cases[i].text, &x, NULL), 0);
		assert_int_equal(expr_conditions(x, c, RULE_CONDITIONS_MAX, &plain), cases[i].n);
		assert_int_equal(plain, cases[i].plain);
		assert_int_equal(expr_of_service(x), cases[i].of_service);
		assert_string_equal(c[0].metric->name, cases[i].metric);
		if (isnan(cases[i].threshold))
			assert_true(isnan(c[0].threshold));
		else
			assert_true(fabs(c[0].threshold - cases[i].threshold) < 1e-9);
		expr_free(x);
	}
}

struct asked {
	unsigned n;
	uint64_t window_ns;
	double value;
};

static bool history(void *arg, unsigned node, enum expr_history what, uint64_t window_ns,
		    double value, double *ret)
{
	struct asked *a = arg;

	a->n++;
	a->window_ns = window_ns;
	a->value = value;
	*ret = what == EXPR_RATE ? 2 : 30;
	return true;
}

/* Asked on both sides of `or`, so that no sample is left out. */
static void histories(void **state)
{
	struct asked asked = {};
	struct expr_env env = {
		.of = { .m = m, .service = &shop, .target = &large, .now_ns = T0 },
		.history = history,
		.arg = &asked,
	};
	struct expr *x;
	double v;

	assert_int_equal(expr_compile("open_fds > 0 or rate(open_fds, 90s) > 120/min", &x, NULL),
			 0);
	assert_int_equal(expr_eval(x, &env), EXPR_TRUE);
	assert_int_equal(asked.n, 1);
	assert_int_equal(asked.window_ns, 90000000000ull);
	assert_true(asked.value == 300);
	assert_true(expr_value(x, &env, &v) && v == 300);
	expr_free(x);
	assert_int_equal(
		expr_compile("rise(open_fds) > 29 and rate(open_fds, 1h) == 2/s", &x, NULL), 0);
	assert_int_equal(expr_eval(x, &env), EXPR_TRUE);
	assert_true(expr_value(x, &env, &v) && v == 30);
	expr_free(x);
	expr_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truths),          cmocka_unit_test(faults),
		cmocka_unit_test(back_references), cmocka_unit_test(bounds),
		cmocka_unit_test(conditions),      cmocka_unit_test(histories),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
