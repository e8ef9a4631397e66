// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "probe/scan.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "event/decode.h"
#include "probe/probe_priv.h"

#define SCAN_BATCH 512

/*
 * Walk a hash map in batches. `each` gets the entry and returns true when its target is gone: the
 * entry is removed after the batch. Returns the number of entries that stay.
 */
static uint32_t walk_map(struct probe *p, int fd, size_t key_size, size_t value_size,
			 bool (*each)(struct probe *p, const void *key, const void *value,
				      uint64_t now_ns),
			 uint64_t now_ns)
{
	_cleanup_free_ char *keys = malloc(SCAN_BATCH * key_size);
	_cleanup_free_ char *values = malloc(SCAN_BATCH * value_size);
	uint32_t cursor = 0, n, live = 0;
	bool more = true, first = true;

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
			if (each(p, keys + i * key_size, values + i * value_size, now_ns))
				(void)bpf_map_delete_elem(fd, keys + i * key_size);
			else
				live++;
		}
	}
	return live;
}

static bool is_purged(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	return ((const struct dfd_g_key *)key)->target == p->purged;
}

void probe_forget_all(struct probe *p, uint32_t id)
{
	p->purged = id;
	(void)walk_map(p, bpf_map__fd(p->skel->maps.defers_by_g), sizeof(struct dfd_g_key),
		       sizeof(struct dfd_depth), is_purged, 0);
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
	decode_requests(&p->requests_buf, &ev.requests);
	fn(arg, &ev);
}

/* Slot 0 counts what belongs to no target: lost exec, exit and fork records. */
static void read_counts(struct probe *p, struct slot *s, uint64_t now_ns, event_fn fn, void *arg)
{
	struct event ev = {
		.type = EVENT_COUNTS, .target = s->id, .pid = s->pid, .time_ns = now_ns
	};
	uint32_t i = DFD_TARGET_SLOT(s->id);
	uint64_t lost = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.counts_by_target), &i, p->counts_buf))
		return;
	decode_counts(p->counts_buf, p->ncpu, &ev.counts);
	if (s->id)
		fn(arg, &ev);
	if (s->has_requests)
		read_requests(p, s, now_ns, fn, arg);
	for (unsigned c = 0; c < p->ncpu; c++)
		lost += p->counts_buf[c].lost;
	if (lost > s->lost) {
		ev.type = EVENT_LOST;
		ev.lost = lost - s->lost;
		s->lost = lost;
		fn(arg, &ev);
	}
}

static void scan_counts(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	for (uint32_t i = 0; i <= p->opts.targets_max; i++) {
		if (i && p->slots[i].id)
			links_settle(p, &p->slots[i], now_ns);
		if (!i || p->slots[i].id)
			read_counts(p, &p->slots[i], now_ns, fn, arg);
	}
}

void probe_read_counts(struct probe *p, uint32_t id, uint64_t now_ns, event_fn fn, void *arg)
{
	struct slot *s = target_slot(p, id);

	if (s)
		read_counts(p, s, now_ns, fn, arg);
}

static bool scan_goroutine(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	const struct dfd_g_key *k = key;
	struct slot *s = target_slot(p, k->target);
	struct event ev = { .type = EVENT_GOROUTINE, .target = k->target, .time_ns = now_ns };

	if (!s)
		return true;
	ev.pid = s->pid;
	decode_goroutine(k, value, s->bias, p->skel->data->epoch, &ev.goroutine);
	p->fn(p->arg, &ev);
	return false;
}

static bool scan_site(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	const struct dfd_site_key *k = key;
	struct slot *s = target_slot(p, k->target);
	struct event ev = { .type = EVENT_SITE, .target = k->target, .time_ns = now_ns };

	if (!s)
		return true;
	ev.pid = s->pid;
	ev.site.pc = k->pc - s->bias;
	ev.site.lowering = decode_lowering(k->role);
	ev.site.registered = probe_sum_cpus(p, value);
	p->fn(p->arg, &ev);
	return false;
}

static bool scan_recover(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	const struct dfd_recover_key *k = key;
	struct slot *s = target_slot(p, k->target);
	struct event ev = { .type = EVENT_RECOVER, .target = k->target, .time_ns = now_ns };

	if (!s)
		return true;
	ev.pid = s->pid;
	ev.recover.site = k->site - s->bias;
	ev.recover.caller = k->caller - s->bias;
	ev.recover.count = probe_sum_cpus(p, value);
	p->fn(p->arg, &ev);
	return false;
}

static bool scan_fd(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	const struct dfd_fd_key *k = key;
	const struct dfd_fd_opened *o = value;
	struct slot *s = target_slot(p, k->target);
	struct event ev = { .type = EVENT_FD_OPENED, .target = k->target, .time_ns = now_ns };

	if (!s)
		return true;
	ev.pid = s->pid;
	decode_fd_opened(k, o, s->bias, &ev.fd_opened);
	return !p->keep_fd(p->keep_arg, &ev);
}

static bool scan_bad_close(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	const struct dfd_fd_key *k = key;
	struct slot *s = target_slot(p, k->target);
	struct event ev = { .type = EVENT_FD_BAD_CLOSE, .target = k->target, .time_ns = now_ns };

	if (!s)
		return true;
	ev.pid = s->pid;
	decode_fd_opened(k, value, s->bias, &ev.fd_opened);
	p->fn(p->arg, &ev);
	return false;
}

static void scan_bad_closes(struct probe *p, uint64_t now_ns)
{
	(void)walk_map(p, bpf_map__fd(p->skel->maps.bad_closes), sizeof(struct dfd_fd_key),
		       sizeof(struct dfd_fd_opened), scan_bad_close, now_ns);
}

void probe_read_fd_sites(struct probe *p, uint64_t now_ns,
			 bool (*keep)(void *arg, const struct event *ev), void *arg)
{
	p->keep_fd = keep;
	p->keep_arg = arg;
	(void)walk_map(p, bpf_map__fd(p->skel->maps.fds_opened), sizeof(struct dfd_fd_key),
		       sizeof(struct dfd_fd_opened), scan_fd, now_ns);
}

/* What is left of targets that are gone; nobody is told of the others. */
static bool scan_of_nobody(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	return !target_slot(p, ((const struct dfd_g_key *)key)->target);
}

/* The same, and where the map gets full what has ended: the next one makes its entry anew. */
static bool scan_request(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	const struct dfd_request *r = value;

	return scan_of_nobody(p, key, value, now_ns) ||
	       (!r->begin_ns && p->requests > p->opts.goroutines_max / 2);
}

static void scan_recovers(struct probe *p, uint64_t now_ns)
{
	(void)walk_map(p, bpf_map__fd(p->skel->maps.recovers_by_site),
		       sizeof(struct dfd_recover_key), p->ncpu * sizeof(uint64_t), scan_recover,
		       now_ns);
}

static void scan_sites(struct probe *p, uint64_t now_ns)
{
	p->stats.sites =
		walk_map(p, bpf_map__fd(p->skel->maps.pushes_by_site), sizeof(struct dfd_site_key),
			 p->ncpu * sizeof(uint64_t), scan_site, now_ns);
}

/* May be called while the ring is drained. */
static void read_map(struct probe *p, void (*scan)(struct probe *p, uint64_t now_ns),
		     uint64_t now_ns, event_fn fn, void *arg)
{
	event_fn old_fn = p->fn;
	void *old_arg = p->arg;

	p->fn = fn;
	p->arg = arg;
	scan(p, now_ns);
	p->fn = old_fn;
	p->arg = old_arg;
}

void probe_read_bad_closes(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	read_map(p, scan_bad_closes, now_ns, fn, arg);
}

void probe_read_recovers(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	read_map(p, scan_recovers, now_ns, fn, arg);
}

void probe_read_sites(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	read_map(p, scan_sites, now_ns, fn, arg);
}

static void scan_ledger(struct probe *p, uint64_t now_ns)
{
	scan_recovers(p, now_ns);
	(void)walk_map(p, bpf_map__fd(p->skel->maps.panics_by_g), sizeof(struct dfd_g_key),
		       sizeof(struct dfd_panics), scan_of_nobody, now_ns);
	p->requests =
		walk_map(p, bpf_map__fd(p->skel->maps.requests_by_g), sizeof(struct dfd_g_key),
			 sizeof(struct dfd_request), scan_request, now_ns);
}

void probe_scan(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	struct event ev = { .type = EVENT_SCAN_BEGIN, .time_ns = now_ns };

	p->fn = fn;
	p->arg = arg;
	p->skel->data->epoch++;
	fn(arg, &ev);
	scan_counts(p, now_ns, fn, arg);
	p->stats.goroutines =
		walk_map(p, bpf_map__fd(p->skel->maps.defers_by_g), sizeof(struct dfd_g_key),
			 sizeof(struct dfd_depth), scan_goroutine, now_ns);
	scan_sites(p, now_ns);
	scan_ledger(p, now_ns);
	ev.type = EVENT_SCAN_END;
	fn(arg, &ev);
}
