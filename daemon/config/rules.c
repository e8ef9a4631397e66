// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "config/rules.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

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
	for (unsigned i = 0; i < rule_metrics_n; i++)
		buf_printf(&valid, "%s%s", i ? ", " : "", rule_metrics[i].name);
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

static void parse_all(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct draft *d = base;

	d->has_all = true;
	if (node->type != YAML_SEQUENCE_NODE) {
		yaml_error(f, node, "all: expected a list of conditions (metric, op, threshold)");
		return;
	}
	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++) {
		yaml_node_t *item = yaml_document_get_node(&f->doc, *i);

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

static void parse_label(struct yaml_file *f, yaml_node_t *key, yaml_node_t *value, struct rule *r)
{
	static const char *const own[] = { "alertname", "service", "severity", "pid", NULL };
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
	for (unsigned i = 0; i < r->n_labels; i++) {
		if (!strcmp(r->labels[i].name, name)) {
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
	else if (r->n_labels == RULE_LABELS_MAX)
		yaml_error(f, key, "labels: more than %d", RULE_LABELS_MAX);
	else {
		strcpy(r->labels[r->n_labels].name, name);
		strcpy(r->labels[r->n_labels++].value, text);
	}
}

static void parse_labels(struct yaml_file *f, yaml_node_t *node, void *base)
{
	if (node->type != YAML_MAPPING_NODE) {
		yaml_error(f, node, "labels: expected a mapping of names to values");
		return;
	}
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
	     p++)
		parse_label(f, yaml_document_get_node(&f->doc, p->key),
			    yaml_document_get_node(&f->doc, p->value),
			    &((struct draft *)base)->rule);
}

#define D(field) offsetof(struct draft, field)
static const struct yaml_key rule_keys[] = {
	{ "alert", YAML_STRING, D(rule.name), RULE_NAME_MAX, .required = true,
	  .doc = "name of the alert" },
	{ "metric", YAML_CUSTOM, .parse = parse_single_metric, .doc = "number to compare" },
	{ "op", YAML_ENUM, D(op), .names = rule_op_names, .doc = ">= (default), >, <= or <" },
	{ "threshold", YAML_NUMBER, D(single.threshold), .min = -1e18, .max = 1e18,
	  .doc = "compared with" },
	{ "all", YAML_CUSTOM, .parse = parse_all, .doc = "several conditions instead of one" },
	{ "for", YAML_DURATION, D(rule.for_ns), .min = 0, .max = DAY,
	  .doc = "how long it must hold" },
	{ "keep_firing_for", YAML_DURATION, D(rule.keep_ns), .min = 0, .max = DAY,
	  .doc = "how long it lives on after" },
	{ "severity", YAML_ENUM, D(severity), .names = rule_severity_names,
	  .doc = "info, warning (default), critical or page" },
	{ "labels", YAML_CUSTOM, .parse = parse_labels, .doc = "added to the alert" },
};

/* Either the keys of one condition, whole, or `all`. */
static bool conditions_ok(const struct draft *d)
{
	if (d->has_all)
		return !d->single.metric && isnan(d->single.threshold) && d->op == OP_NONE;
	return d->single.metric && !isnan(d->single.threshold);
}

static bool mixes(const struct rule *r)
{
	for (unsigned i = 1; i < r->n_conditions; i++) {
		if (!r->conditions[i].metric->read_service !=
		    !r->conditions[0].metric->read_service)
			return true;
	}
	return false;
}

static void parse_rule(struct yaml_file *f, yaml_node_t *node, struct rule_set *set)
{
	struct draft d = { .severity = SEVERITY_WARNING, .op = OP_NONE, .single.threshold = NAN };
	unsigned before = f->n_errors;
	int err;

	yaml_bind(f, node, "rule", rule_keys, ARRAY_SIZE(rule_keys), &d);
	if (f->n_errors != before)
		return;
	if (!d.rule.name[0]) {
		yaml_error(f, node, "rule: `alert` is empty");
		return;
	}
	if (!conditions_ok(&d)) {
		yaml_error(f, node, "rule '%s': needs either `metric` and `threshold`, or `all`",
			   d.rule.name);
		return;
	}
	if (!d.has_all) {
		d.single.op = d.op == OP_NONE ? RULE_GE : d.op;
		d.rule.conditions[d.rule.n_conditions++] = d.single;
	}
	if (!d.rule.n_conditions) {
		yaml_error(f, node, "rule '%s': `all` is empty", d.rule.name);
		return;
	}
	if (mixes(&d.rule)) {
		yaml_error(f, node,
			   "rule '%s': `all` mixes numbers of services (panics_overridden, "
			   "panics_recovered_per_minute, process_deaths) with numbers of processes",
			   d.rule.name);
		return;
	}
	d.rule.severity = d.severity;
	err = rule_set_add(set, &d.rule);
	if (err)
		yaml_error(f, node, "rule '%s': %s", d.rule.name,
			   err == -EEXIST ? "there is another rule of this name" : "out of memory");
}

void rules_parse(struct yaml_file *f, yaml_node_t *node, struct rule_set *set)
{
	if (node->type != YAML_SEQUENCE_NODE) {
		yaml_error(f, node, "rules: expected a list");
		return;
	}
	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++)
		parse_rule(f, yaml_document_get_node(&f->doc, *i), set);
}

static void parse_file_rules(struct yaml_file *f, yaml_node_t *node, void *base)
{
	rules_parse(f, node, base);
}

static const struct yaml_key file_keys[] = {
	{ "rules", YAML_CUSTOM, .parse = parse_file_rules, .required = true },
};

void rules_parse_file(struct yaml_file *f, yaml_node_t *root, struct rule_set *set)
{
	yaml_bind(f, root, "", file_keys, ARRAY_SIZE(file_keys), set);
}

void rules_print_example(struct buf *b)
{
	buf_puts(
		b,
		"\n# rules of your own; a condition compares one of these numbers of a process:\n");
	for (unsigned i = 0; i < rule_metrics_n; i++)
		buf_printf(b, "#   %-29s %s (%s)\n", rule_metrics[i].name, rule_metrics[i].doc,
			   rule_metrics[i].unit);
	buf_puts(b, "#rules:\n");
	for (size_t i = 0; i < ARRAY_SIZE(rule_keys); i++) {
		static const char *const samples[] = { "DeferStorm",
						       "defers_registered_per_second",
						       "\">=\"",
						       "100000",
						       NULL,
						       "30s",
						       "5m",
						       "page",
						       "{ team: payments }" };

		if (samples[i])
			buf_printf(b, "#  %s %s: %s # %s\n", i ? " " : "-", rule_keys[i].name,
				   samples[i], rule_keys[i].doc);
	}
	buf_puts(b, "#  - alert: DescriptorsLow\n"
		    "#    all: # several conditions instead of one\n"
		    "#      - { metric: open_fds, op: \">\", threshold: 500 }\n"
		    "#      - { metric: fd_usage_ratio, op: \">\", threshold: 0.8 }\n");
}
