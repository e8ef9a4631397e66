// SPDX-License-Identifier: GPL-2.0
/*
 * Go: one program for every probe point of a target, told apart by the cookie, so that one link
 * holds them all. The planner chose instructions where argument registers, g and the return address
 * are as at entry.
 */
#include "pile.bpf.h"

#define GODEPTH_READ(dst, size, addr) bpf_probe_read_user(dst, size, (const void *)(addr))
#include "godepth.h"

__u32 epoch = 1;

/*
 * A push onto the loop's own list (*head, the argument), which joins g's chain only when the loop
 * ends. Lists of nested loops come and go, so the count starts again at each new head.
 */
static __always_inline enum godepth_end push_range(struct hit *hit, struct dfd_depth *st,
						   const struct go_g_head *g)
{
	__u64 head = ARCH_GO_ARG2(hit->ctx);
	struct dfd_anchor first;
	__u32 pending = 0, met;
	enum godepth_end end;

	st->range_n = st->range_head == head ? st->range_n + 1 : 1;
	st->range_head = head;
	end = godepth_walk(g, st, hit->t, &first, &pending, &met);
	if (end > GODEPTH_END)
		st->flags |= DFD_CALL_INFERRED;
	st->depth = pending + st->range_n;
	return end;
}

static __always_inline void push(struct hit *hit, const struct go_g_head *g)
{
	struct dfd_depth *st = state_of(hit, 1);
	enum godepth_end end;

	count_site(hit);
	if (!st)
		return;
	if (hit->role == DFD_ROLE_PUSH_RANGE) {
		end = push_range(hit, st, g);
	} else {
		end = godepth_push(st, g, hit->t, hit->sp + 8, hit->site);
		st->range_head = 0;
	}
	if (end == GODEPTH_TORN)
		lose(DFD_LOSS_TORN);
	else if (end == GODEPTH_UNREAD)
		lose(DFD_LOSS_READ);
	/* Anything but the next turn of a loop may be another goroutine in a reused g. */
	if (end != GODEPTH_ANCHOR || !st->goid)
		st->goid = read_word(hit->g + hit->t->goid_off);
	pushed(hit, st, ARCH_GO_ARG0(hit->ctx));
}

static __always_inline void run(struct hit *hit, const struct go_g_head *g)
{
	struct dfd_depth *st = state_of(hit, 0);
	__u32 ran;

	if (!st)
		return;
	ran = godepth_run(st, g, hit->t, hit->sp + 8);
	__sync_fetch_and_add(&hit->counts->runs, ran);
	if (ran && (hit->t->flags & DFD_TARGET_TRACE))
		emit(hit, DFD_REC_CALL, st, st->goid, ran, 0);
}

static __always_inline void ledger(struct hit *hit)
{
	struct dfd_depth *st = state_of(hit, 0);
	__u64 goid = read_word(hit->g + hit->t->goid_off);
	int panics = hit->role == DFD_ROLE_PANIC;

	emit(hit, DFD_REC_PANIC, st, goid, panics ? ARCH_GO_ARG0(hit->ctx) : 0,
	     panics ? ARCH_GO_ARG1(hit->ctx) : 0);
}

SEC("uprobe")
int uprobe__go(struct pt_regs *ctx)
{
	struct hit hit = {};
	struct go_g_head g;

	if (!hit_begin(&hit, ctx))
		return 0;
	if (hit.role == DFD_ROLE_RECOVER) {
		/* Runs on g0, called by the scheduler; the goroutine is the argument. */
		hit.g = ARCH_GO_ARG0(ctx);
		hit.site = 0;
		ledger(&hit);
		return 0;
	}
	hit.g = ARCH_GO_G(ctx);
	if (hit.role == DFD_ROLE_PANIC || hit.role == DFD_ROLE_FATAL ||
	    hit.role == DFD_ROLE_GOEXIT) {
		ledger(&hit);
		return 0;
	}
	if (bpf_probe_read_user(&g, sizeof(g), (const void *)hit.g)) {
		lose(DFD_LOSS_READ);
		return 0;
	}
	if (hit.role == DFD_ROLE_RUN)
		run(&hit, &g);
	else
		push(&hit, &g);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
