/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where the code of a Go program calls the functions of its runtime that register and run deferred calls.
 * A probe at the call costs what one in the function does, is where the site is known without a read of memory,
 * and one of them can be left out while the others stay. Pure.
 */
#ifndef DEFERD_PROBE_CALLSITES_H
#define DEFERD_PROBE_CALLSITES_H

#include <stdbool.h>
#include <stdint.h>

#include "golang/gobin.h"
#include "probe/plan.h"

#define CALLSITES_MAX 512 /* programs of 60,000 functions have 200 */

struct callsite {
	uint64_t va;       /* of the call, link-time */
	uint64_t file_off; /* of the same byte */
	uint32_t func;     /* entry of the function it stands in, bytes from runtime.text */
	int32_t distance; /* as the instruction has it: from its end to the function that is called */
	uint8_t role;     /* enum dfd_role: PUSH_HEAP, PUSH_RANGE, PUSH_STACK, RUN */
	uint8_t reserved[7];
};

struct callsite_list {
	uint32_t n;
	bool complete; /* there are no others; of RUN: in functions that push */
	struct callsite list[CALLSITES_MAX]; /* in the order of the text */
};

/*
 * Always fills *ret; not complete where the program has more than there is room for, or bytes that look like
 * a call where decoding finds no instruction to begin.
 */
void callsites_find(const struct gobin *g, struct callsite_list *ret);
/* Whether a list that came from elsewhere keeps to what is said here. */
bool callsites_check(const struct callsite_list *l);
/* Which of `n` returns to that link-time address; NULL: none. */
const struct callsite *callsite_of_return(const struct callsite *list, uint32_t n, uint64_t pc);
/* The probe point of one. */
void callsite_point(const struct callsite *c, struct probe_point *ret);

#endif
