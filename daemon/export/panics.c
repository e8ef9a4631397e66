// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/panics.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "export/lines.h"
#include "export/words.h"
#include "model/panics.h"

struct page {
	const struct show *show;
	const struct view_filter *filter;
	bool complete;
	bool met; /* there is, or was, a process or service of the filter */
};

static bool wants_service(const struct view_filter *f, const struct service *s)
{
	return !f->service || !fnmatch(f->service, s->name, 0);
}

static bool wants_pid(const struct view_filter *f, uint32_t pid)
{
	return !f->pid || f->pid == pid;
}

bool view_panic_value(json_t *o, struct model *m, uint32_t image_id, const struct event_panic *p)
{
	char text[MODEL_FUNC_MAX];
	bool known = model_panic_type(m, image_id, p, text, sizeof(text));

	set_str(o, "type", text);
	known &= model_panic_message(m, image_id, p, text, sizeof(text));
	set_str(o, "message", text);
	return known;
}

/* Whether every line of the entry has a name; asks for what has none. */
static bool lines_named(struct model *m, const struct ledger_entry *e)
{
	bool stack = view_named(m, e->image_id, e->what.stack, e->what.nstack);
	bool origin = view_named(m, e->image_id, e->origin, e->norigin);
	bool ends = view_named(m, e->image_id, (uint64_t[]){ e->frame, e->recover_site }, 2);

	return stack && origin && ends;
}

/*
 * The physical function of the frame: what is inlined there has no defers of its own. The compiler's
 * wrapper of a deferred call, main.f.deferwrap1, goes by the function that it was written for.
 */
static json_t *frame_json(struct model *m, uint32_t image_id, uint64_t pc)
{
	const struct name *n = pc ? model_site_name(m, image_id, pc) : NULL;
	struct code_line c;
	char *dot;

	if (!pc)
		return json_null();
	if (!n)
		return view_line(NULL);
	c = *name_outermost(n);
	dot = n->wrapper ? strrchr(c.function, '.') : NULL;
	if (dot)
		*dot = 0;
	return view_line(&c);
}

/*
 * Where it happened, and, where that is no function of the program, which one called it. A recursion that leads through others has
 * no innermost function: then it is the program's own that it happened in.
 */
static void add_site(json_t *o, struct model *m, uint32_t image_id, enum runtime_kind runtime,
		     const uint64_t *stack, unsigned n, bool is_recursion)
{
	const struct code_line *own = model_own_frame(m, image_id, runtime, stack, n);

	if (own && is_recursion) {
		set(o, "site", view_line(own));
		own = NULL;
	} else {
		set(o, "site", view_line(model_user_frame(m, image_id, runtime, stack, n)));
	}
	set(o, "called_by", own ? view_line(own) : json_null());
}

static json_t *id_or_null(uint64_t id)
{
	return id ? json_integer((json_int_t)id) : json_null();
}

static json_t *panic_json(struct page *p, const struct service *s, const struct ledger_entry *e)
{
	struct model *m = p->show->model;
	const struct event_panic *w = &e->what;
	json_t *o = json_object();
	unsigned n;
	const uint64_t *first = ledger_first_stack(e, &n);

	p->complete &= lines_named(m, e);
	set_int(o, "id", e->id);
	set_str(o, "service", s->name);
	set_int(o, "pid", e->pid);
	set_int(o, w->c ? "thread" : "goroutine", w->c ? e->tid : w->goid);
	view_time(o, "time", show_unix_ms(p->show, e->began_ns));
	set_str(o, "kind", view_ledger_kind_names[e->kind]);
	set_str(o, "outcome", view_outcome_names[e->outcome]);
	if (e->ended_ns)
		view_time(o, "ended", show_unix_ms(p->show, e->ended_ns));
	else
		set(o, "ended", json_null());
	p->complete &= view_panic_value(o, m, e->image_id, w);
	add_site(o, m, e->image_id, e->runtime, first, n, e->kind == LEDGER_THROW && e->norigin);
	if (e->kind != LEDGER_PANIC) {
		set(o, "last_panic", id_or_null(e->last));
		set(o, "age_seconds", w->age_ns ? json_real((double)w->age_ns / 1e9) : json_null());
	}
	set(o, "raises", id_or_null(e->raises));
	set(o, "raised_again_at",
	    e->raises ? view_line(model_user_frame(m, e->image_id, e->runtime, w->stack, w->nstack))
		      : json_null());
	set(o, "raised_again_by", id_or_null(e->raised_by));
	set(o, "recovered_in", frame_json(m, e->image_id, e->frame));
	set(o, "recover_site", frame_json(m, e->image_id, e->recover_site));
	set(o, "replaced_by", id_or_null(e->replaced_by));
	set(o, "stack", view_stack(m, e->image_id, w->stack, w->nstack));
	return o;
}

struct listed {
	const struct ledger_entry *entry;
	const struct service *service;
};

/* Newest first, whatever the service. */
static int by_time(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	return (x->entry->began_ns < y->entry->began_ns) -
	       (x->entry->began_ns > y->entry->began_ns);
}

/* Fills *ret, which has room for all entries of all ledgers. Returns how many are wanted. */
static unsigned list_entries(const struct page *p, struct listed *ret)
{
	const struct ledger_entry *e;
	unsigned n = 0;

	for (const struct service *s = model_services(p->show->model); s; s = s->hh.next) {
		if (!s->ledger || !wants_service(p->filter, s))
			continue;
		for (unsigned age = 0; (e = ledger_entry(s->ledger, age)); age++) {
			if (wants_pid(p->filter, e->pid))
				ret[n++] = (struct listed){ e, s };
		}
	}
	return n;
}

static json_t *panic_list(struct page *p)
{
	unsigned limit = p->filter->limit ? p->filter->limit : VIEW_PANICS_MAX, n, room = 0;
	_cleanup_free_ struct listed *all = NULL;
	json_t *list = json_array();

	for (const struct service *s = model_services(p->show->model); s; s = s->hh.next)
		room += s->ledger ? LEDGER_ENTRIES_MAX : 0;
	all = room ? calloc(room, sizeof(*all)) : NULL;
	n = all ? list_entries(p, all) : 0;
	if (n)
		qsort(all, n, sizeof(*all), by_time);
	for (unsigned i = 0; i < n && i < limit; i++)
		json_array_append_new(list, panic_json(p, all[i].service, all[i].entry));
	return list;
}

static json_t *outcomes_json(const uint64_t *n)
{
	json_t *o = json_object();

	for (int i = OUTCOME_RECOVERED; i < OUTCOME_MAX; i++)
		set_int(o, view_outcome_names[i], n[i]);
	return o;
}

static const char *const verdict_names[AFTERMATH_VERDICT_MAX] = {
	[AFTERMATH_UNSURE] = "unsure",
	[AFTERMATH_NOT_SILENT] = "no",
	[AFTERMATH_SUSPECTED] = "suspected",
};

static const char *const write_names[WRITE_KIND_MAX] = {
	[WRITE_STDERR] = "stderr", [WRITE_STDOUT] = "stdout",     [WRITE_FILE] = "file",
	[WRITE_PIPE] = "pipe",     [WRITE_LOCAL] = "unix_socket", [WRITE_NETWORK] = "network",
};

static json_t *swallowed_json(const struct ledger_site *site)
{
	const struct aftermath_counts *t = &site->aftermath;
	enum aftermath_verdict verdict =
		site->design > DESIGN_NONE ? AFTERMATH_NOT_SILENT : aftermath_verdict(t);
	json_t *o = json_object(), *wrote = json_object();

	set_str(o, "verdict", verdict_names[verdict]);
	set_int(o, "watched", t->watched);
	set_int(o, "silent", t->silent);
	set_int(o, "panicked_again", t->panicked);
	set_int(o, "went_on", t->went_on);
	for (int i = 0; i < WRITE_KIND_MAX; i++)
		set_int(wrote, write_names[i], t->wrote[i]);
	set(o, "wrote", wrote);
	return o;
}

static const char *const design_names[DESIGN_MAX] = {
	[DESIGN_ABORT] = "abort_handler",
	[DESIGN_CONTROL_FLOW] = "control_flow",
};

static json_t *design_json(const struct ledger_site *s)
{
	return design_names[s->design] ? json_string(design_names[s->design]) : json_null();
}

static json_t *site_entry(struct page *p, const struct service *s, const struct ledger_site *site)
{
	struct event_panic what = { .step = PANIC_STARTED,
				    .c = site->runtime == RUNTIME_C,
				    .type = site->key.type,
				    .go_minor = site->go_minor,
				    .nil_stays = site->nil_stays };
	struct model *m = p->show->model;
	const uint64_t *stack = site->norigin ? site->origin : site->stack;
	unsigned n = site->norigin ? site->norigin : site->nstack;
	json_t *o = json_object();
	char text[MODEL_FUNC_MAX];

	if (site->key.kind != LEDGER_PANIC)
		what.step = PANIC_THROW;
	p->complete &= model_panic_type(m, site->image_id, &what, text, sizeof(text));
	set_str(o, "service", s->name);
	set_int(o, "pid", site->pid);
	set_str(o, "kind", view_ledger_kind_names[site->key.kind]);
	set_str(o, "type", text);
	add_site(o, m, site->image_id, site->runtime, stack, n,
		 site->key.kind == LEDGER_THROW && site->norigin);
	set_int(o, "told", site->started);
	set(o, "outcomes", outcomes_json(site->outcomes));
	p->complete &= view_named(m, site->image_id, &site->frame, 1);
	set(o, "recovered_in", frame_json(m, site->image_id, site->frame));
	set(o, "by_design", design_json(site));
	set_int(o, "raised_again", site->aftermath.raised);
	set(o, "swallowed", site->outcomes[OUTCOME_RECOVERED] ? swallowed_json(site) : json_null());
	view_time(o, "last", show_unix_ms(p->show, site->last_ns));
	return o;
}

static int by_told(const void *a, const void *b)
{
	const struct ledger_site *x = *(const struct ledger_site *const *)a,
				 *y = *(const struct ledger_site *const *)b;

	return (x->started < y->started) - (x->started > y->started);
}

static void add_sites(struct page *p, const struct service *s, json_t *list)
{
	const struct ledger_site *sorted[LEDGER_SITES_MAX];
	unsigned n = 0;

	for (const struct ledger_site *site = s->ledger->sites; site; site = site->hh.next) {
		if (wants_pid(p->filter, site->pid))
			sorted[n++] = site;
	}
	if (n)
		qsort(sorted, n, sizeof(*sorted), by_told);
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, site_entry(p, s, sorted[i]));
}

static void add_misplaced(struct page *p, const struct service *s, json_t *list)
{
	struct model *m = p->show->model;

	for (const struct target *t = s->targets; t; t = t->next_in_service) {
		for (const struct lone_recover *r = t->recovers; r; r = r->hh.next) {
			json_t *o;

			if (!wants_pid(p->filter, t->pid) || !model_misplaced(m, t, r))
				continue;
			o = json_object();
			set_str(o, "service", s->name);
			set_int(o, "pid", t->pid);
			set(o, "site", frame_json(m, t->image_id, r->key.site));
			set(o, "caller", frame_json(m, t->image_id, r->key.caller));
			set_int(o, "count", r->count);
			json_array_append_new(list, o);
		}
	}
}

/* What is known of a process that is gone: what was told of it. */
static void add_told(const struct page *p, const struct service *s, struct event_counts *c)
{
	for (const struct ledger_site *l = s->ledger ? s->ledger->sites : NULL; l; l = l->hh.next) {
		if (l->pid != p->filter->pid || l->key.kind != LEDGER_PANIC)
			continue;
		c->panics += l->started;
		for (int i = 0; i < OUTCOME_MAX; i++)
			c->outcomes[i] += l->outcomes[i];
	}
}

struct total {
	struct event_counts counts;
	uint64_t running, misplaced;
};

static void total_of_process(const struct page *p, const struct service *s, struct total *ret)
{
	const struct target *t = s->targets;

	*ret = (struct total){};
	while (t && t->pid != p->filter->pid)
		t = t->next_in_service;
	if (!t) {
		add_told(p, s, &ret->counts);
		return;
	}
	target_counts(t, &ret->counts);
	ret->running = target_panics_running(t);
	ret->misplaced = target_misplaced(p->show->model, t);
}

static void total_of_service(const struct page *p, const struct service *s, struct total *ret)
{
	service_counts(s, &ret->counts);
	ret->running = service_panics_running(s);
	ret->misplaced = service_misplaced(p->show->model, s);
}

static void add_total(struct page *p, const struct service *s, json_t *list)
{
	struct total t;
	json_t *o;

	if (p->filter->pid)
		total_of_process(p, s, &t);
	else
		total_of_service(p, s, &t);
	if (!t.counts.panics && (p->filter->pid || !s->ledger))
		return;
	o = json_object();
	set_str(o, "service", s->name);
	set_int(o, "started", t.counts.panics);
	set(o, "outcomes", outcomes_json(t.counts.outcomes));
	set_int(o, "running", t.running);
	set_int(o, "untold", t.counts.untold);
	set_int(o, "misplaced", t.misplaced);
	json_array_append_new(list, o);
}

/* Processes of which not all would be seen. */
static void add_limited(struct page *p, const struct service *s, json_t *list)
{
	for (const struct target *t = s->targets; t; t = t->next_in_service) {
		json_t *o;

		p->met |= wants_pid(p->filter, t->pid);
		if (!wants_pid(p->filter, t->pid) || !t->reason[0])
			continue;
		o = json_object();
		set_str(o, "service", s->name);
		set_int(o, "pid", t->pid);
		set_str(o, "reason", t->reason);
		json_array_append_new(list, o);
	}
}

/* Whether there is, or was, what somebody asks for. */
static bool has_met(const struct page *p, const struct service *s)
{
	if (!p->filter->pid)
		return true;
	for (const struct ledger_site *l = s->ledger ? s->ledger->sites : NULL; l; l = l->hh.next) {
		if (l->pid == p->filter->pid)
			return true;
	}
	return false;
}

json_t *view_panics(const struct show *show, const struct view_filter *f)
{
	struct page p = { .show = show, .filter = f, .complete = true };
	json_t *o = json_object(), *sites = json_array(), *misplaced = json_array(),
	       *totals = json_array(), *limited = json_array();

	set(o, "panics", panic_list(&p));
	for (const struct service *s = model_services(show->model); s; s = s->hh.next) {
		if (!wants_service(f, s))
			continue;
		if (s->ledger)
			add_sites(&p, s, sites);
		add_misplaced(&p, s, misplaced);
		add_total(&p, s, totals);
		add_limited(&p, s, limited);
		p.met |= has_met(&p, s);
	}
	set(o, "sites", sites);
	set(o, "misplaced", misplaced);
	set(o, "totals", totals);
	set(o, "limited", limited);
	set(o, "known", json_boolean(p.met || (!f->service && !f->pid)));
	set(o, "complete", json_boolean(p.complete));
	return o;
}
