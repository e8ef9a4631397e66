/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The return addresses on the stack of a goroutine that does not run, and the defers that are pending
 * in its frames.
 */
#ifndef DEFERD_CENSUS_STACK_PRIV_H
#define DEFERD_CENSUS_STACK_PRIV_H

#include "base/memread.h"
#include "census/goroutine.h"
#include "census/open_priv.h"
#include "census/opts.h"
#include "census/pages.h"

#define STACK_FIRST      2048u /* bytes of a stack that are read first; most need no more */
#define STACK_BYTES      16384u /* and then: 64 frames are seldom larger; the rest is read by pages */
#define STACK_FRAMES_MAX (1u << 18) /* looked at of one stack, for defers */

struct stack {
	uint64_t sp, hi; /* what is used of it */
	size_t have;     /* bytes of it from sp on, in: */
	const uint8_t *bytes;
	uint64_t rest_bp, rest_pc; /* where stack_walk() stopped for its length; 0: it did not */
};

/* What a walk needs; all is borrowed. */
struct stack_reader {
	const struct census_opts *o;
	struct pages *pages;
	struct open_cache *open;
	uint8_t *more; /* STACK_BYTES, for stacks that need more than was read */
};

/* Which bytes of it to read first: ret->have at ret->sp. False: ret->sp is 0. */
bool stack_of(const struct go_layout *l, const uint8_t *g, enum census_state state,
	      struct stack *ret);
/*
 * ret->state and all that g_parse() tells are set; sets the stack, run-time addresses, and what is
 * open-coded in those frames.
 */
void stack_walk(const struct stack_reader *r, const uint8_t *g, struct stack *s,
		struct census_goroutine *ret);
/* Adds what is open-coded in the frames beyond CENSUS_STACK_MAX. Returns how many were looked at. */
uint32_t stack_walk_rest(const struct stack_reader *r, struct stack *s,
			 struct census_goroutine *ret);

#endif
