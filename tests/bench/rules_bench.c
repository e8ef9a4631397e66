// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Rules over services: what the daemon's loop pays for it four times a second. 1,000 rules, a third of them expressions with
 * selectors, of which none and one in a thousand hold. Medians of rounds; no root.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "base/cleanup.h"
#include "base/loop.h"

#define ROUNDS 15
#define RULES  1000
#define SECOND 1000000000ull

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void populate(struct model *m, unsigned n)
{
	char name[32];

	for (unsigned i = 0; i < n; i++) {
		struct event ev = { .target = i + 1, .pid = i + 1, .time_ns = SECOND };

		snprintf(name, sizeof(name), "service-%u", i);
		ev.type = EVENT_TARGET;
		ev.info = (struct event_target){ .service = name,
						 .image = "x",
						 .version = "go1.26",
						 .reason = "",
						 .runtime = RUNTIME_GO };
		model_apply(m, &ev);
		ev.type = EVENT_FDS;
		ev.fds = (struct event_fds){ i, 100000 };
		model_apply(m, &ev);
	}
}

/* `head` and `tail` stand around the threshold. */
static void add(struct rule_set *set, unsigned i, const char *head, const char *tail,
		unsigned threshold)
{
	struct rule r = { .severity = SEVERITY_WARNING };
	char expr[128];
	bool plain;

	snprintf(r.name, sizeof(r.name), "rule-%u", i);
	snprintf(expr, sizeof(expr), "%s%u%s", head, threshold, tail);
	if (expr_compile(expr, &r.expr, NULL))
		abort();
	r.n_conditions = expr_conditions(r.expr, r.conditions, RULE_CONDITIONS_MAX, &plain);
	if (plain) {
		expr_free(r.expr);
		r.expr = NULL;
	}
	if (rule_set_add(set, &r))
		abort();
}

static void tell(void *arg, const struct alert *a)
{
	++*(unsigned *)arg;
}

static void measure(const char *what, unsigned services, unsigned threshold)
{
	static const struct {
		const char *head, *tail;
	} texts[] = {
		{ "open_fds > ", "" },
		{ "fd_usage_ratio > 0.001 and open_fds > ", "" },
		{ "open_fds{service=~\"service-[0-9]+\"} > ", " and goroutines < 5" },
	};
	struct model_opts opts = MODEL_OPTS_DEFAULT;
	struct model *m = model_new(&opts);
	struct alerts *as = alerts_new();
	struct rule_set set = {};
	uint64_t ns[ROUNDS];
	unsigned told = 0;

	populate(m, services);
	for (unsigned i = 0; i < RULES; i++)
		add(&set, i, texts[i % ARRAY_SIZE(texts)].head, texts[i % ARRAY_SIZE(texts)].tail,
		    threshold);
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t begin = loop_now_ns();

		alerts_eval(as, &set, m, (i + 2) * SECOND, tell, &told);
		ns[i] = loop_now_ns() - begin;
	}
	qsort(ns, ROUNDS, sizeof(*ns), compare);
	printf("| %u rules, %u services, %s (%u alerts) | %.2f ms | %.2f-%.2f |\n", RULES, services,
	       what, told, (double)ns[ROUNDS / 2] / 1e6, (double)ns[ROUNDS / 4] / 1e6,
	       (double)ns[3 * ROUNDS / 4] / 1e6);
	rule_set_done(&set);
	alerts_free(as);
	model_free(m);
}

int main(void)
{
	puts("| one evaluation of all rules | time | spread |\n|---|---|---|");
	measure("nothing holds", 1000, 1000000);
	measure("some hold", 1000, 998);
	return 0;
}
