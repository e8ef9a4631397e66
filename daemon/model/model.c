// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "model/depth_priv.h"
#include "model/kept.h"
#include "model/kept_priv.h"
#include "model/names_priv.h"
#include "model/panics_priv.h"
#include "model/targets_priv.h"

/* Of histograms, however often somebody looks. A tenth of slack for a tick that comes early. */
#define SAMPLE_NS 900000000ull

struct model *model_new(const struct model_opts *opts)
{
	struct model *m = calloc(1, sizeof(*m));

	if (m)
		m->opts = *opts;
	return m;
}

uint64_t model_dropped(const struct model *m)
{
	return m->dropped;
}

/* Services */

static void service_link(struct service *s, struct target *t)
{
	t->service = s;
	t->next_in_service = s->targets;
	s->targets = t;
	s->n_targets++;
	s->empty_since_ns = 0;
}

static void service_unlink(struct target *t, uint64_t now_ns)
{
	struct service *s = t->service;
	struct target **p = &s->targets;

	while (*p && *p != t)
		p = &(*p)->next_in_service;
	if (*p)
		*p = t->next_in_service;
	s->n_targets--;
	if (!s->n_targets)
		s->empty_since_ns = now_ns ? now_ns : 1;
}

void service_living_counts(const struct service *s, struct event_counts *ret_counts)
{
	*ret_counts = (struct event_counts){};
	for (const struct target *t = s->targets; t; t = t->next_in_service) {
		counts_add(ret_counts, &t->counts);
		counts_add(ret_counts, &t->earlier);
	}
}

void service_counts(const struct service *s, struct event_counts *ret_counts)
{
	service_living_counts(s, ret_counts);
	counts_add(ret_counts, &s->retired);
}

uint64_t counts_registered(const struct event_counts *c)
{
	uint64_t n = 0;

	for (int i = 0; i < LOWERING_MAX; i++)
		n += c->registered[i];
	return n;
}

static void service_free(struct service *s)
{
	ledger_free(s->ledger);
	free(s->requests);
	free(s);
}

static void service_expire(struct model *m, uint64_t now_ns)
{
	struct service *s, *next;

	HASH_ITER (hh, m->services, s, next) {
		if (!s->n_targets && s->empty_since_ns + m->opts.service_keep_ns < now_ns) {
			HASH_DEL(m->services, s);
			service_free(s);
		}
	}
}

/* Targets */

static void target_free(struct target *t)
{
	struct goroutine *g, *next_g;
	struct site *s, *next_s;
	struct lone_recover *r, *next_r;

	HASH_ITER (hh, t->goroutines, g, next_g) {
		HASH_DEL(t->goroutines, g);
		free(g);
	}
	HASH_ITER (hh, t->sites, s, next_s) {
		HASH_DEL(t->sites, s);
		free(s);
	}
	HASH_ITER (hh, t->recovers, r, next_r) {
		HASH_DEL(t->recovers, r);
		free(r);
	}
	parked_free(&t->parked);
	json_decref(t->kept_groups);
	fdgroups_free(&t->fd_groups);
	fdopeners_done(&t->fd_openers);
	free(t->queues);
	free(t->pool);
	free(t->ring);
	free(t->requests);
	free(t);
}

static uint64_t full_ns(const struct target *t, uint64_t now_ns)
{
	return t->full_ns + (t->full && now_ns > t->full_since_ns ? now_ns - t->full_since_ns : 0);
}

static void apply_target(struct model *m, const struct event *ev)
{
	const struct event_target *info = &ev->info;
	struct target *t = target_find(m, ev->target);
	struct service *s = service_get(m, info->service);
	bool is_new = !t;

	if (!s) {
		m->dropped++;
		return;
	}
	if (!t) {
		t = calloc(1, sizeof(*t));
		if (!t) {
			m->dropped++;
			return;
		}
		t->id = ev->target;
		t->pid = ev->pid;
		t->first_ns = ev->time_ns;
		t->crossing.kind = CALL_MAX;
		fdpace_init(&t->fd_pace, m->opts.fd_window_ns);
		HASH_ADD(hh, m->targets, id, sizeof(t->id), t);
		service_link(s, t);
	} else if (t->service != s) {
		service_unlink(t, ev->time_ns);
		service_link(s, t);
	}
	utf8_sanitize(t->image, sizeof(t->image), info->image, strlen(info->image));
	utf8_sanitize(t->version, sizeof(t->version), info->version, strlen(info->version));
	utf8_sanitize(t->reason, sizeof(t->reason), info->reason, strlen(info->reason));
	t->start_ticks = info->start_ticks;
	t->image_id = info->image_id;
	t->runtime = info->runtime;
	t->state = info->state;
	t->level = info->level;
	t->probes = info->probes;
	t->chosen = info->chosen;
	t->budget_percent = info->budget_percent;
	t->timed_every = info->timed_every;
	s->p95_ns = info->p95_ns;
	t->full_ns = full_ns(t, ev->time_ns);
	t->full = info->full;
	t->full_since_ns = ev->time_ns;
	if (is_new)
		kept_take(m, t);
}

uint64_t service_full_ns(const struct service *s, uint64_t now_ns)
{
	uint64_t sum = s->retired_full_ns;

	for (const struct target *t = s->targets; t; t = t->next_in_service)
		sum += full_ns(t, now_ns);
	return sum;
}

bool model_uses_image(const struct model *m, uint32_t image_id)
{
	if (m->opts.keep_names)
		return true;
	for (const struct target *t = m->targets; t; t = t->hh.next) {
		if (t->image_id == image_id)
			return true;
	}
	for (const struct service *s = m->services; s; s = s->hh.next) {
		if (s->ledger && ledger_uses_image(s->ledger, image_id))
			return true;
	}
	return false;
}

static void apply_gone(struct model *m, const struct event *ev)
{
	struct target *t = target_find(m, ev->target);

	if (!t)
		return;
	counts_add(&t->service->retired, &t->earlier);
	counts_add(&t->service->retired, &t->counts);
	t->service->retired_lost += t->lost;
	t->service->retired_full_ns += full_ns(t, ev->time_ns);
	t->service->misplaced_retired += target_misplaced(m, t);
	if (t->service->ledger)
		aftermaths_drop(&t->service->ledger->aftermaths, t->id);
	if (t->requests && t->service->requests)
		requests_gone(t->service->requests, t->requests);
	service_unlink(t, ev->time_ns);
	HASH_DEL(m->targets, t);
	if (!model_uses_image(m, t->image_id))
		names_forget_image(m, t->image_id);
	target_free(t);
}

void model_free(struct model *m)
{
	struct target *t, *next_t;
	struct service *s, *next_s;

	if (!m)
		return;
	HASH_ITER (hh, m->targets, t, next_t) {
		HASH_DEL(m->targets, t);
		target_free(t);
	}
	HASH_ITER (hh, m->services, s, next_s) {
		HASH_DEL(m->services, s);
		service_free(s);
	}
	names_free(m);
	model_forget_kept(m);
	free(m);
}

/* Depth */

static void apply_goroutine(struct model *m, struct target *t, const struct event *ev)
{
	const struct event_goroutine *in = &ev->goroutine;
	uint32_t deepest = in->window_peak > in->depth ? in->window_peak : in->depth;
	struct goroutine *g;

	HASH_FIND(hh, t->goroutines, &in->g, sizeof(in->g), g);
	if (!g) {
		g = calloc(1, sizeof(*g));
		if (!g) {
			m->dropped++;
			return;
		}
		g->g = in->g;
		HASH_ADD(hh, t->goroutines, g, sizeof(g->g), g);
		t->n_goroutines++;
		model_site_name(m, t->image_id, in->site);
	}
	g->goid = in->goid;
	g->registered = in->registered;
	g->last_ns = in->last_ns;
	g->site = in->site;
	g->peak_site = in->peak_site;
	g->depth = in->depth;
	g->peak = in->peak;
	g->inferred = in->inferred;
	g->scan = m->scan;
	if (in->window_peak > g->unobserved)
		g->unobserved = in->window_peak;
	if (deepest) {
		struct peak seen = {
			.depth = deepest,
			.inferred = in->inferred,
			.g = in->g,
			.goid = in->goid,
			.site = in->window_site ?: in->site,
			.time_ns = ev->time_ns,
		};

		depth_note_peak(m, t, &seen);
	}
}

static void apply_site(struct model *m, struct target *t, const struct event_site *in)
{
	struct site *s, probe = { .key = { in->pc, in->lowering } };

	HASH_FIND(hh, t->sites, &probe.key, sizeof(probe.key), s);
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s) {
			m->dropped++;
			return;
		}
		s->key = probe.key;
		HASH_ADD(hh, t->sites, key, sizeof(s->key), s);
		t->n_sites++;
		model_site_name(m, t->image_id, in->pc);
	}
	if (m->scanning && s->scan != m->scan) {
		s->scan = m->scan;
		s->at_scan[1] = s->at_scan[0];
		s->at_scan[0] = in->registered;
	}
	s->registered = in->registered;
	s->added = in->registered - s->at_scan[1];
}

static void note_call(struct model *m, struct target *t, const struct event *ev)
{
	const struct event_call *c = &ev->call;
	struct peak seen = {
		.depth = c->depth,
		.inferred = c->inferred,
		.g = t->runtime == RUNTIME_C ? ev->tid : c->g,
		.goid = t->runtime == RUNTIME_C ? ev->tid : c->goid,
		.site = c->pile_site ?: c->stack[0],
		.time_ns = ev->time_ns,
	};

	depth_note_peak(m, t, &seen);
	(void)model_site_name(m, t->image_id, seen.site);
	for (unsigned i = 0; i < c->nstack; i++)
		model_site_name(m, t->image_id, c->stack[i]);
}

static void apply_crossing(struct model *m, struct target *t, const struct event *ev)
{
	t->crossing = ev->call;
	note_call(m, t, ev);
}

static void apply_ended(struct model *m, struct target *t, const struct event *ev)
{
	note_call(m, t, ev);
	depth_observe(t->service, ev->call.depth);
}

/* Goroutines that the scan did not meet have nothing pending any more. */
static void finish_scan(struct model *m, uint64_t now_ns)
{
	bool observe = now_ns - m->observed_ns >= SAMPLE_NS;
	struct target *t, *next_t;

	if (observe)
		m->observed_ns = now_ns;
	HASH_ITER (hh, m->targets, t, next_t) {
		struct goroutine *g, *next_g;

		t->n_inferred = 0;
		t->lost_recently = t->lost != t->lost_at_scan;
		t->lost_at_scan = t->lost;
		HASH_ITER (hh, t->goroutines, g, next_g) {
			bool gone = g->scan != m->scan;

			if (g->unobserved && (observe || gone)) {
				depth_observe(t->service, g->unobserved);
				g->unobserved = 0;
			}
			if (!gone) {
				t->n_inferred += g->inferred;
				continue;
			}
			HASH_DEL(t->goroutines, g);
			t->n_goroutines--;
			free(g);
		}
	}
}

/* A rate is of the samples of scans: looks come when they like. */
static void apply_counts(struct model *m, struct target *t, const struct event *ev)
{
	recent_add(&t->service->overridden, ev->time_ns,
		   ev->counts.outcomes[OUTCOME_OVERRIDDEN] -
			   t->counts.outcomes[OUTCOME_OVERRIDDEN]);
	/* It goes back when what was counted turns out to be the beginning of a sweep. */
	if (ev->counts.fd_ebadf >= t->counts.fd_ebadf)
		recent_add(&t->bad_closes, ev->time_ns, ev->counts.fd_ebadf - t->counts.fd_ebadf);
	else
		recent_take_back(&t->bad_closes, ev->time_ns,
				 t->counts.fd_ebadf - ev->counts.fd_ebadf);
	if (ev->counts.fd_refused > t->counts.fd_refused)
		t->refused_ns = ev->time_ns;
	t->counts = ev->counts;
	if (m->looking)
		return;
	rate_add(&t->registered_rate, ev->time_ns, counts_registered(&ev->counts));
	rate_add(&t->panic_rate, ev->time_ns, ev->counts.panics);
}

static void apply_requests(struct model *m, struct target *t, const struct event *ev)
{
	struct service *s = t->service;

	if (!t->requests)
		t->requests = calloc(1, sizeof(*t->requests));
	if (!s->requests)
		s->requests = requests_new();
	if (t->requests && s->requests)
		requests_add(s->requests, t->requests, &ev->requests, ev->time_ns);
	else
		m->dropped++;
	if (ev->requests.deep_site)
		(void)model_site_name(m, t->image_id, ev->requests.deep_site);
}

bool service_p95_baseline(const struct service *s, double *ret_seconds)
{
	if (!s->p95_ns)
		return requests_baseline(s->requests, ret_seconds);
	*ret_seconds = (double)s->p95_ns / 1e9;
	return true;
}

bool service_p95_rise(const struct service *s, double *ret_seconds)
{
	double usual, now;

	if (!service_p95_baseline(s, &usual) || !requests_seconds(s->requests, 0.95, &now))
		return false;
	*ret_seconds = now - usual;
	return true;
}

void model_hold_baseline(struct model *m, const char *service, uint64_t until_ns)
{
	struct service *s = service_find(m, service);

	if (s && s->requests)
		requests_hold(s->requests, until_ns);
}

static void apply_fds(struct target *t, const struct event *ev)
{
	t->fds = ev->fds;
	t->have_fds = true;
	fdpace_add(&t->fd_pace, ev->time_ns, ev->fds.open);
}

static void apply_fd_census(struct model *m, struct target *t, const struct event *ev)
{
	const struct fdgroups_state state = { .full = target_fds_full(t),
					      .knows_readers = t->n_censuses,
					      .readers = t->census.readers,
					      .readers_age = ev->time_ns - t->census.begin_ns };

	t->n_fd_censuses++;
	t->fd_census_ns = ev->time_ns;
	t->fd_census = ev->fd_census;
	m->dropped +=
		!fdgroups_end(&t->fd_groups, t->n_fd_censuses, &ev->fd_census, &state, ev->time_ns);
	for (int i = 0; i < FD_SCOPE_MAX; i++)
		fdgroups_verdict(t->fd_groups, (enum fd_scope)i, &t->fd_leaks[i]);
}

/* Censuses */

/* Whoever is told of them finds the names there. */
static void want_place(struct model *m, const struct target *t, const uint64_t *stack,
		       unsigned nstack, uint64_t created_at)
{
	(void)model_user_frame(m, t->image_id, t->runtime, stack, nstack);
	if (created_at)
		(void)model_site_name(m, t->image_id, created_at);
}

static void apply_group(struct model *m, struct target *t, const struct event_group *in)
{
	bool good;
	struct parked *fresh = parked_apply(&t->parked, in, t->n_censuses + 1, &good);

	m->dropped += !good;
	if (fresh)
		kept_take_group(t, fresh);
}

static void apply_pile(struct model *m, struct target *t, const struct event_pile *in)
{
	t->pile = *in;
	snprintf(t->pile_reason, sizeof(t->pile_reason), "%s", in->reason);
	t->pile.reason = t->pile_reason;
	t->pile_census = t->n_censuses + 1;
	want_place(m, t, in->stack, in->nstack, in->created_at);
}

static void apply_edge(struct model *m, struct target *t, const struct event_edge *in)
{
	struct ring *r = t->ring = t->ring ?: calloc(1, sizeof(*t->ring));

	m->dropped += !r;
	if (!r)
		return;
	if (r->census != t->n_censuses + 1)
		r->n = 0;
	r->census = t->n_censuses + 1;
	if (r->n < EVENT_EDGES_MAX)
		r->edges[r->n++] = *in;
	want_place(m, t, in->stack, in->nstack, 0);
}

const struct ring *target_ring(const struct target *t)
{
	return t->ring && t->n_censuses && t->ring->census == t->n_censuses ? t->ring : NULL;
}

const struct event_pile *target_pile(const struct target *t)
{
	return t->n_censuses && t->pile_census == t->n_censuses ? &t->pile : NULL;
}

/* Who waits for what a pool gives out, or who holds it. */
static void apply_pool(struct model *m, struct target *t, const struct event_pile *in,
		       void (*apply)(struct pool *p, const struct event_pile *in, unsigned census))
{
	if (!t->pool)
		t->pool = calloc(1, sizeof(*t->pool));
	m->dropped += !t->pool;
	if (!t->pool)
		return;
	apply(t->pool, in, t->n_censuses + 1);
	want_place(m, t, in->stack, in->nstack, in->created_at);
}

/* `ended`: the wait of somebody has, for want of a better sign. */
static bool stands_still(const struct fdgroup *g, uint64_t since_ns, bool ended)
{
	if (!g->what.key.port || g->what.key.incoming || !g->what.open || !g->level_ns ||
	    g->level_ns > since_ns)
		return false;
	return g->what.carried ? g->what.moved_ns <= since_ns : !ended;
}

bool target_pool_exhaustion(const struct target *t, struct pool_exhaustion *ret)
{
	const struct pool *p = t->pool;
	uint64_t since_ns;
	bool ended;

	/* Descriptors are looked at by themselves: late, they say nothing. */
	if (!p || !pool_is_stuck(p, &since_ns, &ended) ||
	    t->fd_census_ns < p->samples[p->n - 2].time_ns)
		return false;
	*ret = (struct pool_exhaustion){ .waiters = &p->newest };
	for (const struct fdgroup *g = t->fd_groups; g; g = g->hh.next) {
		if (stands_still(g, since_ns, ended) &&
		    (!ret->in_use || g->what.open > ret->in_use->what.open))
			ret->in_use = g;
	}
	if (!ret->in_use)
		return false;
	ret->since_ns =
		ret->in_use->what.carried ? ret->in_use->what.moved_ns : p->newest.oldest_ns;
	ret->holders = p->held_census == p->census ? &p->held : NULL;
	return true;
}

bool target_pool_shortage(const struct target *t, struct pool_shortage *ret)
{
	const struct pool *p = t->pool;
	struct pool_exhaustion e;

	if (target_pool_exhaustion(t, &e))
		return false;
	/* Since so many samples the number of connections is to be the same. */
	if (!p || p->n < TREND_SAMPLES_MIN)
		return false;
	ret->in_use = fdgroups_level(t->fd_groups, p->samples[p->n - TREND_SAMPLES_MIN].time_ns);
	ret->waiters = &p->newest;
	return ret->in_use && pool_is_short(p, ret->in_use->level_ns, &ret->per_hour);
}

static void apply_pending(struct model *m, struct target *t, const struct event *ev)
{
	struct peak seen = {
		.depth = ev->pending.depth,
		.inferred = ev->pending.inferred,
		.g = ev->pending.g,
		.goid = ev->pending.goid,
		.site = ev->pending.site,
		.time_ns = ev->time_ns,
	};

	depth_note_peak(m, t, &seen);
	if (seen.site)
		(void)model_site_name(m, t->image_id, seen.site);
}

static void apply_census(struct model *m, struct target *t, const struct event *ev)
{
	t->census = ev->census;
	t->census_ns = ev->time_ns;
	t->n_censuses++;
	if (t->unsettled && ev->census.begin_ns >= t->lost_ns)
		t->unsettled = false;
	if (ev->census.n_queues && !t->queues) {
		t->queues = calloc(1, sizeof(*t->queues));
		m->dropped += !t->queues;
	}
	if (t->queues)
		queues_apply(t->queues, &ev->census, ev->time_ns);
	if (t->pool)
		pool_end(t->pool, t->n_censuses, ev->time_ns);
	parked_end(&t->parked, t->n_censuses, &ev->census, ev->time_ns);
	for (const struct parked *p = t->parked; p; p = p->hh.next) {
		if (p->leak.verdict == LEAK_LEAKING || p->what.blocked)
			want_place(m, t, p->what.stack, p->what.nstack, p->what.created_at);
	}
}

uint64_t census_goroutines(const struct event_census *c)
{
	uint64_t n = 0;

	for (int i = 0; i < GOROUTINE_SYSTEM; i++)
		n += c->states[i];
	return n;
}

static void apply_to_target(struct model *m, struct target *t, const struct event *ev)
{
	switch (ev->type) {
	case EVENT_DEPTH:
		apply_crossing(m, t, ev);
		break;
	case EVENT_ENDED:
		apply_ended(m, t, ev);
		break;
	case EVENT_GROUP:
		apply_group(m, t, &ev->group);
		break;
	case EVENT_PILE:
		apply_pile(m, t, &ev->pile);
		break;
	case EVENT_EDGE:
		apply_edge(m, t, &ev->edge);
		break;
	case EVENT_POOL:
		apply_pool(m, t, &ev->pile, pool_apply);
		break;
	case EVENT_HELD:
		apply_pool(m, t, &ev->pile, pool_apply_held);
		break;
	case EVENT_PENDING:
		apply_pending(m, t, ev);
		break;
	case EVENT_CENSUS:
		apply_census(m, t, ev);
		break;
	case EVENT_LOST:
		t->lost += ev->lost;
		t->lost_ns = ev->time_ns;
		t->unsettled = t->n_censuses;
		if (ev->lost && t->service->ledger)
			aftermaths_drop(&t->service->ledger->aftermaths, t->id);
		break;
	case EVENT_COUNTS:
		apply_counts(m, t, ev);
		break;
	case EVENT_REQUESTS:
		apply_requests(m, t, ev);
		break;
	case EVENT_GOROUTINE:
		apply_goroutine(m, t, ev);
		break;
	case EVENT_SITE:
		apply_site(m, t, &ev->site);
		break;
	case EVENT_PANIC:
		panics_apply(m, t, ev);
		break;
	case EVENT_PANIC_TEXT:
		if (t->service->ledger)
			ledger_say(t->service->ledger, &ev->panic_text);
		break;
	case EVENT_RECOVER:
		panics_apply_recover(m, t, &ev->recover);
		break;
	case EVENT_WRITE:
		if (t->service->ledger)
			aftermaths_write(&t->service->ledger->aftermaths, &ev->write);
		break;
	case EVENT_FDS:
		apply_fds(t, ev);
		break;
	case EVENT_FD_GROUP:
		m->dropped += !fdgroups_apply(&t->fd_groups, &ev->fd_group, t->n_fd_censuses + 1);
		break;
	case EVENT_FD_CENSUS:
		apply_fd_census(m, t, ev);
		break;
	case EVENT_FD_BAD_CLOSE:
		t->bad_close = ev->fd_opened;
		want_place(m, t, ev->fd_opened.stack, ev->fd_opened.nstack, 0);
		break;
	case EVENT_FD_REFUSED:
		t->refusal = ev->fd_opened;
		want_place(m, t, ev->fd_opened.stack, ev->fd_opened.nstack, 0);
		break;
	case EVENT_FD_SITE:
		m->dropped += !fdopeners_apply(&t->fd_openers, &ev->fd_site, t->n_fd_censuses);
		want_place(m, t, ev->fd_site.stack, ev->fd_site.nstack, 0);
		break;
	default:
		break;
	}
}

void model_apply(struct model *m, const struct event *ev)
{
	struct target *t;

	switch (ev->type) {
	case EVENT_TARGET:
		apply_target(m, ev);
		break;
	case EVENT_TARGET_GONE:
		apply_gone(m, ev);
		break;
	case EVENT_SCAN_BEGIN:
		m->scan++;
		m->scanning = true;
		break;
	case EVENT_SCAN_END:
		m->scanning = false;
		finish_scan(m, ev->time_ns);
		break;
	case EVENT_LOOK_BEGIN:
	case EVENT_LOOK_END:
		m->looking = ev->type == EVENT_LOOK_BEGIN;
		break;
	default:
		t = target_find(m, ev->target);
		if (t)
			apply_to_target(m, t, ev);
	}
}

void model_tick(struct model *m, uint64_t now_ns)
{
	struct target *t, *next;

	HASH_ITER (hh, m->targets, t, next)
		t->have_fd_trend =
			t->have_fds && fdpace_fit(&t->fd_pace, t->fds.limit, &t->fd_trend);
	for (struct service *s = m->services; s; s = s->hh.next) {
		if (s->requests)
			requests_tick(s->requests, now_ns);
	}
	panics_tick(m, now_ns);
	service_expire(m, now_ns);
}

bool target_exact(const struct target *t)
{
	return t->state == TARGET_OBSERVED && !t->n_inferred && !t->lost_recently &&
	       !t->unsettled && t->lost == t->lost_at_scan;
}

bool service_exact(const struct service *s)
{
	for (const struct target *t = s->targets; t; t = t->next_in_service) {
		if (!target_exact(t))
			return false;
	}
	return true;
}
