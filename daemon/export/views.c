// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/views.h"

#include <math.h>
#include <string.h>

#include "base/version.h"
#include "export/alerts.h"
#include "export/fds.h"
#include "export/goroutines.h"
#include "export/lines.h"
#include "export/numbers.h"
#include "export/requests.h"
#include "export/words.h"

/* Services and targets */

static unsigned firing_of(const struct show *s, const struct target *t)
{
	unsigned n = 0;

	for (const struct alert *a = alerts_active(s->alerts); a; a = a->hh.next)
		n += a->state == ALERT_FIRING &&
		     (a->key.target == t->id || (a->evidence.kind == EVIDENCE_PANIC &&
						 !strcmp(a->service, t->service->name)));
	return n;
}

static json_t *by_lowering(const struct event_counts *c)
{
	json_t *o = json_object();

	for (int i = 0; i < LOWERING_MAX; i++)
		set_int(o, view_lowering_names[i], c->registered[i]);
	return o;
}

static json_t *by_outcome(const struct event_counts *c)
{
	json_t *o = json_object();

	for (int i = OUTCOME_RECOVERED; i < OUTCOME_MAX; i++)
		set_int(o, view_outcome_names[i], c->outcomes[i]);
	return o;
}

/* As of the newest census; null before the first. */
static void add_goroutines(json_t *o, const struct target *t)
{
	json_t *states = t->n_censuses ? json_object() : json_null();

	for (int i = 0; i < GOROUTINE_STATE_MAX && t->n_censuses; i++)
		set_int(states, view_goroutine_names[i], t->census.states[i]);
	set(o, "goroutines_by_state", states);
	set(o, "lock_waiters", t->n_censuses ? json_integer(t->census.lock_waiters) : json_null());
}

static struct metric_env env_of(const struct show *s, const struct service *service,
				const struct target *t)
{
	return (struct metric_env){
		.m = s->model, .service = service, .target = t, .now_ns = s->now_ns
	};
}

/* Null: there was none, or all were taken back as a sweep, or its name is not known yet. */
static json_t *bad_close_site(struct model *m, const struct target *t)
{
	const struct code_line *at;

	if (!t->counts.fd_ebadf)
		return json_null();
	at = model_program_frame(m, t->image_id, t->runtime, t->bad_close.stack,
				 t->bad_close.nstack);
	return at ? view_line(at) : json_null();
}

static json_t *target_json(const struct show *s, const struct target *t)
{
	struct model *m = s->model;
	struct metric_env env = env_of(s, t->service, t);
	const struct peak *deepest = target_deepest(m, t, s->now_ns);
	json_t *o = json_object();
	struct event_counts c;

	target_counts(t, &c);
	set_int(o, "pid", t->pid);
	set_str(o, "service", t->service->name);
	set_str(o, "image", t->image);
	set_str(o, "runtime", view_runtime_names[t->runtime]);
	set_str(o, "version", t->version);
	set_str(o, "state", view_state_names[t->state]);
	set_str(o, "reason", t->reason);
	numbers_add(o, NULL, &env);
	set_int(o, "defers_registered", counts_registered(&t->counts));
	set(o, "defers_registered_by_lowering", by_lowering(&t->counts));
	set_int(o, "defer_runs", t->counts.runs);
	set(o, "deepest_site", deepest ? view_site(m, t->image_id, deepest->site) : json_null());
	add_goroutines(o, t);
	set_int(o, "panics_started", c.panics);
	set_int(o, "panics_recovered", c.outcomes[OUTCOME_RECOVERED]);
	set(o, "panics_by_outcome", by_outcome(&c));
	view_add_fds(o, t);
	set_int(o, "fd_opened", t->counts.fd_opened);
	set_int(o, "fd_closed", t->counts.fd_closed);
	set_int(o, "fd_bad_closes", t->counts.fd_ebadf);
	set_int(o, "fd_unsited", t->counts.fd_unsited);
	set(o, "fd_bad_close_site", bad_close_site(m, t));
	set(o, "requests", view_requests(m, t->service, s->now_ns));
	set_int(o, "probe_hits", t->counts.hits);
	set_int(o, "probe_hits_unread", t->counts.unread);
	set_real(o, "probe_cost_seconds",
		 (double)event_counts_cost(&t->counts, s->features->hit_ns) / 1e9);
	set_str(o, "probes", t->probes);
	set_str(o, "probes_by", t->chosen ? "command" : "configuration");
	set(o, "probes_full_now", json_boolean(t->full));
	set_real(o, "budget_percent", t->budget_percent);
	set_int(o, "events_lost", t->lost);
	set(o, "exact", json_boolean(target_exact(t)));
	set_int(o, "alerts_firing", firing_of(s, t));
	return o;
}

/* The process that stands for its service: the one with the deepest goroutine. */
static const struct target *deepest_of(const struct show *sh, const struct service *s)
{
	const struct target *deepest = NULL;
	uint32_t most = 0;

	for (const struct target *t = s->targets; t; t = t->next_in_service) {
		const struct peak *p = target_deepest(sh->model, t, sh->now_ns);
		uint32_t depth = p ? p->depth : 0;

		if (!deepest || depth > most) {
			deepest = t;
			most = depth;
		}
	}
	return deepest;
}

/* The last one that is not observed as planned; else the first. */
static const struct target *worst_of(const struct service *s)
{
	const struct target *worst = s->targets;

	for (const struct target *t = s->targets; t; t = t->next_in_service)
		worst = t->state != TARGET_OBSERVED ? t : worst;
	return worst;
}

static void add_processes(json_t *o, const struct show *sh, const struct service *s)
{
	json_t *pids = json_array();
	uint64_t firing = 0;

	for (const struct target *t = s->targets; t; t = t->next_in_service) {
		json_array_append_new(pids, json_integer(t->pid));
		firing += firing_of(sh, t);
	}
	set(o, "pids", pids);
	set_int(o, "alerts_firing", firing);
}

/* Of one that has processes. */
static json_t *service_json(const struct show *sh, const struct service *s)
{
	const struct target *deepest = deepest_of(sh, s), *worst = worst_of(s);
	const struct peak *p = target_deepest(sh->model, deepest, sh->now_ns);
	struct metric_env env = env_of(sh, s, NULL);
	json_t *o = json_object();
	struct event_counts c;

	service_living_counts(s, &c);
	set_str(o, "service", s->name);
	numbers_add_service(o, &env);
	set_int(o, "defers_registered", counts_registered(&c));
	set_int(o, "panics_started", c.panics);
	set_int(o, "panics_recovered", c.outcomes[OUTCOME_RECOVERED]);
	set(o, "deepest_site", p ? view_site(sh->model, deepest->image_id, p->site) : json_null());
	set_str(o, "runtime", view_runtime_names[deepest->runtime]);
	set_str(o, "version", deepest->version);
	set_str(o, "state", view_state_names[worst->state]);
	set_str(o, "reason", worst->reason);
	set(o, "requests", view_requests(sh->model, s, sh->now_ns));
	add_processes(o, sh, s);
	set(o, "exact", json_boolean(service_exact(s)));
	return o;
}

static json_t *self_json(const struct show *s)
{
	const struct kernel_features *f = s->features;
	uint64_t dropped = 0;
	json_t *o = json_object();

	for (unsigned i = 0; probe_loss_name(i); i++)
		dropped += s->probe.lost[i];
	set_str(o, "version", deferd_version);
	set_str(o, "kernel", f->release);
	set_str(o, "attach", f->have[KERNEL_UPROBE_MULTI] ? "uprobe_multi" : "perf_event");
	set_str(o, "probe_set", s->probe_set);
	set_str(o, "fd_hooks", show_fd_hooks_names[s->fd_hooks]);
	set_int(o, "events", s->probe.events);
	set_int(o, "events_dropped", dropped);
	set_int(o, "look_every_s", s->look_every_s);
	set_real(o, "cpu_seconds", (double)s->self->cpu_ns / 1e9);
	set_int(o, "rss_bytes", s->self->rss_bytes);
	set(o, "settled", json_boolean(s->settled));
	return o;
}

json_t *view_snapshot(const struct show *sh)
{
	struct model *m = sh->model;
	json_t *o = json_object(), *services = json_array(), *targets = json_array();

	for (const struct service *s = model_services(m); s; s = s->hh.next) {
		if (s->n_targets)
			json_array_append_new(services, service_json(sh, s));
	}
	for (const struct target *t = model_targets(m); t; t = t->hh.next)
		json_array_append_new(targets, target_json(sh, t));
	set_int(o, "time_unix_ms", (uint64_t)sh->unix_ms);
	set(o, "deferd", self_json(sh));
	set(o, "services", services);
	set(o, "targets", targets);
	set(o, "alerts", view_alert_list(sh));
	return o;
}

static json_t *goroutine_json(const struct show *s, const struct target *t,
			      const struct goroutine *g)
{
	struct model *m = s->model;
	json_t *o = json_object();

	set_int(o, t->runtime == RUNTIME_C ? "thread" : "goroutine", g->goid);
	set_int(o, "depth", g->depth);
	set_int(o, "peak", g->peak);
	set_int(o, "registered", g->registered);
	set_int(o, "idle_ms", s->now_ns > g->last_ns ? (s->now_ns - g->last_ns) / 1000000 : 0);
	set(o, "exact", json_boolean(!g->inferred));
	set(o, "site", view_site(m, t->image_id, g->site));
	set(o, "peak_site", view_site(m, t->image_id, g->peak_site));
	return o;
}

json_t *view_target(const struct show *sh, uint32_t pid)
{
	struct model *m = sh->model;
	const struct target *t = model_target_by_pid(m, pid);
	const struct goroutine *gs[VIEW_GOROUTINES_MAX];
	const struct site *sites[VIEW_SITES_MAX];
	json_t *o, *list;
	uint64_t all = 0;
	unsigned n;

	if (!t)
		return NULL;
	o = target_json(sh, t);
	list = json_array();
	n = target_top_goroutines(t, gs, VIEW_GOROUTINES_MAX);
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, goroutine_json(sh, t, gs[i]));
	set(o, "goroutines", list);
	list = json_array();
	for (const struct site *s = t->sites; s; s = s->hh.next)
		all += s->registered;
	n = target_top_sites(t, sites, VIEW_SITES_MAX);
	for (unsigned i = 0; i < n; i++) {
		json_t *s = view_site(m, t->image_id, sites[i]->key.pc);

		set_str(s, "lowering", view_lowering_names[sites[i]->key.lowering]);
		set_int(s, "registered", sites[i]->registered);
		set_real(s, "share", all ? (double)sites[i]->registered / (double)all : 0);
		json_array_append_new(list, s);
	}
	set(o, "sites", list);
	set(o, "groups", view_groups(sh, t, VIEW_GROUPS_MAX));
	set(o, "fd_groups", view_fd_groups(t, sh->now_ns));
	set(o, "fd_sites", view_fd_sites(m, t, sh->now_ns));
	set(o, "pool", view_pool(m, t, sh->now_ns));
	set(o, "crossing_stack", view_stack(m, t->image_id, t->crossing.stack, t->crossing.nstack));
	return o;
}
