/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Goroutines that do the same: one group for each stack, state, wait reason and go statement. A
 * profile of the runtime has the same, but for those that differ in where they were created only.
 */
#ifndef DEFERD_CENSUS_GROUPS_H
#define DEFERD_CENSUS_GROUPS_H

#include <uthash.h>

#include "census/census.h"

#define GROUPS_MAX    4096 /* what comes after is counted, not kept */
#define GROUP_MEMBERS 16   /* goroutines of a group that are kept each */

struct group_member {
	uint64_t goid, parent;
	uint64_t since_ns;
	uint32_t depth;
};

struct group {
	UT_hash_handle hh;
	uint64_t count;
	uint64_t oldest_ns; /* earliest since_ns; 0: not known of any */
	uint64_t inexact;   /* of them moved while they were read */
	uint32_t depth_max; /* deepest pending defers */
	bool whole;         /* the stack reaches to the first function */
	unsigned n_members;
	struct group_member members[GROUP_MEMBERS];
	/* The key, up to the end of the stack. */
	struct group_key {
		uint64_t created_at, start;
		uint32_t state; /* enum census_state */
		uint16_t reason, nstack;
		uint64_t stack[CENSUS_STACK_MAX];
	} key;
};

struct groups {
	struct group *by_key; /* hash */
	uint64_t left_out;    /* goroutines for whose group there was no room or memory */
};

void groups_add(struct groups *gs, const struct census_goroutine *g);
/* The largest first; then those with the earliest goroutine. */
void groups_sort(struct groups *gs);
void groups_done(struct groups *gs); /* empty again */

#endif
