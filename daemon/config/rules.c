// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "config/rules.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/template.h"
#include "base/cleanup.h"

#define DAY 86400e9

static void parse_metric(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct rule_condition *c = base;
	const char *name = yaml_scalar(f, node, "metric");
	struct buf valid;

	if (!name)
		return;
	c->metric = rule_metric_find(name);
	if (c->metric)
		return;
	buf_init(&valid, 0);
	for (unsigned i = 0; i < rule_metrics_n; i++) {
		if (rule_metrics[i].doc)
			buf_printf(&valid, "%s%s", i ? ", " : "", rule_metrics[i].name);
	}
	yaml_error(f, node, "metric: '%s' is not one of: %s", name, valid.data);
	buf_done(&valid);
}

/*
 * A rule while it is read: one condition may stand beside the other keys, or several below `all`.
 */
struct draft {
	struct rule rule;
	struct rule_condition single;
	int op, severity;
	bool has_all;
	bool has_expr;
};

#define OP_NONE (-1)

#define C(field) offsetof(struct rule_condition, field)
static const struct yaml_key condition_keys[] = {
	{ "metric", YAML_CUSTOM, .parse = parse_metric, .required = true },
	{ "op", YAML_ENUM, C(op), .names = rule_op_names },
	{ "threshold", YAML_NUMBER, C(threshold), .min = -1e18, .max = 1e18, .required = true },
};

static void parse_single_metric(struct yaml_file *f, yaml_node_t *node, void *base)
{
	parse_metric(f, node, &((struct draft *)base)->single);
}

/* `what` is the key. NULL after an error. */
static struct expr *parse_expr(struct yaml_file *f, yaml_node_t *node, const char *what)
{
	const char *text = yaml_scalar(f, node, what);
	struct reason reason = {};
	struct expr *x = NULL;

	if (text && expr_compile(text, &x, &reason))
		yaml_error(f, node, "%s: %s", what, reason.text[0] ? reason.text : "out of memory");
	return x;
}

static void parse_expression(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct draft *d = base;
	struct rule *r = &d->rule;
	bool plain;

	d->has_expr = true;
	r->expr = parse_expr(f, node, "expr");
	if (!r->expr)
		return;
	r->of_service = expr_of_service(r->expr);
	r->n_conditions = expr_conditions(r->expr, r->conditions, RULE_CONDITIONS_MAX, &plain);
	if (!plain)
		return;
	expr_free(r->expr);
	r->expr = NULL;
}

static void parse_clear(struct yaml_file *f, yaml_node_t *node, void *base)
{
	((struct draft *)base)->rule.clear = parse_expr(f, node, "clear");
}

static void parse_all(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct draft *d = base;
	yaml_node_t *item;

	d->has_all = true;
	if (node->type != YAML_SEQUENCE_NODE) {
		yaml_error(f, node, "all: expected a list of conditions (metric, op, threshold)");
		return;
	}
	YAML_FOR_EACH (f, node, item) {

		if (d->rule.n_conditions == RULE_CONDITIONS_MAX) {
			yaml_error(f, item, "all: more than %d conditions", RULE_CONDITIONS_MAX);
			return;
		}
		yaml_bind(f, item, "all", condition_keys, ARRAY_SIZE(condition_keys),
			  &d->rule.conditions[d->rule.n_conditions++]);
	}
}

/* Prometheus' data model: [a-zA-Z_][a-zA-Z0-9_]*, and "__" is reserved. */
static bool label_name_ok(const char *s)
{
	if (!*s || isdigit((unsigned char)*s) || !strncmp(s, "__", 2) || strlen(s) >= RULE_NAME_MAX)
		return false;
	for (; *s; s++) {
		if (!isalnum((unsigned char)*s) && *s != '_')
			return false;
	}
	return true;
}

static void parse_label(struct yaml_file *f, yaml_node_t *key, yaml_node_t *value,
			struct rule_label *labels, unsigned *n)
{
	static const char *const own[] = {
		"alertname", "service", "severity", "pid", "site", NULL
	};
	const char *name = yaml_scalar(f, key, "label"),
		   *text = yaml_scalar(f, value, "label value");

	if (!name || !text)
		return;
	for (int i = 0; own[i]; i++) {
		if (!strcmp(own[i], name)) {
			yaml_error(f, key, "labels: '%s' is set by deferd itself", name);
			return;
		}
	}
	for (unsigned i = 0; i < *n; i++) {
		if (!strcmp(labels[i].name, name)) {
			yaml_error(f, key, "labels: '%s' is given twice", name);
			return;
		}
	}
	if (!label_name_ok(name))
		yaml_error(f, key,
			   "labels: '%s' is not a label name ([a-zA-Z_][a-zA-Z0-9_]*, not "
			   "beginning with __)",
			   name);
	else if (strlen(text) >= RULE_LABEL_MAX)
		yaml_error(f, value, "labels.%s: longer than %d bytes", name, RULE_LABEL_MAX - 1);
	else if (*n == RULE_LABELS_MAX)
		yaml_error(f, key, "labels: more than %d", RULE_LABELS_MAX);
	else {
		strcpy(labels[*n].name, name);
		strcpy(labels[(*n)++].value, text);
	}
}

void rules_parse_labels(struct yaml_file *f, yaml_node_t *node,
			struct rule_label labels[static RULE_LABELS_MAX], unsigned *n)
{
	if (node->type != YAML_MAPPING_NODE) {
		yaml_error(f, node, "labels: expected a mapping of names to values");
		return;
	}
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
	     p++)
		parse_label(f, yaml_document_get_node(&f->doc, p->key),
			    yaml_document_get_node(&f->doc, p->value), labels, n);
}

static void parse_labels(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct rule *r = &((struct draft *)base)->rule;

	rules_parse_labels(f, node, r->labels, &r->n_labels);
}

/* `name` is the annotation's. */
static void add_note(struct yaml_file *f, yaml_node_t *value, struct rule *r, const char *name)
{
	const char *text = yaml_scalar(f, value, name);
	struct reason reason = {};

	if (!text)
		return;
	if (!r->notes)
		r->notes = calloc(RULE_NOTES_MAX, sizeof(*r->notes));
	if (!r->notes)
		yaml_error(f, value, "out of memory");
	else if (template_check(text, &reason))
		yaml_error(f, value, "annotations.%s: %s", name, reason.text);
	else if (strlen(text) >= RULE_NOTE_MAX)
		yaml_error(f, value, "annotations.%s: longer than %d bytes", name,
			   RULE_NOTE_MAX - 1);
	else if (r->n_notes == RULE_NOTES_MAX)
		yaml_error(f, value, "annotations: more than %d", RULE_NOTES_MAX);
	else {
		snprintf(r->notes[r->n_notes].name, RULE_NAME_MAX, "%s", name);
		snprintf(r->notes[r->n_notes++].text, RULE_NOTE_MAX, "%s", text);
	}
}

static void parse_notes(struct yaml_file *f, yaml_node_t *node, void *base)
{
	if (node->type != YAML_MAPPING_NODE) {
		yaml_error(f, node, "annotations: expected a mapping of names to texts");
		return;
	}
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
	     p++) {
		yaml_node_t *key = yaml_document_get_node(&f->doc, p->key);
		const char *name = yaml_scalar(f, key, "annotation");

		if (name && !label_name_ok(name))
			yaml_error(f, key, "annotations: '%s' is not a name", name);
		else if (name)
			add_note(f, yaml_document_get_node(&f->doc, p->value),
				 &((struct draft *)base)->rule, name);
	}
}

static void parse_remediation(struct yaml_file *f, yaml_node_t *node, void *base)
{
	add_note(f, node, &((struct draft *)base)->rule, "remediation");
}

#define D(field) offsetof(struct draft, field)
static const struct yaml_key rule_keys[] = {
	{ "alert", YAML_STRING, D(rule.name), RULE_NAME_MAX, .doc = "name of the alert",
	  .sample = "DeferStorm" },
	{ "expr", YAML_CUSTOM, .parse = parse_expression, .doc = "expression that must be true",
	  .sample = "defers_registered_per_second{service!~\"test-.*\"} > 1000/s and "
		    "rate(open_fds, 5m) > 10/min" },
	{ "clear", YAML_CUSTOM, .parse = parse_clear,
	  .doc = "expression that ends a firing alert; default: expr is not true",
	  .sample = "defers_registered_per_second < 500/s" },
	{ "metric", YAML_CUSTOM, .parse = parse_single_metric,
	  .doc = "instead of expr: a metric to compare" },
	{ "op", YAML_ENUM, D(op), .names = rule_op_names, .doc = ">= (default), >, <= or <" },
	{ "threshold", YAML_NUMBER, D(single.threshold), .min = -1e18, .max = 1e18,
	  .doc = "compared with" },
	{ "all", YAML_CUSTOM, .parse = parse_all, .doc = "several conditions instead of one" },
	{ "for", YAML_DURATION, D(rule.for_ns), .min = 0, .max = DAY,
	  .doc = "for how long expr must be true", .sample = "30s" },
	{ "keep_firing_for", YAML_DURATION, D(rule.keep_ns), .min = 0, .max = DAY,
	  .doc = "how long the alert still fires after expr was last true", .sample = "5m" },
	{ "grace", YAML_DURATION, D(rule.grace_ns), .min = 0, .max = DAY,
	  .doc = "no alert for a process observed for less than this", .sample = "1m" },
	{ "severity", YAML_ENUM, D(severity), .names = rule_severity_names,
	  .doc = "info, warning (default), critical or page", .sample = "page" },
	{ "labels", YAML_CUSTOM, .parse = parse_labels, .doc = "added to the alert",
	  .sample = "{ team: payments }" },
	{ "annotations", YAML_CUSTOM, .parse = parse_notes,
	  .doc = "texts sent with the alert; {{ .service }}, {{ .site }}, {{ .value }} and others",
	  .sample = "{ summary: \"{{ .service }} piles up at {{ .site }}\" }" },
	/* The shape that governance documents have. */
	{ "id", YAML_STRING, D(rule.name), RULE_NAME_MAX, .doc = "instead of alert" },
	{ "pattern", YAML_CUSTOM, .parse = parse_expression, .doc = "instead of expr" },
	{ "remediation", YAML_CUSTOM, .parse = parse_remediation,
	  .doc = "what to do; becomes an annotation",
	  .sample = "\"close what the loop opens before its next turn\"" },
};

/* An expression, or the keys of one condition, whole, or `all`. */
static bool conditions_ok(const struct draft *d)
{
	bool none = !d->single.metric && isnan(d->single.threshold) && d->op == OP_NONE;

	if (d->has_all || d->has_expr)
		return none && !(d->has_all && d->has_expr);
	return d->single.metric && !isnan(d->single.threshold);
}

static bool mixes(const struct rule *r)
{
	for (unsigned i = 1; i < r->n_conditions && !r->expr; i++) {
		if (r->conditions[i].metric->scope != r->conditions[0].metric->scope)
			return true;
	}
	return false;
}

static bool notes_ok(const struct rule *r, struct reason *reason)
{
	for (unsigned i = 0; i < r->n_notes; i++) {
		if (template_check_labels(r->notes[i].text, r->labels, r->n_labels, reason))
			return false;
	}
	return true;
}

/* What a rule says as a whole. False after an error. */
static bool rule_ok(struct yaml_file *f, yaml_node_t *node, const struct draft *d)
{
	const struct rule *r = &d->rule;
	struct reason reason = {};

	if (!r->name[0])
		yaml_error(f, node, "rule: no name: `alert` is missing or empty");
	else if (!conditions_ok(d))
		yaml_error(f, node,
			   "rule '%s': needs `expr`, or `metric` and `threshold`, or `all`",
			   r->name);
	else if (d->has_all && !r->n_conditions)
		yaml_error(f, node, "rule '%s': `all` is empty", r->name);
	else if (mixes(r))
		yaml_error(f, node,
			   "rule '%s': `all` mixes metrics of services (panics_overridden, "
			   "panics_recovered_per_minute, process_deaths) with metrics of processes",
			   r->name);
	else if (r->clear && expr_of_service(r->clear) != r->of_service)
		yaml_error(f, node, "rule '%s': `clear` is about %s, unlike `expr`", r->name,
			   r->of_service ? "processes" : "services");
	else if (!notes_ok(r, &reason))
		yaml_error(f, node, "rule '%s': annotations: %s", r->name, reason.text);
	else
		return true;
	return false;
}

static void parse_rule(struct yaml_file *f, yaml_node_t *node, struct rule_set *set)
{
	struct draft d = { .severity = SEVERITY_WARNING, .op = OP_NONE, .single.threshold = NAN };
	unsigned before = f->n_errors;
	int err = 0;

	yaml_bind(f, node, "rule", rule_keys, ARRAY_SIZE(rule_keys), &d);
	if (!d.has_all && !d.has_expr && d.single.metric) {
		d.rule.n_conditions = 1;
		d.rule.conditions[0] = d.single;
		d.rule.conditions[0].op = d.op == OP_NONE ? RULE_GE : (enum rule_op)d.op;
	}
	if (!d.has_expr && d.rule.n_conditions && d.rule.conditions[0].metric)
		d.rule.of_service = d.rule.conditions[0].metric->scope == METRIC_OF_SERVICE;
	d.rule.severity = d.severity;
	if (f->n_errors == before && rule_ok(f, node, &d))
		err = rule_set_add(set, &d.rule);
	if (err)
		yaml_error(f, node, "rule '%s': %s", d.rule.name,
			   err == -EEXIST ? "there is another rule of this name" : "out of memory");
	rule_done(&d.rule);
}

void rules_parse(struct yaml_file *f, yaml_node_t *node, struct rule_set *set)
{
	yaml_node_t *item;

	if (!yaml_is_list(f, node, "rules"))
		return;
	YAML_FOR_EACH (f, node, item)
		parse_rule(f, item, set);
}

/* A file while it is read: a list of rules, or a Kubernetes object of which the rules are the spec. */
struct file_draft {
	struct rule_set *set;
	char api_version[RULE_NAME_MAX], kind[RULE_NAME_MAX];
	bool has_rules, has_spec;
};

static void parse_file_rules(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct file_draft *d = base;

	d->has_rules = true;
	rules_parse(f, node, d->set);
}

static void parse_spec_rules(struct yaml_file *f, yaml_node_t *node, void *base)
{
	rules_parse(f, node, ((struct file_draft *)base)->set);
}

static const struct yaml_key spec_keys[] = {
	{ "rules", YAML_CUSTOM, .parse = parse_spec_rules, .required = true },
};

static void parse_spec(struct yaml_file *f, yaml_node_t *node, void *base)
{
	((struct file_draft *)base)->has_spec = true;
	yaml_bind(f, node, "spec", spec_keys, ARRAY_SIZE(spec_keys), base);
}

/* Names and labels of the object are Kubernetes' business. */
static void pass_over(struct yaml_file *f, yaml_node_t *node, void *base)
{
}

#define API_VERSION "deferd.io/v1"
#define KIND        "DeferRule"
#define FD(field)   offsetof(struct file_draft, field)
static const struct yaml_key file_keys[] = {
	{ "rules", YAML_CUSTOM, .parse = parse_file_rules },
	{ "apiVersion", YAML_STRING, FD(api_version), RULE_NAME_MAX },
	{ "kind", YAML_STRING, FD(kind), RULE_NAME_MAX },
	{ "metadata", YAML_CUSTOM, .parse = pass_over },
	{ "spec", YAML_CUSTOM, .parse = parse_spec },
};

void rules_parse_file(struct yaml_file *f, yaml_node_t *root, struct rule_set *set)
{
	struct file_draft d = { .set = set };
	unsigned before = f->n_errors;

	yaml_bind(f, root, "", file_keys, ARRAY_SIZE(file_keys), &d);
	if (f->n_errors != before)
		return;
	if (d.has_rules == d.has_spec)
		yaml_error(f, root, "expected `rules`, or the `spec` of a " KIND);
	else if (d.has_spec && (strcmp(d.api_version, API_VERSION) || strcmp(d.kind, KIND)))
		yaml_error(f, root, "expected apiVersion " API_VERSION " and kind " KIND);
}

void rules_print_example(struct buf *b)
{
	buf_puts(b, "\n# rules of your own; metrics for expressions and conditions:\n");
	for (unsigned i = 0; i < rule_metrics_n; i++) {
		if (rule_metrics[i].doc)
			buf_printf(b, "#   %-29s %s (%s)\n", rule_metrics[i].name,
				   rule_metrics[i].doc, rule_metrics[i].unit);
	}
	buf_puts(b, "#rules:\n");
	for (size_t i = 0; i < ARRAY_SIZE(rule_keys); i++) {
		if (rule_keys[i].sample)
			buf_printf(b, "#  %s %s: %s # %s\n", i ? " " : "-", rule_keys[i].name,
				   rule_keys[i].sample, rule_keys[i].doc);
	}
	buf_puts(b, "#  - alert: DescriptorsLow\n"
		    "#    all: # several conditions instead of one\n"
		    "#      - { metric: open_fds, op: \">\", threshold: 500 }\n"
		    "#      - { metric: fd_usage_ratio, op: \">\", threshold: 0.8 }\n");
}
