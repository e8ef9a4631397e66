// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "alert/alert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/history.h"
#include "base/utf8.h"
#include "model/fdlines.h"
#include "model/panics.h"

#define PLACE_MAX (MODEL_FUNC_MAX + MODEL_FILE_MAX + 16)

#define MAYBE_BITS 16384

struct alerts {
	struct alert *active;
	struct history *history;
	expr_read_fn read; /* NULL: the model */
	void *read_arg;
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

void alerts_set_reader(struct alerts *as, expr_read_fn read, void *arg)
{
	as->read = read;
	as->read_arg = arg;
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
	return (struct expr_env){ .m = m,
				  .service = s->service,
				  .target = s->target,
				  .now_ns = now_ns,
				  .history = remember,
				  .arg = asking,
				  .read = as->read,
				  .read_arg = as->read_arg };
}

/* Whether every condition holds; *ret_values are what they compared. */
static enum expr_truth conditions_hold(const struct rule *r, const struct expr_env *env,
				       double ret_values[static RULE_CONDITIONS_MAX])
{
	for (unsigned i = 0; i < r->n_conditions; i++) {
		const struct rule_condition *c = &r->conditions[i];

		if (!expr_metric(c->metric, env, &ret_values[i]))
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
		if (i ? !expr_metric(r->conditions[i].metric, &env, &ret_values[i])
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

/* False when the line is not known (yet). */
static bool set_site(struct alert_site *ret, const struct code_line *c)
{
	snprintf(ret->function, sizeof(ret->function), "%s", c ? c->function : "?");
	snprintf(ret->file, sizeof(ret->file), "%s", c ? c->file : "");
	ret->line = c ? c->line : 0;
	return c != NULL;
}

static bool name_site(struct model *m, const struct target *t, uint64_t pc, struct alert_site *ret)
{
	const struct name *n = model_site_name(m, t->image_id, pc);

	return set_site(ret, n ? &n->at : NULL);
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

/* Where goroutines stand, and who made them. False while a line is not known. */
static bool describe_goroutines(struct alert *a, struct model *m, const struct target *t,
				const uint64_t *stack, unsigned nstack, uint64_t created_at)
{
	const struct code_line *c = model_program_frame(m, t->image_id, t->runtime, stack, nstack);
	bool named;

	named = set_site(&a->site, c);
	a->created.function[0] = '\0';
	if (created_at)
		named &= name_site(m, t, created_at, &a->created);
	return named;
}

/* The group that grows fastest. */
static bool describe_leak(struct alert *a, struct model *m, const struct target *t)
{
	const struct parked *p;

	if (!parked_leaks(t->parked, &p, 1))
		return true;
	a->count = p->what.count;
	snprintf(a->doing, sizeof(a->doing), "%s", p->reason);
	return describe_goroutines(a, m, t, p->what.stack, p->what.nstack, p->what.created_at);
}

static bool describe_pile(struct alert *a, struct model *m, const struct target *t)
{
	const struct event_pile *p = target_pile(t);

	if (!p)
		return true;
	a->count = p->count;
	snprintf(a->doing, sizeof(a->doing), "%s", p->reason);
	return describe_goroutines(a, m, t, p->stack, p->nstack, p->created_at);
}

static bool describe_pool(struct alert *a, struct model *m, const struct target *t)
{
	struct pool_shortage s;

	if (!target_pool_shortage(t, &s))
		return true;
	a->count = s.waiters->count;
	snprintf(a->doing, sizeof(a->doing), "%s", s.waiters->reason);
	fdgroup_name(&s.in_use->what.key, a->fds.what, sizeof(a->fds.what));
	a->fds.open = s.in_use->what.open;
	return describe_goroutines(a, m, t, s.waiters->stack, s.waiters->nstack,
				   s.waiters->created_at);
}

/* The line that opened most of what leaks, and its share of these. */
static void describe_opener(struct alert *a, const struct fd_line *lines, unsigned n,
			    const struct event_fd_key *what)
{
	const struct fd_line *most = NULL;
	uint64_t kept = 0;

	for (unsigned i = 0; i < n; i++) {
		if (memcmp(&lines[i].what, what, sizeof(*what)))
			continue;
		kept += lines[i].kept;
		most = most ?: &lines[i];
	}
	if (!most || !most->at || !most->kept)
		return;
	(void)set_site(&a->fds.opened_by, most->at);
	a->fds.opened_by.share = (double)most->kept / (double)kept;
}

static void describe_fds(struct alert *a, struct model *m, const struct target *t,
			 enum fd_scope scope)
{
	const struct fdgroup *g = fdgroups_fastest(t->fd_groups, scope);
	struct fd_line lines[FD_LINES_MAX];

	if (!g)
		return;
	fdgroup_name(&g->what.key, a->fds.what, sizeof(a->fds.what));
	a->fds.open = g->what.open;
	a->fds.low_per_hour = g->leak.low_per_hour;
	a->fds.high_per_hour = g->leak.high_per_hour;
	a->fds.limit = t->fds.limit;
	if (!target_fd_exhaustion(t, &a->fds.full_low_s, &a->fds.full_high_s))
		a->fds.full_low_s = a->fds.full_high_s = NAN;
	describe_opener(a, lines, fd_lines(m, t, lines), &g->what.key);
}

/* The newest panic of this outcome. */
static const struct ledger_entry *newest(const struct service *s, enum panic_outcome outcome)
{
	const struct ledger_entry *e;

	for (unsigned age = 0; s->ledger && (e = ledger_entry(s->ledger, age)); age++) {
		if (e->outcome == outcome)
			return e;
	}
	return NULL;
}

/* Bring what the alert tells up to date. False while something of it is not known. */
static bool describe_panic(struct alert *a, struct model *m, const struct service *s,
			   enum panic_outcome outcome)
{
	const struct ledger_entry *e = newest(s, outcome);
	const struct code_line *c;
	char type[MODEL_FUNC_MAX], message[MODEL_FUNC_MAX], both[2 * MODEL_FUNC_MAX + 2];
	bool known;

	if (!e)
		return true;
	a->pid = e->pid;
	a->runtime = e->runtime;
	known = model_panic_type(m, e->image_id, &e->what, type, sizeof(type));
	known &= model_panic_message(m, e->image_id, &e->what, message, sizeof(message));
	snprintf(both, sizeof(both), "%s%s%s", type, type[0] && message[0] ? ": " : "", message);
	utf8_sanitize(a->panic, sizeof(a->panic), both, strlen(both));
	c = model_program_frame(m, e->image_id, e->runtime, e->what.stack, e->what.nstack);
	return set_site(&a->site, c) && known;
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
	a->threshold = first->threshold;
	/* What an expression makes of all processes of a service has no one place. */
	a->of_depth = first->metric->of_depth && !r->of_service;
	a->of_leak = first->metric->of_leak && !r->of_service;
	a->of_fds = first->metric->of_fds && !r->of_service;
	a->of_bad_close = first->metric->of_bad_close && !r->of_service;
	a->of_pile = first->metric->of_pile && !r->of_service;
	a->of_pool = first->metric->of_pool && !r->of_service;
	a->of_panic = first->metric->read_service;
	if (a->state == ALERT_PENDING || worse(first->op, value, a->value))
		a->value = value;
}

static void end(struct alerts *as, struct alert *a, alert_fn fn, void *arg)
{
	HASH_DEL(as->active, a);
	if (a->told) {
		a->state = ALERT_RESOLVED;
		fn(arg, a);
	}
	alert_free(a);
}

/* An alert whose rule does not hold. */
static bool may_end(struct alerts *as, const struct rule *r, const struct model *m,
		    const struct subject *s, struct alert *a, uint64_t now_ns)
{
	if (a->state == ALERT_FIRING && r->clear && !is_clear(as, r, m, s, now_ns)) {
		a->last_true_ns = now_ns;
		return false;
	}
	return a->state == ALERT_PENDING || now_ns - a->last_true_ns >= r->keep_ns;
}

static void eval_one(struct alerts *as, const struct rule *r, struct model *m,
		     const struct subject *s, uint64_t now_ns, alert_fn fn, void *arg)
{
	struct alert *a = find(as, r, s);
	double values[RULE_CONDITIONS_MAX] = {}, value;
	enum expr_truth truth = rule_holds(as, r, m, s, now_ns, values);
	bool named = true;

	if (a)
		a->unknown = truth == EXPR_UNKNOWN;
	if (truth != EXPR_TRUE) {
		if (a && may_end(as, r, m, s, a, now_ns))
			end(as, a, fn, arg);
		return;
	}
	if (s->target && now_ns - s->target->first_ns < r->grace_ns)
		return;
	if (!a)
		a = start(as, r, s, now_ns);
	if (!a)
		return;
	a->last_true_ns = now_ns;
	value = values[0];
	refresh(a, r, values);
	if (a->of_depth && value == a->value) /* the worst so far: tell this one */
		named = describe_depth(a, m, s->target, now_ns);
	else if (a->of_pile)
		named = describe_pile(a, m, s->target);
	else if (a->of_pool)
		named = describe_pool(a, m, s->target);
	else if (a->of_leak)
		named = describe_leak(a, m, s->target);
	else if (a->of_bad_close)
		named = describe_goroutines(a, m, s->target, s->target->bad_close.stack,
					    s->target->bad_close.nstack, 0);
	else if (a->of_fds)
		describe_fds(a, m, s->target, r->conditions[0].metric->fds);
	else if (a->of_panic && value == a->value)
		named = describe_panic(a, m, s->service, r->conditions[0].metric->outcome);
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
		if (a->state == ALERT_FIRING && a->severity == SEVERITY_PAGE)
			ret[n++] = a;
	}
	return n;
}

static bool is_inhibited(const struct alert *a, const struct model *m, const struct alert **pages,
			 unsigned n_pages)
{
	const struct target *t = model_target(m, (uint32_t)a->key.target);

	if (a->of_depth && !a->exact && t && t->lost_recently)
		return true;
	/* A page wakes somebody who looks at warnings anyhow; what is critical may be another matter. */
	for (unsigned i = 0; i < n_pages && a->severity < SEVERITY_CRITICAL; i++) {
		if (!strcmp(pages[i]->service, a->service))
			return true;
	}
	return false;
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
		a->told = true;
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

/* Whether what the alert is about is still there. */
static bool subject_exists(const struct model *m, const struct alert *a)
{
	if (!(a->key.target & ALERT_OF_SERVICE))
		return model_target(m, (uint32_t)a->key.target);
	for (const struct service *s = model_services(m); s; s = s->hh.next) {
		if (s->serial == (uint32_t)a->key.target)
			return true;
	}
	return false;
}

void alerts_eval(struct alerts *as, const struct rule_set *rules, struct model *m, uint64_t now_ns,
		 alert_fn fn, void *arg)
{
	struct alert *a, *next;

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
		if (!subject_exists(m, a) || !rule_exists(rules, a->key.rule))
			end(as, a, fn, arg);
	}
}

/* "main.handle at main.go:41" */
static void describe_place(const struct alert_site *s, char *buf, size_t size)
{
	if (s->file[0])
		snprintf(buf, size, "%s at %s:%u", s->function, s->file, s->line);
	else
		snprintf(buf, size, "%s", s->function);
}

static void describe_panics(const struct alert *a, char *buf, size_t size)
{
	char place[PLACE_MAX];

	describe_place(&a->site, place, sizeof(place));
	snprintf(buf, size, "%s (pid %u): %s is %g; the newest: %s%sin %s", a->service, a->pid,
		 a->metric, a->value, a->panic, a->panic[0] ? ", " : "", place);
}

static void describe_leaks(const struct alert *a, char *buf, size_t size)
{
	char place[PLACE_MAX], created[PLACE_MAX];

	describe_place(&a->site, place, sizeof(place));
	describe_place(&a->created, created, sizeof(created));
	snprintf(buf, size, "%s (pid %u): %llu goroutines %s%s%sin %s%s%s; %.0f more an hour",
		 a->service, a->pid, (unsigned long long)a->count, a->doing[0] ? "wait (" : "wait ",
		 a->doing, a->doing[0] ? ") " : "", place, created[0] ? ", created by " : "",
		 created, a->value);
}

static void describe_duration(double seconds, char *buf, size_t size)
{
	if (seconds < 120)
		snprintf(buf, size, "%.0f s", seconds);
	else if (seconds < 7200)
		snprintf(buf, size, "%.0f min", seconds / 60);
	else if (seconds < 172800)
		snprintf(buf, size, "%.1f h", seconds / 3600);
	else
		snprintf(buf, size, "%.0f days", seconds / 86400);
}

static void describe_descriptors(const struct alert *a, char *buf, size_t size)
{
	const struct alert_fds *f = &a->fds;
	char low[32], high[32], full[128] = "", place[PLACE_MAX], opened[PLACE_MAX + 64] = "";

	describe_duration(f->full_low_s, low, sizeof(low));
	describe_duration(f->full_high_s, high, sizeof(high));
	if (isfinite(f->full_high_s))
		snprintf(full, sizeof(full), "; the limit of %llu is reached in %s to %s",
			 (unsigned long long)f->limit, low, high);
	else if (isfinite(f->full_low_s))
		snprintf(full, sizeof(full), "; the limit of %llu is reached in %s at the earliest",
			 (unsigned long long)f->limit, low);
	describe_place(&f->opened_by, place, sizeof(place));
	if (f->opened_by.function[0])
		snprintf(opened, sizeof(opened), "; %.0f %% of what is kept was opened by %s",
			 100 * f->opened_by.share, place);
	snprintf(buf, size, "%s (pid %u): %s leak: %llu are open, %.0f to %.0f more an hour%s%s",
		 a->service, a->pid, f->what, (unsigned long long)f->open, f->low_per_hour,
		 f->high_per_hour, full, opened);
}

static void describe_bad_close(const struct alert *a, char *buf, size_t size)
{
	char place[PLACE_MAX];

	describe_place(&a->site, place, sizeof(place));
	snprintf(buf, size,
		 "%s (pid %u): closed %.0f times a descriptor that was not open, in 5 minutes; the "
		 "newest in %s: "
		 "where the number has been reused, somebody else's is closed",
		 a->service, a->pid, a->value, place);
}

static void describe_pile_up(const struct alert *a, char *buf, size_t size)
{
	char place[PLACE_MAX];

	describe_place(&a->site, place, sizeof(place));
	snprintf(buf, size, "%s (pid %u): %llu goroutines wait for one lock (%s), most in %s",
		 a->service, a->pid, (unsigned long long)a->count, a->doing, place);
}

static void describe_shortage(const struct alert *a, char *buf, size_t size)
{
	char place[PLACE_MAX];

	describe_place(&a->site, place, sizeof(place));
	snprintf(buf, size,
		 "%s (pid %u): the pool is too small: %llu goroutines wait for one of %llu %s, "
		 "most in %s",
		 a->service, a->pid, (unsigned long long)a->count, (unsigned long long)a->fds.open,
		 a->fds.what, place);
}

void alert_describe(const struct alert *a, char *buf, size_t size)
{
	if (a->of_panic)
		describe_panics(a, buf, size);
	else if (a->of_leak)
		describe_leaks(a, buf, size);
	else if (a->of_bad_close)
		describe_bad_close(a, buf, size);
	else if (a->of_fds)
		describe_descriptors(a, buf, size);
	else if (a->of_pile)
		describe_pile_up(a, buf, size);
	else if (a->of_pool)
		describe_shortage(a, buf, size);
	else if (!a->of_depth && !a->pid)
		snprintf(buf, size, "%s: %s is %g, threshold %g", a->service, a->metric, a->value,
			 a->threshold);
	else if (!a->of_depth)
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
