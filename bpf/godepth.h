/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How deep is this goroutine's defer chain after the push that is about to happen?
 *
 * The probe stands at the entry of deferproc or deferprocStack, before the new record is linked.
 * g._defer is the head of the chain; each record holds the sp of the frame that registered it, the
 * pc after that call, and a link. The record this push will create is known already: sp = RSP + 8,
 * pc = [RSP], link = head.
 *
 * Walking a chain of thousands at every push would cost more than the program. So the goroutine's
 * state keeps an anchor: what the last push must have created, and the depth then. In a loop of
 * defers the head *is* that record, and the walk ends after one read. More anchors keep, for each
 * of the newest frames, the newest record under it whose push was seen: they answer for a frame
 * that returned (nobody tells us; there is no probe on the way out) while the frame below still
 * holds its pile.
 *
 *	pile() { for ... { defer f(); helper() } }	helper() { for ... { defer g() } }
 *
 *	push by pile()     head = pile's record   = last      depth + 1
 *	push by helper()   head = pile's record   = last      depth + 1, below[0] := pile's record
 *	push by helper()   head = helper's record = last      depth + 1
 *	push by pile()     head = pile's record   = below[0]  below[0].depth + 1
 *
 * No anchor met, but the chain ends within the bound: the number of records seen is the depth.
 * Otherwise the depth is the last one plus one, marked inferred until somebody reads the whole
 * chain.
 *
 * Stacks move when they grow, and records in frames move along; heap records stay. So sp, and links
 * that point into the stack, are compared as distance to stack.hi, which a copy keeps. Comparing
 * the head's address alone is wrong: records come from pools and are reused within microseconds.
 *
 * Plain C over a reader macro, so that a unit test runs it on made-up memory. The includer defines
 *	GODEPTH_READ(dst, size, addr)	0 on success
 */
#ifndef DEFERD_GODEPTH_H
#define DEFERD_GODEPTH_H

#include <deferd/record.h>

#define GODEPTH_WALK_MAX 16
#define GODEPTH_FN       static inline __attribute__((always_inline))

/* The head of runtime.g; the same in every version since 1.17. */
struct go_g_head {
	dfd_u64 stack_lo;
	dfd_u64 stack_hi;
	dfd_u64 guards[2];
	dfd_u64 panic;
	dfd_u64 defer;
};

/* runtime._defer as far as link: offset 32 (1.22+) or 40. */
struct go_defer_head {
	dfd_u64 flags; /* eight bytes of bools */
	dfd_u64 sp;
	dfd_u64 pc;
	dfd_u64 fn;
	dfd_u64 word32;
	dfd_u64 word40;
};

enum godepth_end {
	GODEPTH_ANCHOR, /* met an anchor: exact */
	GODEPTH_END,    /* the chain ended: exact */
	GODEPTH_BOUND,  /* neither within the bound */
	GODEPTH_TORN,   /* a record failed its checks */
	GODEPTH_UNREAD, /* a record could not be read */
};

GODEPTH_FN dfd_u64 godepth_rel(const struct go_g_head *g, dfd_u64 addr)
{
	/* The top bit keeps a distance apart from a heap address. */
	return addr >= g->stack_lo && addr < g->stack_hi ? (g->stack_hi - addr) | 1ULL << 63 : addr;
}

/* 1 for anything but 0, without a branch, also when a compiler knows better. */
GODEPTH_FN dfd_u64 godepth_any(dfd_u64 x)
{
	dfd_u64 minus = -x;

	__asm__ volatile("" : "+r"(minus));
	return (x | minus) >> 63;
}

/*
 * Not a head of a range-over-func list (1.22+), nor a record the runtime inserts while it panics
 * (up to 1.21).
 */
GODEPTH_FN dfd_u64 godepth_counts(const struct go_defer_head *d, dfd_u32 uncounted_off)
{
	return godepth_any(((d->flags >> (8 * (uncounted_off & 7))) & 0xff) ^ 1);
}

GODEPTH_FN dfd_u64 godepth_link(const struct go_defer_head *d, dfd_u32 link_off)
{
	dfd_u64 narrow = -godepth_any(link_off ^ 40);

	return (d->word32 & narrow) | (d->word40 & ~narrow);
}

GODEPTH_FN int godepth_is(const struct dfd_anchor *a, dfd_u64 sp, dfd_u64 pc, dfd_u64 link)
{
	return a->set && a->sp == sp && a->pc == pc && a->link == link;
}

/*
 * Which anchor this record is: 0 the last push, i + 1 below[i], -1 none. *ret_depth is the depth at
 * it.
 */
GODEPTH_FN int godepth_known(const struct dfd_depth *st, dfd_u64 sp, dfd_u64 pc, dfd_u64 link,
			     dfd_u32 *ret_depth)
{
	int i;

	if (godepth_is(&st->last, sp, pc, link)) {
		*ret_depth = st->last.depth;
		return 0;
	}
	for (i = 0; i < DFD_BELOW_MAX; i++) {
		if (godepth_is(&st->below[i], sp, pc, link)) {
			*ret_depth = st->below[i].depth;
			return i + 1;
		}
	}
	return -1;
}

/*
 * Walk from g's head. On return *ret_depth is the number of records pending now (exact for ANCHOR
 * and END, else untouched), *ret_head the first record as an anchor without its depth (set = 0 when
 * it could not be read; pc = 0 when the chain is empty), *ret_met for ANCHOR the one that was met:
 * 0 the last push, i + 1 below[i].
 */
GODEPTH_FN enum godepth_end godepth_walk(const struct go_g_head *g, const struct dfd_depth *st,
					 const struct dfd_target *t, struct dfd_anchor *ret_head,
					 dfd_u32 *ret_depth, dfd_u32 *ret_met)
{
	dfd_u64 addr = g->defer;
	dfd_u32 seen = 0, known;
	int i, met;

	ret_head->sp = ret_head->pc = ret_head->link = 0;
	ret_head->set = !addr;
	for (i = 0; i < GODEPTH_WALK_MAX; i++) {
		struct go_defer_head d;
		dfd_u64 link, sp_rel, link_rel;

		if (!addr) {
			*ret_depth = seen;
			return GODEPTH_END;
		}
		if (GODEPTH_READ(&d, sizeof(d), addr))
			return GODEPTH_UNREAD;
		link = godepth_link(&d, t->link_off);
		if (d.sp < g->stack_lo || d.sp > g->stack_hi)
			return GODEPTH_TORN;
		sp_rel = g->stack_hi - d.sp;
		link_rel = godepth_rel(g, link);
		if (i == 0) {
			ret_head->sp = sp_rel;
			ret_head->pc = d.pc;
			ret_head->link = link_rel;
			ret_head->set = 1;
		}
		met = godepth_known(st, sp_rel, d.pc, link_rel, &known);
		if (met >= 0) {
			*ret_met = met;
			*ret_depth = known + seen;
			return GODEPTH_ANCHOR;
		}
		seen += godepth_counts(&d, t->uncounted_off);
		addr = link;
	}
	return GODEPTH_BOUND;
}

#define GODEPTH_PILE_MAX 32 /* records that are asked which site registered most */

/*
 * The site that registered most of a pile: the majority of the newest records, the one that the push is about to create at `pc`
 * among them (Boyer and Moore's vote). The push that crosses a threshold may be a helper's that is called in the loop. Without
 * branches, each of which would double what the verifier has to look at.
 */
GODEPTH_FN dfd_u64 godepth_pile_site(dfd_u64 head, dfd_u32 link_off, dfd_u32 uncounted_off,
				     dfd_u64 pc)
{
	dfd_u64 addr = head, site = pc, votes = 1;
	int i;

	for (i = 0; i < GODEPTH_PILE_MAX && addr; i++) {
		struct go_defer_head d;
		dfd_u64 counts, take, same;

		if (GODEPTH_READ(&d, sizeof(d), addr))
			break;
		addr = godepth_link(&d, link_off);
		counts = godepth_counts(&d, uncounted_off);
		take = -(counts & ~godepth_any(votes) & 1);
		site = (site & ~take) | (d.pc & take);
		same = ~godepth_any(d.pc ^ site) & 1;
		votes += counts * (2 * same - 1);
	}
	return site;
}

/* Forget the newest `n` of below[]. */
GODEPTH_FN void godepth_drop(struct dfd_depth *st, dfd_u32 n)
{
	dfd_u32 i;

	for (i = 0; i < DFD_BELOW_MAX; i++) {
		if (i + n < DFD_BELOW_MAX)
			st->below[i] = st->below[(i + n) & (DFD_BELOW_MAX - 1)];
		else
			st->below[i].set = 0;
	}
}

/*
 * How many of below[], the newest, are no record of a chain of `pending`: of frames that returned,
 * or the head itself.
 */
GODEPTH_FN dfd_u32 godepth_above(const struct dfd_depth *st, dfd_u32 pending)
{
	dfd_u32 n;

	for (n = 0; n < DFD_BELOW_MAX; n++) {
		if (st->below[n].set && st->below[n].depth < pending)
			break;
	}
	return n;
}

/* The oldest anchor falls out. */
GODEPTH_FN void godepth_enter(struct dfd_depth *st, const struct dfd_anchor *a)
{
	int i;

	for (i = DFD_BELOW_MAX - 1; i > 0; i--)
		st->below[i] = st->below[i - 1];
	st->below[0] = *a;
}

/*
 * Anchors after a walk. They must all be in the chain, and what is pushed unseen must never look
 * like one: a function that is entered again makes the same record at the same place, on a chain
 * that may be deeper this time. So only records whose push was seen are met by walks (making them
 * again is seen again), and an anchor that a walk should have met on its way, and did not, is
 * dropped.
 */
GODEPTH_FN void godepth_anchors(struct dfd_depth *st, enum godepth_end end, dfd_u32 met,
				struct dfd_anchor *head, dfd_u64 sp_rel)
{
	dfd_u32 drop = 0, enter = 0;

	if (end == GODEPTH_ANCHOR && !met) {
		/* In a loop the frame's own record is met, and nothing moves. */
		enter = st->last.sp != sp_rel;
		if (enter)
			*head = st->last;
	} else if (end == GODEPTH_ANCHOR) {
		drop = met - (st->below[(met - 1) & (DFD_BELOW_MAX - 1)].sp != sp_rel);
	} else if (end == GODEPTH_END) {
		/* Only tells godepth_run() what lies under the frame: no record has a pc of 0. */
		head->pc = head->link = 0;
		drop = DFD_BELOW_MAX;
		enter = head->sp != sp_rel;
	} else {
		/* Inferred until a chain ends, and then dropped. */
		drop = godepth_above(st, head->depth);
		enter = head->set && head->sp != sp_rel;
	}
	if (drop)
		godepth_drop(st, drop);
	if (enter)
		godepth_enter(st, head);
}

/*
 * Account for the push: `sp` and `pc` of the record that it creates. Updates depth, anchors and the
 * inferred mark of *st and returns how the walk ended.
 */
GODEPTH_FN enum godepth_end godepth_push(struct dfd_depth *st, const struct go_g_head *g,
					 const struct dfd_target *t, dfd_u64 sp, dfd_u64 pc)
{
	dfd_u64 sp_rel = g->stack_hi - sp;
	struct dfd_anchor head;
	dfd_u32 pending = st->depth, met = 0;
	enum godepth_end end;

	end = godepth_walk(g, st, t, &head, &pending, &met);
	if (end == GODEPTH_END)
		st->flags &= ~DFD_CALL_INFERRED;
	else if (end != GODEPTH_ANCHOR)
		st->flags |= DFD_CALL_INFERRED;
	head.depth = pending;
	godepth_anchors(st, end, met, &head, sp_rel);
	st->depth = pending + 1;
	st->last.sp = sp_rel;
	st->last.pc = pc;
	st->last.link = godepth_rel(g, g->defer);
	st->last.depth = st->depth;
	st->last.set = 1;
	return end;
}

/* `own` records of the frame are gone; the newest is now *head. */
GODEPTH_FN dfd_u32 godepth_ran(struct dfd_depth *st, const struct dfd_anchor *head, dfd_u32 base)
{
	dfd_u32 ran = st->depth > base ? st->depth - base : 0;

	st->last = *head;
	st->last.depth = base;
	st->depth = base;
	godepth_drop(st, godepth_above(st, base));
	return ran;
}

/*
 * The frame whose records hold `sp` runs its defers (deferreturn, before the first one runs).
 * Returns how many it owns, 0 when it owns none, and leaves *st at the depth after all of them have
 * run.
 */
GODEPTH_FN dfd_u32 godepth_run(struct dfd_depth *st, const struct go_g_head *g,
			       const struct dfd_target *t, dfd_u64 sp)
{
	dfd_u64 sp_rel = g->stack_hi - sp, addr = g->defer;
	struct dfd_anchor head = {};
	dfd_u32 own = 0;
	int i;

	for (i = 0; i < GODEPTH_WALK_MAX && addr; i++) {
		struct go_defer_head d;

		if (GODEPTH_READ(&d, sizeof(d), addr)) {
			st->flags |= DFD_CALL_INFERRED;
			return 0;
		}
		addr = godepth_link(&d, t->link_off);
		if (d.sp != sp) {
			if (!own)
				return 0;
			head.sp = g->stack_hi - d.sp;
			head.pc = d.pc;
			head.link = godepth_rel(g, addr);
			head.set = 1;
			return godepth_ran(st, &head, st->depth > own ? st->depth - own : 0);
		}
		own += godepth_counts(&d, t->uncounted_off);
	}
	if (!own)
		return 0;
	if (!addr) {
		st->flags &= ~DFD_CALL_INFERRED;
		return godepth_ran(st, &head, 0);
	}
	/*
	 * A pile: what lay under it when it began, if that was seen (outer frames are nearer to
	 * stack.hi).
	 */
	if (st->below[0].set && st->below[0].sp < sp_rel && st->below[0].depth < st->depth) {
		head = st->below[0];
		return godepth_ran(st, &head, head.depth);
	}
	st->flags |= DFD_CALL_INFERRED;
	return godepth_ran(st, &head, 0);
}

#endif
