// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/metrics.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "base/version.h"
#include "export/expo.h"
#include "export/fds.h"
#include "export/numbers.h"
#include "export/requests.h"
#include "export/words.h"
#include "model/panics.h"

struct page {
	struct expo x;
	const struct show *show;
	struct model *m;
};

#define FOR_EACH_SERVICE(s, m) for (const struct service *s = model_services(m); s; s = s->hh.next)
#define FOR_EACH_TARGET_OF(t, s) \
	for (const struct target *t = (s)->targets; t; t = t->next_in_service)

/* A counter of each service: the member of struct event_counts at this offset. */
static void write_counter(struct page *p, const char *name, const char *help, size_t offset)
{
	expo_family(&p->x, name, EXPO_COUNTER, "service", help);
	FOR_EACH_SERVICE (s, p->m) {
		struct event_counts c;

		service_counts(s, &c);
		expo_sample(&p->x, (double)*(const uint64_t *)((const char *)&c + offset),
			    "service", s->name, NULL);
	}
}
#define COUNT(member) offsetof(struct event_counts, member)

static bool lowering_applies(const struct service *s, enum lowering l, const struct event_counts *c)
{
	bool go = false, native = false, full = false;

	if (c->registered[l])
		return true;
	FOR_EACH_TARGET_OF (t, s) {
		go |= t->runtime == RUNTIME_GO;
		native |= t->runtime == RUNTIME_C;
		full |= t->full || t->full_ns;
	}
	if (l == LOWERING_C)
		return native;
	return go && (l != LOWERING_STACK || full || s->retired_full_ns);
}

static void write_defers(struct page *p)
{
	struct expo *x = &p->x;

	expo_family(x, "deferd_defers_registered", EXPO_COUNTER, "service,lowering",
		    "Defers registered, by how they were compiled; stack only with the full probe "
		    "set.");
	FOR_EACH_SERVICE (s, p->m) {
		struct event_counts c;

		service_counts(s, &c);
		for (int l = 0; l < LOWERING_MAX; l++) {
			if (lowering_applies(s, l, &c))
				expo_sample(x, (double)c.registered[l], "service", s->name,
					    "lowering", view_lowering_names[l], NULL);
		}
	}
	expo_family(x, "deferd_defer_depth", EXPO_HISTOGRAM, "service",
		    "Most pending defers of each goroutine or thread in each second in which it "
		    "registered a defer.");
	FOR_EACH_SERVICE (s, p->m)
		expo_histogram(x, "service", s->name, model_depth_edges, s->depth_hist,
			       MODEL_DEPTH_EDGES, (double)s->depth_hist_sum);
	expo_family(x, "deferd_state_exact", EXPO_GAUGE, "service",
		    "1: nothing in the state of this service is inferred, and no detail was lost "
		    "since the last scan.");
	FOR_EACH_SERVICE (s, p->m)
		expo_sample(x, service_exact(s), "service", s->name, NULL);
}

static void write_panics(struct page *p)
{
	struct expo *x = &p->x;

	write_counter(p, "deferd_panics_started", "Panics started.", COUNT(panics));
	expo_family(x, "deferd_panics", EXPO_COUNTER, "service,outcome",
		    "Panics that ended, by outcome; unknown: an event between start and end was "
		    "missed.");
	FOR_EACH_SERVICE (s, p->m) {
		struct event_counts c;

		service_counts(s, &c);
		for (int i = OUTCOME_RECOVERED; i < OUTCOME_MAX; i++)
			expo_sample(x, (double)c.outcomes[i], "service", s->name, "outcome",
				    view_outcome_names[i], NULL);
	}
	write_counter(p, "deferd_panics_untold",
		      "Panics counted without details, because there were too many per second.",
		      COUNT(untold));
	expo_family(x, "deferd_recover_misplaced", EXPO_COUNTER, "service",
		    "Calls of recover() in a wrong frame, which returned nil while a panic was "
		    "running.");
	FOR_EACH_SERVICE (s, p->m)
		expo_sample(x, (double)service_misplaced(p->m, s), "service", s->name, NULL);
}

static void write_aftermaths(struct page *p)
{
	struct expo *x = &p->x;

	expo_family(x, "deferd_write_hooks_attached", EXPO_GAUGE, "",
		    "1: writes are being watched now, see probes.watch_writes.");
	expo_sample(x, p->show->watches_writes, NULL);
}

/* Once one of its processes was counted. */
static void write_states(struct page *p, const struct service *s)
{
	double n[GOROUTINE_STATE_MAX] = {};
	bool any = false;

	FOR_EACH_TARGET_OF (t, s) {
		any |= t->n_censuses != 0;
		for (int i = 0; i < GOROUTINE_STATE_MAX; i++)
			n[i] += t->census.states[i];
	}
	for (int i = 0; i < GOROUTINE_STATE_MAX && any; i++)
		expo_sample(&p->x, n[i], "service", s->name, "state", view_goroutine_names[i],
			    NULL);
}

static void write_goroutines(struct page *p)
{
	expo_family(&p->x, "deferd_goroutines", EXPO_GAUGE, "service,state",
		    "Goroutines at the newest census by state; system: goroutines of the runtime "
		    "itself; leaked: proved by the runtime.");
	FOR_EACH_SERVICE (s, p->m)
		write_states(p, s);
}

static void write_censuses(struct page *p)
{
	struct expo *x = &p->x;

	expo_family(x, "deferd_censuses", EXPO_COUNTER, "", "Censuses of goroutines, completed.");
	expo_sample(x, (double)p->show->censuses, NULL);
	expo_family(x, "deferd_census_failures", EXPO_COUNTER, "",
		    "Failed censuses of goroutines, and processes without a possible census; the "
		    "log says why.");
	expo_sample(x, (double)p->show->census_failures, NULL);
	expo_family(x, "deferd_census_cpu_seconds", EXPO_COUNTER, "",
		    "CPU time of deferd for all censuses.");
	expo_sample(x, (double)p->show->census_ns / 1e9, NULL);
}

static void write_fd_calls(struct page *p)
{
	write_counter(p, "deferd_fd_opened", "Descriptors opened while the hooks were attached.",
		      COUNT(fd_opened));
	write_counter(p, "deferd_fd_closed",
		      "Descriptors closed by close() while the hooks were attached.",
		      COUNT(fd_closed));
	write_counter(
		p, "deferd_fd_bad_closes",
		"Calls of close() with a descriptor that was closed already (EBADF) while the "
		"hooks were attached.",
		COUNT(fd_ebadf));
	write_counter(p, "deferd_fd_unsited",
		      "Descriptors opened under suspicion whose line is not recorded: too many per "
		      "second, or no room.",
		      COUNT(fd_unsited));
}

static void write_alerts(struct page *p)
{
	const struct rule_set *rules = p->show->rules;

	expo_family(&p->x, "deferd_alerts_firing", EXPO_GAUGE, "rule,severity",
		    "Alerts that are firing.");
	for (unsigned i = 0; i < rules->n; i++) {
		unsigned n = 0;

		for (const struct alert *a = alerts_active(p->show->alerts); a; a = a->hh.next)
			n += a->state == ALERT_FIRING && !strcmp(a->key.rule, rules->rules[i].name);
		expo_sample(&p->x, n, "rule", rules->rules[i].name, "severity",
			    rule_severity_names[rules->rules[i].severity], NULL);
	}
}

/* 0: never. */
static void write_time(struct page *p, uint64_t ns, const char *label, const char *value)
{
	double s = ns ? (double)show_unix_ms(p->show, ns) / 1e3 : 0;

	if (label)
		expo_sample(&p->x, s, label, value, NULL);
	else
		expo_sample(&p->x, s, NULL);
}

static void write_receivers(struct page *p)
{
	unsigned n = receivers_count(p->show->receivers), silenced = 0;
	struct receiver_stats st;
	struct expo *x = &p->x;

	expo_family(x, "deferd_rules_last_evaluation_timestamp_seconds", EXPO_GAUGE, "",
		    "When the rules were last evaluated; alert when this stops changing.");
	write_time(p, p->show->judged_ns, NULL, NULL);
	expo_family(x, "deferd_notifications", EXPO_COUNTER, "receiver,result",
		    "Messages to receivers: sent; failed, to be tried again; refused (3xx, 4xx), "
		    "not tried again.");
	for (unsigned i = 0; i < n; i++) {
		receivers_get_stats(p->show->receivers, i, &st);
		expo_sample(x, (double)st.sent, "receiver", st.url, "result", "sent", NULL);
		expo_sample(x, (double)st.failed, "receiver", st.url, "result", "failed", NULL);
		expo_sample(x, (double)st.refused, "receiver", st.url, "result", "refused", NULL);
	}
	expo_family(x, "deferd_notification_last_success_timestamp_seconds", EXPO_GAUGE, "receiver",
		    "When a receiver last accepted a message; 0: never.");
	for (unsigned i = 0; i < n; i++) {
		receivers_get_stats(p->show->receivers, i, &st);
		write_time(p, st.good_ns, "receiver", st.url);
	}
	expo_family(x, "deferd_alerts_silenced", EXPO_GAUGE, "",
		    "Firing alerts that are silenced in an Alertmanager, according to its newest "
		    "answer.");
	for (const struct alert *a = alerts_active(p->show->alerts); a; a = a->hh.next)
		silenced += receivers_silence(p->show->receivers, a) != NULL;
	expo_sample(x, silenced, NULL);
	expo_family(x, "deferd_alerts_untold", EXPO_COUNTER, "",
		    "Alerts not sent to any receiver, because more than 4,096 changed at the same "
		    "time.");
	expo_sample(x, (double)receivers_dropped(p->show->receivers), NULL);
}

static void write_probe_cost(struct page *p)
{
	const uint64_t *price = p->show->features->hit_ns;
	struct expo *x = &p->x;

	write_counter(p, "deferd_probe_hits", "Probe hits of the service.", COUNT(hits));
	write_counter(p, "deferd_probe_hits_unread",
		      "Probe hits that were only counted, because there were more than the budget "
		      "allows.",
		      COUNT(unread));
	expo_family(x, "deferd_probe_hit_price_seconds", EXPO_GAUGE, "instruction",
		    "CPU time that a probe hit costs the program, measured when deferd starts.");
	expo_sample(x, (double)price[0] / 1e9, "instruction", "emulated", NULL);
	expo_sample(x, (double)price[1] / 1e9, "instruction", "stepped", NULL);
	expo_family(x, "deferd_probe_cost_seconds", EXPO_COUNTER, "service",
		    "CPU time that probes have cost the service: hits multiplied by their price.");
	FOR_EACH_SERVICE (s, p->m) {
		struct event_counts c;

		service_counts(s, &c);
		expo_sample(x, (double)event_counts_cost(&c, price) / 1e9, "service", s->name,
			    NULL);
	}
	expo_family(x, "deferd_probe_full_seconds", EXPO_COUNTER, "service",
		    "Time with the full probe set, sum of the processes; divide the rate of the "
		    "counter of stack defers by the rate of this one.");
	FOR_EACH_SERVICE (s, p->m)
		expo_sample(x, (double)service_full_ns(s, p->show->now_ns) / 1e9, "service",
			    s->name, NULL);
}

static void write_targets(struct page *p)
{
	unsigned n[TARGET_STATE_MAX] = {};
	struct expo *x = &p->x;

	for (const struct target *t = model_targets(p->m); t; t = t->hh.next)
		n[t->state]++;
	expo_family(x, "deferd_targets", EXPO_GAUGE, "state", "Processes by state of observation.");
	for (int i = 0; i < TARGET_STATE_MAX; i++)
		expo_sample(x, n[i], "state", view_state_names[i], NULL);
	expo_family(x, "deferd_attach_failures", EXPO_COUNTER, "reason",
		    "Processes or files that could not be attached, by reason.");
	for (unsigned i = 0; i < p->show->n_failures; i++)
		expo_sample(x, (double)p->show->failures[i], "reason", p->show->failure_names[i],
			    NULL);
	write_probe_cost(p);
}

static void write_events(struct page *p)
{
	const struct probe_stats *st = &p->show->probe;
	struct expo *x = &p->x;

	expo_family(x, "deferd_events", EXPO_COUNTER, "", "Records taken from the ring.");
	expo_sample(x, (double)st->events, NULL);
	expo_family(x, "deferd_events_dropped", EXPO_COUNTER, "reason",
		    "Details lost, by reason; counters of defers and panics are not affected.");
	for (unsigned i = 0; probe_loss_name(i); i++)
		expo_sample(x, (double)st->lost[i], "reason", probe_loss_name(i), NULL);
	expo_sample(x, (double)st->bad, "reason", "malformed", NULL);
	expo_sample(x, (double)model_dropped(p->m), "reason", "model_full", NULL);
	expo_family(x, "deferd_map_entries", EXPO_GAUGE, "map", "Entries of the kernel maps.");
	expo_sample(x, st->targets, "map", "targets", NULL);
	expo_sample(x, st->goroutines, "map", "goroutines", NULL);
	expo_sample(x, st->sites, "map", "sites", NULL);
	expo_family(x, "deferd_map_capacity", EXPO_GAUGE, "map",
		    "Entries the kernel maps can hold.");
	expo_sample(x, st->targets_max, "map", "targets", NULL);
	expo_sample(x, st->goroutines_max, "map", "goroutines", NULL);
	expo_sample(x, st->sites_max, "map", "sites", NULL);
	expo_family(x, "deferd_ring_bytes", EXPO_GAUGE, "", "Size of the ring buffer.");
	expo_sample(x, (double)st->ring_bytes, NULL);
}

static void write_kernel(struct page *p)
{
	const struct kernel_features *f = p->show->features;
	struct expo *x = &p->x;

	expo_family(x, "deferd_kernel_feature", EXPO_GAUGE, "feature",
		    "1: this kernel has the feature (tested at start), see deferd doctor.");
	for (int i = 0; i < KERNEL_FEATURE_MAX; i++)
		expo_sample(x, f->have[i], "feature", kernel_feature_docs[i].name, NULL);
	expo_family(x, "deferd_fd_hooks", EXPO_GAUGE, "kind",
		    "1: opens and closes of descriptors are observed in this way now.");
	for (int i = 0; i < FD_HOOKS_MAX; i++)
		expo_sample(x, p->show->fd_hooks == (enum fd_hooks)i, "kind",
			    show_fd_hooks_names[i], NULL);
}

static void write_self(struct page *p)
{
	const struct show *st = p->show;
	const struct show_self *ex = st->self;
	char libbpf[32];
	struct expo *x = &p->x;

	snprintf(libbpf, sizeof(libbpf), "%u.%u", libbpf_major_version(), libbpf_minor_version());
	expo_family(x, "deferd_build", EXPO_INFO, "version,revision,libbpf",
		    "Version of deferd and of libbpf.");
	expo_sample(x, 1, "version", deferd_version, "revision", deferd_revision, "libbpf", libbpf,
		    NULL);
	expo_family(x, "deferd_config_last_reload_successful", EXPO_GAUGE, "",
		    "1: the last reload succeeded; 0: it failed, and the old configuration is in "
		    "force.");
	expo_sample(x, ex->last_reload_good, NULL);
	expo_family(x, "deferd_config_last_reload_success_timestamp_seconds", EXPO_GAUGE, "",
		    "When the configuration in force was loaded, Unix time.");
	expo_sample(x, ex->last_reload_good_unix_s, NULL);
	expo_family(x, "deferd_config_reloads", EXPO_COUNTER, "result",
		    "Reloads of the configuration, by result: done or refused.");
	expo_sample(x, (double)ex->reloads, "result", "done", NULL);
	expo_sample(x, (double)ex->reloads_refused, "result", "refused", NULL);
	expo_family(x, "deferd_config_last_reload_duration_seconds", EXPO_GAUGE, "",
		    "How long the newest reload blocked the event loop; 0: no reload yet.");
	expo_sample(x, (double)ex->reload_ns / 1e9, NULL);
	expo_family(x, "deferd_scan_duration_seconds", EXPO_GAUGE, "",
		    "Duration of the newest scan of the kernel maps.");
	expo_sample(x, (double)st->last_scan_ns / 1e9, NULL);
	expo_family(x, "deferd_scan_interval_seconds", EXPO_GAUGE, "",
		    "Time from one scan to the next; more than 1 when deferd exceeds "
		    "daemon.budget_percent.");
	expo_sample(x, st->look_every_s, NULL);
	expo_family(x, "deferd_chains_read", EXPO_COUNTER, "",
		    "Goroutines whose depth was read from their memory.");
	expo_sample(x, (double)st->chains_read, NULL);
	expo_family(x, "deferd_state_writes", EXPO_COUNTER, "result",
		    "Writes of the state file (state.directory), by result: done or failed.");
	expo_sample(x, (double)ex->state_written, "result", "done", NULL);
	expo_sample(x, (double)ex->state_failed, "result", "failed", NULL);
	expo_family(x, "deferd_images", EXPO_GAUGE, "", "Known executable files of processes.");
	expo_sample(x, st->images, NULL);
	expo_family(x, "process_cpu_seconds", EXPO_COUNTER, "",
		    "User and system CPU time of deferd.");
	expo_sample(x, (double)ex->cpu_ns / 1e9, NULL);
	expo_family(x, "process_resident_memory_bytes", EXPO_GAUGE, "",
		    "Resident memory of deferd; the ring buffer counts twice.");
	expo_sample(x, (double)ex->rss_bytes, NULL);
	expo_family(x, "process_open_fds", EXPO_GAUGE, "", "File descriptors of deferd.");
	expo_sample(x, (double)ex->open_fds, NULL);
	expo_family(x, "process_max_fds", EXPO_GAUGE, "", "RLIMIT_NOFILE of deferd.");
	expo_sample(x, (double)ex->max_fds, NULL);
	expo_family(x, "process_start_time_seconds", EXPO_GAUGE, "",
		    "When deferd started, Unix time.");
	expo_sample(x, ex->start_unix_s, NULL);
}

static void write_all(struct page *p)
{
	const struct show *s = p->show;

	numbers_write_gauges(&p->x, p->m, s->now_ns);
	write_defers(p);
	write_panics(p);
	write_aftermaths(p);
	write_goroutines(p);
	write_censuses(p);
	requests_write_metrics(&p->x, p->m);
	fds_write_metrics(&p->x, p->m);
	write_fd_calls(p);
	write_alerts(p);
	write_receivers(p);
	write_targets(p);
	write_events(p);
	write_kernel(p);
	write_self(p);
	s->self->series_dropped += p->x.dropped;
	expo_family(&p->x, "deferd_series_dropped", EXPO_COUNTER, "",
		    "Series left out because a family had web.series_max already.");
	expo_sample(&p->x, (double)s->self->series_dropped, NULL);
	expo_end(&p->x);
}

void metrics_write(const struct show *s, bool openmetrics, struct buf *out)
{
	struct page p = {
		.x = { .out = out, .openmetrics = openmetrics, .series_max = s->series_max },
		.show = s,
		.m = s->model,
	};

	write_all(&p);
}

void metrics_write_manual(const struct show *s, struct buf *out)
{
	struct page p = { .x = { .out = out, .manual = true }, .show = s, .m = s->model };

	write_all(&p);
}
