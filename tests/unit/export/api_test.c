// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "export/api.h"

#define HEADER "daemon/export/api.h"

/* What was asked of whoever runs the pipeline. */
struct asked {
	struct model *m;
	struct alerts *alerts;
	unsigned shown, fresh, reloaded;
};

static void show(void *arg, bool fresh, struct show *ret)
{
	static const struct kernel_features features;
	static const struct rule_set rules;
	static struct show_self self;
	struct asked *a = arg;

	a->shown++;
	a->fresh += fresh;
	*ret = (struct show){ .model = a->m,
			      .alerts = a->alerts,
			      .rules = &rules,
			      .features = &features,
			      .probe_set = "lean",
			      .settled = true,
			      .self = &self };
}

static int reload(void *arg)
{
	((struct asked *)arg)->reloaded++;
	return 0;
}

struct answer {
	unsigned status;
	const char *allow;
	char body[4096];
};

static void ask(struct asked *asked, bool lifecycle, bool local, const char *method,
		const char *path, struct answer *ret)
{
	struct model_opts opts = MODEL_OPTS_DEFAULT;
	struct api api = { .telemetry_path = "/m",
			   .reload_over_tcp = lifecycle,
			   .show = show,
			   .reload = reload,
			   .arg = asked };
	struct http_request req = { .method = method, .path = path, .local = local };
	struct http_response res = { .status = 200 };

	*asked = (struct asked){ .m = model_new(&opts), .alerts = alerts_new() };
	assert_non_null(asked->m);
	assert_non_null(asked->alerts);
	api_handle(&api, &req, &res);
	ret->status = res.status;
	ret->allow = res.allow ? res.allow : "";
	snprintf(ret->body, sizeof(ret->body), "%.*s", (int)res.len, res.body ? res.body : "");
	free(res.body);
	alerts_free(asked->alerts);
	model_free(asked->m);
}

/* Status, and what it took: nothing (0), the state (1), or the kernel's counts (2). */
static void pages(void **state)
{
	static const struct {
		const char *method, *path;
		unsigned status, took;
		const char *allow;
	} cases[] = {
		{ "GET", "/", 200, 0, "" },
		{ "GET", "/-/healthy", 200, 0, "" },
		{ "HEAD", "/-/healthy", 200, 0, "" },
		{ "GET", "/-/ready", 200, 1, "" },
		{ "GET", "/m", 200, 2, "" },
		{ "GET", "/metrics", 404, 0, "" },
		{ "GET", "/-/healthyx", 404, 0, "" },
		{ "GET", "/-/", 404, 0, "" },
		{ "GET", "", 404, 0, "" },
		{ "GET", "/api/v1/alerts", 200, 1, "" },
		{ "GET", "/api/v1/panics", 200, 2, "" },
		{ "GET", "/api/v1/goroutines", 400, 1, "" },
		{ "GET", "/api/v1/locks", 400, 1, "" },
		{ "GET", "/api/v1/targets/1", 404, 2, "" },
		{ "GET", "/api/v1/targets/1x", 404, 2, "" },
		{ "GET", "/api/v1/targets/", 404, 2, "" },
		{ "GET", "/api/v1/targets", 404, 0, "" },
		{ "DELETE", "/m", 405, 0, "GET, HEAD" },
		{ "POST", "/api/v1/alerts", 405, 0, "GET, HEAD" },
		{ "DELETE", "/nowhere", 404, 0, "" },
		{ "GET", "/-/reload", 405, 0, "POST" },
		{ "HEAD", "/api/v1/probes", 405, 0, "POST" },
		{ "POST", "/-/reload", 403, 0, "" },
		{ "POST", "/api/v1/probes", 403, 0, "" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct asked asked;
		struct answer a;
		unsigned took;

		ask(&asked, false, false, cases[i].method, cases[i].path, &a);
		took = asked.fresh ? 2 : asked.shown;
		if (a.status != cases[i].status || took != cases[i].took ||
		    strcmp(a.allow, cases[i].allow))
			fail_msg("%s %s: %u, took %u, allow '%s'", cases[i].method, cases[i].path,
				 a.status, took, a.allow);
	}
}

static void who_may(void **state)
{
	struct asked asked;
	struct answer a;

	ask(&asked, false, false, "POST", "/-/reload", &a);
	assert_int_equal(a.status, 403);
	assert_int_equal(asked.reloaded, 0);
	ask(&asked, true, false, "POST", "/-/reload", &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(asked.reloaded, 1);
	ask(&asked, false, true, "POST", "/-/reload", &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(asked.reloaded, 1);
	ask(&asked, true, true, "POST", "/api/v1/probes", &a);
	assert_int_equal(a.status, 404); /* nobody sets probes here */
}

/* The page of links and the header name every route, and the header no other. */
static void documented(void **state)
{
	struct asked asked;
	struct answer a;
	char line[512], want[512];
	unsigned i = 0;
	FILE *f = fopen(HEADER, "r");

	assert_non_null(f);
	ask(&asked, false, false, "GET", "/", &a);
	while (fgets(line, sizeof(line), f)) {
		const struct api_route *r = &api_routes[i];
		const char *path;

		if (strncmp(line, " *\tGET ", 7) && strncmp(line, " *\tPOST ", 8))
			continue;
		assert_true(i < api_routes_n);
		path = r->path ? r->path : "<telemetry path>";
		snprintf(want, sizeof(want), " *\t%s %-*s %s\n", r->method,
			 27 - (int)strlen(r->method) - 1, path, r->doc);
		assert_string_equal(line, want);
		snprintf(want, sizeof(want), "%s: %s</", r->path ? r->path : "/m", r->doc);
		if (strcmp(r->method, "GET"))
			assert_non_null(strstr(a.body, want));
		assert_non_null(strstr(a.body, r->doc));
		i++;
	}
	fclose(f);
	assert_int_equal(i, api_routes_n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages),
		cmocka_unit_test(who_may),
		cmocka_unit_test(documented),
	};

	return cmocka_run_group_tests_name("export/api", tests, NULL, NULL);
}
