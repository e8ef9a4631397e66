// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "alert/alert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/history.h"
#include "base/buf.h"
#include "base/cleanup.h"

#define MAYBE_BITS 16384

const char *const alert_end_words[ALERT_END_MAX] = {
	"cleared",
	"process gone",
	"no data",
	"rule removed",
	"process gone while deferd was down",
	"not observed after a restart of deferd",
};

struct alerts {
	struct alert *active;
	struct history *history;
	metric_read_fn read; /* NULL: the model */
	void *read_arg;
	bool (*is_silenced)(void *arg, const struct alert *a); /* NULL: none is */
	void *silence_arg;
	unsigned n_waiting; /* ever */
	/* By bit_of(): there may be one. Saves the search for most of those that are not there. */
	uint64_t maybe[MAYBE_BITS / 64];
};

struct alerts *alerts_new(void)
{
	struct alerts *as = calloc(1, sizeof(*as));

	if (as)
		as->history = history_new();
	if (as && !as->history) {
		free(as);
		return NULL;
	}
	return as;
}

void alerts_set_reader(struct alerts *as, metric_read_fn read, void *arg)
{
	as->read = read;
	as->read_arg = arg;
}

void alerts_set_silences(struct alerts *as, bool (*is_silenced)(void *arg, const struct alert *a),
			 void *arg)
{
	as->is_silenced = is_silenced;
	as->silence_arg = arg;
}

static unsigned bit_of(uint32_t rule_hash, uint64_t subject)
{
	return (unsigned)(((rule_hash + subject) * 0x9e3779b97f4a7c15ull) >> 40) % MAYBE_BITS;
}

static bool may_be_there(const struct alerts *as, unsigned bit)
{
	return as->maybe[bit / 64] >> bit % 64 & 1;
}

static void note_there(struct alerts *as, const struct alert *a)
{
	unsigned bit = bit_of(a->rule_hash, a->key.target);

	as->maybe[bit / 64] |= 1ull << bit % 64;
}

static void alert_free(struct alert *a)
{
	free(a->notes);
	free(a);
}

void alerts_free(struct alerts *as)
{
	struct alert *a, *next;

	if (!as)
		return;
	HASH_ITER (hh, as->active, a, next) {
		HASH_DEL(as->active, a);
		alert_free(a);
	}
	history_free(as->history);
	free(as);
}

const struct alert *alerts_active(const struct alerts *as)
{
	return as->active;
}

static void set_key(struct alert *a, const struct rule *r, uint64_t target)
{
	memset(&a->key, 0, sizeof(a->key));
	memcpy(a->key.rule, r->name, sizeof(r->name));
	a->key.target = target;
}

/* What a rule looks at: a service, or one of its processes. */
struct subject {
	const struct service *service;
	const struct target *target; /* NULL: the service itself */
};

static uint64_t key_of(const struct subject *s)
{
	return s->target ? s->target->id : ALERT_OF_SERVICE | s->service->serial;
}

/* Who asks for what was. */
struct asking {
	struct history *history;
	const struct rule *rule;
	uint64_t subject;
	uint64_t now_ns;
};

/* See struct expr_env. */
static bool remember(void *arg, unsigned node, enum expr_history what, uint64_t window_ns,
		     double value, double *ret)
{
	const struct asking *q = arg;

	return history_ask(q->history, q->rule->name, q->subject, node, what, window_ns, q->now_ns,
			   value, ret);
}

static struct alert *find(const struct alerts *as, const struct rule *r, const struct subject *s)
{
	struct alert probe, *a;

	if (!may_be_there(as, bit_of(r->hash, key_of(s))))
		return NULL;
	set_key(&probe, r, key_of(s));
	HASH_FIND(hh, as->active, &probe.key, sizeof(probe.key), a);
	return a;
}

static struct expr_env env_of(struct alerts *as, const struct rule *r, const struct model *m,
			      const struct subject *s, uint64_t now_ns, struct asking *asking)
{
	*asking = (struct asking){ as->history, r, key_of(s), now_ns };
	return (struct expr_env){ .of = { .m = m,
					  .service = s->service,
					  .target = s->target,
					  .now_ns = now_ns,
					  .read = as->read,
					  .read_arg = as->read_arg },
				  .history = remember,
				  .arg = asking };
}

/* Whether every condition holds; *ret_values are what they compared. */
static enum expr_truth conditions_hold(const struct rule *r, const struct expr_env *env,
				       double ret_values[static RULE_CONDITIONS_MAX])
{
	for (unsigned i = 0; i < r->n_conditions; i++) {
		const struct rule_condition *c = &r->conditions[i];

		if (!metric_value(c->metric, &env->of, &ret_values[i]))
			return EXPR_UNKNOWN;
		if (!rule_compare(c->op, ret_values[i], c->threshold))
			return EXPR_FALSE;
	}
	return EXPR_TRUE;
}

/* The same of a rule in either form; what is not known of them is NAN. */
static enum expr_truth rule_holds(struct alerts *as, const struct rule *r, const struct model *m,
				  const struct subject *s, uint64_t now_ns,
				  double ret_values[static RULE_CONDITIONS_MAX])
{
	struct asking asking;
	struct expr_env env = env_of(as, r, m, s, now_ns, &asking);
	enum expr_truth truth;

	if (!r->expr)
		return conditions_hold(r, &env, ret_values);
	truth = expr_eval(r->expr, &env);
	if (truth != EXPR_TRUE)
		return truth;
	for (unsigned i = 0; i < r->n_conditions; i++) {
		if (i ? !metric_value(r->conditions[i].metric, &env.of, &ret_values[i])
		      : !expr_value(r->expr, &env, &ret_values[0]))
			ret_values[i] = NAN;
	}
	return truth;
}

/* What ends a firing alert, where the rule says so, has come. */
static bool is_clear(struct alerts *as, const struct rule *r, const struct model *m,
		     const struct subject *s, uint64_t now_ns)
{
	struct asking asking;
	struct expr_env env = env_of(as, r, m, s, now_ns, &asking);

	return expr_eval(r->clear, &env) == EXPR_TRUE;
}

static struct alert *start(struct alerts *as, const struct rule *r, const struct subject *s,
			   uint64_t now_ns)
{
	struct alert *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	set_key(a, r, key_of(s));
	a->state = ALERT_PENDING;
	a->rule_hash = r->hash;
	note_there(as, a);
	if (s->target) {
		a->pid = s->target->pid;
		a->runtime = s->target->runtime;
	}
	snprintf(a->service, sizeof(a->service), "%s", s->service->name);
	a->active_ns = now_ns;
	HASH_ADD(hh, as->active, key, sizeof(a->key), a);
	return a;
}

/*
 * Further past the threshold: higher, or lower where being below it is what somebody should know.
 */
static bool worse(enum rule_op op, double value, double than)
{
	return op == RULE_LE || op == RULE_LT ? value < than : value > than;
}

/* A copy: the rule may be gone before the alert is. */
static void refresh_notes(struct alert *a, const struct rule *r)
{
	a->n_notes = 0;
	if (!r->n_notes)
		return;
	if (!a->notes)
		a->notes = calloc(RULE_NOTES_MAX, sizeof(*a->notes));
	if (!a->notes)
		return;
	memcpy(a->notes, r->notes, r->n_notes * sizeof(*r->notes));
	a->n_notes = r->n_notes;
}

/* What the conditions but the first one compared. */
static void refresh_also(struct alert *a, const struct rule *r, const double *values)
{
	memset(a->also, 0, sizeof(a->also));
	a->on_latency = false;
	for (unsigned i = 0; i < r->n_conditions; i++) {
		const struct rule_condition *c = &r->conditions[i];

		a->on_latency |= c->metric->of_latency;
		if (i)
			a->also[i - 1] =
				(struct alert_also){ c->metric->name, values[i], c->threshold };
	}
}

static void refresh(struct alert *a, const struct rule *r, const double *values)
{
	const struct rule_condition *first = &r->conditions[0];
	double value = values[0];

	refresh_also(a, r, values);
	a->severity = r->severity;
	a->n_labels = r->n_labels;
	memcpy(a->labels, r->labels, sizeof(a->labels));
	refresh_notes(a, r);
	a->metric = first->metric->name;
	a->unit = first->metric->unit;
	a->threshold = first->threshold;
	if (a->state == ALERT_PENDING || worse(first->op, value, a->value))
		a->value = value;
}

static void end(struct alerts *as, struct alert *a, enum alert_end why, uint64_t now_ns,
		alert_fn fn, void *arg)
{
	HASH_DEL(as->active, a);
	if (a->told) {
		a->state = ALERT_RESOLVED;
		a->why = why;
		a->ended_ns = now_ns;
		fn(arg, a);
	}
	alert_free(a);
}

/* A number of the rule is not there, which says that there is none of what it counts. */
static bool is_none(struct alerts *as, const struct rule *r, const struct model *m,
		    const struct subject *s, uint64_t now_ns)
{
	struct asking asking;
	struct expr_env env = env_of(as, r, m, s, now_ns, &asking);
	double value;

	for (unsigned i = 0; i < r->n_conditions; i++) {
		const struct rule_metric *metric = r->conditions[i].metric;

		if (metric->absent_is_none && !metric_value(metric, &env.of, &value))
			return true;
	}
	return false;
}

/* An alert whose rule does not hold, or of which that is not known: whether it is over, and why. */
static bool may_end(struct alerts *as, const struct rule *r, const struct model *m,
		    const struct subject *s, struct alert *a, uint64_t now_ns,
		    enum alert_end *ret_why)
{
	if (now_ns < a->back_until_ns) {
		a->unknown = true;
		return false;
	}
	*ret_why = ALERT_NO_DATA;
	if (a->state == ALERT_FIRING && a->unknown && !is_none(as, r, m, s, now_ns))
		return now_ns - a->last_true_ns >= ALERT_NO_DATA_NS;
	*ret_why = ALERT_CLEARED;
	if (a->state == ALERT_FIRING && r->clear && !is_clear(as, r, m, s, now_ns)) {
		a->last_true_ns = now_ns;
		return false;
	}
	return a->state == ALERT_PENDING || now_ns - a->last_true_ns >= r->keep_ns;
}

static const struct evidence_about *about_of(const struct rule *r)
{
	static const struct evidence_about nothing = {};
	const struct rule_metric *metric = r->conditions[0].metric;

	for (unsigned i = 1; i < r->n_conditions; i++) {
		if (r->conditions[i].metric->joins)
			metric = r->conditions[i].metric;
	}
	/* What an expression makes of all processes of a service has no one place. */
	return r->of_service && metric->scope == METRIC_OF_PROCESS ? &nothing : &metric->about;
}

/* Bring what the alert is about up to date. False while a name of it is not known. */
static bool gather(struct alert *a, const struct rule *r, struct model *m, const struct subject *s,
		   uint64_t now_ns, double value)
{
	const struct evidence_about *about = about_of(r);
	bool named;

	if (a->evidence.kind != EVIDENCE_NONE && evidence_is_moment(about->kind) &&
	    value != a->value)
		return true;
	named = evidence_gather(&a->evidence, about, m, s->service, s->target, now_ns);
	if (a->evidence.kind == about->kind)
		a->says[0] = 0;
	if (a->evidence.kind == EVIDENCE_PANIC && a->evidence.panic.pid) {
		a->pid = a->evidence.panic.pid;
		a->runtime = a->evidence.panic.runtime;
	}
	return named;
}

static void eval_one(struct alerts *as, const struct rule *r, struct model *m,
		     const struct subject *s, uint64_t now_ns, alert_fn fn, void *arg)
{
	struct alert *a = find(as, r, s);
	double values[RULE_CONDITIONS_MAX] = {};
	enum expr_truth truth = rule_holds(as, r, m, s, now_ns, values);
	enum alert_end why;
	bool named;

	if (a)
		a->unknown = truth == EXPR_UNKNOWN;
	if (truth != EXPR_TRUE) {
		if (a && may_end(as, r, m, s, a, now_ns, &why))
			end(as, a, why, now_ns, fn, arg);
		return;
	}
	if (s->target && now_ns - s->target->first_ns < r->grace_ns)
		return;
	if (!a)
		a = start(as, r, s, now_ns);
	if (!a)
		return;
	a->last_true_ns = now_ns;
	refresh(a, r, values);
	named = gather(a, r, m, s, now_ns, values[0]);
	if (a->state == ALERT_PENDING && now_ns - a->active_ns >= r->for_ns &&
	    (named || now_ns - a->active_ns >= ALERT_NAME_WAIT_NS)) {
		a->state = ALERT_FIRING;
		a->fired_ns = now_ns;
	}
}

#define PAGES_MAX 256 /* further ones inhibit nothing */

static unsigned find_pages(const struct alerts *as, const struct alert **ret)
{
	unsigned n = 0;

	for (const struct alert *a = as->active; a && n < PAGES_MAX; a = a->hh.next) {
		if (a->state == ALERT_FIRING && a->severity == SEVERITY_PAGE &&
		    !(as->is_silenced && as->is_silenced(as->silence_arg, a)))
			ret[n++] = a;
	}
	return n;
}

static bool compares(const struct alert *a, const char *metric)
{
	if (!strcmp(a->metric, metric))
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(a->also) && a->also[i].metric; i++) {
		if (!strcmp(a->also[i].metric, metric))
			return true;
	}
	return false;
}

/* Of one service, and about one number or one line. */
static bool same_cause(const struct alert *page, const struct alert *a)
{
	char site[CODE_LINE_MAX], other[CODE_LINE_MAX];

	if (strcmp(page->service, a->service))
		return false;
	if (compares(page, a->metric))
		return true;
	alert_site(page, site);
	alert_site(a, other);
	return site[0] && !strcmp(site, other);
}

static bool is_inhibited(const struct alert *a, const struct model *m, const struct alert **pages,
			 unsigned n_pages)
{
	const struct target *t = model_target(m, (uint32_t)a->key.target);

	if (a->evidence.kind == EVIDENCE_DEPTH && !a->evidence.depth.exact && t && t->lost_recently)
		return true;
	/* A page wakes somebody who looks at what it is about anyhow. */
	for (unsigned i = 0; i < n_pages && a->severity < SEVERITY_CRITICAL; i++) {
		if (same_cause(pages[i], a))
			return true;
	}
	return false;
}

void alert_site(const struct alert *a, char buf[static CODE_LINE_MAX])
{
	const struct code_line *at = a->told ? NULL : evidence_site(&a->evidence);

	snprintf(buf, CODE_LINE_MAX, "%s", a->site);
	if (at)
		code_line_print(at, CODE_LINE_PLAIN, buf, CODE_LINE_MAX);
}

static void tell_firing(struct alerts *as, const struct model *m, alert_fn fn, void *arg)
{
	const struct alert *pages[PAGES_MAX];
	unsigned n = find_pages(as, pages);

	for (struct alert *a = as->active; a; a = a->hh.next) {
		if (a->state != ALERT_FIRING)
			continue;
		a->inhibited = is_inhibited(a, m, pages, n);
		if (a->told || a->inhibited)
			continue;
		alert_site(a, a->site);
		a->told = true;
		fn(arg, a);
	}
}

/* Whether what the alert is about is still there. */
static bool subject_exists(const struct model *m, const struct alert *a)
{
	if (a->waits)
		return true;
	if (!(a->key.target & ALERT_OF_SERVICE))
		return model_target(m, (uint32_t)a->key.target);
	for (const struct service *s = model_services(m); s; s = s->hh.next) {
		if (s->serial == (uint32_t)a->key.target)
			return true;
	}
	return false;
}

/* Alerts of an earlier deferd */

static const struct rule *rule_of(const struct rule_set *rules, const char *name)
{
	for (unsigned i = 0; i < rules->n; i++) {
		if (!strcmp(rules->rules[i].name, name))
			return &rules->rules[i];
	}
	return NULL;
}

/* What the rule says of it, before it holds again. */
static void take_from_rule(struct alert *a, const struct rule *r)
{
	a->rule_hash = r->hash;
	a->severity = r->severity;
	a->n_labels = r->n_labels;
	memcpy(a->labels, r->labels, sizeof(a->labels));
	refresh_notes(a, r);
	for (unsigned i = 0; i < r->n_conditions; i++)
		a->on_latency |= r->conditions[i].metric->of_latency;
}

bool alerts_adopt(struct alerts *as, const struct rule_set *rules, const struct alert *in,
		  uint64_t now_ns)
{
	const struct rule *r = rule_of(rules, in->key.rule);
	struct alert *a = malloc(sizeof(*a));

	if (!a)
		return false;
	*a = *in;
	a->notes = NULL;
	a->n_notes = 0;
	a->state = ALERT_FIRING;
	a->last_true_ns = now_ns;
	a->back_until_ns = now_ns + ALERT_BACK_NS;
	a->unknown = a->waits = true;
	a->key.target = ALERT_WAITING | as->n_waiting++;
	if (r)
		take_from_rule(a, r);
	HASH_ADD(hh, as->active, key, sizeof(a->key), a);
	return true;
}

/* The key of what the alert is about; 0: it has not been seen. */
static uint64_t subject_of(const struct model *m, const struct alert *a)
{
	const struct service *s;
	const struct target *t;

	if (!a->of_service) {
		t = model_target_by_pid(m, a->pid);
		return t && t->start_ticks == a->start_ticks ? t->id : 0;
	}
	s = model_service(m, a->service);
	return s ? ALERT_OF_SERVICE | s->serial : 0;
}

static void find_subjects(struct alerts *as, const struct model *m)
{
	struct alert *a, *next, *there;

	HASH_ITER (hh, as->active, a, next) {
		uint64_t subject = a->waits ? subject_of(m, a) : 0;

		if (!subject)
			continue;
		HASH_DEL(as->active, a);
		a->key.target = subject;
		a->waits = false;
		HASH_FIND(hh, as->active, &a->key, sizeof(a->key), there);
		if (there)
			alert_free(a);
		else
			HASH_ADD(hh, as->active, key, sizeof(a->key), a);
	}
}

void alerts_end_waiting(struct alerts *as, uint64_t now_ns,
			bool (*lives)(void *world, uint32_t pid, uint64_t start_ticks), void *world,
			alert_fn fn, void *arg)
{
	struct alert *a, *next;

	HASH_ITER (hh, as->active, a, next) {
		bool alive = a->waits && !a->of_service && lives(world, a->pid, a->start_ticks);

		if (a->waits)
			end(as, a, alive ? ALERT_NOT_OBSERVED : ALERT_GONE_MEANWHILE, now_ns, fn,
			    arg);
	}
}

void alerts_eval(struct alerts *as, const struct rule_set *rules, struct model *m, uint64_t now_ns,
		 alert_fn fn, void *arg)
{
	struct alert *a, *next;

	find_subjects(as, m);
	memset(as->maybe, 0, sizeof(as->maybe));
	for (a = as->active; a; a = a->hh.next)
		note_there(as, a);
	for (const struct service *s = model_services(m); s; s = s->hh.next) {
		for (unsigned i = 0; i < rules->n; i++) {
			struct subject whole = { .service = s };

			if (rules->rules[i].of_service)
				eval_one(as, &rules->rules[i], m, &whole, now_ns, fn, arg);
		}
	}
	for (const struct target *t = model_targets(m); t; t = t->hh.next) {
		for (unsigned i = 0; i < rules->n; i++) {
			struct subject one = { t->service, t };

			if (!rules->rules[i].of_service)
				eval_one(as, &rules->rules[i], m, &one, now_ns, fn, arg);
		}
	}
	tell_firing(as, m, fn, arg);
	/* What belongs to a target, service or rule that is gone is over. */
	history_forget_unused(as->history, now_ns);
	HASH_ITER (hh, as->active, a, next) {
		if (!subject_exists(m, a))
			end(as, a, ALERT_GONE, now_ns, fn, arg);
		else if (!rule_of(rules, a->key.rule))
			end(as, a, ALERT_RULE_GONE, now_ns, fn, arg);
	}
}

/* What the other conditions compared. */
static void describe_also(const struct alert *a, struct buf *b)
{
	for (unsigned i = 0; i < ARRAY_SIZE(a->also) && a->also[i].metric; i++) {
		const struct alert_also *c = &a->also[i];
		const struct rule_metric *metric = rule_metric_find(c->metric);
		char value[32];

		if (!metric || !isfinite(c->value))
			continue;
		metric_print(c->value, metric->unit, value, sizeof(value));
		buf_puts(b, "; ");
		if (metric->says[0])
			buf_printf(b, "%s%s%s", metric->says[0], value, metric->says[1]);
		else
			buf_printf(b, "%s is %s", metric->name, value);
	}
}

static void describe_value(const struct alert *a, struct buf *b)
{
	char value[64], threshold[64];

	metric_print(a->value, a->unit, value, sizeof(value));
	metric_print(a->threshold, a->unit, threshold, sizeof(threshold));
	buf_printf(b, ": %s is %s, threshold %s", a->metric, value, threshold);
}

void alert_describe(const struct alert *a, char *buf, size_t size)
{
	char what[1024];
	struct buf b;

	if (a->says[0] && a->evidence.kind == EVIDENCE_NONE) {
		snprintf(buf, size, "%s", a->says);
		return;
	}
	buf_init(&b, 0);
	buf_puts(&b, a->service);
	if (a->pid)
		buf_printf(&b, " (pid %u)", a->pid);
	evidence_describe(&a->evidence, a->metric, a->value, what, sizeof(what));
	if (what[0])
		buf_printf(&b, ": %s", what);
	else
		describe_value(a, &b);
	describe_also(a, &b);
	snprintf(buf, size, "%s", b.data ? b.data : "");
	buf_done(&b);
}
