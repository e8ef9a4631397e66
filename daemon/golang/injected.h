/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Functions that the runtime's signal handler calls in the name of the code that it interrupted:
 * sigpanic after a fault, asyncPreempt to let another goroutine run. What they return to is the
 * instruction that was interrupted; every other return address stands behind a call. Whoever took the
 * instruction before it would name the line above, or the function above where the first instruction
 * faults, as in a method of a nil pointer (runtime/traceback.go: isInjectedCall, symPC). Pure.
 */
#ifndef DEFERD_GOLANG_INJECTED_H
#define DEFERD_GOLANG_INJECTED_H

#include <stdbool.h>
#include <stdint.h>

#include "golang/gobin.h"

#define INJECTED_MAX 2

/* All 0: there is none. */
struct injected {
	struct {
		uint64_t begin, end; /* link-time */
	} functions[INJECTED_MAX];
};

void injected_find(const struct gobin *g, struct injected *ret);
/* Whether a return address, link-time, is in one of them. */
bool injected_has(const struct injected *in, uint64_t pc);
/*
 * Of a stack, link-time, innermost first: what was interrupted becomes a return address as all others,
 * of a call where it stands. Go does the same to its own (tracebackPCs).
 */
void injected_mark(const struct injected *in, uint64_t *stack, unsigned n);

#endif
