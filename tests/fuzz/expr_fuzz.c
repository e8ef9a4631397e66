// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The condition of a rule: refused with a column in the text, or compiled into what can be evaluated of anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/expr.h"
#include "alert/rule.h"
#include "alert/template.h"

static const char *const fuzz_tokens[] = {
	" and ",
	" or ",
	"not ",
	"(",
	")",
	" > ",
	" >= ",
	" == ",
	" != ",
	" = ",
	"+",
	"-",
	"*",
	"/",
	"30ms",
	"10/min",
	"50%",
	"1e999",
	"5m",
	"open_fds",
	"goroutines",
	"rate(",
	"rise(",
	", 5m)",
	"max by (service) (",
	"process_deaths",
	"request_p95_seconds",
	"{service=~\"",
	"{service!=\"",
	"\"}",
	".*",
	"[a-z]",
	"(a|b)*",
	"{9}",
	"\\1",
	"\\\"",
	"{{ .service }}",
	"{{",
	"}}",
	"\xff",
};
#define FUZZ_TOKENS
#define FUZZ_COST 4
#include "driver.h"

static bool history(void *arg, unsigned node, enum expr_history what, uint64_t window_ns,
		    double value, double *ret)
{
	if (node >= EXPR_NODES_MAX || (what == EXPR_RATE) != (window_ns != 0))
		abort();
	*ret = value;
	return node % 2;
}

static void use(const struct expr *x)
{
	static struct service s = { .name = "api-shop" };
	static struct target t = {
		.service = &s, .have_fds = true, .fds = { 30, 1000 }, .n_censuses = 1
	};
	struct expr_env env = { .of = { .service = &s, .now_ns = 1 }, .history = history };
	struct rule_condition c[RULE_CONDITIONS_MAX];
	bool plain;
	double v;

	s.targets = &t;
	if (!expr_conditions(x, c, RULE_CONDITIONS_MAX, &plain) || !c[0].metric ||
	    (plain && c[0].threshold != c[0].threshold))
		abort();
	for (env.of.target = expr_of_service(x) ? NULL : &t;; env.of.target = NULL) {
		if ((unsigned)expr_eval(x, &env) > EXPR_UNKNOWN)
			abort();
		(void)expr_value(x, &env, &v);
		if (!env.of.target)
			break;
	}
}

static void check_template(const char *text)
{
	static const struct alert a = { .metric = "open_fds", .service = "shop" };
	char out[64];

	if (template_check(text, NULL))
		return;
	template_expand(text, &a, out, sizeof(out));
	if (!memchr(out, 0, sizeof(out)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct reason reason = {};
	struct expr *x = NULL;
	unsigned column = 0;

	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	if (!expr_compile(text, &x, &reason))
		use(x);
	else if (x || !reason.text[0] ||
		 (sscanf(reason.text, "column %u:", &column) == 1 && column > strlen(text) + 1))
		abort();
	expr_free(x);
	check_template(text);
	free(text);
	return 0;
}

static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size)
{
	static const char *const seeds[] = {
		"defer_depth_max >= 35 and request_p95_rise_seconds > 30ms",
		"not (fd_usage_ratio{service=~\"api-.*\"} < 80%) or rate(open_fds, 5m) > 10/min",
		"max by (service) (open_fds) > 500 and panics_overridden == 0",
		"rise(goroutines) * 2 - 5 / 3 >= -(1 + 2)",
		"{{ .service }} at {{ .site }}",
	};

	if (i >= sizeof(seeds) / sizeof(seeds[0]) || strlen(seeds[i]) > size)
		return 0;
	memcpy(buf, seeds[i], strlen(seeds[i]));
	return strlen(seeds[i]);
}
