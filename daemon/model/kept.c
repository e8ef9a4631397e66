// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/kept.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/kept_priv.h"

/* A member of a struct as a member of JSON: an unsigned number of any size, one that may be broken, or a row of them. */
struct member {
	const char *key;
	size_t offset, size, stride;
	unsigned n;
	uint64_t max; /* more than that is not believed */
	bool is_real;
};

#define ONE(type, field, most)                                                                 \
	{                                                                                      \
#field, offsetof(type, field), sizeof(((type *)0)->field), 0, 1, .max = (most) \
	}
#define ROW(type, field)                                                               \
	{                                                                              \
#field, offsetof(type, field), sizeof(((type *)0)->field[0]),          \
			sizeof(((type *)0)->field[0]), ARRAY_SIZE(((type *)0)->field), \
			.max = UINT64_MAX                                              \
	}
#define REAL(type, field)                                                                      \
	{                                                                                      \
#field, offsetof(type, field), sizeof(double), 0, 1, .is_real = true, .max = 0 \
	}
#define ANY UINT64_MAX

static const struct member counts_members[] = {
	ONE(struct event_counts, panics, ANY),  ROW(struct event_counts, outcomes),
	ONE(struct event_counts, goexits, ANY), ONE(struct event_counts, misfits, ANY),
	ONE(struct event_counts, untold, ANY),  {},
};

#define S struct ledger_site
static const struct member site_members[] = {
	ONE(S, key.type, ANY),
	ROW(S, key.frames),
	ONE(S, key.kind, LEDGER_KIND_MAX - 1),
	ONE(S, key.aborts, 1),
	ONE(S, last_ns, ANY),
	ONE(S, started, ANY),
	ROW(S, outcomes),
	ROW(S, recovered_at),
	ROW(S, minute_of),
	ONE(S, frame, ANY),
	ONE(S, judged_frame, ANY),
	ONE(S, go_minor, UINT8_MAX),
	ONE(S, nil_stays, 1),
	ONE(S, design, DESIGN_MAX - 1),
	ONE(S, nstack, EVENT_STACK_MAX),
	ROW(S, stack),
	ONE(S, norigin, EVENT_STACK_MAX),
	ROW(S, origin),
	ONE(S, aftermath.watched, UINT32_MAX),
	ONE(S, aftermath.silent, UINT32_MAX),
	ONE(S, aftermath.panicked, UINT32_MAX),
	ONE(S, aftermath.went_on, UINT32_MAX),
	ONE(S, aftermath.raised, UINT32_MAX),
	ROW(S, aftermath.wrote),
	{},
};
#undef S

#define SAMPLE(field)                                                                          \
	{                                                                                      \
#field, offsetof(struct leak_level, samples[0].field),                         \
			sizeof(((struct leak_level *)0)->samples[0].field),                    \
			sizeof(((struct leak_level *)0)->samples[0]), LEAK_SAMPLES, .max = ANY \
	}
static const struct member level_members[] = {
	ONE(struct leak_level, n, LEAK_SAMPLES),
	{ "woken_since", offsetof(struct leak_level, woken), sizeof(uint32_t), 0, 1,
	  .max = UINT32_MAX },
	SAMPLE(time_ns),
	SAMPLE(quiet),
	SAMPLE(woken),
	{},
};

#define L struct leak
static const struct member leak_members[] = {
	ONE(L, verdict, LEAK_VERDICT_MAX - 1),
	REAL(L, per_hour),
	REAL(L, low_per_hour),
	REAL(L, high_per_hour),
	REAL(L, seconds),
	ONE(L, stopped, 1),
	{},
};
#undef L

#define G struct fdgroup
static const struct member fdgroup_members[] = {
	ONE(G, what.key.kind, FD_KIND_MAX - 1),
	ONE(G, what.key.incoming, 1),
	ONE(G, what.key.port, UINT16_MAX),
	ONE(G, level, UINT32_MAX),
	ONE(G, level_ns, ANY),
	ROW(G, least),
	ONE(G, held.leaks, 1),
	ONE(G, held.from, UINT32_MAX),
	ONE(G, held.to, UINT32_MAX),
	ONE(G, held.grew_ns, ANY),
	{},
};
#undef G

#define P struct parked
static const struct member parked_members[] = {
	ONE(P, what.created_at, ANY),
	ONE(P, what.start, ANY),
	ONE(P, what.state, GOROUTINE_STATE_MAX - 1),
	ONE(P, what.nstack, EVENT_STACK_MAX),
	ROW(P, what.stack),
	{},
};
#undef P

/* Members */

static uint64_t load(const char *at, size_t size)
{
	uint64_t v = 0;

	memcpy(&v, at, size); /* little endian, as records are */
	return v;
}

/* Without the zeros at its end. */
static json_t *row_json(const struct member *f, const char *at)
{
	json_t *list = json_array();
	unsigned n = f->n;

	while (n && !load(at + (n - 1) * f->stride, f->size))
		n--;
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list,
				      json_integer((json_int_t)load(at + i * f->stride, f->size)));
	return list;
}

static json_t *members_json(const struct member *f, const void *base)
{
	json_t *o = json_object();

	for (; f->key; f++) {
		const char *at = (const char *)base + f->offset;
		double real;

		if (f->is_real) {
			memcpy(&real, at, sizeof(real));
			json_object_set_new(o, f->key, json_real(isfinite(real) ? real : 0));
		} else if (f->n > 1) {
			json_object_set_new(o, f->key, row_json(f, at));
		} else if (load(at, f->size)) {
			json_object_set_new(o, f->key, json_integer((json_int_t)load(at, f->size)));
		}
	}
	return o;
}

static void store(const struct member *f, char *at, const json_t *value)
{
	uint64_t v = (uint64_t)json_integer_value(value);

	if (v <= f->max && (f->size >= sizeof(v) || v < 1ull << 8 * f->size))
		memcpy(at, &v, f->size);
}

/* What does not fit stays 0. */
static void members_read(const struct member *f, void *base, const json_t *o)
{
	for (; f->key; f++) {
		const json_t *value = json_object_get(o, f->key);
		char *at = (char *)base + f->offset;
		double real = json_number_value(value);

		if (f->is_real)
			memcpy(at, &real, sizeof(real));
		else if (f->n == 1)
			store(f, at, value);
		for (unsigned i = 0; f->n > 1 && i < f->n && i < json_array_size(value); i++)
			store(f, at + i * f->stride, json_array_get(value, i));
	}
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key)) ?: "";
}

static uint64_t number_of(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

/* Series */

static json_t *series_json(const struct leak_series *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < LEAK_LEVELS; i++)
		json_array_append_new(list, members_json(level_members, &s->levels[i]));
	return list;
}

/* Time goes on in it, and none is to come. */
static void series_read(struct leak_series *s, const json_t *list)
{
	for (unsigned i = 0; i < LEAK_LEVELS; i++) {
		struct leak_level *l = &s->levels[i];

		members_read(level_members, l, json_array_get(list, i));
		for (unsigned k = 1; k < l->n; k++) {
			if (l->samples[k].time_ns <= l->samples[k - 1].time_ns)
				*l = (struct leak_level){};
		}
	}
}

/* Services */

static json_t *usual_json(const struct requests *r)
{
	unsigned first = (r->next_base + REQUESTS_BASE_MAX - r->n_base) % REQUESTS_BASE_MAX;
	json_t *list = json_array();

	for (unsigned i = 0; i < r->n_base; i++)
		json_array_append_new(list, json_real(r->base[(first + i) % REQUESTS_BASE_MAX]));
	return list;
}

static json_t *service_json(const struct service *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(s->name));
	json_object_set_new(o, "counts", members_json(counts_members, &s->retired));
	if (s->requests && s->requests->n_base)
		json_object_set_new(o, "p95_seconds", usual_json(s->requests));
	return o;
}

static void adopt_usual(struct service *s, const json_t *list)
{
	float values[REQUESTS_BASE_MAX];
	unsigned n = 0;

	for (size_t i = 0; i < json_array_size(list) && n < REQUESTS_BASE_MAX; i++) {
		double v = json_number_value(json_array_get(list, i));

		if (v > 0 && v < 1e6)
			values[n++] = (float)v;
	}
	if (n && !s->requests)
		s->requests = requests_new();
	if (n && s->requests)
		requests_learned(s->requests, values, n);
}

static void adopt_service(struct model *m, const json_t *o, uint64_t now_ns)
{
	const char *name = text_of(o, "name");
	struct event_counts counts = {};
	struct service *s;

	s = *name && strlen(name) < MODEL_NAME_MAX ? service_get(m, name) : NULL;
	if (!s)
		return;
	s->empty_since_ns = now_ns;
	members_read(counts_members, &counts, json_object_get(o, "counts"));
	counts_add(&s->retired, &counts);
	adopt_usual(s, json_object_get(o, "p95_seconds"));
}

/* Processes */

static json_t *sites_json(const struct target *t)
{
	const struct ledger *l = t->service->ledger;
	json_t *list = json_array();

	for (const struct ledger_site *s = l ? l->sites : NULL; s; s = s->hh.next) {
		if (s->key.target == t->id)
			json_array_append_new(list, members_json(site_members, s));
	}
	return list;
}

static json_t *fdgroups_json(const struct target *t)
{
	json_t *list = json_array(), *o;

	for (const struct fdgroup *g = t->fd_groups; g; g = g->hh.next) {
		if (!g->series || json_array_size(list) >= KEPT_GROUPS_MAX)
			continue;
		o = members_json(fdgroup_members, g);
		json_object_set_new(o, "leak", members_json(leak_members, &g->leak));
		json_object_set_new(o, "series", series_json(g->series));
		json_array_append_new(list, o);
	}
	return list;
}

/* Those that do not grow lose nothing: a minute later they are known as well as before. */
static json_t *parked_json(const struct target *t)
{
	json_t *list = json_array(), *o;

	for (const struct parked *p = t->parked; p; p = p->hh.next) {
		if (p->leak.verdict < LEAK_UNSURE || json_array_size(list) >= KEPT_GROUPS_MAX)
			continue;
		o = members_json(parked_members, p);
		json_object_set_new(o, "reason", json_string(p->reason));
		json_object_set_new(o, "leak", members_json(leak_members, &p->leak));
		json_object_set_new(o, "series", series_json(&p->series));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *process_json(const struct target *t)
{
	struct event_counts counts;
	json_t *o = json_object();

	target_counts(t, &counts);
	json_object_set_new(o, "pid", json_integer(t->pid));
	json_object_set_new(o, "start", json_integer((json_int_t)t->start_ticks));
	json_object_set_new(o, "image", json_string(t->image));
	json_object_set_new(o, "version", json_string(t->version));
	json_object_set_new(o, "service", json_string(t->service->name));
	json_object_set_new(o, "counts", members_json(counts_members, &counts));
	json_object_set_new(o, "sites", sites_json(t));
	json_object_set_new(o, "descriptors", fdgroups_json(t));
	json_object_set_new(o, "goroutines", parked_json(t));
	return o;
}

json_t *model_keep(const struct model *m)
{
	json_t *o = json_object(), *services = json_array(), *processes = json_array();

	for (const struct service *s = m->services; s; s = s->hh.next) {
		if (json_array_size(services) < KEPT_SERVICES_MAX)
			json_array_append_new(services, service_json(s));
	}
	for (const struct target *t = m->targets; t; t = t->hh.next)
		json_array_append_new(processes, process_json(t));
	json_object_set_new(o, "services", services);
	json_object_set_new(o, "processes", processes);
	return o;
}

/* Until they are told of, what they counted is their service's: so the sum never goes back. */
static void count_for_service(struct model *m, const json_t *process, uint64_t now_ns)
{
	const char *name = text_of(process, "service");
	struct event_counts counts = {};
	struct service *s = *name && strlen(name) < MODEL_NAME_MAX ? service_get(m, name) : NULL;

	if (!s)
		return;
	if (!s->n_targets && !s->empty_since_ns)
		s->empty_since_ns = now_ns;
	members_read(counts_members, &counts, json_object_get(process, "counts"));
	counts_add(&s->retired, &counts);
}

void model_adopt(struct model *m, const json_t *kept, bool same_boot, uint64_t now_ns)
{
	json_t *services = json_object_get(kept, "services"), *one,
	       *processes = json_object_get(kept, "processes");
	size_t i;

	json_array_foreach (services, i, one) {
		if (i < KEPT_SERVICES_MAX)
			adopt_service(m, one, now_ns);
	}
	json_array_foreach (processes, i, one)
		count_for_service(m, one, now_ns);
	if (same_boot && json_is_array(processes))
		m->kept = json_deep_copy(processes);
}

void model_forget_kept(struct model *m)
{
	json_decref(m->kept);
	m->kept = NULL;
}

/* Processes that are back */

static bool is_of(const json_t *o, const struct target *t)
{
	return number_of(o, "pid") == t->pid && number_of(o, "start") == t->start_ticks &&
	       !strcmp(text_of(o, "image"), t->image) &&
	       !strcmp(text_of(o, "version"), t->version) &&
	       !strcmp(text_of(o, "service"), t->service->name);
}

/* It may be of another service now, under another configuration; then it is not found. */
static void take_counts(struct target *t, const json_t *o)
{
	struct event_counts *all = &t->service->retired;

	members_read(counts_members, &t->earlier, json_object_get(o, "counts"));
	all->panics -= t->earlier.panics;
	for (int i = 0; i < OUTCOME_MAX; i++)
		all->outcomes[i] -= t->earlier.outcomes[i];
	all->goexits -= t->earlier.goexits;
	all->misfits -= t->earlier.misfits;
	all->untold -= t->earlier.untold;
}

static void take_sites(struct model *m, struct target *t, const json_t *list)
{
	struct service *s = t->service;
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		struct ledger_site site = {};

		members_read(site_members, &site, o);
		site.key.target = t->id;
		site.image_id = t->image_id;
		site.pid = t->pid;
		site.runtime = t->runtime;
		if (!s->ledger)
			s->ledger = ledger_new();
		if (!s->ledger || !ledger_take_site(s->ledger, &site))
			m->dropped++;
	}
}

static void take_fdgroups(struct model *m, struct target *t, const json_t *list)
{
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		struct fdgroup g = {};
		struct leak_series series = {};

		members_read(fdgroup_members, &g, o);
		members_read(leak_members, &g.leak, json_object_get(o, "leak"));
		series_read(&series, json_object_get(o, "series"));
		m->dropped += i < KEPT_GROUPS_MAX && !fdgroups_take(&t->fd_groups, &g, &series);
	}
}

void kept_take(struct model *m, struct target *t)
{
	json_t *o;
	size_t i;

	json_array_foreach (m->kept, i, o) {
		if (!is_of(o, t))
			continue;
		take_counts(t, o);
		take_sites(m, t, json_object_get(o, "sites"));
		take_fdgroups(m, t, json_object_get(o, "descriptors"));
		t->kept_groups = json_incref(json_object_get(o, "goroutines"));
		json_array_remove(m->kept, i);
		return;
	}
}

static bool is_group(const json_t *o, const struct parked *p)
{
	struct parked was = {};

	members_read(parked_members, &was, o);
	return was.what.created_at == p->what.created_at && was.what.start == p->what.start &&
	       was.what.state == p->what.state && was.what.nstack == p->what.nstack &&
	       !memcmp(was.what.stack, p->what.stack,
		       was.what.nstack * sizeof(was.what.stack[0])) &&
	       !strcmp(text_of(o, "reason"), p->reason);
}

void kept_take_group(struct target *t, struct parked *p)
{
	json_t *o;
	size_t i;

	json_array_foreach (t->kept_groups, i, o) {
		if (!is_group(o, p))
			continue;
		members_read(leak_members, &p->leak, json_object_get(o, "leak"));
		series_read(&p->series, json_object_get(o, "series"));
		p->back_since = p->census;
		json_array_remove(t->kept_groups, i);
		return;
	}
}
