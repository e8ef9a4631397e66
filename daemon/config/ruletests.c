// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "config/ruletests.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/rules.h"

DEFINE_CLEANUP(struct ruletests *, ruletests_free)

void ruletests_free(struct ruletests *ts)
{
	if (!ts)
		return;
	for (unsigned i = 0; i < ts->n; i++) {
		for (unsigned k = 0; k < ts->tests[i].n_series; k++)
			free(ts->tests[i].series[k].values);
		free(ts->tests[i].series);
		free(ts->tests[i].moments);
	}
	free(ts->tests);
	rule_set_done(&ts->rules);
	free(ts);
}

/* Values */

/* "x30" behind what it repeats; without, none more. False: it is no number. */
static bool read_times(const char **at, unsigned *ret)
{
	char *end;

	*ret = 0;
	if (**at != 'x')
		return true;
	if (!isdigit((unsigned char)(*at)[1]))
		return false;
	*ret = (unsigned)strtoul(*at + 1, &end, 10);
	*at = end;
	return *ret <= RULETEST_VALUES_MAX;
}

/* As strtod(), but "0x5" is six times 0, not a hexadecimal number. */
static double read_number(const char *at, char **ret_end)
{
	const char *digits = at + (*at == '-' || *at == '+');

	if (digits[0] != '0' || digits[1] != 'x')
		return strtod(at, ret_end);
	*ret_end = (char *)digits + 1;
	return 0;
}

int ruletests_values(const char *text, double *ret_values, unsigned n, size_t *ret_at)
{
	const char *at = text;
	unsigned have = 0;

	while (*(at += strspn(at, " \n"))) {
		double value = NAN, step = 0;
		unsigned times, count;
		bool none = *at == '_';
		char *end = (char *)at + 1;

		*ret_at = (size_t)(at - text);
		if (!none)
			value = read_number(at, &end);
		if (!none && (end == at || !isfinite(value)))
			return -EINVAL;
		at = end;
		if (!none && (*at == '+' || *at == '-')) {
			step = read_number(at, &end);
			if (end == at + 1 || !isfinite(step))
				return -EINVAL;
			at = end;
		}
		if (!read_times(&at, &times) || (*at && *at != ' ' && *at != '\n'))
			return -EINVAL;
		/* "_x3" is three, "1x3" is one and three more. */
		count = none ? (times ? times : 1) : times + 1;
		if (have + count > n)
			return -E2BIG;
		for (unsigned i = 0; i < count; i++)
			ret_values[have++] = value + i * step;
	}
	return (int)have;
}

/* YAML */

static void parse_metric(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct ruletest_series *s = base;
	const char *name = yaml_scalar(f, node, "metric");

	if (!name)
		return;
	s->metric = rule_metric_find(name);
	if (!s->metric)
		yaml_error(f, node,
			   "metric: unknown metric '%s': see deferd check-config --example", name);
}

static void parse_values(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct ruletest_series *s = base;
	const char *text = yaml_scalar(f, node, "values");
	size_t at = 0;
	int n;

	if (!text)
		return;
	free(s->values);
	s->values = calloc(RULETEST_VALUES_MAX, sizeof(*s->values));
	n = s->values ? ruletests_values(text, s->values, RULETEST_VALUES_MAX, &at) : -ENOMEM;
	if (n == -EINVAL)
		yaml_error(f, node,
			   "values: '%.20s' is not a value; write 5, 5x3, 0+10x30, or _ for a "
			   "missing value",
			   text + at);
	else if (n < 0)
		yaml_error(f, node, "values: more than %d", RULETEST_VALUES_MAX);
	s->n = n > 0 ? (unsigned)n : 0;
}

#define S(field) offsetof(struct ruletest_series, field)
static const struct yaml_key series_keys[] = {
	{ "metric", YAML_CUSTOM, .parse = parse_metric, .required = true },
	{ "service", YAML_STRING, S(service), MODEL_NAME_MAX, .required = true },
	{ "pid", .type = YAML_U32, .offset = S(pid), .min = 1, .max = 4194304 },
	{ "values", YAML_CUSTOM, .parse = parse_values, .required = true },
};

#define FI(field) offsetof(struct ruletest_firing, field)
static const struct yaml_key firing_keys[] = {
	{ "alert", YAML_STRING, FI(alert), RULE_NAME_MAX, .required = true },
	{ "service", YAML_STRING, FI(service), MODEL_NAME_MAX, .required = true },
};

/* Room for one more item, zeroed; NULL after an error. */
static void *grow(struct yaml_file *f, yaml_node_t *node, void *array, unsigned n, unsigned max,
		  size_t size, const char *what)
{
	void *bigger = n < max ? realloc(array, (n + 1) * size) : NULL;

	if (n == max)
		yaml_error(f, node, "%s: more than %u", what, max);
	else if (!bigger)
		yaml_error(f, node, "out of memory");
	else
		memset((char *)bigger + n * size, 0, size);
	return bigger;
}

static void parse_series(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct ruletest *t = base;
	yaml_node_t *item;

	if (!yaml_is_list(f, node, "series"))
		return;
	YAML_FOR_EACH (f, node, item) {
		struct ruletest_series *all = grow(f, item, t->series, t->n_series,
						   RULETEST_SERIES_MAX, sizeof(*all), "series");
		struct ruletest_series *s;

		if (!all)
			return;
		t->series = all;
		s = &all[t->n_series++];
		yaml_bind(f, item, "series", series_keys, ARRAY_SIZE(series_keys), s);
		if (s->metric && s->metric->scope == METRIC_OF_PROCESS && !s->pid)
			yaml_error(f, item, "series: %s is a metric of processes: `pid` is missing",
				   s->metric->name);
	}
}

static void parse_firing(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct ruletest_moment *m = base;
	yaml_node_t *item;

	if (!yaml_is_list(f, node, "firing"))
		return;
	YAML_FOR_EACH (f, node, item) {
		if (m->n == RULETEST_FIRING_MAX) {
			yaml_error(f, item, "firing: more than %d", RULETEST_FIRING_MAX);
			return;
		}
		yaml_bind(f, item, "firing", firing_keys, ARRAY_SIZE(firing_keys),
			  &m->firing[m->n++]);
	}
}

#define M(field) offsetof(struct ruletest_moment, field)
static const struct yaml_key moment_keys[] = {
	{ "at", .type = YAML_DURATION, .offset = M(at_ns), .max = 86400e9, .required = true },
	{ "firing", YAML_CUSTOM, .parse = parse_firing, .required = true },
};

static void parse_moments(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct ruletest *t = base;
	yaml_node_t *item;

	if (!yaml_is_list(f, node, "alerts"))
		return;
	YAML_FOR_EACH (f, node, item) {
		struct ruletest_moment *all = grow(f, item, t->moments, t->n_moments,
						   RULETEST_MOMENTS_MAX, sizeof(*all), "alerts");

		if (!all)
			return;
		t->moments = all;
		all[t->n_moments].line = (unsigned)item->start_mark.line + 1;
		yaml_bind(f, item, "alerts", moment_keys, ARRAY_SIZE(moment_keys),
			  &all[t->n_moments++]);
	}
}

#define T(field) offsetof(struct ruletest, field)
static const struct yaml_key test_keys[] = {
	{ "name", YAML_STRING, T(name), sizeof(((struct ruletest *)0)->name), .required = true },
	{ "interval", .type = YAML_DURATION, .offset = T(interval_ns), .min = 1e8, .max = 3600e9 },
	{ "series", YAML_CUSTOM, .parse = parse_series, .required = true },
	{ "alerts", YAML_CUSTOM, .parse = parse_moments, .required = true },
};

/* A file of tests while it is read. */
struct draft {
	struct ruletests *ts;
	const char *path;
	struct buf *errors;
	bool has_files;
};

static void parse_tests(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct ruletests *ts = ((struct draft *)base)->ts;
	yaml_node_t *item;

	if (!yaml_is_list(f, node, "tests"))
		return;
	YAML_FOR_EACH (f, node, item) {
		struct ruletest *all = grow(f, item, ts->tests, ts->n, 1000, sizeof(*all), "tests");

		if (!all)
			return;
		ts->tests = all;
		all[ts->n].interval_ns = 10000000000ull;
		yaml_bind(f, item, "tests", test_keys, ARRAY_SIZE(test_keys), &all[ts->n++]);
	}
}

static void load_rules(const char *path, struct rule_set *rules, struct buf *errors)
{
	struct yaml_file f;
	yaml_node_t *root = yaml_file_load(&f, path, errors);

	if (root)
		rules_parse_file(&f, root, rules);
	yaml_file_done(&f);
}

static void parse_files(struct yaml_file *f, yaml_node_t *node, void *base)
{
	struct draft *d = base;
	yaml_node_t *item;

	d->has_files = true;
	if (!yaml_is_list(f, node, "rule_files"))
		return;
	YAML_FOR_EACH (f, node, item) {
		const char *name = yaml_scalar(f, item, "rule_files");
		char own[512], path[1100];

		if (!name)
			continue;
		snprintf(own, sizeof(own), "%s", d->path);
		snprintf(path, sizeof(path), "%s%s%s", *name == '/' ? "" : dirname(own),
			 *name == '/' ? "" : "/", name);
		load_rules(path, &d->ts->rules, d->errors);
	}
}

static const struct yaml_key file_keys[] = {
	{ "rule_files", YAML_CUSTOM, .parse = parse_files },
	{ "tests", YAML_CUSTOM, .parse = parse_tests, .required = true },
};

int ruletests_load(const char *path, struct ruletests **ret_ts, struct buf *errors)
{
	_cleanup_(ruletests_freep) struct ruletests *ts = calloc(1, sizeof(*ts));
	struct draft d = { .ts = ts, .path = path, .errors = errors };
	size_t before = errors->len;
	struct yaml_file f;
	yaml_node_t *root;

	if (!ts)
		return -ENOMEM;
	root = yaml_file_load(&f, path, errors);
	if (root)
		yaml_bind(&f, root, "", file_keys, ARRAY_SIZE(file_keys), &d);
	else if (errors->len == before)
		buf_printf(errors, "%s: the file is empty\n", path);
	yaml_file_done(&f);
	if (errors->len == before && !d.has_files && rule_set_default(&ts->rules, 35))
		return -ENOMEM;
	if (errors->failed)
		return -ENOMEM;
	if (errors->len != before)
		return -EINVAL;
	*ret_ts = TAKE_PTR(ts);
	return 0;
}
