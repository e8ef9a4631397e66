/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Panics: the state of a goroutine or thread that panics, what an event ended (panicrule.h), the
 * exact counts, and the records that tell of it. A storm of panics is counted to the unit; only so
 * many of them a second are told.
 */
#ifndef DEFERD_LEDGER_BPF_H
#define DEFERD_LEDGER_BPF_H

#include "pile.bpf.h"
#include "panicrule.h"

extern __u64 panic_ids; /* goruntime.bpf.c */
/* 1: user space has the hooks of aftermath.bpf.c attached and wants to know what is written. */
extern __u32 watch_writes; /* goruntime.bpf.c */

static const struct dfd_panics no_panics;

static __always_inline struct dfd_panics *panics_of(struct hit *hit, int create)
{
	struct dfd_g_key key = { .g = hit->g, .target = hit->t->id };
	struct dfd_panics *st = bpf_map_lookup_elem(&panics_by_g, &key);

	if (!st && create) {
		if (bpf_map_update_elem(&panics_by_g, &key, &no_panics, BPF_NOEXIST))
			lose(DFD_LOSS_PANIC_MAP);
		st = bpf_map_lookup_elem(&panics_by_g, &key);
	}
	return st;
}

/* Nothing runs any more: the goroutine makes room. */
static __always_inline void panics_settle(struct hit *hit, const struct dfd_panics *st)
{
	struct dfd_g_key key = { .g = hit->g, .target = hit->t->id };

	if (!st->n)
		bpf_map_delete_elem(&panics_by_g, &key);
}

/*
 * Whether this panic may be told. The window is per CPU and nobody's to be exact about: its bound is
 * what matters.
 */
static __always_inline int may_tell(struct dfd_counts *c)
{
	__u64 now = bpf_ktime_get_ns();

	if (now - c->detail_ns > 1000000000ULL) {
		c->detail_ns = now;
		c->details = 0;
	}
	if (c->details++ < DFD_PANIC_DETAILS_MAX)
		return 1;
	lose(DFD_LOSS_PANIC_RATE);
	count_up(&c->details_untold);
	return 0;
}

static __always_inline struct dfd_rec_panic *ledger_reserve(struct hit *hit, __u64 goid)
{
	struct dfd_rec_panic *r = record_reserve(hit->t->id, DFD_REC_PANIC, sizeof(*r));

	if (!r)
		return 0;
	__builtin_memset((char *)r + sizeof(r->h), 0, sizeof(*r) - sizeof(r->h));
	r->g = hit->g;
	r->goid = goid;
	r->site = hit->site;
	r->role = hit->role;
	return r;
}

static __always_inline void ledger_stack(struct hit *hit, struct dfd_rec_panic *r)
{
	long n = bpf_get_stack(hit->ctx, r->stack, sizeof(r->stack), BPF_F_USER_STACK);

	r->nstack = n > 0 ? n / sizeof(r->stack[0]) : 0;
}

static __always_inline void ledger_text(struct dfd_rec_panic *r, __u64 ptr, __u64 len)
{
	__u32 n = len < DFD_PANIC_TEXT_MAX ? len : DFD_PANIC_TEXT_MAX;

	/* Seen by the verifier on the register that is used: see bounded(). */
	asm volatile("" : "+r"(n));
	if (n && n <= DFD_PANIC_TEXT_MAX && !bpf_probe_read_user(r->text, n, (const void *)ptr))
		r->text_len = n;
}

/* What ended, counted. */
static __always_inline void ledger_count(struct hit *hit, const struct panic_end *end)
{
	__u32 i;

	for (i = 0; i < DFD_PANIC_NEST_MAX; i++) {
		if (i >= end->n)
			break;
		count_up(&hit->counts->outcomes[end->outcome[i] & 7]);
	}
}

/*
 * And written down. Apart from counting, and after the reservation was checked: older verifiers
 * (seen on 6.1) forget that a record which is not NULL once is not NULL again.
 */
static __always_inline void ledger_list(struct dfd_rec_panic *r, const struct panic_end *end)
{
	__u32 i;

	for (i = 0; i < DFD_PANIC_NEST_MAX; i++) {
		if (i >= end->n)
			break;
		r->closed[i] = end->id[i];
		r->outcome[i] = end->outcome[i] & 7;
		r->nclosed = i + 1;
	}
}

static const struct dfd_aftermath no_aftermath;

/* From now on it is told what this goroutine or thread writes. 1: it is. */
static __always_inline __u8 aftermath_begin(const struct hit *hit, __u64 panic, __u64 goid)
{
	struct dfd_g_key key = { .g = hit->g, .target = hit->t->id };
	struct dfd_aftermath *a;

	if (!watch_writes || bpf_map_update_elem(&aftermath_by_g, &key, &no_aftermath, BPF_ANY))
		return 0;
	a = bpf_map_lookup_elem(&aftermath_by_g, &key);
	if (!a)
		return 0;
	a->goid = goid;
	a->panic = panic;
	return 1;
}

/* And for so long after the recovery. 0: it was not told before. */
static __always_inline __u8 aftermath_recovered(const struct hit *hit, __u64 panic)
{
	struct dfd_g_key key = { .g = hit->g, .target = hit->t->id };
	struct dfd_aftermath *a;

	if (!watch_writes)
		return 0;
	a = bpf_map_lookup_elem(&aftermath_by_g, &key);
	if (!a || a->panic != panic)
		return 0;
	a->until_ns = bpf_ktime_get_ns() + DFD_AFTERMATH_NS;
	return 1;
}

#endif
