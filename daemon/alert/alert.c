// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "alert/alert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct alerts {
	struct alert *active;
};

struct alerts *alerts_new(void)
{
	return calloc(1, sizeof(struct alerts));
}

void alerts_free(struct alerts *as)
{
	struct alert *a, *next;

	if (!as)
		return;
	HASH_ITER (hh, as->active, a, next) {
		HASH_DEL(as->active, a);
		free(a);
	}
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

static struct alert *find(const struct alerts *as, const struct rule *r, const struct target *t)
{
	struct alert probe, *a;

	set_key(&probe, r, t->id);
	HASH_FIND(hh, as->active, &probe.key, sizeof(probe.key), a);
	return a;
}

/* True when every condition holds; *ret_value is what the first one compared. */
static bool rule_holds(const struct rule *r, const struct model *m, const struct target *t,
		       uint64_t now_ns, double *ret_value)
{
	for (unsigned i = 0; i < r->n_conditions; i++) {
		const struct rule_condition *c = &r->conditions[i];
		double v;

		if (!c->metric->read(m, t, now_ns, &v) || !rule_compare(c->op, v, c->threshold))
			return false;
		if (i == 0)
			*ret_value = v;
	}
	return true;
}

static bool name_site(struct model *m, const struct target *t, uint64_t pc, struct alert_site *ret)
{
	const struct site_name *n = model_site_name(m, t->image_id, pc);

	snprintf(ret->function, sizeof(ret->function), "%s", n ? n->function : "?");
	snprintf(ret->file, sizeof(ret->file), "%s", n ? n->file : "");
	ret->line = n ? n->line : 0;
	return n != NULL;
}

/* Bring what the alert tells up to date. False while the name of the site is not known. */
static bool describe_depth(struct alert *a, struct model *m, const struct target *t,
			   uint64_t now_ns)
{
	const struct peak *p = target_deepest(m, t, now_ns);
	const struct site *top[ALERT_SITES_MAX];
	uint64_t all = 0;
	bool named = true;

	if (!p)
		return true;
	a->goid = p->goid;
	a->exact = !p->inferred;
	named = name_site(m, t, p->site, &a->site);
	for (const struct site *s = t->sites; s; s = s->hh.next)
		all += s->registered;
	a->n_top = target_top_sites(t, top, ALERT_SITES_MAX);
	for (unsigned i = 0; i < a->n_top; i++) {
		named &= name_site(m, t, top[i]->key.pc, &a->top[i]);
		a->top[i].share = all ? (double)top[i]->registered / (double)all : 0;
	}
	return named;
}

static struct alert *start(struct alerts *as, const struct rule *r, const struct target *t,
			   uint64_t now_ns)
{
	struct alert *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	set_key(a, r, t->id);
	a->state = ALERT_PENDING;
	a->pid = t->pid;
	a->runtime = t->runtime;
	snprintf(a->service, sizeof(a->service), "%s", t->service->name);
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

static void refresh(struct alert *a, const struct rule *r, double value)
{
	const struct rule_condition *first = &r->conditions[0];

	a->severity = r->severity;
	a->n_labels = r->n_labels;
	memcpy(a->labels, r->labels, sizeof(a->labels));
	a->metric = first->metric->name;
	a->threshold = first->threshold;
	a->of_depth = first->metric->of_depth;
	if (a->state == ALERT_PENDING || worse(first->op, value, a->value))
		a->value = value;
}

static void end(struct alerts *as, struct alert *a, alert_fn fn, void *arg)
{
	HASH_DEL(as->active, a);
	if (a->state == ALERT_FIRING) {
		a->state = ALERT_RESOLVED;
		fn(arg, a);
	}
	free(a);
}

static void eval_one(struct alerts *as, const struct rule *r, struct model *m,
		     const struct target *t, uint64_t now_ns, alert_fn fn, void *arg)
{
	struct alert *a = find(as, r, t);
	double value = 0;
	bool named = true;

	if (!rule_holds(r, m, t, now_ns, &value)) {
		if (a && (a->state == ALERT_PENDING || now_ns - a->last_true_ns >= r->keep_ns))
			end(as, a, fn, arg);
		return;
	}
	if (!a)
		a = start(as, r, t, now_ns);
	if (!a)
		return;
	a->last_true_ns = now_ns;
	refresh(a, r, value);
	if (a->of_depth && value == a->value) /* the worst so far: tell this one */
		named = describe_depth(a, m, t, now_ns);
	if (a->state == ALERT_PENDING && now_ns - a->active_ns >= r->for_ns &&
	    (named || now_ns - a->active_ns >= ALERT_NAME_WAIT_NS)) {
		a->state = ALERT_FIRING;
		a->fired_ns = now_ns;
		fn(arg, a);
	}
}

static bool rule_exists(const struct rule_set *rules, const char *name)
{
	for (unsigned i = 0; i < rules->n; i++) {
		if (!strcmp(rules->rules[i].name, name))
			return true;
	}
	return false;
}

void alerts_eval(struct alerts *as, const struct rule_set *rules, struct model *m, uint64_t now_ns,
		 alert_fn fn, void *arg)
{
	struct alert *a, *next;

	for (const struct target *t = model_targets(m); t; t = t->hh.next) {
		for (unsigned i = 0; i < rules->n; i++)
			eval_one(as, &rules->rules[i], m, t, now_ns, fn, arg);
	}
	/* What belongs to a target or a rule that is gone is over. */
	HASH_ITER (hh, as->active, a, next) {
		if (!model_target(m, a->key.target) || !rule_exists(rules, a->key.rule))
			end(as, a, fn, arg);
	}
}

void alert_describe(const struct alert *a, char *buf, size_t size)
{
	if (!a->of_depth)
		snprintf(buf, size, "%s (pid %u): %s is %g, threshold %g", a->service, a->pid,
			 a->metric, a->value, a->threshold);
	else if (a->site.file[0])
		snprintf(buf, size,
			 "%s (pid %u): %.0f defers pending on %s %llu, registered by %s at %s:%u",
			 a->service, a->pid, a->value,
			 a->runtime == RUNTIME_C ? "thread" : "goroutine",
			 (unsigned long long)a->goid, a->site.function, a->site.file, a->site.line);
	else
		snprintf(buf, size, "%s (pid %u): %.0f defers pending on %s %llu, registered by %s",
			 a->service, a->pid, a->value,
			 a->runtime == RUNTIME_C ? "thread" : "goroutine",
			 (unsigned long long)a->goid, a->site.function);
}
