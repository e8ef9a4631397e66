// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "alert/expr.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* What a number measures. */
enum dim { DIM_NONE, DIM_TIME, DIM_RATE, DIM_RATIO, DIM_BYTES };
static const char *const dim_names[] = { "a plain number", "a time", "a rate", "a ratio",
					 "a number of bytes" };

enum kind {
	NODE_NUMBER,
	NODE_METRIC,
	NODE_RATE,
	NODE_RISE,
	NODE_MAX,
	NODE_MIN,
	NODE_SUM,
	NODE_MINUS,
	NODE_ADD,
	NODE_SUB,
	NODE_MUL,
	NODE_DIV,
	NODE_GE, /* these are in the order of enum rule_op */
	NODE_GT,
	NODE_LE,
	NODE_LT,
	NODE_EQ,
	NODE_NE,
	NODE_NOT,
	NODE_AND,
	NODE_OR,
};

#define MEMO_MAX 65536

struct selector {
	bool pattern, negated; /* a regular expression; must not match */
	char text[EXPR_PATTERN_MAX];
	regex_t regex;
	/* Of services by serial, whose names never change: 0 not known yet, else 1 + whether it matches. */
	unsigned n_memo;
	uint8_t *memo;
};

struct node {
	enum kind kind;
	unsigned a, b; /* operands */
	double number;
	enum dim dim;       /* NUMBER: of its unit */
	bool has_unit;      /* NUMBER */
	uint64_t window_ns; /* RATE */
	const struct rule_metric *metric;
	struct selector *selector; /* METRIC; NULL: any service */
};

struct expr {
	unsigned n, root;
	bool of_service;
	struct node nodes[EXPR_NODES_MAX];
};

static void selector_free(struct selector *s)
{
	if (!s)
		return;
	if (s->pattern)
		regfree(&s->regex);
	free(s->memo);
	free(s);
}

void expr_free(struct expr *x)
{
	for (unsigned i = 0; x && i < x->n; i++)
		selector_free(x->nodes[i].selector);
	free(x);
}
DEFINE_CLEANUP(struct expr *, expr_free)

/* Reading */

struct parser {
	const char *text, *at;
	struct expr *x;
	unsigned depth;
	int err;
	struct reason *reason;
};

static unsigned fail_at(struct parser *p, const char *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The first fault is told; 0 stands for whatever could not be read. */
static unsigned fail_at(struct parser *p, const char *at, const char *fmt, ...)
{
	char text[REASON_MAX];
	va_list ap;

	if (p->err)
		return 0;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p->err =
		reason_set(p->reason, -EINVAL, "column %u: %s", (unsigned)(at - p->text) + 1, text);
	return 0;
}

static void skip_spaces(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* A sign, or a whole word. */
static bool take(struct parser *p, const char *token)
{
	size_t n = strlen(token);

	skip_spaces(p);
	if (strncmp(p->at, token, n) || (is_word(token[0]) && is_word(p->at[n])))
		return false;
	p->at += n;
	return true;
}

static unsigned need(struct parser *p, const char *token)
{
	if (take(p, token))
		return 0;
	return fail_at(p, p->at, "expected '%s'", token);
}

static unsigned add(struct parser *p, struct node n)
{
	if (p->err)
		return 0;
	if (p->x->n == EXPR_NODES_MAX)
		return fail_at(p, p->at, "more than %d parts: split it into two rules",
			       EXPR_NODES_MAX);
	p->x->nodes[p->x->n] = n;
	return p->x->n++;
}

static const struct unit {
	const char *name;
	double factor;
	enum dim dim;
} units[] = {
	{ "us", 1e-6, DIM_TIME },
	{ "ms", 1e-3, DIM_TIME },
	{ "s", 1, DIM_TIME },
	{ "m", 60, DIM_TIME },
	{ "h", 3600, DIM_TIME },
	{ "d", 86400, DIM_TIME },
	{ "/s", 1, DIM_RATE },
	{ "/min", 1.0 / 60, DIM_RATE },
	{ "/h", 1.0 / 3600, DIM_RATE },
	{ "%", 0.01, DIM_RATIO },
	{ "KiB", 1024, DIM_BYTES },
	{ "MiB", 1048576, DIM_BYTES },
	{ "GiB", 1073741824, DIM_BYTES },
};

static unsigned read_number(struct parser *p)
{
	const char *begin = p->at;
	char *end, unit[8] = "";
	struct node n = { .kind = NODE_NUMBER, .number = strtod(p->at, &end) };
	size_t len = 0;

	p->at = end;
	if (!isfinite(n.number))
		return fail_at(p, begin, "not a finite number");
	if (*end == '%' || (*end == '/' && isalpha((unsigned char)end[1])))
		len = 1;
	if (*end != '%')
		while (len < sizeof(unit) && is_word(end[len]))
			len++;
	if (!len)
		return add(p, n);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strlen(units[i].name) != len || strncmp(units[i].name, end, len))
			continue;
		p->at = end + len;
		n.number *= units[i].factor;
		n.dim = units[i].dim;
		n.has_unit = true;
		return add(p, n);
	}
	return fail_at(p, end,
		       "unknown unit; use us, ms, s, m, h, d, /s, /min, /h, %%, KiB, MiB, "
		       "GiB");
}

/* "..." with \" and \\. False: a fault was told. */
static bool read_string(struct parser *p, char *ret, size_t size)
{
	const char *begin;
	size_t n = 0;

	skip_spaces(p);
	begin = p->at;
	if (*p->at++ != '"') {
		fail_at(p, begin, "expected a string in double quotes");
		return false;
	}
	for (; *p->at && *p->at != '"'; p->at++) {
		if (*p->at == '\\' && (p->at[1] == '"' || p->at[1] == '\\'))
			p->at++;
		if (n + 1 == size) {
			fail_at(p, begin, "longer than %zu bytes", size - 1);
			return false;
		}
		ret[n++] = *p->at;
	}
	ret[n] = '\0';
	if (*p->at != '"') {
		fail_at(p, begin, "unterminated string");
		return false;
	}
	p->at++;
	return true;
}

/* \1 to \9; a backslash that is escaped itself begins none. */
static bool has_back_reference(const char *pattern)
{
	for (const char *c = pattern; *c; c++) {
		if (*c != '\\' || !c[1])
			continue;
		c++;
		if (*c >= '1' && *c <= '9')
			return true;
	}
	return false;
}

/*
 * POSIX extended, anchored. What could take long is left out: without back references and counted
 * repetitions glibc matches in time proportional to the name.
 */
static int compile_pattern(struct parser *p, const char *at, struct selector *s)
{
	char anchored[EXPR_PATTERN_MAX + 8], why[128];
	int err;

	if (strpbrk(s->text, "{}") || has_back_reference(s->text)) {
		fail_at(p, at, "counted repetitions and back references are not supported");
		return p->err;
	}
	snprintf(anchored, sizeof(anchored), "^(%s)$", s->text);
	err = regcomp(&s->regex, anchored, REG_EXTENDED | REG_NOSUB);
	if (!err)
		return 0;
	regerror(err, &s->regex, why, sizeof(why));
	fail_at(p, at, "invalid regular expression: %s", why);
	return p->err;
}

/* {service="a"}, after the brace. NULL: a fault was told. */
static struct selector *read_selector(struct parser *p)
{
	_cleanup_free_ struct selector *s = calloc(1, sizeof(*s));
	const char *at;

	if (!s) {
		p->err = -ENOMEM;
		return NULL;
	}
	skip_spaces(p);
	at = p->at;
	if (!take(p, "service")) {
		fail_at(p, at, "the only label to select by is 'service'");
		return NULL;
	}
	if (take(p, "=~"))
		s->pattern = true;
	else if (take(p, "!~"))
		s->pattern = s->negated = true;
	else if (take(p, "!="))
		s->negated = true;
	else
		need(p, "=");
	skip_spaces(p);
	at = p->at;
	if (p->err || !read_string(p, s->text, sizeof(s->text)))
		return NULL;
	if (s->pattern && compile_pattern(p, at, s))
		return NULL;
	need(p, "}");
	if (p->err) {
		if (s->pattern)
			regfree(&s->regex);
		return NULL;
	}
	return TAKE_PTR(s);
}

static unsigned read_metric(struct parser *p)
{
	struct node n = { .kind = NODE_METRIC };
	char name[RULE_NAME_MAX];
	const char *begin;
	size_t len = 0;
	unsigned i;

	skip_spaces(p);
	begin = p->at;
	while (is_word(begin[len]))
		len++;
	if (!len)
		return fail_at(p, begin,
			       *begin ? "expected a metric or a number"
				      : "unexpected end of expression");
	snprintf(name, sizeof(name), "%.*s", (int)len, begin);
	n.metric = rule_metric_find(name);
	if (!n.metric)
		return fail_at(p, begin, "unknown metric '%s': see deferd check-config --example",
			       name);
	p->at += len;
	if (take(p, "{")) {
		n.selector = read_selector(p);
		if (!n.selector)
			return 0;
	}
	i = add(p, n);
	if (p->err)
		selector_free(n.selector);
	return i;
}

static unsigned read_or(struct parser *p);

/* rate(m, 5m), after its name */
static unsigned read_rate(struct parser *p)
{
	struct node n = { .kind = NODE_RATE };
	const char *at;
	unsigned window;

	need(p, "(");
	n.a = read_metric(p);
	need(p, ",");
	skip_spaces(p);
	at = p->at;
	window = p->err ? 0 : read_number(p);
	need(p, ")");
	if (p->err)
		return 0;
	n.metric = p->x->nodes[n.a].metric;
	if (p->x->nodes[window].dim != DIM_TIME || p->x->nodes[window].number < 10 ||
	    p->x->nodes[window].number > 86400)
		return fail_at(p, at, "expected a time from 10s to 1d, as in rate(%s, 5m)",
			       n.metric->name);
	n.window_ns = (uint64_t)(p->x->nodes[window].number * 1e9);
	return add(p, n);
}

static unsigned read_rise(struct parser *p)
{
	struct node n = { .kind = NODE_RISE };

	need(p, "(");
	n.a = read_metric(p);
	need(p, ")");
	n.metric = p->err ? NULL : p->x->nodes[n.a].metric;
	return add(p, n);
}

/* max by (service) (m), after its name */
static unsigned read_by(struct parser *p, enum kind kind)
{
	struct node n = { .kind = kind };
	const char *at;

	need(p, "by");
	need(p, "(");
	need(p, "service");
	need(p, ")");
	need(p, "(");
	skip_spaces(p);
	at = p->at;
	n.a = read_metric(p);
	need(p, ")");
	if (p->err)
		return 0;
	n.metric = p->x->nodes[n.a].metric;
	if (n.metric->scope == METRIC_OF_SERVICE)
		return fail_at(p, at, "%s is already a metric of services", n.metric->name);
	return add(p, n);
}

static unsigned read_operand(struct parser *p)
{
	unsigned i;

	skip_spaces(p);
	if (take(p, "(")) {
		i = read_or(p);
		need(p, ")");
		return i;
	}
	if (isdigit((unsigned char)*p->at) || *p->at == '.')
		return read_number(p);
	if (take(p, "rate"))
		return read_rate(p);
	if (take(p, "rise"))
		return read_rise(p);
	if (take(p, "max"))
		return read_by(p, NODE_MAX);
	if (take(p, "min"))
		return read_by(p, NODE_MIN);
	if (take(p, "sum"))
		return read_by(p, NODE_SUM);
	return read_metric(p);
}

static bool is_truth(const struct parser *p, unsigned i)
{
	return p->x->nodes[i].kind >= NODE_GE;
}

static bool too_deep(struct parser *p)
{
	if (++p->depth <= EXPR_DEPTH_MAX)
		return false;
	fail_at(p, p->at, "nested more than %d deep", EXPR_DEPTH_MAX);
	return true;
}

/* An operand that is a number, as its operator wants. */
static unsigned read_numeric(struct parser *p, unsigned (*read)(struct parser *p))
{
	const char *at;
	unsigned i;

	skip_spaces(p);
	at = p->at;
	i = read(p);
	if (!p->err && is_truth(p, i))
		return fail_at(p, at, "expected a number, not a comparison");
	return i;
}

static unsigned read_minus(struct parser *p)
{
	unsigned i;

	if (too_deep(p))
		return 0;
	if (take(p, "-"))
		i = add(p, (struct node){ .kind = NODE_MINUS, .a = read_numeric(p, read_minus) });
	else
		i = read_operand(p);
	p->depth--;
	return i;
}

/* Operators of one level, from the left: signs[i] makes kinds[i]. */
static unsigned read_chain(struct parser *p, unsigned (*read)(struct parser *p),
			   const char *const signs[2], const enum kind kinds[2])
{
	unsigned a = read(p);

	while (!p->err) {
		const char *at;
		int i;

		skip_spaces(p);
		at = p->at;
		i = take(p, signs[0]) ? 0 : take(p, signs[1]) ? 1 : -1;
		if (i < 0)
			break;
		if (is_truth(p, a))
			return fail_at(p, at, "expected a number before '%s'", signs[i]);
		a = add(p, (struct node){ .kind = kinds[i], .a = a, .b = read_numeric(p, read) });
	}
	return a;
}

static unsigned read_product(struct parser *p)
{
	return read_chain(p, read_minus, (const char *const[]){ "*", "/" },
			  (const enum kind[]){ NODE_MUL, NODE_DIV });
}

static unsigned read_sum(struct parser *p)
{
	return read_chain(p, read_product, (const char *const[]){ "+", "-" },
			  (const enum kind[]){ NODE_ADD, NODE_SUB });
}

/* The kind and factor of a metric's own unit. */
static enum dim metric_dim(const struct rule_metric *m, double *ret_factor)
{
	static const struct unit own[] = { { "s", 1, DIM_TIME },
					   { "1/s", 1, DIM_RATE },
					   { "1/min", 1.0 / 60, DIM_RATE },
					   { "1/h", 1.0 / 3600, DIM_RATE },
					   { "ratio", 1, DIM_RATIO } };

	*ret_factor = 1;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		if (strcmp(own[i].name, m->unit))
			continue;
		*ret_factor = own[i].factor;
		return own[i].dim;
	}
	return DIM_NONE;
}

/* What a side of a comparison measures. False: that depends on too much to say. */
static bool side_dim(const struct parser *p, const struct node *n, enum dim *ret,
		     double *ret_factor)
{
	*ret_factor = 1;
	switch (n->kind) {
	case NODE_RATE:
		*ret = DIM_RATE;
		return true;
	case NODE_METRIC:
	case NODE_RISE:
	case NODE_MAX:
	case NODE_MIN:
	case NODE_SUM:
		*ret = metric_dim(n->metric, ret_factor);
		return true;
	default:
		return false;
	}
}

/* A number with a unit next to a metric becomes one in the metric's own unit. */
static void fit(struct parser *p, const char *at, unsigned side, unsigned number)
{
	struct node *n = &p->x->nodes[number];
	const struct node *s = &p->x->nodes[side];
	double factor;
	enum dim dim;

	if (p->err || n->kind != NODE_NUMBER || !n->has_unit || !side_dim(p, s, &dim, &factor))
		return;
	if (dim != n->dim)
		fail_at(p, at, "%s is compared with %s: %s is in %s", dim_names[dim],
			dim_names[n->dim], s->metric->name, s->metric->unit);
	n->number /= factor;
	n->has_unit = false;
}

static unsigned read_comparison(struct parser *p)
{
	static const char *const signs[] = { ">=", ">", "<=", "<", "==", "!=" };
	unsigned a = read_sum(p), b;
	const char *at;

	skip_spaces(p);
	at = p->at;
	if (at[0] == '=' && at[1] != '=')
		return fail_at(p, at, "use '==' to compare");
	for (unsigned i = 0; i < ARRAY_SIZE(signs) && !p->err; i++) {
		if (!take(p, signs[i]))
			continue;
		if (is_truth(p, a))
			return fail_at(p, at, "expected a number before '%s'", signs[i]);
		b = read_numeric(p, read_sum);
		fit(p, at, a, b);
		fit(p, at, b, a);
		return add(p, (struct node){ .kind = NODE_GE + i, .a = a, .b = b });
	}
	return a;
}

static unsigned read_truth(struct parser *p, unsigned (*read)(struct parser *p))
{
	const char *at;
	unsigned i;

	skip_spaces(p);
	at = p->at;
	i = read(p);
	if (!p->err && !is_truth(p, i))
		return fail_at(p, at,
			       "a number is neither true nor false: compare it with something");
	return i;
}

static unsigned read_not(struct parser *p)
{
	unsigned i;

	if (too_deep(p))
		return 0;
	if (take(p, "not"))
		i = add(p, (struct node){ .kind = NODE_NOT, .a = read_truth(p, read_not) });
	else
		i = read_comparison(p);
	p->depth--;
	return i;
}

static unsigned read_joined(struct parser *p, unsigned (*read)(struct parser *p), const char *word,
			    enum kind kind)
{
	const char *begin;
	unsigned a;

	skip_spaces(p);
	begin = p->at;
	a = read(p);
	while (!p->err && take(p, word)) {
		if (!is_truth(p, a))
			return fail_at(p, begin,
				       "a number is neither true nor false: compare it with "
				       "something");
		a = add(p, (struct node){ .kind = kind, .a = a, .b = read_truth(p, read) });
	}
	return a;
}

static unsigned read_and(struct parser *p)
{
	return read_joined(p, read_not, "and", NODE_AND);
}

static unsigned read_or(struct parser *p)
{
	unsigned i;

	if (too_deep(p))
		return 0;
	i = read_joined(p, read_and, "or", NODE_OR);
	p->depth--;
	return i;
}

/* All of services, or all of processes. */
static void check_scope(struct parser *p)
{
	const struct rule_metric *of_service = NULL, *of_target = NULL;
	bool inside[EXPR_NODES_MAX] = {}, by = false;

	for (unsigned i = 0; i < p->x->n; i++) {
		const struct node *n = &p->x->nodes[i];

		if (n->kind == NODE_MAX || n->kind == NODE_MIN || n->kind == NODE_SUM)
			by = inside[n->a] = true;
	}
	for (unsigned i = 0; i < p->x->n; i++) {
		const struct node *n = &p->x->nodes[i];

		if (n->kind != NODE_METRIC || inside[i])
			continue;
		if (n->metric->scope == METRIC_OF_SERVICE)
			of_service = n->metric;
		else
			of_target = n->metric;
	}
	p->x->of_service = of_service || by;
	if (p->x->of_service && of_target)
		fail_at(p, p->text,
			"it mixes metrics of services with %s, a metric of processes: write max by "
			"(service) (%s)",
			of_target->name, of_target->name);
	else if (!of_service && !of_target && !by)
		fail_at(p, p->text, "the expression names no metric");
}

int expr_compile(const char *text, struct expr **ret_x, struct reason *reason)
{
	_cleanup_(expr_freep) struct expr *x = calloc(1, sizeof(*x));
	struct parser p = { .text = text, .at = text, .x = x, .reason = reason };

	if (!x)
		return -ENOMEM;
	if (strlen(text) > EXPR_BYTES_MAX)
		return reason_set(reason, -EINVAL, "longer than %d bytes", EXPR_BYTES_MAX);
	x->root = read_truth(&p, read_or);
	skip_spaces(&p);
	if (!p.err && *p.at)
		fail_at(&p, p.at, "expected 'and', 'or', an operator or the end");
	if (!p.err)
		check_scope(&p);
	if (p.err)
		return p.err;
	*ret_x = TAKE_PTR(x);
	return 0;
}

bool expr_of_service(const struct expr *x)
{
	return x->of_service;
}

/* Conditions */

static void find_conditions(const struct expr *x, unsigned i, struct rule_condition *ret,
			    unsigned n, unsigned *found, bool *all)
{
	const struct node *at = &x->nodes[i], *a = &x->nodes[at->a], *b = &x->nodes[at->b];

	if (at->kind == NODE_AND || at->kind == NODE_OR || at->kind == NODE_NOT) {
		*all &= at->kind == NODE_AND;
		find_conditions(x, at->a, ret, n, found, all);
		if (at->kind != NODE_NOT)
			find_conditions(x, at->b, ret, n, found, all);
		return;
	}
	*all &= a->kind == NODE_METRIC && !a->selector && b->kind == NODE_NUMBER &&
		at->kind <= NODE_LT && *found < n;
	if (a->metric && b->kind == NODE_NUMBER && *found < n)
		ret[(*found)++] = (struct rule_condition){
			a->metric,
			at->kind <= NODE_LT ? (enum rule_op)(at->kind - NODE_GE) : RULE_GE,
			b->number,
		};
}

unsigned expr_conditions(const struct expr *x, struct rule_condition *ret, unsigned n,
			 bool *ret_all)
{
	unsigned found = 0;

	*ret_all = true;
	find_conditions(x, x->root, ret, n, &found, ret_all);
	if (!found) {
		/* What it is about, whatever it is compared with. */
		for (unsigned i = 0; i < x->n && !found; i++) {
			if (x->nodes[i].metric)
				ret[found++] =
					(struct rule_condition){ x->nodes[i].metric, RULE_GE, NAN };
		}
		*ret_all = false;
	}
	return found;
}

/* Evaluation */

/* Where it is noted whether the service matches; NULL: nowhere. */
static uint8_t *memo_of(struct selector *s, uint32_t serial)
{
	unsigned n = serial < 64 ? 64 : 2 * serial;
	uint8_t *memo;

	if (serial >= MEMO_MAX)
		return NULL;
	if (serial < s->n_memo)
		return &s->memo[serial];
	memo = realloc(s->memo, n);
	if (!memo)
		return NULL;
	memset(memo + s->n_memo, 0, n - s->n_memo);
	s->memo = memo;
	s->n_memo = n;
	return &memo[serial];
}

static bool matches(struct selector *s, const struct service *service)
{
	uint8_t *memo = memo_of(s, service->serial);
	bool match;

	if (memo && *memo)
		return *memo - 1;
	match = !regexec(&s->regex, service->name, 0, NULL, 0);
	if (memo)
		*memo = 1 + match;
	return match;
}

static bool selected(struct selector *s, const struct service *service)
{
	if (!s)
		return true;
	return (s->pattern ? matches(s, service) : !strcmp(s->text, service->name)) != s->negated;
}

static bool node_value(const struct node *n, const struct expr_env *env, double *ret)
{
	return selected(n->selector, env->of.service) && metric_value(n->metric, &env->of, ret);
}

static bool by_service(const struct expr *x, const struct node *n, const struct expr_env *env,
		       double *ret)
{
	const struct node *m = &x->nodes[n->a];
	enum metric_fold fold = n->kind == NODE_SUM   ? METRIC_SUM
				: n->kind == NODE_MAX ? METRIC_MAX
						      : METRIC_MIN;

	return selected(m->selector, env->of.service) &&
	       metric_of_processes(m->metric, fold, &env->of, ret);
}

static bool value_of(const struct expr *x, unsigned i, const struct expr_env *env, double *ret);

static bool arithmetic(const struct expr *x, const struct node *n, const struct expr_env *env,
		       double *ret)
{
	double a, b;

	if (!value_of(x, n->a, env, &a) || !value_of(x, n->b, env, &b))
		return false;
	switch (n->kind) {
	case NODE_ADD:
		*ret = a + b;
		break;
	case NODE_SUB:
		*ret = a - b;
		break;
	case NODE_MUL:
		*ret = a * b;
		break;
	default:
		*ret = a / b;
	}
	return !isnan(*ret);
}

static bool value_of(const struct expr *x, unsigned i, const struct expr_env *env, double *ret)
{
	const struct node *n = &x->nodes[i];
	double v;

	switch (n->kind) {
	case NODE_NUMBER:
		*ret = n->number;
		return true;
	case NODE_METRIC:
		return node_value(n, env, ret);
	case NODE_RATE:
	case NODE_RISE:
		return env->history && value_of(x, n->a, env, &v) &&
		       env->history(env->arg, i, n->kind == NODE_RATE ? EXPR_RATE : EXPR_RISE,
				    n->window_ns, v, ret);
	case NODE_MAX:
	case NODE_MIN:
	case NODE_SUM:
		return by_service(x, n, env, ret);
	case NODE_MINUS:
		if (!value_of(x, n->a, env, &v))
			return false;
		*ret = -v;
		return true;
	default:
		return arithmetic(x, n, env, ret);
	}
}

static enum expr_truth compare(const struct expr *x, const struct node *n,
			       const struct expr_env *env)
{
	double a, b;

	if (!value_of(x, n->a, env, &a) || !value_of(x, n->b, env, &b))
		return EXPR_UNKNOWN;
	if (n->kind == NODE_EQ)
		return a == b ? EXPR_TRUE : EXPR_FALSE;
	if (n->kind == NODE_NE)
		return a != b ? EXPR_TRUE : EXPR_FALSE;
	return rule_compare((enum rule_op)(n->kind - NODE_GE), a, b) ? EXPR_TRUE : EXPR_FALSE;
}

/* Both sides always: what is remembered for rates has no gaps then. */
static enum expr_truth truth_of(const struct expr *x, unsigned i, const struct expr_env *env)
{
	const struct node *n = &x->nodes[i];
	enum expr_truth a, b, decides;

	switch (n->kind) {
	case NODE_NOT:
		a = truth_of(x, n->a, env);
		return a == EXPR_UNKNOWN ? a : a == EXPR_TRUE ? EXPR_FALSE : EXPR_TRUE;
	case NODE_AND:
	case NODE_OR:
		a = truth_of(x, n->a, env);
		b = truth_of(x, n->b, env);
		decides = n->kind == NODE_AND ? EXPR_FALSE : EXPR_TRUE;
		if (a == decides || b == decides)
			return decides;
		return a == EXPR_UNKNOWN ? a : b;
	default:
		return compare(x, n, env);
	}
}

enum expr_truth expr_eval(const struct expr *x, const struct expr_env *env)
{
	return truth_of(x, x->root, env);
}

/* The side of the first comparison of a metric with a number. */
static int first_side(const struct expr *x, unsigned i)
{
	const struct node *n = &x->nodes[i];
	int found;

	if (n->kind == NODE_AND || n->kind == NODE_OR || n->kind == NODE_NOT) {
		found = first_side(x, n->a);
		return found < 0 && n->kind != NODE_NOT ? first_side(x, n->b) : found;
	}
	return x->nodes[n->a].metric && x->nodes[n->b].kind == NODE_NUMBER ? (int)n->a : -1;
}

bool expr_value(const struct expr *x, const struct expr_env *env, double *ret)
{
	int side = first_side(x, x->root);

	for (unsigned i = 0; side < 0 && i < x->n; i++)
		side = x->nodes[i].metric ? (int)i : -1;
	return value_of(x, (unsigned)side, env, ret);
}
