/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a request ends: for requests.bpf.c, where its handler returns, and goruntime.bpf.c, where it has panicked.
 */
#ifndef DEFERD_REQUESTS_BPF_H
#define DEFERD_REQUESTS_BPF_H

#include "deferd.bpf.h"

/* It is handled, and began while somebody looked; one that has ended has no time. */
static __always_inline int is_open(const struct dfd_target *t, const struct dfd_request *r)
{
	return r && r->begin_ns >= t->requests_since_ns;
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
			all->deep_goid = r->goid;
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
