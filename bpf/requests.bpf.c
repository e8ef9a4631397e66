// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of Go servers: from the moment that a handler is called to the moment that it has returned, or begins to
 * stream, both on one goroutine. A histogram a target; the ring carries nothing of it. A program and a link
 * of their own, since user space takes them off and puts them on again by themselves, for a part of the
 * time where all of it would cost too much.
 *
 * Servers stand in each other: net/http's HTTP/2 calls serverHandler.ServeHTTP as HTTP/1 does, and gRPC may be
 * a handler of either. The outermost one counts: what begins or ends in a request of another kind on the same
 * goroutine is part of that request.
 */
#include "requests.bpf.h"

/*
 * Entries stay when their request has ended: a goroutine, or the next one in its g, handles many, and writing into what is
 * there costs a fifth of making and removing it. User space removes them when the map gets full.
 */
static __always_inline void request_begin(const struct dfd_target *t, struct dfd_requests *all,
					  const struct dfd_g_key *key, __u64 goid, __u32 begin,
					  __u64 sp)
{
	struct dfd_request *r = bpf_map_lookup_elem(&requests_by_g, key);
	struct dfd_request fresh = {};
	__u64 stack_hi = 0;

	if (is_open(t, r) && r->goid == goid && r->begin != begin)
		return;
	count_up(&all->begun);
	if (is_open(t, r)) {
		count_up(&all->unfinished);
		if (r->stream)
			count_up(&all->streams_ended);
	}
	if (!r) {
		if (bpf_map_update_elem(&requests_by_g, key, &fresh, BPF_NOEXIST))
			count_up(&all->untracked);
		r = bpf_map_lookup_elem(&requests_by_g, key);
	}
	if (!r)
		return;
	r->goid = goid;
	r->defers = 0;
	r->peak = 0;
	r->site = 0;
	r->peak_goid = 0;
	r->stream = 0;
	r->begin = begin;
	if (bpf_probe_read_user(&stack_hi, sizeof(stack_hi), (const void *)(key->g + 8)))
		lose(DFD_LOSS_READ);
	r->frame = stack_hi - sp;
	r->begin_ns = bpf_ktime_get_ns();
	serve(t, goid, (struct dfd_server){ .g = key->g, .goid = goid });
}

static __always_inline void request_end(const struct dfd_target *t, struct dfd_requests *all,
					const struct dfd_g_key *key, __u64 goid, __u32 begin)
{
	struct dfd_request *r = bpf_map_lookup_elem(&requests_by_g, key);

	if (!is_open(t, r) || r->goid != goid) {
		count_up(&all->unbegun);
		return;
	}
	if (r->begin == begin)
		request_close(all, t, r);
}

/* Its handler flushes, begins to stream, or takes the connection over. */
static __always_inline void request_turn(const struct dfd_target *t, struct dfd_requests *all,
					 const struct dfd_g_key *key, __u64 goid, __u32 role)
{
	struct dfd_request *r = bpf_map_lookup_elem(&requests_by_g, key);

	if (!is_open(t, r) || r->goid != goid)
		return;
	if (role == DFD_ROLE_HIJACK) {
		count_up(&all->hijacked);
		request_close(all, t, r);
		return;
	}
	if (r->stream)
		return;
	if (role == DFD_ROLE_FLUSH)
		request_count(all, t, r);
	r->stream = 1;
	count_up(&all->streams);
}

SEC("uprobe")
int uprobe__requests(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx), goid = 0;
	struct dfd_g_key key = { .g = ARCH_GO_G(ctx), .target = (__u32)cookie };
	struct dfd_target *t = target_of(key.target);
	struct dfd_counts *counts = counts_of(key.target);
	struct dfd_requests *all = bpf_map_lookup_elem(&requests_by_target, &key.target);
	__u32 role = (__u8)(cookie >> 32), step = role - DFD_ROLE_HTTP_BEGIN;

	if (!t || !counts || !all) {
		lose(DFD_LOSS_STALE);
		return 0;
	}
	count_up(&counts->hits);
	count_up(&counts->timed);
	if (!t->requests_since_ns ||
	    (((cookie >> 48) & DFD_POINT_SKIP_TAKEN) && ARCH_BRANCH_TAKEN(ctx)))
		return 0;
	if (all->since_ns != t->requests_since_ns) {
		all->since_ns = t->requests_since_ns;
		all->streams_ended = all->streams;
	}
	if (!(t->flags & DFD_TARGET_BLIND) &&
	    bpf_probe_read_user(&goid, sizeof(goid), (const void *)(key.g + t->goid_off)))
		lose(DFD_LOSS_READ);
	if (role >= DFD_ROLE_FLUSH)
		request_turn(t, all, &key, goid, role);
	else if (step & 1)
		request_end(t, all, &key, goid, step - 1);
	else
		request_begin(t, all, &key, goid, step, ARCH_SP(ctx) + ((cookie >> 40) & 0xff) * 8);
	return 0;
}
