/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Goroutines that one go statement made, and of them those that stand at one line of the program: crews. A crew that only ever
 * grows, of members that stay, leaks, whether they run now and then or not, and however different their stacks are. But running is
 * what the workers of a pool do as well. What tells them apart is who wakes them: nobody, a clock, or the return of a
 * system call; or somebody who sends them a value, takes one of theirs, or signals their condition. The latter are of use to
 * somebody, and count only once they have not run for long.
 *
 * Pure: who is seen doing what is told by census.c.
 */
#ifndef DEFERD_CENSUS_CREWS_H
#define DEFERD_CENSUS_CREWS_H

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#define CREWS_MAX    8192         /* of one process */
#define CREWS_SERIAL (1ull << 62) /* theirs begin here: no group has one */

struct group;

/* Of the members of a crew. */
struct crew_sum {
	uint32_t count;
	uint32_t
		stays; /* have been in it for longer than the limit, and are of no use to anybody as far as is seen */
	uint32_t left; /* stayed at the census before, and are gone, have moved, or are of use */
};

struct crew {
	UT_hash_handle hh;
	struct crew_key {
		uint64_t created_at, start; /* as a group has them */
		uint64_t
			place; /* the call of the line; 0: the crew of all that the statement made */
	} key;
	uint64_t serial;             /* of all that there ever were of this process */
	struct crew_sum sum, next;   /* of the last census that ended; of the one that runs */
	const struct group *largest; /* of its groups at the last census that ended */
};

struct crews {
	uint64_t serial;
	struct crew *by_key; /* hash */
};

/* What a goroutine is seen to do. */
enum sight {
	SIGHT_NOTHING, /* that tells who wakes it */
	SIGHT_ALONE,   /* it waits for the clock, or is in a system call */
	SIGHT_AWAKE,   /* it runs, or could */
	SIGHT_GIVEN,   /* it has run, and waits for others to give it something again */
};

struct sighting {
	enum sight sight;
	bool quiet; /* it has not run for the limit */
	bool syscall;
	bool waits;
	struct crew *line; /* at which it is; NULL: not known */
};

/* What is remembered of a goroutine. */
struct crew_member {
	struct crew *crew, *line;  /* NULL: none */
	uint64_t crew_ns, line_ns; /* since when it is known to be there */
	int8_t alone; /* above 0: of the looks at which it was not given anything, it was seen alone at most */
	uint8_t sights, given;  /* how often it was looked at; was given something lately */
	bool stays_in_crew : 1; /* at the census before */
	bool stays_at_line : 1;
	bool awake : 1;
	bool syscall : 1;
};

/* That crew, a new one if need be. NULL: no room, or no memory. */
struct crew *crews_intern(struct crews *cs, uint64_t created_at, uint64_t start, uint64_t place);
void crews_begin(struct crews *cs); /* a census: nothing is gathered yet */
void crews_end(
	struct crews *
		cs); /* it has ended: what was gathered holds, and those without members are gone */
void crews_done(struct crews *cs); /* empty again */

/* A goroutine of that crew is seen at a census. `limit_ns`: who has been there for so long stays. */
void member_see(struct crew_member *m, struct crew *crew, const struct sighting *s, uint64_t now_ns,
		uint64_t limit_ns);
/* It is gone. */
void member_leave(struct crew_member *m);

#endif
