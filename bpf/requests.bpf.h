/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whose a request is, and how it ends: for requests.bpf.c, where its handler returns, and goruntime.bpf.c, where it has
 * panicked, or defers are registered for it.
 *
 * A handler may leave its work to goroutines that it starts (TimeoutHandler, errgroups), and these to others. From Go 1.21 on a
 * goroutine knows the id of the one that started it. It is asked once, at its first defer while requests are timed: who works on
 * after the request works for none.
 */
#ifndef DEFERD_REQUESTS_BPF_H
#define DEFERD_REQUESTS_BPF_H

#include "deferd.bpf.h"

/* It is handled, and began while somebody looked; one that has ended has no time. */
static __always_inline int is_open(const struct dfd_target *t, const struct dfd_request *r)
{
	return r && r->begin_ns >= t->requests_since_ns;
}

/* So that whoever is started by it is known to work for it. */
static __always_inline void serve(const struct dfd_target *t, __u64 goid, struct dfd_server server)
{
	struct dfd_goid_key key = { .goid = goid, .target = t->id };
	struct dfd_server *known;

	if (t->parent_off == DFD_ABSENT)
		return;
	known = bpf_map_lookup_elem(&requests_by_goid, &key); /* and so it is not driven out */
	if (!known || known->g != server.g || known->goid != server.goid)
		bpf_map_update_elem(&requests_by_goid, &key, &server, BPF_ANY);
}

#define NO_WORK 1

/* What a goroutine does that serves no request itself. */
static __always_inline void find_work(const struct dfd_target *t, __u64 g, __u64 goid,
				      struct dfd_work *ret)
{
	struct dfd_g_key key = { .target = t->id };
	struct dfd_goid_key parent = { .target = t->id };
	struct dfd_server *server, whose;
	struct dfd_request *r;

	ret->g = NO_WORK;
	if (bpf_probe_read_user(&parent.goid, sizeof(parent.goid),
				(const void *)(g + t->parent_off))) {
		lose(DFD_LOSS_READ);
		return;
	}
	server = bpf_map_lookup_elem(&requests_by_goid, &parent);
	if (!server)
		return;
	whose = *server;
	key.g = whose.g;
	r = bpf_map_lookup_elem(&requests_by_g, &key);
	if (!is_open(t, r) || r->goid != whose.goid)
		return;
	ret->g = whose.g;
	ret->begin_ns = r->begin_ns;
	serve(t, goid, whose);
}

/* The request that a goroutine serves, or works for. */
static __always_inline struct dfd_request *request_of(const struct dfd_target *t, __u64 g,
						      __u64 goid, struct dfd_work *work)
{
	struct dfd_g_key key = { .g = g, .target = t->id };
	struct dfd_request *r = bpf_map_lookup_elem(&requests_by_g, &key);

	if (is_open(t, r) && r->goid == goid)
		return r;
	if (t->parent_off == DFD_ABSENT)
		return 0;
	if (!work->g)
		find_work(t, g, goid, work);
	if (work->g == NO_WORK)
		return 0;
	key.g = work->g;
	r = bpf_map_lookup_elem(&requests_by_g, &key);
	return is_open(t, r) && r->begin_ns == work->begin_ns ? r : 0;
}

static __always_inline void request_count(struct dfd_requests *all, const struct dfd_target *t,
					  const struct dfd_request *r)
{
	__u64 ns = bpf_ktime_get_ns() - r->begin_ns;
	__u32 slot = dfd_bucket(ns >> DFD_REQUEST_NS_SHIFT, DFD_REQUEST_NS_BUCKETS);

	if (slot < DFD_REQUEST_NS_BUCKETS) {
		__sync_fetch_and_add(&all->ns[slot], 1);
		if (r->peak >= t->threshold) {
			__sync_fetch_and_add(&all->deep_ns[slot], 1);
			all->deep_goid = r->peak_goid;
			all->deep_site = r->site;
			all->deep_peak = r->peak;
		}
	}
	slot = dfd_bucket(r->defers, DFD_REQUEST_DEFERS_BUCKETS);
	if (slot < DFD_REQUEST_DEFERS_BUCKETS)
		__sync_fetch_and_add(&all->defers[slot], 1);
	__sync_fetch_and_add(&all->ns_sum, ns);
	__sync_fetch_and_add(&all->defers_sum, r->defers);
	count_up(&all->ended);
}

/* It is over, and was what it was. */
static __always_inline void request_close(struct dfd_requests *all, const struct dfd_target *t,
					  struct dfd_request *r)
{
	if (r->stream)
		count_up(&all->streams_ended);
	else
		request_count(all, t, r);
	r->begin_ns = 0;
}

#endif
