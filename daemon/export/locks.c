// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/locks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "export/lines.h"

static const char *const kind_names[SYNCLOCK_KIND_MAX] = {
	[SYNCLOCK_SEMAPHORE] = "semaphore", [SYNCLOCK_MUTEX] = "mutex",
	[SYNCLOCK_RWMUTEX] = "rwmutex",     [SYNCLOCK_WAITGROUP] = "waitgroup",
	[SYNCLOCK_COND] = "cond",
};

static const char *const hint_names[HOLDER_HINT_MAX] = {
	[HOLDER_DEFERRED] = "deferred",
	[HOLDER_CLOSURE] = "unlock",
	[HOLDER_FRAME] = "frame",
};

struct page {
	struct model *m;
	const struct target *target; /* NULL: not known */
	const struct show_census *sc;
	const struct census_summary *census;
	bool complete;
};

static json_t *mutex_json(const struct synclock_state *st)
{
	json_t *o = json_object();

	set(o, "locked", json_boolean(st->locked));
	set(o, "woken", json_boolean(st->woken));
	set(o, "starving", json_boolean(st->starving));
	set_int(o, "waiters", st->waiters);
	return o;
}

static json_t *rwmutex_json(const struct synclock_state *st)
{
	json_t *o = json_object();

	set(o, "writer", json_boolean(st->locked));
	set(o, "readers", json_integer(st->readers));
	set(o, "readers_to_leave", json_integer(st->readers_to_leave));
	return o;
}

static json_t *waitgroup_json(const struct synclock_state *st)
{
	json_t *o = json_object();

	set(o, "counter", json_integer(st->counter));
	set_int(o, "waiters", st->waiters);
	return o;
}

static json_t *lock_state(const struct lock_wait *w)
{
	if (!w->has_state)
		return json_null();
	switch (w->kind) {
	case SYNCLOCK_MUTEX:
		return mutex_json(&w->lock);
	case SYNCLOCK_RWMUTEX:
		return rwmutex_json(&w->lock);
	default:
		return waitgroup_json(&w->lock);
	}
}

static json_t *channel_state(const struct lock_wait *w)
{
	json_t *o;

	if (!w->has_state)
		return json_null();
	o = json_object();
	set_int(o, "length", w->channel.length);
	set_int(o, "capacity", w->channel.capacity);
	set(o, "closed", json_boolean(w->channel.closed));
	return o;
}

/* The line of the program where they stand, or that led there. */
static const struct code_line *program_line(struct page *p, const struct group *g)
{
	uint32_t image = p->sc->image_id;
	const struct code_line *c =
		model_program_frame(p->m, image, RUNTIME_GO, g->key.stack, g->key.nstack);

	p->complete &= view_named(p->m, image, g->key.stack, g->key.nstack);
	return c;
}

static json_t *site_json(struct page *p, const struct group *g, uint32_t count)
{
	uint32_t image = p->sc->image_id;
	const char *reason = p->census->reasons[g->key.reason % CENSUS_REASONS_MAX];
	const struct code_line *c = program_line(p, g);
	json_t *o = json_object();

	p->complete &= view_named(p->m, image, &g->key.created_at, 1);
	set_int(o, "count", count);
	set_str(o, "reason", reason);
	set(o, "site", view_line(c));
	set(o, "created_by",
	    g->key.created_at ? view_site(p->m, image, g->key.created_at) : json_null());
	return o;
}

static json_t *history_json(const struct page *p, uint64_t lock)
{
	const struct queue *q =
		p->target && p->target->queues ? queues_find(p->target->queues, lock) : NULL;
	json_t *list;

	if (!q)
		return json_null();
	list = json_array();
	for (unsigned i = 0; i < q->n; i++) {
		json_t *o = json_object();

		set_real(o, "age_seconds",
			 (double)(p->census->end_ns - q->samples[i].time_ns) / 1e9);
		set_int(o, "waiting", q->samples[i].waiting);
		json_array_append_new(list, o);
	}
	return list;
}

/* What locks and channels have in common. */
static json_t *wait_json(struct page *p, const struct lock_wait *w)
{
	json_t *o = json_object(), *sites = json_array();

	set(o, "address", view_address(w->address));
	set_int(o, "waiting", w->waiting);
	set_real(o, "oldest_seconds",
		 w->oldest_ns ? (double)(p->census->begin_ns - w->oldest_ns) / 1e9 : NAN);
	for (unsigned i = 0; i < w->n_sites; i++)
		json_array_append_new(sites, site_json(p, w->sites[i].group, w->sites[i].count));
	set(o, "sites", sites);
	return o;
}

/* The newest census's deadlock; NULL: there is none, or only a daemon would know. */
static const struct ring *ring_of(const struct page *p)
{
	return p->target ? target_ring(p->target) : NULL;
}

static json_t *edge_site(struct page *p, const struct event_edge *e)
{
	const struct code_line *c =
		model_program_frame(p->m, p->sc->image_id, RUNTIME_GO, e->stack, e->nstack);

	p->complete &= view_named(p->m, p->sc->image_id, e->stack, e->nstack);
	return c ? view_line(c) : json_null();
}

/* Where a goroutine of the ring waits, if that is told. */
static json_t *ring_site(struct page *p, const struct ring *r, uint64_t goid)
{
	for (unsigned i = 0; i < r->n; i++) {
		if (r->edges[i].goid == goid)
			return edge_site(p, &r->edges[i]);
	}
	return json_null();
}

/* A reader waits behind a writer that has not got the lock either. */
static bool is_behind(const struct ring *r, const struct event_edge *e)
{
	for (unsigned i = 0; i < r->n; i++) {
		if (r->edges[i].goid == e->holder)
			return e->reads && !r->edges[i].reads && r->edges[i].lock == e->lock;
	}
	return false;
}

/* Who has to give this lock back and never will; NULL: nobody of the ring has it. */
static const struct event_edge *edge_of(const struct ring *r, uint64_t lock)
{
	for (unsigned i = 0; r && i < r->n; i++) {
		if (r->edges[i].lock == lock && !is_behind(r, &r->edges[i]))
			return &r->edges[i];
	}
	return NULL;
}

static json_t *deadlock_json(struct page *p)
{
	const struct ring *r = ring_of(p);
	json_t *o, *list;

	if (!r || !r->n)
		return json_null();
	o = json_object();
	list = json_array();
	for (unsigned i = 0; i < r->n; i++) {
		const struct event_edge *e = &r->edges[i];
		json_t *edge = json_object();

		set_int(edge, "goroutine", e->goid);
		set_int(edge, "holder", e->holder);
		set_str(edge, "kind", kind_names[e->rw ? SYNCLOCK_RWMUTEX : SYNCLOCK_MUTEX]);
		set(edge, "lock", view_address(e->lock));
		set(edge, "site", edge_site(p, e));
		json_array_append_new(list, edge);
	}
	set_int(o, "goroutines", r->edges[0].goroutines);
	set_int(o, "length", r->edges[0].length);
	set(o, "edges", list);
	return o;
}

/* A deferred Unlock that is pending is proof, and no hint is needed beside it. */
static json_t *holders_json(struct page *p, const struct lock_wait *w)
{
	const struct event_edge *e = edge_of(ring_of(p), w->address);
	json_t *list = json_array();

	if (e) {
		json_t *o = json_object();

		set_int(o, "goroutine", e->holder);
		set_str(o, "hint", "pending");
		set(o, "site", ring_site(p, ring_of(p), e->holder));
		json_array_append_new(list, o);
		return list;
	}
	for (unsigned i = 0; i < w->n_holders; i++) {
		const struct group *g = w->holders[i].group;
		json_t *o = json_object();

		set_int(o, "goroutine", w->holders[i].goid);
		set_str(o, "hint", hint_names[w->hint]);
		set(o, "site", g ? view_line(program_line(p, g)) : json_null());
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *locks_json(struct page *p, const struct lock_survey *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->n_locks; i++) {
		const struct lock_wait *w = &s->locks[i];
		json_t *o = wait_json(p, w);

		set_str(o, "kind", kind_names[w->kind]);
		set(o, "history", history_json(p, w->address));
		set(o, "state", lock_state(w));
		if (w->searched)
			set(o, "holders", holders_json(p, w));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *channels_json(struct page *p, const struct lock_survey *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->n_channels; i++) {
		const struct lock_wait *w = &s->channels[i];
		json_t *o = wait_json(p, w);

		set_int(o, "selecting", w->selecting);
		set(o, "state", channel_state(w));
		json_array_append_new(list, o);
	}
	return list;
}

json_t *view_locks(struct model *m, const struct target *t, const struct show_census *sc,
		   bool *ret_complete)
{
	struct page p = { .m = m,
			  .target = t,
			  .sc = sc,
			  .census = census_summary(sc->census),
			  .complete = true };
	_cleanup_free_ struct lock_survey *survey = p.census ? sc->survey(m, sc) : NULL;
	json_t *o;

	if (!survey)
		return NULL;
	p.complete = survey->named;
	o = json_object();
	set(o, "deadlock", deadlock_json(&p));
	set(o, "locks", locks_json(&p, survey));
	set(o, "channels", channels_json(&p, survey));
	set_int(o, "searched", survey->searched);
	set_int(o, "left_out", survey->left_out);
	set_int(o, "not_located", p.census->not_located);
	set_real(o, "seconds", (double)sc->took_ns / 1e9);
	set(o, "complete", json_boolean(p.complete));
	*ret_complete = p.complete;
	return o;
}
