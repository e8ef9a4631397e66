// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/goroutines.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "export/lines.h"
#include "export/words.h"
#include "golang/goname.h"

#define MEMBERS 16 /* goroutines of a group that are shown each */

struct member {
	uint64_t goid, parent, since_ns, object;
	uint32_t depth, open_coded;
	uint8_t panics;
	bool depth_exact, panics_known, goexit;
};

/* Of each group, by its id, the first ones. */
struct sample {
	unsigned n;
	struct member members[MEMBERS];
};

struct page {
	struct model *m;
	uint32_t image_id;
	const struct target *target; /* NULL: not known */
	const struct census_summary *census;
	struct sample *samples;
	bool complete;
};

static void on_goroutine(void *arg, const struct census_goroutine *g, uint32_t group)
{
	struct page *p = arg;
	struct sample *s;

	if (group == GROUP_NONE)
		return;
	s = &p->samples[group];
	if (s->n < MEMBERS)
		s->members[s->n++] = (struct member){
			.goid = g->goid,
			.parent = g->parent,
			.since_ns = census_since(g->seen_ns, g->waitsince_ns),
			.object = g->object,
			.depth = g->depth,
			.open_coded = g->open_coded,
			.depth_exact = g->depth_exact,
			.panics = g->panics,
			.panics_known = g->panics_known,
			.goexit = g->goexit,
		};
}

/* NULL while it is not known. */
static const struct code_line *function_at(struct page *p, uint64_t entry)
{
	const struct name *n =
		entry ? model_name(p->m, p->image_id, NAME_OF_FUNCTION, entry) : NULL;

	p->complete &= !entry || n;
	return n ? &n->at : NULL;
}

static json_t *line_at(struct page *p, uint64_t pc)
{
	p->complete &= view_named(p->m, p->image_id, &pc, 1);
	return pc ? view_site(p->m, p->image_id, pc) : json_null();
}

static json_t *since_json(const struct page *p, uint64_t since_ns)
{
	if (!since_ns || since_ns >= p->census->begin_ns)
		return json_null();
	return json_real((double)(p->census->begin_ns - since_ns) / 1e9);
}

static json_t *members_json(const struct page *p, const struct group *g)
{
	const struct sample *s = &p->samples[g->id];
	json_t *list = json_array();

	for (unsigned i = 0; i < s->n; i++) {
		const struct member *m = &s->members[i];
		json_t *o = json_object();

		set_int(o, "id", m->goid);
		set(o, "parent", m->parent ? json_integer((json_int_t)m->parent) : json_null());
		set(o, "since_seconds", since_json(p, m->since_ns));
		set(o, "waits_for", m->object ? view_address(m->object) : json_null());
		set_int(o, "depth", m->depth);
		set_int(o, "open_coded", m->open_coded);
		set(o, "depth_exact", json_boolean(m->depth_exact));
		set(o, "panics", m->panics_known ? json_integer(m->panics) : json_null());
		set(o, "goexit", m->panics_known ? json_boolean(m->goexit) : json_null());
		json_array_append_new(list, o);
	}
	return list;
}

/* What is known of its growth: of its stack, unless all at its line, or all that were created there, leak. */
static const struct parked *parked_of(const struct page *p, const struct group *g)
{
	const uint64_t serials[] = { g->line ? g->line->serial : 0, g->serial,
				     g->crew ? g->crew->serial : 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(serials); i++) {
		const struct parked *parked = parked_find(p->target->parked, serials[i]);

		if (parked && parked->leak.verdict == LEAK_LEAKING)
			return parked;
	}
	return parked_find(p->target->parked, g->serial);
}

static const char *const scope_names[GROUP_SCOPE_MAX] = { "stack", "line", "go statement" };

static json_t *leak_json(const struct page *p, const struct group *g)
{
	const struct parked *parked = p->target ? parked_of(p, g) : NULL;
	json_t *o;

	if (!parked || p->target->n_censuses < 2)
		return json_null();
	o = json_object();
	set_str(o, "of", scope_names[parked->what.scope]);
	set_int(o, "count", parked->what.count);
	set_str(o, "verdict", view_leak_verdict_names[parked->leak.verdict]);
	set_real(o, "per_hour", parked->leak.per_hour);
	set_real(o, "low_per_hour", parked->leak.low_per_hour);
	set_real(o, "high_per_hour", parked->leak.high_per_hour);
	set_real(o, "seconds", parked->leak.seconds);
	return o;
}

static json_t *group_json(struct page *p, const struct group *g, bool *ret_system)
{
	const struct code_line *start = function_at(p, g->key.start);
	const char *reason = p->census->reasons[g->key.reason % CENSUS_REASONS_MAX];
	bool waits = census_waits(g->key.state);
	json_t *o = json_object();

	*ret_system = start && goname_is_system(start->function);
	p->complete &= view_named(p->m, p->image_id, g->key.stack, g->key.nstack);
	set_int(o, "count", g->sum.count);
	set(o, "system", json_boolean(*ret_system));
	set_str(o, "state", view_goroutine_names[g->key.state]);
	set(o, "reason", waits && reason[0] ? json_string(reason) : json_null());
	set(o, "on_cpu",
	    json_boolean(g->key.state == CENSUS_RUNNING || (waits && census_reason_runs(reason))));
	set(o, "since_seconds", since_json(p, g->sum.oldest_ns));
	set(o, "stack", view_stack(p->m, p->image_id, g->key.stack, g->key.nstack));
	set(o, "whole", json_boolean(g->whole));
	set(o, "start", g->key.start ? view_line(start) : json_null());
	set(o, "created_by", line_at(p, g->key.created_at));
	set_int(o, "depth_max", g->sum.depth_max);
	set_int(o, "depth_inexact", g->sum.depth_inexact);
	set_int(o, "panics_max", g->sum.panics_max);
	set_int(o, "goexit", g->sum.goexit);
	set_int(o, "inexact", g->sum.inexact);
	set_int(o, "quiet", g->sum.quiet);
	set(o, "leak", leak_json(p, g));
	set(o, "goroutines", members_json(p, g));
	return o;
}

json_t *view_goroutines(struct model *m, const struct target *t, const struct show_census *sc,
			bool *ret_complete)
{
	const struct census_summary *census = census_summary(sc->census);
	struct groups *groups = census_groups(sc->census);
	_cleanup_free_ struct sample *samples = calloc(groups->n_ids + 1, sizeof(*samples));
	struct page p = { .m = m,
			  .image_id = sc->image_id,
			  .target = t,
			  .census = census,
			  .samples = samples,
			  .complete = true };
	json_t *o, *list;
	uint64_t system = 0;

	if (!census || !samples)
		return NULL;
	o = json_object();
	list = json_array();
	groups_sort(groups);
	census_each(sc->census, on_goroutine, &p);
	for (const struct group *g = groups->by_key; g; g = g->hh.next) {
		bool is;

		if (!g->sum.count)
			continue;
		json_array_append_new(list, group_json(&p, g, &is));
		system += is ? g->sum.count : 0;
	}
	set(o, "groups", list);
	set_int(o, "goroutines", census->told);
	set_int(o, "system", system);
	set_int(o, "inexact", census->inexact);
	set_int(o, "unreadable", census->bad);
	set_int(o, "left_out", census->left_out);
	set_real(o, "seconds", (double)sc->took_ns / 1e9);
	set(o, "complete", json_boolean(p.complete));
	*ret_complete = p.complete;
	return o;
}

/* The line of the program: where they stand if that is in it, else what led there. */
static const struct code_line *program_line(struct page *p, const struct group *g)
{
	const struct code_line *c =
		model_program_frame(p->m, p->image_id, RUNTIME_GO, g->key.stack, g->key.nstack);

	return c ? c : function_at(p, g->key.start);
}

static json_t *short_group_json(struct page *p, const struct group *g)
{
	const char *reason = p->census->reasons[g->key.reason % CENSUS_REASONS_MAX];
	json_t *o = json_object();

	set_int(o, "serial", g->serial);
	set_int(o, "count", g->sum.count);
	set_str(o, "state", view_goroutine_names[g->key.state]);
	set(o, "reason",
	    census_waits(g->key.state) && reason[0] ? json_string(reason) : json_null());
	set_int(o, "quiet", g->sum.quiet);
	set(o, "since_seconds", since_json(p, g->sum.oldest_ns));
	set(o, "leak", leak_json(p, g));
	set_int(o, "depth_max", g->sum.depth_max);
	set(o, "site", view_line(program_line(p, g)));
	set(o, "created_by", line_at(p, g->key.created_at));
	return o;
}

static bool grows(const struct page *p, const struct group *g)
{
	const struct parked *parked = parked_of(p, g);

	return parked && parked->leak.verdict == LEAK_LEAKING;
}

json_t *view_groups(const struct show *s, const struct target *t, unsigned max)
{
	struct page p = { .m = s->model, .target = t };
	struct show_census census;
	struct reason reason;
	json_t *list = json_array();

	if (s->census(s->arg, t->pid, &census, &reason))
		return list;
	p.image_id = census.image_id;
	p.census = census_summary(census.census);
	groups_sort(census_groups(census.census));
	for (int leaks = 1; leaks >= 0; leaks--) {
		for (const struct group *g = census_groups(census.census)->by_key; g;
		     g = g->hh.next) {
			if (g->sum.count && grows(&p, g) == leaks && json_array_size(list) < max)
				json_array_append_new(list, short_group_json(&p, g));
		}
	}
	return list;
}
