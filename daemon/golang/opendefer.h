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
/* Which of `n` covers that place, bytes from runtime.text; NULL: none. */
const struct opendefer *opendefer_at(const struct opendefer *list, uint32_t n, uint64_t at);

#endif
