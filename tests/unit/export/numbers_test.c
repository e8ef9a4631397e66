// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "export/numbers.h"
#include "shop.h"

/* Two processes of one service, of which one has descriptors counted. */
static struct model *with_targets(void)
{
	struct model *m = shop_model();

	for (uint32_t id = 1; id <= 2; id++)
		shop_add(m, id, id);
	model_apply(m,
		    &(struct event){
			    .type = EVENT_FDS, .target = 1, .time_ns = T0, .fds = { 300, 1000 } });
	return m;
}

/* Dashboards read these names: they do not change. What is not known is absent, or what its row says. */
static void gauges(void **state)
{
	static const char *const want[] = {
		"deferd_defer_depth_max{service=\"shop\"} 0",
		"deferd_open_fds{service=\"shop\"} 300",
		"deferd_fds_left{service=\"shop\"} 700",
		"deferd_fd_growth_per_second", /* no sample */
		"deferd_fd_exhaustion_seconds{service=\"shop\"} +Inf",
		"deferd_goroutines_blocked_in_syscall",
		"deferd_lock_waiters_max",
		"deferd_deadlocked_goroutines",
		"deferd_pool_waiters{service=\"shop\"} 0",
		"deferd_pool_exhausted_waiters{service=\"shop\"} 0",
		"deferd_request_p95_seconds",
		"deferd_request_p95_rise_seconds",
		"deferd_slow_requests_deep_ratio",
		"deferd_goroutines_tracked{service=\"shop\"} 0",
		"deferd_goroutine_leaks",
		"deferd_census_age_seconds",
		"deferd_census_duration_seconds",
		"deferd_max_fds{service=\"shop\"} 1000",
		"deferd_fd_leak_per_second{service=\"shop\"} 0",
		"deferd_budget_level{service=\"shop\"} 2",
		"deferd_request_p95_baseline_seconds",
		"deferd_panics_running{service=\"shop\"} 0",
		"deferd_panic_sites_swallowed{service=\"shop\"} 0",
	};
	_cleanup_(model_freep) struct model *m = with_targets();
	struct buf b;
	struct expo x = { .out = &b, .series_max = 1000 };
	unsigned families = 0;

	buf_init(&b, 0);
	numbers_write_gauges(&x, m, T0);
	buf_putc(&b, '\0');
	for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
		bool has_sample = strchr(want[i], '{');
		char text[128];

		snprintf(text, sizeof(text), has_sample ? "\n%s\n" : "# TYPE %s gauge\n", want[i]);
		if (!strstr(b.data, text))
			fail_msg("missing: %s in\n%s", text, b.data);
		snprintf(text, sizeof(text), "\n%s{", want[i]);
		if (!has_sample && strstr(b.data, text))
			fail_msg("there: %s", text);
	}
	for (const char *c = b.data; (c = strstr(c, "# TYPE ")); c++)
		families++;
	assert_int_equal(families, ARRAY_SIZE(want));
	buf_done(&b);
}

static void is(json_t *o, const char *want)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);

	assert_string_equal(text, want);
	free(text);
	json_decref(o);
}

static void members(void **state)
{
	_cleanup_(model_freep) struct model *m = with_targets();
	const struct target *t = model_target(m, 1);
	struct metric_env env = { .m = m, .service = t->service, .target = t, .now_ns = T0 };
	json_t *o = json_object();

	numbers_add(o, NULL, &env);
	is(o, "{\"budget_level\":1,\"census_age_seconds\":null,\"deadlocked_goroutines\":null,"
	      "\"defer_depth_max\":0,"
	      "\"defers_registered_per_second\":0.0,\"fd_exhaustion_seconds\":null,"
	      "\"fd_growth_low_per_second\":null,\"fd_growth_per_second\":null,"
	      "\"fds_left\":700,\"goroutine_count\":null,\"goroutine_leaks\":null,"
	      "\"goroutines_blocked_in_syscall\":null,\"goroutines_tracked\":0,"
	      "\"lock_waiters_max\":null,\"max_fds\":1000,\"open_fds\":300,"
	      "\"panics_per_second\":0.0}");
	o = json_object();
	numbers_add(o, "requests", &env);
	is(o, "{\"defers_p95\":null,\"p95_baseline_seconds\":null,\"p95_rise_seconds\":null,"
	      "\"p95_seconds\":null,\"slow_deep_ratio\":null}");
	o = json_object();
	numbers_add(o, "pool", &env);
	is(o, "{\"waiting\":0}");
	o = json_object();
	env.target = NULL;
	numbers_add_service(o, &env); /* what is not known of any process is left out */
	is(o, "{\"defer_depth_max\":0,\"defers_registered_per_second\":0.0,"
	      "\"fds_left\":700,\"goroutines_tracked\":0,\"max_fds\":1000,\"open_fds\":300,"
	      "\"panics_per_second\":0.0}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gauges),
		cmocka_unit_test(members),
	};

	return cmocka_run_group_tests_name("export/numbers", tests, NULL, NULL);
}
