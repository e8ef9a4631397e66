// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "probe/scan.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "event/decode.h"
#include "probe/loaded.h"

#define SCAN_BATCH 512

/* What a walk over a map carries along. */
struct walk {
	struct probe *probe;
	uint64_t now_ns;
	event_fn fn;
	void *arg;
	bool (*keep)(void *arg, const struct event *ev); /* of FD_OPENED, instead of fn */
	uint32_t purged; /* the target whose entries probe_forget_all() removes */
};

struct walk_map {
	const struct bpf_map *map;
	size_t key_bytes, value_bytes;
};

/*
 * Walk a hash map in batches. `each` gets the entry and returns true when it is to go: it is removed
 * after the batch. Returns the number of entries that stay.
 */
static uint32_t walk_map(const struct walk *w, struct walk_map m,
			 bool (*each)(const struct walk *w, const void *key, const void *value))
{
	_cleanup_free_ char *keys = malloc(SCAN_BATCH * m.key_bytes);
	_cleanup_free_ char *values = malloc(SCAN_BATCH * m.value_bytes);
	uint32_t cursor = 0, n, live = 0;
	bool more = true, first = true;
	int fd = bpf_map__fd(m.map);

	while (keys && values && more) {
		n = SCAN_BATCH;
		if (bpf_map_lookup_batch(fd, first ? NULL : &cursor, &cursor, keys, values, &n,
					 NULL)) {
			if (errno != ENOENT)
				break;
			more = false;
		}
		first = false;
		for (uint32_t i = 0; i < n; i++) {
			if (each(w, keys + i * m.key_bytes, values + i * m.value_bytes))
				(void)bpf_map_delete_elem(fd, keys + i * m.key_bytes);
			else
				live++;
		}
	}
	return live;
}

/* The maps, with what stands in them. */
static struct walk_map goroutines_of(const struct probe *p)
{
	return (struct walk_map){ p->skel->maps.defers_by_g, sizeof(struct dfd_g_key),
				  sizeof(struct dfd_depth) };
}

static struct walk_map sites_of(const struct probe *p)
{
	return (struct walk_map){ p->skel->maps.pushes_by_site, sizeof(struct dfd_site_key),
				  p->ncpu * sizeof(uint64_t) };
}

static struct walk_map recovers_of(const struct probe *p)
{
	return (struct walk_map){ p->skel->maps.recovers_by_site, sizeof(struct dfd_recover_key),
				  p->ncpu * sizeof(uint64_t) };
}

static bool is_purged(const struct walk *w, const void *key, const void *value)
{
	return ((const struct dfd_g_key *)key)->target == w->purged;
}

void probe_forget_all(struct probe *p, uint32_t id)
{
	struct walk w = { .probe = p, .purged = id };

	(void)walk_map(&w, goroutines_of(p), is_purged);
}

void probe_forget(struct probe *p, uint32_t id, uint64_t g)
{
	struct dfd_g_key key = { .g = g, .target = id };

	(void)bpf_map_delete_elem(bpf_map__fd(p->skel->maps.defers_by_g), &key);
}

static void read_requests(struct probe *p, const struct slot *s, uint64_t now_ns, event_fn fn,
			  void *arg)
{
	struct event ev = {
		.type = EVENT_REQUESTS, .target = s->id, .pid = s->pid, .time_ns = now_ns
	};

	if (bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.requests_by_target), &s->id,
				&p->requests_buf))
		return;
	decode_requests(&p->requests_buf, s->bias, &ev.requests);
	ev.requests.stream_ns = s->stream_ns;
	ev.requests.own_only = s->own_only;
	fn(arg, &ev);
}

/* Leaves the counts of each CPU in p->counts_buf. False: there are none. */
static bool read_counts(struct probe *p, const struct slot *s, uint64_t now_ns, event_fn fn,
			void *arg)
{
	struct event ev = {
		.type = EVENT_COUNTS, .target = s->id, .pid = s->pid, .time_ns = now_ns
	};
	uint32_t i = DFD_TARGET_SLOT(s->id);

	if (bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.counts_by_target), &i, p->counts_buf))
		return false;
	decode_counts(p->counts_buf, p->ncpu, &ev.counts);
	if (s->id)
		fn(arg, &ev);
	if (s->has_requests)
		read_requests(p, s, now_ns, fn, arg);
	return true;
}

/* The same, and what was lost since the last time. Slot 0: lost exec, exit and fork records. */
static void read_counts_and_losses(struct probe *p, struct slot *s, uint64_t now_ns, event_fn fn,
				   void *arg)
{
	struct event ev = { .type = EVENT_LOST, .target = s->id, .pid = s->pid, .time_ns = now_ns };
	uint64_t lost = 0;

	if (!read_counts(p, s, now_ns, fn, arg))
		return;
	for (unsigned c = 0; c < p->ncpu; c++)
		lost += p->counts_buf[c].lost;
	if (lost <= s->lost)
		return;
	ev.lost = lost - s->lost;
	s->lost = lost;
	fn(arg, &ev);
}

static void scan_counts(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	for (uint32_t i = 0; i <= p->opts.targets_max; i++) {
		if (i && p->slots[i].id)
			links_settle(p, &p->slots[i], now_ns);
		if (!i || p->slots[i].id)
			read_counts_and_losses(p, &p->slots[i], now_ns, fn, arg);
	}
}

void probe_read_counts(struct probe *p, uint32_t id, uint64_t now_ns, event_fn fn, void *arg)
{
	struct slot *s = target_slot(p, id);

	if (s)
		read_counts_and_losses(p, s, now_ns, fn, arg);
}

/* Begin the event of an entry of target `id`. False: the target is gone, and its entry goes too. */
static bool begin_event(const struct walk *w, enum event_type type, uint32_t id, struct event *ret,
			uint64_t *ret_bias)
{
	const struct slot *s = target_slot(w->probe, id);

	if (!s)
		return false;
	*ret = (struct event){ .type = type, .target = id, .pid = s->pid, .time_ns = w->now_ns };
	*ret_bias = s->bias;
	return true;
}

static bool scan_goroutine(const struct walk *w, const void *key, const void *value)
{
	const struct dfd_g_key *k = key;
	struct event ev;
	uint64_t bias;

	if (!begin_event(w, EVENT_GOROUTINE, k->target, &ev, &bias))
		return true;
	decode_goroutine(k, value, bias, w->probe->skel->data->epoch, &ev.goroutine);
	w->fn(w->arg, &ev);
	return false;
}

static bool scan_site(const struct walk *w, const void *key, const void *value)
{
	const struct dfd_site_key *k = key;
	struct event ev;
	uint64_t bias;

	if (!begin_event(w, EVENT_SITE, k->target, &ev, &bias))
		return true;
	ev.site.pc = k->pc - bias;
	ev.site.lowering = decode_lowering(k->role);
	ev.site.registered = probe_sum_cpus(w->probe, value);
	w->fn(w->arg, &ev);
	return false;
}

static bool scan_recover(const struct walk *w, const void *key, const void *value)
{
	const struct dfd_recover_key *k = key;
	struct event ev;
	uint64_t bias;

	if (!begin_event(w, EVENT_RECOVER, k->target, &ev, &bias))
		return true;
	ev.recover.site = k->site - bias;
	ev.recover.caller = k->caller - bias;
	ev.recover.count = probe_sum_cpus(w->probe, value);
	w->fn(w->arg, &ev);
	return false;
}

static bool scan_fd(const struct walk *w, const void *key, const void *value)
{
	const struct dfd_fd_key *k = key;
	struct event ev;
	uint64_t bias;

	if (!begin_event(w, EVENT_FD_OPENED, k->target, &ev, &bias))
		return true;
	decode_fd_opened(k, value, bias, &ev.fd_opened);
	return !w->keep(w->arg, &ev);
}

static bool scan_fault(const struct walk *w, const void *key, const void *value)
{
	const struct dfd_fd_key *k = key;
	struct event ev;
	uint64_t bias;

	if (!begin_event(w, k->fd == DFD_FAULT_CLOSE ? EVENT_FD_BAD_CLOSE : EVENT_FD_REFUSED,
			 k->target, &ev, &bias))
		return true;
	decode_fd_opened(k, value, bias, &ev.fd_opened);
	w->fn(w->arg, &ev);
	return false;
}

/* Entries whose target is gone are removed; the others have no event. */
static bool scan_orphan(const struct walk *w, const void *key, const void *value)
{
	return !target_slot(w->probe, ((const struct dfd_g_key *)key)->target);
}

/* The same, and requests that have ended where the map gets full: the next one makes its entry anew. */
static bool scan_request(const struct walk *w, const void *key, const void *value)
{
	const struct dfd_request *r = value;
	struct slot *s = target_slot(w->probe, ((const struct dfd_g_key *)key)->target);

	if (!s)
		return true;
	if (r->begin_ns && r->stream && (!s->stream_ns || r->begin_ns < s->stream_ns))
		s->stream_ns = r->begin_ns;
	return !r->begin_ns && w->probe->requests > w->probe->opts.goroutines_max / 2;
}

void probe_read_fd_sites(struct probe *p, uint64_t now_ns,
			 bool (*keep)(void *arg, const struct event *ev), void *arg)
{
	struct walk w = { .probe = p, .now_ns = now_ns, .keep = keep, .arg = arg };
	struct walk_map m = { p->skel->maps.fds_opened, sizeof(struct dfd_fd_key),
			      sizeof(struct dfd_fd_opened) };

	(void)walk_map(&w, m, scan_fd);
}

void probe_read_fd_faults(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	struct walk w = { .probe = p, .now_ns = now_ns, .fn = fn, .arg = arg };
	struct walk_map m = { p->skel->maps.fd_faults, sizeof(struct dfd_fd_key),
			      sizeof(struct dfd_fd_opened) };

	(void)walk_map(&w, m, scan_fault);
}

void probe_read_recovers(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	struct walk w = { .probe = p, .now_ns = now_ns, .fn = fn, .arg = arg };

	(void)walk_map(&w, recovers_of(p), scan_recover);
}

void probe_read_sites(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	struct walk w = { .probe = p, .now_ns = now_ns, .fn = fn, .arg = arg };

	p->stats.sites = walk_map(&w, sites_of(p), scan_site);
}

/* What has no event of its own, but grows. */
static void prune_maps(const struct walk *w)
{
	struct probe *p = w->probe;
	struct walk_map panics = { p->skel->maps.panics_by_g, sizeof(struct dfd_g_key),
				   sizeof(struct dfd_panics) };
	struct walk_map requests = { p->skel->maps.requests_by_g, sizeof(struct dfd_g_key),
				     sizeof(struct dfd_request) };

	(void)walk_map(w, panics, scan_orphan);
	for (uint32_t i = 1; i <= p->opts.targets_max; i++)
		p->slots[i].stream_ns = 0;
	p->requests = walk_map(w, requests, scan_request);
}

void probe_scan(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	struct event ev = { .type = EVENT_SCAN_BEGIN, .time_ns = now_ns };
	struct walk w = { .probe = p, .now_ns = now_ns, .fn = fn, .arg = arg };

	p->skel->data->epoch++;
	fn(arg, &ev);
	scan_counts(p, now_ns, fn, arg);
	p->stats.goroutines = walk_map(&w, goroutines_of(p), scan_goroutine);
	probe_read_sites(p, now_ns, fn, arg);
	probe_read_recovers(p, now_ns, fn, arg);
	prune_maps(&w);
	ev.type = EVENT_SCAN_END;
	fn(arg, &ev);
}

void probe_look(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	struct event ev = { .type = EVENT_LOOK_BEGIN, .time_ns = now_ns };

	fn(arg, &ev);
	for (uint32_t i = 1; i <= p->opts.targets_max; i++) {
		if (p->slots[i].id)
			(void)read_counts(p, &p->slots[i], now_ns, fn, arg);
	}
	probe_read_sites(p, now_ns, fn, arg);
	probe_read_recovers(p, now_ns, fn, arg);
	ev.type = EVENT_LOOK_END;
	fn(arg, &ev);
}
