// SPDX-License-Identifier: GPL-2.0
/*
 * C programs with a defer runtime: one push and one run a deferred call, so the depth of a thread
 * is their difference. A thread that was in the middle of its work when we attached runs calls we
 * never saw pushed: its depth stops at 0 and is exact from there on.
 */
#include "ledger.bpf.h"

static __always_inline void c_push(struct hit *hit)
{
	struct dfd_depth *st = state_of(hit, 1);

	count_site(hit);
	if (!st)
		return;
	st->depth++;
	push_ends(hit, st, pushed(hit, st));
}

static __always_inline void c_run(struct hit *hit)
{
	struct dfd_depth *st = state_of(hit, 0);

	count_up(&hit->counts->runs);
	if (st && st->depth)
		st->depth--;
	if (hit->t->flags & DFD_TARGET_TRACE)
		emit(hit, DFD_REC_CALL, st, 0);
}

/* Stacks of threads do not move; what counts is only what lies deeper than what. */
static __always_inline __u32 c_depth(const struct hit *hit, const struct dfd_panics *st)
{
	return (1u << 31) + (__u32)(st->base - hit->sp);
}

static __always_inline void c_panic(struct hit *hit)
{
	struct dfd_panics *st = panics_of(hit, 1);
	int told = may_tell(hit->counts);
	struct dfd_rec_panic *r;
	__u64 id = __sync_fetch_and_add(&panic_ids, 1);

	if (st && !st->n)
		st->base = hit->sp;
	if (st && panicrule_start(st, id, 0, c_depth(hit, st), told ? DFD_PANIC_TOLD : 0))
		lose(DFD_LOSS_PANIC_MAP);
	if (!told)
		return;
	r = ledger_reserve(hit, 0);
	if (!r) {
		count_up(&hit->counts->details_untold);
		return;
	}
	r->id = id;
	r->watched = aftermath_begin(hit, id, 0);
	/* A message, if the runtime takes one: user space judges the bytes. */
	ledger_text(r, ARCH_C_ARG0(hit->ctx), sizeof(r->text));
	ledger_stack(hit, r);
	record_submit(r);
}

/* Called in the frame that goes on. */
static __always_inline void c_recover(struct hit *hit)
{
	struct dfd_panics *st = panics_of(hit, 0);
	struct panic_end end = {};
	struct dfd_rec_panic *r;

	if (!st) {
		count_up(&hit->counts->outcomes[DFD_OUTCOME_RECOVERED]);
		return;
	}
	/* Also one that this very function raised: it calls both from the same sp. */
	panicrule_recover(st, c_depth(hit, st) - 1, &end);
	ledger_count(hit, &end);
	panics_settle(hit, st);
	if (!end.told)
		return;
	r = ledger_reserve(hit, 0);
	if (!r)
		return;
	ledger_list(r, &end);
	r->watched = aftermath_recovered(hit, r->closed[0]);
	r->frame = hit->site;
	record_submit(r);
}

SEC("uprobe")
int uprobe__c(struct pt_regs *ctx)
{
	struct hit hit = {};

	if (!hit_begin(&hit, ctx))
		return 0;
	hit.g = (__u32)bpf_get_current_pid_tgid();
	hit.fn = ARCH_C_ARG0(ctx);
	if (hit.role == DFD_ROLE_C_PUSH)
		c_push(&hit);
	else if (hit.role == DFD_ROLE_C_RUN)
		c_run(&hit);
	else if (hit.role == DFD_ROLE_C_PANIC)
		c_panic(&hit);
	else
		c_recover(&hit);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
