// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Rules against series that were written by hand: which alerts fire when. Needs no daemon, no privilege, and no time to pass. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alert/alert.h"
#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "config/ruletests.h"

#define START_NS (86400 * 1000000000ull) /* the clock of a test begins a day after boot */

static const struct cmd_option options[] = { {} };

/* A test while it runs. */
struct bench {
	const struct ruletest *test;
	unsigned step;
	struct model *m;
	struct alerts *as;
};

static bool read_value(void *arg, const struct rule_metric *metric, const struct service *service,
		       const struct target *target, double *ret)
{
	const struct bench *b = arg;

	for (unsigned i = 0; i < b->test->n_series; i++) {
		const struct ruletest_series *s = &b->test->series[i];

		if (s->metric != metric || strcmp(s->service, service->name) ||
		    (metric->scope == METRIC_OF_PROCESS && (!target || target->pid != s->pid)) ||
		    b->step >= s->n || isnan(s->values[b->step]))
			continue;
		*ret = s->values[b->step];
		return true;
	}
	return false;
}

/* A process for each that has a series, one of each service at least. */
static void populate(struct bench *b)
{
	for (unsigned i = 0; i < b->test->n_series; i++) {
		const struct ruletest_series *s = &b->test->series[i];
		uint32_t pid = s->pid ? s->pid : 1;
		struct event ev = {
			.type = EVENT_TARGET,
			.target = i + 1,
			.pid = pid,
			.time_ns = START_NS,
			.info = { .service = s->service,
				  .image = s->service,
				  .version = "-",
				  .reason = "",
				  .runtime = RUNTIME_NONE },
		};
		const struct target *t = model_target_by_pid(b->m, pid);

		if (!t || strcmp(t->service->name, s->service))
			model_apply(b->m, &ev);
	}
}

static void ignore(void *arg, const struct alert *a)
{
}

static unsigned firing(const struct bench *b)
{
	unsigned n = 0;

	for (const struct alert *a = alerts_active(b->as); a; a = a->hh.next)
		n += a->state == ALERT_FIRING;
	return n;
}

static bool fires(const struct bench *b, const struct ruletest_firing *want)
{
	for (const struct alert *a = alerts_active(b->as); a; a = a->hh.next) {
		if (a->state == ALERT_FIRING && !strcmp(a->key.rule, want->alert) &&
		    !strcmp(a->service, want->service))
			return true;
	}
	return false;
}

static bool expected(const struct alert *a, const struct ruletest_moment *m)
{
	for (unsigned i = 0; i < m->n; i++) {
		if (!strcmp(a->key.rule, m->firing[i].alert) &&
		    !strcmp(a->service, m->firing[i].service))
			return true;
	}
	return false;
}

/* How many things are not as expected. */
static unsigned compare(const char *path, const struct bench *b, const struct ruletest_moment *m)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < m->n; i++) {
		if (fires(b, &m->firing[i]))
			continue;
		printf("%s:%u: %s, at %gs: expected alert %s of %s does not fire (%u alerts "
		       "fire)\n",
		       path, m->line, b->test->name, (double)m->at_ns / 1e9, m->firing[i].alert,
		       m->firing[i].service, firing(b));
		wrong++;
	}
	for (const struct alert *a = alerts_active(b->as); a; a = a->hh.next) {
		if (a->state != ALERT_FIRING || expected(a, m))
			continue;
		printf("%s:%u: %s, at %gs: unexpected alert %s of %s fires: %s is %g, threshold "
		       "%g\n",
		       path, m->line, b->test->name, (double)m->at_ns / 1e9, a->key.rule,
		       a->service, a->metric, a->value, a->threshold);
		wrong++;
	}
	return wrong;
}

static unsigned run_test(const char *path, const struct rule_set *rules,
			 const struct ruletest *test)
{
	struct model_opts opts = MODEL_OPTS_DEFAULT;
	struct bench b = { .test = test, .m = model_new(&opts), .as = alerts_new() };
	uint64_t last_ns = 0;
	unsigned wrong = 0;

	if (!b.m || !b.as) {
		fprintf(stderr, "deferd test-rules: out of memory\n");
		wrong = 1;
		goto out;
	}
	populate(&b);
	alerts_set_reader(b.as, read_value, &b);
	for (unsigned i = 0; i < test->n_moments; i++) {
		if (test->moments[i].at_ns > last_ns)
			last_ns = test->moments[i].at_ns;
	}
	for (b.step = 0; b.step * test->interval_ns <= last_ns; b.step++) {
		uint64_t at_ns = b.step * test->interval_ns;

		alerts_eval(b.as, rules, b.m, START_NS + at_ns, ignore, NULL);
		/* A moment is as the last evaluation before it has left it. */
		for (unsigned i = 0; i < test->n_moments; i++) {
			const struct ruletest_moment *m = &test->moments[i];

			if (m->at_ns >= at_ns && m->at_ns < at_ns + test->interval_ns)
				wrong += compare(path, &b, m);
		}
	}
out:
	alerts_free(b.as);
	model_free(b.m);
	return wrong;
}

static int run(int argc, char **argv)
{
	struct ruletests *ts = NULL;
	unsigned failed = 0;
	struct buf errors;
	int err;

	buf_init(&errors, 0);
	err = ruletests_load(argv[0], &ts, &errors);
	if (err)
		fputs(errors.data ? errors.data : "out of memory\n", stderr);
	buf_done(&errors);
	if (err)
		return EXIT_USAGE;
	for (unsigned i = 0; i < ts->n; i++)
		failed += run_test(argv[0], &ts->rules, &ts->tests[i]) != 0;
	printf("%s: %u rules, %u tests, %u failed\n", argv[0], ts->rules.n, ts->n, failed);
	ruletests_free(ts);
	return failed ? EXIT_FAILED : cmd_flush(&cmd_test_rules);
}

const struct command cmd_test_rules = {
	.name = "test-rules",
	.summary = "test rules with hand-written series: which alerts fire, and when",
	.usage = "FILE",
	.details = "FILE contains names of rule files (default: the built-in rules), series of "
		   "metrics, "
		   "and the alerts expected at each\n"
		   "time; see deferd-test-rules(1). Exits 1 when other alerts fire.\n",
	.options = options,
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
