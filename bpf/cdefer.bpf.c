// SPDX-License-Identifier: GPL-2.0
/*
 * C programs with a defer runtime: one push and one run a deferred call, so the depth of a thread
 * is their difference. A thread that was in the middle of its work when we attached runs calls we
 * never saw pushed: its depth stops at 0 and is exact from there on.
 */
#include "pile.bpf.h"

static __always_inline void c_push(struct hit *hit)
{
	struct dfd_depth *st = state_of(hit, 1);

	count_site(hit);
	if (!st)
		return;
	st->depth++;
	pushed(hit, st, ARCH_C_ARG0(hit->ctx));
}

static __always_inline void c_run(struct hit *hit)
{
	struct dfd_depth *st = state_of(hit, 0);

	count_up(&hit->counts->runs);
	if (st && st->depth)
		st->depth--;
	if (hit->t->flags & DFD_TARGET_TRACE)
		emit(hit, DFD_REC_CALL, st, 0, ARCH_C_ARG0(hit->ctx), 0);
}

SEC("uprobe")
int uprobe__c(struct pt_regs *ctx)
{
	struct hit hit = {};

	if (!hit_begin(&hit, ctx))
		return 0;
	hit.g = (__u32)bpf_get_current_pid_tgid();
	if (hit.role == DFD_ROLE_C_PUSH)
		c_push(&hit);
	else if (hit.role == DFD_ROLE_C_RUN)
		c_run(&hit);
	else
		emit(&hit, DFD_REC_PANIC, state_of(&hit, 0), 0, 0, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
