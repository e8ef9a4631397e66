// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "alert/rule.h"
#include "base/cleanup.h"

#define SECOND 1000000000ull
#define T0     (3600 * SECOND)

DEFINE_CLEANUP(struct model *, model_free)
#define _model_ _cleanup_(model_freep) struct model *

static void names(void **state)
{
	static const char *const wrong[] = { "",         "defer_depth", "defer_depth_maxi",
					     "Open_fds", " open_fds",   "open_fds\n" };
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_null(rule_metric_find(wrong[i]));
	for (unsigned i = 0; i < rule_metrics_n; i++) {
		const struct rule_metric *m = &rule_metrics[i];

		n += m->doc != NULL;
		assert_ptr_equal(rule_metric_find(m->name), m->doc ? m : NULL);
		assert_true(!m->read != !m->read_service); /* one of the two */
		assert_true(m->scope == METRIC_OF_PROCESS || m->read_service);
		assert_true(m->unit[0]);
		assert_true(m->doc || m->gauge.help || m->json.key); /* it is shown somewhere */
		if (!m->doc)
			continue;
		assert_int_equal(m->about.kind == EVIDENCE_DEPTH,
				 !strcmp(m->name, "defer_depth_max"));
		assert_int_equal(m->about.kind == EVIDENCE_GROUP,
				 !strcmp(m->name, "goroutine_leak_per_hour") ||
					 strstr(m->name, "_blocked_"));
		assert_int_equal(m->about.kind == EVIDENCE_RING,
				 !strcmp(m->name, "deadlocked_goroutines"));
		assert_int_equal(m->about.kind == EVIDENCE_POOL, !strcmp(m->name, "pool_waiters"));
		assert_int_equal(m->about.kind == EVIDENCE_EXHAUSTED,
				 !strcmp(m->name, "pool_exhausted_waiters"));
		assert_int_equal(m->of_latency, !strncmp(m->name, "request_p95_", 12));
		assert_int_equal(m->about.kind == EVIDENCE_FDS,
				 strstr(m->name, "_leak_") && m->about.kind != EVIDENCE_GROUP);
	}
	assert_int_equal(n, 29);
	assert_string_equal(rule_op_names[RULE_GE], ">=");
	assert_string_equal(rule_op_names[RULE_GT], ">");
	assert_string_equal(rule_op_names[RULE_LE], "<=");
	assert_string_equal(rule_op_names[RULE_LT], "<");
	assert_null(rule_op_names[RULE_LT + 1]);
	assert_string_equal(rule_severity_names[SEVERITY_PAGE], "page");
	assert_null(rule_severity_names[SEVERITY_MAX]);
}

static void compare(void **state)
{
	static const struct {
		double value, threshold;
		bool ge, gt, le, lt;
	} cases[] = {
		{ 34, 35, false, false, true, true },
		{ 35, 35, true, false, true, false },
		{ 36, 35, true, true, false, false },
		{ -0.0, 0, true, false, true, false },
		{ -1, 0, false, false, true, true },
		{ INFINITY, 1e18, true, true, false, false },
		{ -INFINITY, -1e18, false, false, true, true },
		{ NAN, 0, false, false, false, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		double v = cases[i].value, t = cases[i].threshold;

		assert_int_equal(rule_compare(RULE_GE, v, t), cases[i].ge);
		assert_int_equal(rule_compare(RULE_GT, v, t), cases[i].gt);
		assert_int_equal(rule_compare(RULE_LE, v, t), cases[i].le);
		assert_int_equal(rule_compare(RULE_LT, v, t), cases[i].lt);
		assert_false(rule_compare((enum rule_op)77, v, t));
	}
}

/* A target of which nothing is known has no numbers, apart from a depth of nothing. */
static void nothing_known(void **state)
{
	struct model_opts opts = MODEL_OPTS_DEFAULT;
	_model_ m = model_new(&opts);
	struct service s = { .name = "shop" };
	struct target t = { .state = TARGET_OBSERVED, .service = &s };
	struct metric_env env = { .m = m, .service = &s, .target = &t, .now_ns = T0 },
			  of_service = { .m = m, .service = &s, .now_ns = T0 };

	for (unsigned i = 0; i < rule_metrics_n; i++) {
		double v = 77;

		if (!rule_metrics[i].doc)
			continue;
		if (rule_metrics[i].scope == METRIC_OF_SERVICE) {
			assert_true(metric_value(&rule_metrics[i], &of_service, &v));
			assert_true(metric_of_service(&rule_metrics[i], &of_service, &v));
			assert_true(v == 0);
			continue;
		}
		assert_false(metric_value(&rule_metrics[i], &of_service, &v));
		assert_int_equal(metric_value(&rule_metrics[i], &env, &v),
				 rule_metrics[i].about.kind == EVIDENCE_DEPTH);
		assert_true(rule_metrics[i].about.kind != EVIDENCE_DEPTH || v == 0);
	}
}

static double value_of(const struct model *m, const struct target *t, const char *name)
{
	struct metric_env env = { .m = m, .service = t->service, .target = t, .now_ns = T0 };
	double v = NAN;

	return metric_value(rule_metric_find(name), &env, &v) ? v : NAN;
}

/* Ever more wait; of each census so many do no more at the next one. */
static void fill_pool(struct pool *pool, uint32_t gone)
{
	for (unsigned i = 0; i < 8; i++) {
		pool_apply(
			pool,
			&(struct event_pile){
				.count = 9 + i, .gone = gone, .reason = "", .oldest_ns = T0 + i },
			i);
		pool_end(pool, i, T0 + i * SECOND);
	}
}

static void numbers(void **state)
{
	struct model_opts opts = MODEL_OPTS_DEFAULT;
	_model_ m = model_new(&opts);
	struct pool pool = {};
	struct fdgroup connections = { .what = { .key = { .port = 5432 }, .open = 4 },
				       .level = 4,
				       .level_ns = T0 };
	struct parked growing = { .leak = { .verdict = LEAK_LEAKING, .per_hour = 600 } };
	struct target t = {
		.n_censuses = 2,
		.pile = { .count = 12, .oldest_ns = T0 },
		.pile_census = 2,
		.census = { .states = { 1, 2, 3, 4, 5, 6, 100 }, .begin_ns = T0 + 7 * SECOND },
		.peaks = { { .depth = 40, .time_ns = T0 - 61 * SECOND },
			   { .depth = 36, .time_ns = T0 } },
		.registered_rate = { .n = 2,
				     .next = 2,
				     .time_ns = { T0, T0 + 2 * SECOND },
				     .value = { 10, 30 } },
		.panic_rate = { .n = 2,
				.next = 2,
				.time_ns = { T0, T0 + 2 * SECOND },
				.value = { 7, 8 } },
		.have_fds = true,
		.fds = { 300, 1000 },
		.have_fd_trend = true,
		.fd_trend = { .per_sec = 3, .low_per_sec = 2, .high_per_sec = 7 },
	};

	assert_true(value_of(m, &t, "defer_depth_max") == 36);
	assert_true(value_of(m, &t, "defers_registered_per_second") == 10);
	assert_true(value_of(m, &t, "panics_per_second") == 0.5);
	assert_true(value_of(m, &t, "open_fds") == 300);
	assert_true(value_of(m, &t, "fd_usage_ratio") == 0.3);
	assert_true(value_of(m, &t, "fd_growth_per_second") == 3);
	assert_true(value_of(m, &t, "fd_growth_low_per_second") == 2);
	assert_true(value_of(m, &t, "fd_exhaustion_seconds") == 100);
	assert_true(value_of(m, &t, "fds_left") == 700);
	t.fds.open = 1000;
	assert_true(value_of(m, &t, "fds_left") == 0);
	assert_true(value_of(m, &t, "fd_exhaustion_seconds") == 0);
	t.fds.open = 1001; /* the limit was lowered: that none can be opened is not seen by it */
	assert_true(isnan(value_of(m, &t, "fds_left")));
	t.refused_ns = T0;
	assert_true(value_of(m, &t, "fds_left") == 0);
	t.refused_ns = 0;
	t.fds.open = 300;
	assert_true(value_of(m, &t, "goroutines") == 21);
	assert_true(value_of(m, &t, "goroutines_leaked") == 6);
	assert_true(isnan(value_of(m, &t, "goroutine_leak_per_hour")));
	t.parked = &growing;
	assert_true(value_of(m, &t, "goroutine_leak_per_hour") == 600);
	assert_true(value_of(m, &t, "lock_waiters_max") == 12);
	assert_true(value_of(m, &t, "lock_wait_seconds") == 7);
	t.n_censuses++; /* nobody waited at the newest */
	assert_true(value_of(m, &t, "lock_waiters_max") == 0);
	assert_true(isnan(value_of(m, &t, "lock_wait_seconds")));
	assert_true(isnan(value_of(m, &t, "pool_waiters")));
	fill_pool(&pool, 1);
	t.pool = &pool;
	assert_true(isnan(value_of(m, &t, "pool_waiters")));
	t.fd_groups = &connections;
	t.fd_census_ns = T0 + 10 * SECOND;
	assert_true(value_of(m, &t, "pool_waiters") == 16);
	assert_true(isnan(value_of(m, &t, "pool_exhausted_waiters")));
	pool = (struct pool){};
	fill_pool(&pool, 0); /* nobody gets one */
	assert_true(isnan(value_of(m, &t, "pool_waiters")));
	assert_true(value_of(m, &t, "pool_exhausted_waiters") == 16);
	/* What a target has not, no condition can be met on. */
	t.state = TARGET_FAILED;
	assert_true(isnan(value_of(m, &t, "defer_depth_max")));
	t.registered_rate.n = t.panic_rate.n = 1;
	assert_true(isnan(value_of(m, &t, "defers_registered_per_second")));
	assert_true(isnan(value_of(m, &t, "panics_per_second")));
	t.fd_trend.low_per_sec = 0;
	assert_true(isnan(value_of(m, &t, "fd_exhaustion_seconds")));
	t.fds.limit = 0;
	assert_true(isnan(value_of(m, &t, "fd_usage_ratio")));
}

static void numbers_of_requests(void **state)
{
	struct model_opts opts = MODEL_OPTS_DEFAULT;
	_model_ m = model_new(&opts);
	struct requests r = { .n_base = REQUESTS_BASE_MIN, .baseline = 0.002 };
	struct service s = { .name = "shop", .requests = &r };
	struct target t = { .state = TARGET_OBSERVED, .service = &s };

	assert_true(isnan(value_of(m, &t, "request_p95_seconds")));
	r.window.ns[512] = 100; /* of 32 units of 32768 * 128 ns each: 134 ms, 4 ms wide */
	r.window.defers[47] = 100;
	assert_true(fabs(value_of(m, &t, "request_p95_seconds") - 0.138) < 0.0005);
	assert_true(fabs(value_of(m, &t, "request_p95_rise_seconds") - 0.136) < 0.0005);
	assert_true(value_of(m, &t, "request_defers_p95") == 47);
	assert_true(value_of(m, &t, "slow_requests_deep_ratio") == 0);
	r.window.deep_ns[512] = 30;
	assert_true(value_of(m, &t, "slow_requests_deep_ratio") == 0.3);
	s.p95_ns = 100000000;
	assert_true(fabs(value_of(m, &t, "request_p95_rise_seconds") - 0.038) < 0.0005);
	s.p95_ns = 0;
	r.n_base--;
	assert_true(isnan(value_of(m, &t, "request_p95_rise_seconds")));
}

/* Of three processes, one of which has no number, and of none. */
static void folds(void **state)
{
	struct target ts[3] = {
		{ .have_fds = true, .fds = { 30, 100 }, .next_in_service = &ts[1] },
		{ .fds = { 500, 1 }, .next_in_service = &ts[2] },
		{ .have_fds = true, .fds = { 20, 1000 } },
	};
	struct service shop = { .targets = &ts[0] }, empty = {};
	struct metric_env env = { .service = &shop, .now_ns = T0 };
	const struct rule_metric *open = rule_metric_find("open_fds");
	double v = 77;

	assert_true(metric_of_processes(open, METRIC_SUM, &env, &v) && v == 50);
	assert_true(metric_of_processes(open, METRIC_MAX, &env, &v) && v == 30);
	assert_true(metric_of_processes(open, METRIC_MIN, &env, &v) && v == 20);
	assert_true(metric_of_service(open, &env, &v) && v == 50);
	assert_true(metric_of_service(rule_metric_find("fd_usage_ratio"), &env, &v) && v == 0.3);
	env.service = &empty;
	v = 77;
	assert_false(metric_of_processes(open, METRIC_SUM, &env, &v));
	assert_false(metric_of_service(open, &env, &v));
	assert_true(v == 77); /* untouched */
}

static void values_for_people(void **state)
{
	static const struct {
		const char *metric;
		double value;
		const char *want;
	} cases[] = {
		{ "request_p95_seconds", 0.0001324, "132 us" },
		{ "request_p95_rise_seconds", 0.1324, "132 ms" },
		{ "request_p95_rise_seconds", -0.1324, "-132 ms" },
		{ "request_p95_seconds", 2.54, "2.54 s" },
		{ "lock_wait_seconds", 600, "10 min" },
		{ "fd_exhaustion_seconds", 9000, "2.5 h" },
		{ "fd_exhaustion_seconds", 864000, "10 days" },
		{ "fd_usage_ratio", 0.873, "87 %" },
		{ "defer_depth_max", 47, "47 defers" },
		{ "panics_per_second", 3.21, "3.21/s" },
		{ "goroutine_leak_per_hour", 598.7, "599/h" },
		{ "panics_recovered_per_minute", 70, "70/min" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[32];

		metric_print(cases[i].value, rule_metric_find(cases[i].metric)->unit, text,
			     sizeof(text));
		assert_string_equal(text, cases[i].want);
	}
}

static void sets(void **state)
{
	struct rule_set set = {};
	struct rule r = { .severity = SEVERITY_PAGE };

	for (unsigned i = 0; i < 40; i++) {
		snprintf(r.name, sizeof(r.name), "rule %u", i);
		r.for_ns = i;
		assert_int_equal(rule_set_add(&set, &r), 0);
		assert_int_equal(rule_set_add(&set, &r), -EEXIST);
		assert_int_equal(set.n, i + 1);
	}
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(set.rules[i].for_ns, i);
	rule_set_done(&set);
	assert_int_equal(set.n, 0);
	assert_null(set.rules);
	rule_set_done(&set);
}

static void default_rules(void **state)
{
	struct rule_set set = {};
	const struct rule *r;

	assert_int_equal(rule_set_default(&set, 35), 0);
	assert_int_equal(set.n, 16);
	for (unsigned i = 0; i < set.n; i++)
		assert_int_equal(set.rules[i].of_service, i >= 13);
	assert_string_equal(set.rules[3].name, "DescriptorLeak");
	assert_string_equal(set.rules[4].name, "ConnectionLeak");
	assert_string_equal(set.rules[5].name, "DescriptorExhaustion");
	assert_int_equal(set.rules[5].conditions[0].op, RULE_LT);
	assert_true(set.rules[5].conditions[0].threshold == 7200);
	assert_int_equal(set.rules[5].severity, SEVERITY_CRITICAL);
	assert_string_equal(set.rules[6].name, "DescriptorsExhausted");
	assert_string_equal(set.rules[6].conditions[0].metric->name, "fds_left");
	assert_true(set.rules[6].conditions[0].op == RULE_LE &&
		    !set.rules[6].conditions[0].threshold);
	assert_int_equal(set.rules[6].severity, SEVERITY_CRITICAL);
	assert_string_equal(set.rules[7].name, "DoubleClose");
	assert_string_equal(set.rules[8].name, "GoroutineLeak");
	assert_int_equal(set.rules[8].severity, SEVERITY_WARNING);
	assert_string_equal(set.rules[9].name, "LockPileUp");
	assert_int_equal(set.rules[9].n_conditions, 2);
	assert_string_equal(set.rules[10].name, "Deadlock");
	assert_int_equal(set.rules[10].n_conditions, 1);
	assert_int_equal(set.rules[10].severity, SEVERITY_CRITICAL);
	assert_string_equal(set.rules[11].name, "PoolTooSmall");
	assert_string_equal(set.rules[12].name, "PoolExhausted");
	assert_int_equal(set.rules[12].severity, SEVERITY_PAGE);
	assert_string_equal(set.rules[13].name, "PanicOverridden");
	assert_int_equal(set.rules[13].severity, SEVERITY_WARNING);
	assert_string_equal(set.rules[14].name, "PanicStorm");
	assert_int_equal(set.rules[14].severity, SEVERITY_WARNING);
	assert_string_equal(set.rules[15].name, "ProcessDied");
	assert_int_equal(set.rules[15].severity, SEVERITY_CRITICAL);
	r = &set.rules[0];
	assert_string_equal(r->name, "DeferPileUp");
	assert_int_equal(r->n_conditions, 1);
	assert_string_equal(r->conditions[0].metric->name, "defer_depth_max");
	assert_int_equal(r->conditions[0].op, RULE_GE);
	assert_true(r->conditions[0].threshold == 35);
	assert_int_equal(r->for_ns, 0);
	assert_int_equal(r->severity, SEVERITY_WARNING);
	r = &set.rules[1];
	assert_string_equal(r->name, "DefersSlowRequests");
	assert_int_equal(r->n_conditions, 3);
	assert_string_equal(r->conditions[0].metric->name, "defer_depth_max");
	assert_true(r->conditions[0].threshold == 35);
	assert_string_equal(r->conditions[1].metric->name, "request_p95_rise_seconds");
	assert_int_equal(r->conditions[1].op, RULE_GT);
	assert_true(r->conditions[1].threshold == 0.03);
	assert_string_equal(r->conditions[2].metric->name, "slow_requests_deep_ratio");
	assert_int_equal(r->conditions[2].op, RULE_GE);
	assert_true(r->conditions[2].threshold == RULE_SLOW_DEEP_RATIO);
	assert_int_equal(r->for_ns, 60 * SECOND);
	assert_int_equal(r->severity, SEVERITY_PAGE);
	rule_set_threshold(&set, 50);
	assert_true(set.rules[0].conditions[0].threshold == 50);
	assert_true(set.rules[1].conditions[0].threshold == 50);
	assert_true(set.rules[2].conditions[0].threshold == 0);
	r = &set.rules[2];
	assert_string_equal(r->name, "DescriptorsGrowing");
	assert_int_equal(r->n_conditions, 3);
	assert_non_null(r->clear);
	assert_string_equal(r->conditions[0].metric->name, "fd_growth_low_per_second");
	assert_string_equal(r->conditions[1].metric->name, "fd_usage_ratio");
	assert_true(r->conditions[0].op == RULE_GT && r->conditions[1].op == RULE_GT);
	assert_int_equal(r->severity, SEVERITY_CRITICAL);
	rule_set_done(&set);
	assert_int_equal(rule_set_default(&set, UINT32_MAX), 0);
	assert_true(set.rules[0].conditions[0].threshold == 4294967295.0);
	rule_set_done(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(compare),
		cmocka_unit_test(nothing_known),
		cmocka_unit_test(numbers),
		cmocka_unit_test(numbers_of_requests),
		cmocka_unit_test(folds),
		cmocka_unit_test(values_for_people),
		cmocka_unit_test(sets),
		cmocka_unit_test(default_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
