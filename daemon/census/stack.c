// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/stack_priv.h"

#include "census/g_priv.h"

bool stack_of(const struct go_layout *l, const uint8_t *g, enum census_state state,
	      struct stack *ret)
{
	ret->sp = g_sp(l, g, state);
	ret->hi = g_word(g, l->g.stack_hi);
	ret->have = 0;
	ret->rest_bp = 0;
	if (state == CENSUS_RUNNING || ret->sp <= g_word(g, l->g.stack_lo) || ret->sp > ret->hi) {
		ret->sp = 0;
		return false;
	}
	ret->have = ret->hi - ret->sp < STACK_FIRST ? ret->hi - ret->sp : STACK_FIRST;
	return true;
}

struct walk {
	const struct stack_reader *r;
	struct stack *s;
	bool far;      /* what was read first is not at hand any more */
	uint64_t pc;   /* of the frame that was met last */
	uint32_t left; /* frames to look at */
	bool missed;   /* a frame with open-coded defers could not be judged */
};

/* A word of the stack, fetching more of it when it lies further out. */
static bool stack_word(struct walk *w, uint64_t at, uint64_t *ret)
{
	struct stack *s = w->s;
	uint64_t off = at - s->sp, want = s->hi - s->sp;

	if (at < s->sp || at % 8 || off >= want || want - off < 8)
		return false;
	if (w->far || off > STACK_BYTES - 8)
		return !pages_read(w->r->pages, at, ret, sizeof(*ret));
	if (off + 8 > s->have) {
		if (want > STACK_BYTES)
			want = STACK_BYTES;
		if (memread_at(&w->r->o->mem, s->sp, w->r->more, want))
			return false;
		s->have = want;
		s->bytes = w->r->more;
	}
	*ret = g_word(s->bytes, (unsigned)off);
	return true;
}

static void add_frame(struct walk *w, uint64_t pc, struct census_goroutine *ret)
{
	w->pc = pc;
	w->left -= w->left > 0;
	if (ret->nstack < CENSUS_STACK_MAX)
		ret->stack[ret->nstack++] = pc;
}

/*
 * The open-coded defers that the frame has pending that was met last, whose base pointer is bp. One
 * that was interrupted may not have set its byte up yet.
 */
static void count_open(struct walk *w, uint64_t bp, bool interrupted, struct census_goroutine *ret)
{
	const struct census_opts *o = w->r->o;
	uint32_t below = open_below(w->r->open, &o->open, w->pc - o->bias - 1);
	uint64_t word, at = bp - below;
	unsigned n;

	if (!below)
		return;
	if (!stack_word(w, at & ~7ull, &word)) {
		w->missed = true;
		return;
	}
	n = (unsigned)__builtin_popcount(word >> at % 8 * 8 & 0xff);
	ret->open_coded += n;
	w->missed |= interrupted && n;
}

/*
 * Out of a function that may have no frame of its own, whose stack pointer is sp, to its caller: the
 * function table tells the way. Sets *bp to the caller's frame. False: not known (yet).
 */
static bool step_out(struct walk *w, uint64_t sp, uint64_t *bp, struct census_goroutine *ret)
{
	const struct census_frames *f = &w->r->o->frames;
	uint64_t caller;
	uint32_t frame;

	ret->unfinished = !f->frame || f->frame(f->arg, w->pc - w->r->o->bias, &frame);
	if (ret->unfinished || !stack_word(w, sp + frame, &caller))
		return false;
	if (frame) {
		count_open(w, sp + frame - 8, true, ret);
		if (!stack_word(w, sp + frame - 8, bp))
			return false;
	}
	add_frame(w, caller, ret);
	count_open(w, *bp, false, ret);
	return true;
}

static bool is_injected(const struct walk *w)
{
	return injected_has(&w->r->o->injected, w->pc - w->r->o->bias);
}

/*
 * By frame pointers: [bp] is the caller's, [bp + 8] the return address into it; 0 ends them. Whom a
 * signal interrupted may have no frame, and then the one that comes next is its caller's.
 */
static void walk_frames(struct walk *w, uint64_t bp, struct census_goroutine *ret)
{
	uint64_t pc, next;

	while (bp && w->left) {
		bool interrupted = is_injected(w);

		if (!stack_word(w, bp + 8, &pc) || !stack_word(w, bp, &next))
			return;
		add_frame(w, pc + interrupted, ret);
		if (!interrupted)
			count_open(w, next, false, ret);
		else if (!step_out(w, bp + 16, &next, ret))
			return;
		if (next && next <= bp)
			return; /* frames ascend */
		bp = next;
	}
	w->s->rest_bp = bp;
	w->s->rest_pc = w->pc;
	ret->whole = !bp && !w->far;
	ret->walked = !bp && !w->missed;
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

void stack_walk(const struct stack_reader *r, const uint8_t *g, struct stack *s,
		struct census_goroutine *ret)
{
	const struct go_layout *l = r->o->layout;
	bool waits = census_waits(ret->state), syscall = ret->state == CENSUS_SYSCALL;
	struct walk w = { .r = r, .s = s, .left = CENSUS_STACK_MAX };
	uint64_t bp = g_word(g, l->g.sched_bp);

	add_frame(&w, g_pc(l, g, ret->state) + (!waits && !syscall), ret);
	if (waits)
		walk_frames(&w, bp, ret);
	else
		walk_out_of_leaf(&w, bp, ret);
	if (w.missed)
		s->rest_bp = 0; /* that it is not all is known already */
}

uint32_t stack_walk_rest(const struct stack_reader *r, struct stack *s,
			 struct census_goroutine *ret)
{
	struct walk w = { .r = r, .s = s, .far = true, .pc = s->rest_pc, .left = STACK_FRAMES_MAX };

	if (s->rest_bp)
		walk_frames(&w, s->rest_bp, ret);
	return STACK_FRAMES_MAX - w.left;
}
