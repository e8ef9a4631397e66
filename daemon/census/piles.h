/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Goroutines that wait for the same thing: a lock or a channel, by its address, with where they stand.
 */
#ifndef DEFERD_CENSUS_PILES_H
#define DEFERD_CENSUS_PILES_H

#include <uthash.h>

#include "census/census.h"

#define PILES_MAX   16384 /* things that are waited for; what comes after is counted, not kept */
#define PILE_GROUPS 8     /* places of one pile that are kept */

struct pile {
	UT_hash_handle hh;
	uint64_t object; /* address of the hchan, or of the word of a semaphore */
	enum census_wait wait;
	uint32_t count;
	uint32_t selecting; /* of these, in a select that may go on otherwise */
	uint64_t oldest_ns; /* earliest census_since() */
	uint64_t
		seen_ns; /* one was seen to wait since then, and has not run; 0: not known of any */
	unsigned n_groups;
	struct {
		uint32_t group; /* of the census */
		uint32_t count;
	} groups[PILE_GROUPS];
};

struct piles {
	struct pile *by_object; /* hash, the largest first */
	uint32_t left_out;      /* goroutines for whose pile there was no room or memory, or whose
				   select was not looked at */
};

/*
 * Of the last census: those who wait for locks, or for channels; of these, those in a select are as
 * selects_find() sees them now, and are in a pile of each of their channels.
 */
void piles_gather(const struct census *c, enum census_wait wait, struct piles *ret);
void piles_done(struct piles *p);

#endif
