/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Which places of a program are in functions with open-coded defers. */
#ifndef DEFERD_CENSUS_OPEN_PRIV_H
#define DEFERD_CENSUS_OPEN_PRIV_H

#include "census/opts.h"

#define OPEN_SLOTS 1024u

/* Most goroutines stand at few places. */
struct open_cache {
	struct {
		uint64_t pc;
		uint32_t below;
	} slots[OPEN_SLOTS];
};

void open_cache_init(struct open_cache *c);
/* struct opendefer's `below` of the function with the instruction at pc, link-time; 0: it is none. */
uint32_t open_below(struct open_cache *c, const struct census_open *o, uint64_t pc);

#endif
