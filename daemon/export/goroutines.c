// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/goroutines.h"

#include <string.h>

#include "export/views_priv.h"

const char *const view_census_state_names[CENSUS_STATE_MAX] = {
	[CENSUS_RUNNABLE] = "runnable",   [CENSUS_RUNNING] = "running",
	[CENSUS_SYSCALL] = "syscall",     [CENSUS_WAITING] = "waiting",
	[CENSUS_PREEMPTED] = "preempted", [CENSUS_LEAKED] = "leaked",
};

struct page {
	struct model *m;
	uint32_t image_id;
	const struct census_summary *census;
	bool complete;
};

/* NULL while it is not known. */
static const struct code_line *function_at(struct page *p, uint64_t entry)
{
	const struct name *n =
		entry ? model_name(p->m, p->image_id, NAME_OF_FUNCTION, entry) : NULL;

	p->complete &= !entry || n;
	return n ? &n->at : NULL;
}

/*
 * As the runtime's own profiles have it: a goroutine of the runtime began in one of its functions;
 * these three run the program's.
 */
static bool is_system(const char *start)
{
	return !strncmp(start, "runtime.", 8) && strcmp(start, "runtime.main") &&
	       strcmp(start, "runtime.corostart") && strcmp(start, "runtime.handleAsyncEvent");
}

static json_t *line_at(struct page *p, uint64_t pc)
{
	p->complete &= view_named(p->m, p->image_id, &pc, 1);
	return pc ? view_site(p->m, p->image_id, pc) : json_null();
}

static json_t *since_json(const struct page *p, uint64_t since_ns)
{
	if (!since_ns || since_ns > p->census->begin_ns)
		return json_null();
	return json_real((double)(p->census->begin_ns - since_ns) / 1e9);
}

static json_t *members_json(const struct page *p, const struct group *g)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < g->n_members; i++) {
		const struct group_member *m = &g->members[i];
		json_t *o = json_object();

		set_int(o, "id", m->goid);
		set(o, "parent", m->parent ? json_integer((json_int_t)m->parent) : json_null());
		set(o, "since_seconds", since_json(p, m->since_ns));
		set_int(o, "depth", m->depth);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *group_json(struct page *p, const struct group *g, bool *ret_system)
{
	const struct code_line *start = function_at(p, g->key.start);
	const char *reason = p->census->reasons[g->key.reason % CENSUS_REASONS_MAX];
	bool waits = census_waits(g->key.state);
	json_t *o = json_object();

	*ret_system = start && is_system(start->function);
	p->complete &= view_named(p->m, p->image_id, g->key.stack, g->key.nstack);
	set_int(o, "count", g->count);
	set(o, "system", json_boolean(*ret_system));
	set_str(o, "state", view_census_state_names[g->key.state]);
	set(o, "reason", waits && reason[0] ? json_string(reason) : json_null());
	set(o, "on_cpu",
	    json_boolean(g->key.state == CENSUS_RUNNING || (waits && census_reason_runs(reason))));
	set(o, "since_seconds", since_json(p, g->oldest_ns));
	set(o, "stack", view_stack(p->m, p->image_id, g->key.stack, g->key.nstack));
	set(o, "whole", json_boolean(g->whole));
	set(o, "start", g->key.start ? view_line(start) : json_null());
	set(o, "created_by", line_at(p, g->key.created_at));
	set_int(o, "depth_max", g->depth_max);
	set_int(o, "inexact", g->inexact);
	set(o, "goroutines", members_json(p, g));
	return o;
}

json_t *view_goroutines(struct model *m, uint32_t image_id, const struct groups *groups,
			const struct census_summary *census, bool *ret_complete)
{
	struct page p = { .m = m, .image_id = image_id, .census = census, .complete = true };
	json_t *o = json_object(), *list = json_array();
	const struct census_stats *st = &census->stats;
	uint64_t system = 0;

	for (const struct group *g = groups->by_key; g; g = g->hh.next) {
		bool is;

		json_array_append_new(list, group_json(&p, g, &is));
		system += is ? g->count : 0;
	}
	set(o, "groups", list);
	set_int(o, "goroutines", st->told);
	set_int(o, "system", system);
	set_int(o, "inexact", st->inexact);
	set_int(o, "unreadable", st->bad);
	set_int(o, "left_out", groups->left_out);
	set_real(o, "seconds", (double)census->took_ns / 1e9);
	*ret_complete = p.complete;
	return o;
}
