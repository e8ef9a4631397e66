// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "config/rules.h"

#define SECOND 1000000000ull
#define METRICS                                                                                   \
	"defer_depth_max, defers_registered_per_second, panics_per_second, open_fds, "            \
	"fd_usage_ratio, fds_left, fd_growth_per_second, fd_growth_low_per_second, "              \
	"fd_exhaustion_seconds, "                                                                 \
	"fd_leak_per_hour, connection_leak_per_hour, fd_leak_exhaustion_seconds, double_closes, " \
	"goroutines, goroutines_leaked, goroutine_leak_per_hour, "                                \
	"goroutines_blocked_in_syscall, lock_waiters_max, "                                       \
	"lock_wait_seconds, deadlocked_goroutines, pool_waiters, pool_exhausted_waiters, "        \
	"request_p95_seconds, "                                                                   \
	"request_p95_rise_seconds, "                                                              \
	"request_defers_p95, slow_requests_deep_ratio, "                                          \
	"panics_overridden, panics_recovered_per_minute, process_deaths"
#define NAME63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void parse(const char *text, struct rule_set *set, struct buf *errors)
{
	struct yaml_file f;
	yaml_node_t *root = yaml_file_parse(&f, "r", text, strlen(text), errors);

	if (root)
		rules_parse_file(&f, root, set);
	yaml_file_done(&f);
}

/* The shape of governance documents, and of Kubernetes. */
static void shapes(void **state)
{
	static const char text[] =
		"apiVersion: deferd.io/v1\n"
		"kind: DeferRule\n"
		"metadata: { name: shop, labels: { team: shop } }\n"
		"spec:\n"
		"  rules:\n"
		"    - id: D-7\n"
		"      severity: page\n"
		"      pattern: defer_depth_max > 35 and request_p95_rise_seconds > 30ms\n"
		"      remediation: close it in the loop\n"
		"    - alert: Files\n"
		"      expr: rate(open_fds, 5m) > 10/min\n"
		"      clear: rate(open_fds, 5m) <= 0\n"
		"      grace: 90s\n"
		"      annotations: { runbook: 'https://wiki/{{ .service }}' }\n";
	struct rule_set set = {};
	struct buf errors = {};
	const struct rule *r;

	parse(text, &set, &errors);
	if (errors.len)
		fail_msg("%s", errors.data);
	assert_int_equal(set.n, 2);
	r = &set.rules[0];
	assert_string_equal(r->name, "D-7");
	assert_int_equal(r->severity, SEVERITY_PAGE);
	assert_null(r->expr); /* nothing but conditions */
	assert_int_equal(r->n_conditions, 2);
	assert_true(r->conditions[1].threshold == 0.03);
	assert_int_equal(r->n_notes, 1);
	assert_string_equal(r->notes[0].name, "remediation");
	assert_string_equal(r->notes[0].text, "close it in the loop");
	r = &set.rules[1];
	assert_non_null(r->expr);
	assert_non_null(r->clear);
	assert_int_equal(r->n_conditions, 1);
	assert_int_equal(r->grace_ns, 90000000000ull);
	assert_string_equal(r->notes[0].text, "https://wiki/{{ .service }}");
	rule_set_done(&set);
	buf_done(&errors);
}

static void faults(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "rules:\n", "r:1:7: rules: expected a list\n" },
		{ "rules: {}\n", "r:1:8: rules: expected a list\n" },
		{ "rules: [7]\n", "r:1:9: rule: expected a mapping of keys to values\n" },
		{ "rules:\n  -\n", "r:2:4: rule: no name: `alert` is missing or empty\n" },
		{ "rules: [{ metric: open_fds, threshold: 1 }]\n",
		  "r:1:9: rule: no name: `alert` is missing or empty\n" },
		{ "rules: [{ alert: '', metric: open_fds, threshold: 1 }]\n",
		  "r:1:9: rule: no name: `alert` is missing or empty\n" },
		{ "rules: [{ alert: " NAME63 "a, metric: open_fds, threshold: 1 }]\n",
		  "r:1:18: rule.alert: longer than 63 bytes\n" },
		{ "rules: [{ alert: A }]\n",
		  "r:1:9: rule 'A': needs `expr`, or `metric` and `threshold`, or `all`\n" },
		{ "rules: [{ alert: A, metric: open_fds }]\n",
		  "r:1:9: rule 'A': needs `expr`, or `metric` and `threshold`, or `all`\n" },
		{ "rules: [{ alert: A, threshold: 5 }]\n",
		  "r:1:9: rule 'A': needs `expr`, or `metric` and `threshold`, or `all`\n" },
		{ "rules: [{ alert: A, threshold: 5, all: [{ metric: open_fds, threshold: 1 }] "
		  "}]\n",
		  "r:1:9: rule 'A': needs `expr`, or `metric` and `threshold`, or `all`\n" },
		{ "rules: [{ alert: A, op: '<', all: [{ metric: open_fds, threshold: 1 }] }]\n",
		  "r:1:9: rule 'A': needs `expr`, or `metric` and `threshold`, or `all`\n" },
		{ "rules: [{ alert: A, metric: open_fds, threshold: 1, all: [{ metric: open_fds, "
		  "threshold: 1 }] }]\n",
		  "r:1:9: rule 'A': needs `expr`, or `metric` and `threshold`, or `all`\n" },
		{ "rules: [{ alert: A, all: [] }]\n", "r:1:9: rule 'A': `all` is empty\n" },
		{ "rules: [{ alert: A, all: open_fds }]\n",
		  "r:1:26: all: expected a list of conditions (metric, op, threshold)\n" },
		{ "rules:\n  - alert: A\n    all:\n      -\n",
		  "r:4:8: all: key 'metric' is missing\nr:4:8: all: key 'threshold' is missing\n" },
		{ "rules: [{ alert: A, all: [{ metric: open_fds }] }]\n",
		  "r:1:27: all: key 'threshold' is missing\n" },
		{ "rules: [{ alert: A, all: [{ metric: open_fds, threshold: 1, for: 1s }] }]\n",
		  "r:1:61: unknown key 'for' in all; valid keys: metric, op, threshold\n" },
		{ "rules:\n  - alert: A\n    all:\n"
		  "      - { metric: open_fds, threshold: 1 }\n      - { metric: open_fds, "
		  "threshold: 1 }\n"
		  "      - { metric: open_fds, threshold: 1 }\n      - { metric: open_fds, "
		  "threshold: 1 }\n"
		  "      - { metric: open_fds, threshold: 1 }\n",
		  "r:8:9: all: more than 4 conditions\n" },
		{ "rules: [{ alert: A, metric: fds, threshold: 1 }]\n",
		  "r:1:29: metric: 'fds' is not one of: " METRICS "\n" },
		{ "rules: [{ alert: A, metric: [open_fds], threshold: 1 }]\n",
		  "r:1:29: metric: expected a single value, found a list\n" },
		{ "rules: [{ alert: A, metric: open_fds, op: '==', threshold: 1 }]\n",
		  "r:1:43: rule.op: '==' is not one of: >=, >, <=, <\n" },
		{ "rules: [{ alert: A, metric: open_fds, threshold: many }]\n",
		  "r:1:50: rule.threshold: 'many' is not a finite number\n" },
		{ "rules: [{ alert: A, metric: open_fds, threshold: 1, for: 25h }]\n",
		  "r:1:58: rule.for: 25h is out of range, must be 0s to 86400s\n" },
		{ "rules: [{ alert: A, metric: open_fds, threshold: 1, severity: urgent }]\n",
		  "r:1:63: rule.severity: 'urgent' is not one of: info, warning, critical, "
		  "page\n" },
		{ "rules: [{ alert: A, exp: x, metric: open_fds, threshold: 1 }]\n",
		  "r:1:21: unknown key 'exp' in rule; valid keys: alert, expr, clear, metric, op, "
		  "threshold, all, for, keep_firing_for, grace, severity, labels, annotations, id, "
		  "pattern, remediation\n" },
		{ "rules: [{ alert: A, expr: open_fds > 1 and }]\n",
		  "r:1:27: expr: column 17: unexpected end of expression\n" },
		{ "rules: [{ alert: A, expr: open_fds > 1, clear: open_fds }]\n",
		  "r:1:48: clear: column 1: a number is neither true nor false: compare it with "
		  "something\n" },
		{ "rules: [{ alert: A, expr: open_fds > 1, clear: process_deaths == 0 }]\n",
		  "r:1:9: rule 'A': `clear` is about services, unlike `expr`\n" },
		{ "rules: [{ alert: A, expr: open_fds > 1, threshold: 1 }]\n",
		  "r:1:9: rule 'A': needs `expr`, or `metric` and `threshold`, or `all`\n" },
		{ "rules: [{ alert: A, expr: open_fds > 1, annotations: [] }]\n",
		  "r:1:54: annotations: expected a mapping of names to texts\n" },
		{ "rules: [{ alert: A, expr: open_fds > 1, annotations: { a: '{{ .b }}' } }]\n",
		  "r:1:59: annotations.a: '{{ .b }}' is not a field; fields are .alertname, "
		  ".service, .severity, "
		  ".pid, .metric, .value, .number, .threshold, .goroutine, .site, .created_by, "
		  ".panic, "
		  ".summary, .labels.NAME\n" },
		{ "rules: [{ alert: A, expr: open_fds > 1, annotations: { a: '{{ .labels.tam }}' "
		  "}, "
		  "labels: { team: x } }]\n",
		  "r:1:9: rule 'A': annotations: '{{ .labels.tam }}': the rule has no such "
		  "label\n" },
		{ "rules:\n  - { alert: A, metric: open_fds, threshold: 1 }\n  - { alert: A, "
		  "metric: open_fds, threshold: 2 }\n",
		  "r:3:5: rule 'A': there is another rule of this name\n" },
		{ "rules:\n  - alert: A\n    all:\n      - { metric: process_deaths, threshold: 1 "
		  "}\n"
		  "      - { metric: open_fds, threshold: 1 }\n",
		  "r:2:5: rule 'A': `all` mixes metrics of services (panics_overridden, "
		  "panics_recovered_per_minute, process_deaths) with metrics of processes\n" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rule_set set = {};
		struct buf errors = {};

		parse(cases[i].text, &set, &errors);
		if (!errors.data || strcmp(errors.data, cases[i].want))
			fail_msg("%s\ngives      %sexpected   %s", cases[i].text,
				 errors.data ? errors.data : "(nothing)\n", cases[i].want);
		/* What is wrong is no rule. */
		assert_int_equal(set.n, strstr(cases[i].want, "another rule") ? 1 : 0);
		rule_set_done(&set);
		buf_done(&errors);
	}
}

static void label_faults(void **state)
{
	static const struct {
		const char *labels, *want; /* the labels begin in column 60 */
	} cases[] = {
		{ "[a]", "r:1:61: labels: expected a mapping of names to values\n" },
		{ "{ service: x }", "r:1:63: labels: 'service' is set by deferd itself\n" },
		{ "{ alertname: x }", "r:1:63: labels: 'alertname' is set by deferd itself\n" },
		{ "{ severity: x }", "r:1:63: labels: 'severity' is set by deferd itself\n" },
		{ "{ pid: x }", "r:1:63: labels: 'pid' is set by deferd itself\n" },
		{ "{ team: a, team: b }", "r:1:72: labels: 'team' is given twice\n" },
		{ "{ 1a: x }", "r:1:63: labels: '1a' is not a label name ([a-zA-Z_][a-zA-Z0-9_]*, "
			       "not beginning with __)\n" },
		{ "{ __a: x }", "r:1:63: labels: '__a' is not a label name "
				"([a-zA-Z_][a-zA-Z0-9_]*, not beginning with __)\n" },
		{ "{ a-b: x }", "r:1:63: labels: 'a-b' is not a label name "
				"([a-zA-Z_][a-zA-Z0-9_]*, not beginning with __)\n" },
		{ "{ '': x }", "r:1:63: labels: '' is not a label name ([a-zA-Z_][a-zA-Z0-9_]*, "
			       "not beginning with __)\n" },
		{ "{ a: [x] }", "r:1:66: label value: expected a single value, found a list\n" },
		{ "{ a: " NAME63 NAME63 "aa }", "r:1:66: labels.a: longer than 127 bytes\n" },
		{ "{ a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1 }",
		  "r:1:111: labels: more than 8\n" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rule_set set = {};
		struct buf errors = {};
		char text[512];

		snprintf(text, sizeof(text),
			 "rules: [{ alert: A, metric: open_fds, threshold: 1, labels: %s }]\n",
			 cases[i].labels);
		parse(text, &set, &errors);
		if (!errors.data || strcmp(errors.data, cases[i].want))
			fail_msg("%s\ngives      %sexpected   %s", text,
				 errors.data ? errors.data : "(nothing)\n", cases[i].want);
		assert_int_equal(set.n, 0);
		rule_set_done(&set);
		buf_done(&errors);
	}
}

static void whole_rules(void **state)
{
	static const char text[] = "rules:\n"
				   "  - { alert: Short, metric: open_fds, threshold: -1.5 }\n"
				   "  - alert: " NAME63 "\n"
				   "    all:\n"
				   "      - { metric: open_fds, op: '<', threshold: 0 }\n"
				   "      - { metric: fd_usage_ratio, threshold: 0.5 }\n"
				   "    for: 24h\n"
				   "    keep_firing_for: 250ms\n"
				   "    severity: page\n"
				   "    labels: { team: payments, _x: \"a\\nb\" }\n";
	struct rule_set set = {};
	struct buf errors = {};
	const struct rule *r;

	parse(text, &set, &errors);
	assert_null(errors.data);
	assert_int_equal(set.n, 2);
	r = &set.rules[0];
	assert_string_equal(r->name, "Short");
	assert_int_equal(r->n_conditions, 1);
	assert_ptr_equal(r->conditions[0].metric, rule_metric_find("open_fds"));
	assert_int_equal(r->conditions[0].op, RULE_GE);
	assert_true(r->conditions[0].threshold == -1.5);
	assert_int_equal(r->severity, SEVERITY_WARNING);
	assert_true(!r->for_ns && !r->keep_ns && !r->n_labels);
	r = &set.rules[1];
	assert_string_equal(r->name, NAME63);
	assert_int_equal(r->n_conditions, 2);
	assert_int_equal(r->conditions[0].op, RULE_LT);
	assert_ptr_equal(r->conditions[1].metric, rule_metric_find("fd_usage_ratio"));
	assert_int_equal(r->for_ns, 86400 * SECOND);
	assert_int_equal(r->keep_ns, SECOND / 4);
	assert_int_equal(r->severity, SEVERITY_PAGE);
	assert_int_equal(r->n_labels, 2);
	assert_string_equal(r->labels[0].name, "team");
	assert_string_equal(r->labels[1].value, "a\nb");
	rule_set_done(&set);
	/* An empty list is one. */
	parse("rules: []\n", &set, &errors);
	assert_null(errors.data);
	assert_int_equal(set.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),
		cmocka_unit_test(faults),
		cmocka_unit_test(label_faults),
		cmocka_unit_test(whole_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
