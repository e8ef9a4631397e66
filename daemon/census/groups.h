/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Goroutines that do the same: one group for each stack, state, wait reason and go statement. A
 * profile of the runtime has the same, but for those that differ in where they were created only.
 *
 * Groups stay from one census to the next, so that one that grows can be told, and a goroutine that
 * did not move is in the group that it was in. While a census runs its sums are gathered aside.
 */
#ifndef DEFERD_CENSUS_GROUPS_H
#define DEFERD_CENSUS_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "census/crews.h"
#include "census/goroutine.h"

#define GROUP_NONE UINT32_MAX
#define GROUPS_MAX 4096 /* of one process, unless there is a reason for more */

/* Of the members of a group. */
struct group_sum {
	uint32_t count;
	uint32_t inexact; /* moved while they were read */
	uint32_t quiet;   /* have waited for longer than the census's limit */
	uint32_t gone;    /* were in it at the census before, and are no more */
	uint32_t
		moving; /* are new, or have run since the census before, and do not wait for the clock */
	uint32_t minute;        /* have not run for a minute at least */
	uint32_t woken;         /* were quiet at the census before, and are in this group no more */
	uint32_t depth_max;     /* deepest pending defers */
	uint32_t depth_inexact; /* of which that is not certain: it may be more */
	uint32_t goexit;        /* are being ended by runtime.Goexit */
	uint8_t panics_max;     /* most panics of one */
	uint64_t oldest_ns;     /* earliest census_since(); 0: not known of any */
	uint64_t first;         /* lowest goid */
};

struct group {
	UT_hash_handle hh;
	uint32_t id;       /* of the groups that there are now */
	uint64_t serial;   /* of all that there ever were of this process */
	bool whole;        /* the stack reaches to the first function */
	bool placed;       /* its line is known, or it has none */
	bool direct;       /* what it waits for is asked for at that line, and not by a library */
	struct crew *crew; /* of its go statement; NULL: no room */
	struct crew *line; /* of its line as well; NULL: not known, or it has none */
	struct group_sum sum;  /* of the last census that ended */
	struct group_sum next; /* of the one that runs */
	/* The key; it is allocated up to the end of the stack. */
	struct group_key {
		uint64_t created_at, start;
		uint32_t state; /* enum census_state */
		uint16_t reason, nstack;
		uint64_t stack[CENSUS_STACK_MAX];
	} key;
};

struct groups {
	uint32_t max;         /* groups; set once */
	struct group *by_key; /* hash */
	struct group **by_id; /* NULL: free */
	uint32_t n_ids, free; /* slots of by_id; no free one is before `free` */
	uint64_t serial;
};

/* A census begins: nothing is gathered yet. */
void groups_begin(struct groups *gs);
/* The group of a goroutine, a new one if need be. GROUP_NONE: no room, or no memory. */
uint32_t groups_intern(struct groups *gs, const struct census_goroutine *g);
bool groups_full(const struct groups *gs);
/* The census has ended: what was gathered holds, and groups without members are gone. */
void groups_end(struct groups *gs);
/* By what holds: the largest first; then those with the earliest goroutine. */
void groups_sort(struct groups *gs);
void groups_done(struct groups *gs); /* empty again */

#endif
