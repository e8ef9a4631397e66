/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * No probe sees a function return (the compiler runs most defers without a call), so what the kernel side knows of a
 * quiet goroutine is what it was. Its own memory shows what it is: it is read here, within a bound a scan. A goroutine
 * that finds no room has its turn at the next scan.
 */
#ifndef DEFERD_ENGINE_SETTLE_H
#define DEFERD_ENGINE_SETTLE_H

#include "engine/turn.h"

struct settle {
	unsigned budget; /* memory reads left in this scan */
	unsigned seen;   /* goroutines of this scan that wanted to be read */
	unsigned first;  /* the first of them whose turn it is */
	unsigned next;   /* where the next scan goes on; 0: from the start */
};

/* A scan begins, of at most `reads` memory reads. */
void settle_begin(struct settle *s, unsigned reads);
/* The next goroutine wants to be read: whether it is its turn. */
bool settle_take_turn(struct settle *s);
/* What was read for it. */
void settle_spend(struct settle *s, unsigned reads);
/*
 * Correct *ev, an EVENT_GOROUTINE, by the goroutine's own memory. False: there is nothing to emit any more. One whose
 * turn it is not comes out as inferred.
 */
bool settle_goroutine(struct settle *s, struct turn *turn, struct event *ev);

#endif
