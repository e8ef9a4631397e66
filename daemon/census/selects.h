/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The channels of goroutines that wait in a select. They are many and change with every wait, so a
 * census does not keep them: they are read when somebody asks, a moment later.
 */
#ifndef DEFERD_CENSUS_SELECTS_H
#define DEFERD_CENSUS_SELECTS_H

#include "census/census.h"

#define SELECTS_MAX      4096u /* goroutines that are looked at: some 10 ms */
#define SELECT_CASES_MAX 64u   /* cases of one that are looked at */

/*
 * Call fn for each goroutine that waits in a select, and each of its channels (the address of the
 * hchan), once: of the last census, and still so. Returns of how many they are not known: there are more
 * than SELECTS_MAX, they have gone on since, or are at it.
 */
uint32_t selects_find(const struct census *c,
		      void (*fn)(void *arg, const struct census_goroutine *g, uint32_t group,
				 uint64_t channel),
		      void *arg);

#endif
