/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The functions of a Go program that run deferred calls at their end without the runtime. The compiler
 * does so for up to eight defers outside of loops, most of a program's: no record is made of them and
 * no function of the runtime is called, so that no probe sees them. Each keeps a byte in its frame, with
 * a bit for each defer statement that was reached and whose call has not begun. Pure.
 */
#ifndef DEFERD_GOLANG_OPENDEFER_H
#define DEFERD_GOLANG_OPENDEFER_H

#include <stdbool.h>
#include <stdint.h>

#include "golang/gobin.h"

#define OPENDEFER_MAX 6144 /* functions; dockerd, one of the largest programs, has 2,400 */

struct opendefer {
	uint32_t begin, end; /* of the function, bytes from runtime.text */
	uint32_t below;      /* its byte lies so far below the base pointer of its frame */
	uint32_t
		closures; /* so does the closure of bit 0: see pclntab_open_defers(); 0: not known */
};

struct opendefer_list {
	uint32_t n;
	bool complete;                        /* there are no others */
	struct opendefer list[OPENDEFER_MAX]; /* in the order of the text */
};

/* Always fills *ret; not complete where a table is damaged, lacks, or holds more than there is room. */
void opendefer_find(const struct gobin *g, struct opendefer_list *ret);
/* Whether a list that came from elsewhere keeps to what is said here. */
bool opendefer_check(const struct opendefer_list *l);
/* The place of the closure of a bit, below the base pointer; its place is known. */
static inline uint32_t opendefer_closure(const struct opendefer *o, unsigned bit)
{
	uint32_t first = o->closures & ~7u;

	return o->closures & PCLNTAB_CLOSURES_DOWN ? first + 8 * bit : first - 8 * bit;
}
/* Which of `n` covers that place, bytes from runtime.text; NULL: none. */
const struct opendefer *opendefer_at(const struct opendefer *list, uint32_t n, uint64_t at);

#endif
