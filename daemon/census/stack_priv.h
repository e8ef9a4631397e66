/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The return addresses on the stack of a goroutine that does not run. */
#ifndef DEFERD_CENSUS_STACK_PRIV_H
#define DEFERD_CENSUS_STACK_PRIV_H

#include "base/memread.h"
#include "census/census.h"

#define STACK_FIRST 2048u  /* bytes of a stack that are read first; most need no more */
#define STACK_BYTES 16384u /* and at most: 64 frames are seldom larger */

struct stack {
	uint64_t sp, hi; /* what is used of it */
	size_t have;     /* bytes of it from sp on, in: */
	const uint8_t *bytes;
};

/* Which bytes of it to read first: ret->have at ret->sp. False: ret->sp is 0. */
bool stack_of(const struct go_layout *l, const uint8_t *g, enum census_state state,
	      struct stack *ret);
/*
 * ret->state and all that g_parse() tells are set; sets the stack, run-time addresses but for what
 * frames (NULL: none) is asked. `more` has room for STACK_BYTES, for stacks that need more than was
 * read.
 */
void stack_walk(const struct census_opts *o, const uint8_t *g, struct stack *s, uint8_t *more,
		struct census_goroutine *ret);

#endif
