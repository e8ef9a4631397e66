// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/stack_priv.h"

#include "census/g_priv.h"

bool stack_of(const struct go_layout *l, const uint8_t *g, enum census_state state,
	      struct stack *ret)
{
	ret->sp = g_sp(l, g, state);
	ret->hi = g_word(g, l->g.stack_hi);
	ret->have = 0;
	if (state == CENSUS_RUNNING || ret->sp <= g_word(g, l->g.stack_lo) || ret->sp > ret->hi) {
		ret->sp = 0;
		return false;
	}
	ret->have = ret->hi - ret->sp < STACK_FIRST ? ret->hi - ret->sp : STACK_FIRST;
	return true;
}

struct walk {
	const struct census_opts *o;
	struct stack *s;
	uint8_t *more;
};

/* A word of the stack, fetching more of it when it lies further out. */
static bool stack_word(struct walk *w, uint64_t at, uint64_t *ret)
{
	struct stack *s = w->s;
	uint64_t off = at - s->sp, want = s->hi - s->sp;

	if (at < s->sp || at % 8 || off >= want || want - off < 8 || off > STACK_BYTES - 8)
		return false;
	if (off + 8 > s->have) {
		if (want > STACK_BYTES)
			want = STACK_BYTES;
		if (memread_at(&w->o->mem, s->sp, w->more, want))
			return false;
		s->have = want;
		s->bytes = w->more;
	}
	*ret = g_word(s->bytes, (unsigned)off);
	return true;
}

/*
 * Out of a function that may have no frame of its own, whose stack pointer is sp, to its caller: the
 * function table tells the way. Sets *bp to the caller's frame. False: not known (yet).
 */
static bool step_out(struct walk *w, uint64_t sp, uint64_t *bp, struct census_goroutine *ret)
{
	const struct census_frames *f = &w->o->frames;
	uint64_t pc = ret->stack[ret->nstack - 1] - w->o->bias, caller;
	uint32_t frame;

	ret->unfinished = !f->frame || f->frame(f->arg, pc, &frame);
	if (ret->unfinished || !stack_word(w, sp + frame, &caller) ||
	    (frame && !stack_word(w, sp + frame - 8, bp)))
		return false;
	ret->stack[ret->nstack++] = caller;
	return true;
}

static bool is_injected(const struct walk *w, const struct census_goroutine *ret)
{
	return injected_has(&w->o->injected, ret->stack[ret->nstack - 1] - w->o->bias);
}

/*
 * By frame pointers: [bp] is the caller's, [bp + 8] the return address into it; 0 ends them. Whom a
 * signal interrupted may have no frame, and then the one that comes next is its caller's.
 */
static void walk_frames(struct walk *w, uint64_t bp, struct census_goroutine *ret)
{
	uint64_t pc, next;

	while (bp && ret->nstack < CENSUS_STACK_MAX) {
		bool interrupted = is_injected(w, ret);

		if (!stack_word(w, bp + 8, &pc) || !stack_word(w, bp, &next))
			return;
		ret->stack[ret->nstack++] = pc + interrupted;
		if (interrupted && ret->nstack < CENSUS_STACK_MAX &&
		    !step_out(w, bp + 16, &next, ret))
			return;
		if (next && next <= bp)
			return; /* frames ascend */
		bp = next;
	}
	ret->whole = !bp;
}

/*
 * Who has not parked itself may stand in a function that has not made its frame yet, and before Go
 * 1.23 a syscall does not keep the frame pointer.
 */
static void walk_out_of_leaf(struct walk *w, uint64_t bp, struct census_goroutine *ret)
{
	if (step_out(w, w->s->sp, &bp, ret))
		walk_frames(w, bp, ret);
}

void stack_walk(const struct census_opts *o, const uint8_t *g, struct stack *s, uint8_t *more,
		struct census_goroutine *ret)
{
	bool waits = census_waits(ret->state), syscall = ret->state == CENSUS_SYSCALL;
	struct walk w = { .o = o, .s = s, .more = more };
	uint64_t bp = g_word(g, o->layout->g.sched_bp);

	ret->stack[ret->nstack++] = g_pc(o->layout, g, ret->state) + (!waits && !syscall);
	if (waits)
		walk_frames(&w, bp, ret);
	else
		walk_out_of_leaf(&w, bp, ret);
}
