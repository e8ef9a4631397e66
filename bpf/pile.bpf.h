/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a push means, whatever the runtime: the state of the goroutine or thread it happened on, the
 * share of its call site, the peak of the window, the threshold, and the record somebody must see.
 */
#ifndef DEFERD_PILE_BPF_H
#define DEFERD_PILE_BPF_H

#include "deferd.bpf.h"

/*
 * Raised by user space at each scan of defers_by_g: the peak of a window is the peak of an epoch.
 */
extern __u32 epoch; /* goruntime.bpf.c */
/* CLOCK_MONOTONIC, set by user space at each drain of the ring: a helper's costs more than all else of a push. */
extern __u64 clock_ns;

#define DFD_IP_MASK ((1ULL << 48) - 1)

struct hit {
	struct pt_regs *ctx;
	struct dfd_target *t;
	struct dfd_counts *counts;
	__u64 g;    /* Go: address of the g; C: thread id */
	__u64 sp;   /* address of the slot with the return address */
	__u64 site; /* return address */
	__u64 fn;   /* pushes: what leads to the deferred function */
	__u32 ran;  /* runs: defers of the frame */
	__u8 role;
};

static __always_inline __u64 read_word(__u64 addr)
{
	__u64 word = 0;

	if (bpf_probe_read_user(&word, sizeof(word), (const void *)addr))
		lose(DFD_LOSS_READ);
	return word;
}

/* What is past hits_max of a second is only counted, at once, while user space takes the probe off. */
static __always_inline int too_many(struct hit *hit, __u8 gen, int stepped)
{
	struct dfd_counts *c = hit->counts;
	__u32 most = hit->t->hits_max, n = stepped ? hit->t->stepped_hits : 1;
	__u64 now;

	if (c->hot_gen != gen) {
		c->hot_gen = gen;
		c->hot_hits = 0;
	}
	c->hot_hits += n;
	if (!most || c->hot_hits <= most)
		return 0;
	now = bpf_ktime_get_ns();
	if (now - c->hot_ns >= DFD_HOT_NS) {
		c->hot_ns = now;
		c->hot_hits = n;
		c->hot_over = 0;
		return 0;
	}
	/* At the first one, and again and again: a record may find no room. */
	if (c->hot_over++ % DFD_HOT_TOLD == 0) {
		struct dfd_rec_hot *r = record_reserve(hit->t->id, DFD_REC_HOT, sizeof(*r));

		if (r) {
			r->gen = gen;
			record_submit_now(r);
		}
	}
	count_up(&c->unread);
	lose(DFD_LOSS_BUDGET);
	return 1;
}

/*
 * Whether this link has to count the hit: each one is counted by one, while links change places, too. Of several
 * with this point the newest runs first. Each tells the next ones whether the hit is counted by now, by itself or
 * one before; what was told of an earlier hit here does not matter, since the oldest link told that.
 */
static __always_inline int link_counts(const struct dfd_target *t, __u8 gen, __u64 ip)
{
	struct dfd_point_key key = { .ip = ip, .target = t->id };
	/* Read once: it may become true any time. */
	int mine = gen == *(volatile const __u8 *)&t->gen, counted = 0;
	__u64 told, *newer;
	__u32 tid;

	if (!t->changing)
		return mine;
	tid = (__u32)bpf_get_current_pid_tgid();
	if (gen != t->new_gen) {
		newer = bpf_map_lookup_elem(&hit_by_tid, &tid);
		if (newer && *newer >> 16 == (ip & DFD_IP_MASK) &&
		    (__s8)((__u8)(*newer >> 8) - gen) > 0) {
			counted = *newer & 1;
			mine = !counted;
		} else if (!mine) {
			/* No newer one has this point, or it was not there yet when the hit began. */
			mine = bpf_map_lookup_elem(&new_points, &key) != NULL;
		}
	}
	told = ip << 16 | (__u64)gen << 8 | mine | counted;
	bpf_map_update_elem(&hit_by_tid, &tid, &told, BPF_ANY);
	return mine;
}

/*
 * Fill *hit from the cookie and count the call. 0: nothing to do (the target is gone, or the hit is
 * a stack check that goes to morestack and will come back; it is of links that are being replaced; or
 * there are too many).
 */
static __always_inline int hit_begin(struct hit *hit, struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);

	hit->ctx = ctx;
	hit->role = bounded(cookie >> 32, DFD_ROLES_MAX - 1);
	hit->t = target_of((__u32)cookie);
	hit->counts = counts_of((__u32)cookie);
	if (!hit->t || !hit->counts) {
		lose(DFD_LOSS_STALE);
		return 0;
	}
	count_up(&hit->counts->hits);
	if ((cookie >> 48) & DFD_POINT_STEPPED)
		count_up(&hit->counts->stepped);
	if (!link_counts(hit->t, cookie >> 56, ARCH_PC(ctx)))
		return 0;
	if (((cookie >> 48) & DFD_POINT_SKIP_TAKEN) && ARCH_BRANCH_TAKEN(ctx))
		return 0;
	count_up(&hit->counts->calls[bounded(hit->role, DFD_ROLES_MAX - 1)]);
	if (too_many(hit, cookie >> 56, (cookie >> 48) & DFD_POINT_STEPPED))
		return 0;
	if ((cookie >> 48) & DFD_POINT_CALL) {
		hit->sp = ARCH_CALL_SLOT(ctx);
		hit->site = ARCH_CALL_RETURN(ctx);
	} else {
		hit->sp = ARCH_SP(ctx) + ((cookie >> 40) & 0xff) * 8;
		hit->site = read_word(hit->sp);
	}
	return 1;
}

/*
 * Entry of the deferred function. Go: deferproc gets the function value, whose first word it is;
 * deferprocStack a record that holds one, at the same place in every version.
 */
static __always_inline __u64 deferred(const struct hit *hit)
{
	__u64 value = hit->fn;

	if (hit->role >= DFD_ROLE_C_PUSH && hit->role <= DFD_ROLE_C_RECOVER)
		return value;
	if (value && hit->role == DFD_ROLE_PUSH_STACK)
		value = read_word(value + 24);
	return value ? read_word(value) : 0;
}

static __always_inline void emit(struct hit *hit, __u16 type, const struct dfd_depth *st,
				 __u64 goid)
{
	struct dfd_rec_call *r = record_reserve(hit->t->id, type, sizeof(*r));
	long n;

	if (!r)
		return;
	r->g = hit->g;
	r->goid = goid;
	r->site = hit->site;
	r->fn = deferred(hit);
	r->ran = hit->ran;
	r->pile_site = st ? st->pile_site : 0;
	r->depth = st ? st->depth : 0;
	r->role = hit->role;
	r->flags = st ? st->flags : 0;
	r->pad = 0;
	n = bpf_get_stack(hit->ctx, r->stack, sizeof(r->stack), BPF_F_USER_STACK);
	r->nstack = n > 0 ? n / sizeof(r->stack[0]) : 0;
	record_submit(r);
}

static __always_inline void count_site(struct hit *hit)
{
	struct dfd_site_key key = { .pc = hit->site, .target = hit->t->id, .role = hit->role };

	count_key(&pushes_by_site, &key, DFD_LOSS_SITE_MAP);
}

/* Not on the stack, which is 512 bytes. */
static const struct dfd_depth no_defers;

/*
 * The state, made at the first push. NULL when the map is full: counted, the depth is then unknown.
 */
static __always_inline struct dfd_depth *state_of(struct hit *hit, int create)
{
	struct dfd_g_key key = { .g = hit->g, .target = hit->t->id };
	struct dfd_depth *st = bpf_map_lookup_elem(&defers_by_g, &key);

	if (!st && create) {
		if (bpf_map_update_elem(&defers_by_g, &key, &no_defers, BPF_NOEXIST))
			lose(DFD_LOSS_STATE_MAP);
		st = bpf_map_lookup_elem(&defers_by_g, &key);
		/* Nobody else runs as this goroutine meanwhile. */
		if (st)
			st->next_mark = hit->t->threshold;
	}
	return st;
}

static __always_inline void note_peak(struct dfd_depth *st, __u64 site)
{
	__u32 now = epoch;

	if (st->epoch != now) {
		st->peaks[1] = now == st->epoch + 1 ? st->peaks[0] : 0;
		st->peak_sites[1] = st->peak_sites[0];
		st->peaks[0] = 0;
		st->epoch = now;
	}
	if (st->depth > st->peaks[0]) {
		st->peaks[0] = st->depth;
		st->peak_sites[0] = site;
	}
	if (st->depth > st->peak) {
		st->peak = st->depth;
		st->peak_site = site;
	}
}

/*
 * The threshold and its doublings: true when this push crossed one. A much shallower depth arms
 * them again.
 */
static __always_inline int crossed(struct dfd_depth *st, __u32 threshold)
{
	__u32 mark = st->next_mark;
	int i;

	if (st->depth < threshold) {
		st->next_mark = threshold;
		return 0;
	}
	if (st->depth < mark / 4)
		mark = threshold;
	if (st->depth < mark)
		return 0;
	for (i = 0; i < 32 && mark <= st->depth; i++)
		mark *= 2;
	st->next_mark = mark;
	return 1;
}

/* After st->depth was brought up to date: what else a push means. 1: it crossed the threshold or a doubling. */
static __always_inline int pushed(struct hit *hit, struct dfd_depth *st)
{
	st->registered++;
	st->last_ns = clock_ns;
	st->site = hit->site;
	if (!crossed(st, hit->t->threshold))
		return 0;
	count_up(&hit->counts->crossings);
	st->pile_site = hit->site;
	return 1;
}

/* The same, once st->pile_site is known: the peak, and the records that somebody must see. */
static __always_inline void push_ends(struct hit *hit, struct dfd_depth *st, int cross)
{
	note_peak(st, st->depth < hit->t->threshold ? hit->site : st->pile_site);
	if (hit->t->flags & DFD_TARGET_TRACE)
		emit(hit, DFD_REC_CALL, st, st->goid);
	if (cross)
		emit(hit, DFD_REC_DEPTH, st, st->goid);
}

#endif
