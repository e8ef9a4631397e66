/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Who will wake a goroutine that waits: the clock, or others. */
#ifndef DEFERD_CENSUS_WAKES_H
#define DEFERD_CENSUS_WAKES_H

#include "census/goroutine.h"
#include "census/pages.h"
#include "golang/layout.h"

#define WAKES_CASES 8u /* of a select that are looked at */

/*
 * Of one that waits for a channel or in a select; `waiting`: its first sudog. A select whose channels are timers, or have elements
 * of no size (as those that say that something is over), with a timer among them, is woken by the clock. NOBODY: it cannot be told.
 */
enum census_wake wakes_of(struct pages *p, const struct go_layout *l, uint64_t g,
			  enum census_wait wait, uint64_t waiting);

#endif
