/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * All goroutines of a running Go process, read from outside: no probe, no stop, and no help of the
 * program's. The runtime appends each g to a list and never frees one, so reading them is always
 * safe; what is read may be torn, so each is read twice, and is exact only when nothing of it moved
 * in between. Each goroutine is consistent in itself; the set is spread over the time of the census.
 *
 * What one census found is kept for the next: of a goroutine that has not run since (the runtime
 * counts that in g.trackingSeq) all but its g is taken as known. A first census of 100,000 goroutines
 * costs some 150 ms, the next ones a tenth of that. It is made in steps of some hundred goroutines,
 * with any pause between them.
 *
 * Pure over a reader of memory (base/memread.h): recorded memory does as well as a process.
 */
#ifndef DEFERD_CENSUS_CENSUS_H
#define DEFERD_CENSUS_CENSUS_H

#include "base/reason.h"
#include "census/groups.h"
#include "census/opts.h"
#include "census/reasons.h"

/* A census as a whole. */
struct census_summary {
	uint64_t begin_ns, end_ns; /* CLOCK_MONOTONIC */
	uint64_t number;           /* of its process, from 1 */
	uint32_t listed;           /* in the runtime's list, the dead included */
	uint32_t told;
	uint32_t states[CENSUS_STATE_MAX]; /* of those told */
	uint32_t bad;                      /* could not be read, or failed a check: not told */
	uint32_t inexact;                  /* told, but moved while being read */
	uint32_t reused;                   /* told, and had not run since the census before */
	uint32_t left_out;                 /* told, without a group: there is no room for more */
	uint32_t lock_waiters;             /* told, and wait for a lock */
	uint32_t not_located;              /* of these, of which it is not known for which */
	bool times_syscalls; /* it can be told whether one is in the same system call as before */
	char reasons[CENSUS_REASONS_MAX][CENSUS_REASON_MAX]; /* all "": they could not be read */
};

struct census;

struct census *census_new(const struct census_opts *opts); /* NULL: out of memory */
void census_free(struct census *c);                        /* NULL is allowed */

/*
 * Begin a census; one that runs is given up. 0; -EAGAIN: the list kept moving; -E2BIG: more than
 * CENSUS_GOROUTINES_MAX; -ENOMEM; -EBADMSG: the layout lacks something, or the list is none; -ESRCH,
 * -EFAULT: the process is gone, or memory cannot be read; each with the reason.
 */
int census_begin(struct census *c, uint64_t now_ns, struct reason *reason);
/*
 * Look at the next ones, for a millisecond or two. 1: there are more; 0: the census is complete;
 * negative: it is given up, as census_begin() says.
 */
int census_step(struct census *c, uint64_t now_ns, struct reason *reason);
bool census_running(const struct census *c);
const struct census_opts *census_opts(const struct census *c); /* as it was made */

/* Of the last census that is complete; NULL: there is none. Until the next one is. */
const struct census_summary *census_summary(const struct census *c);
/*
 * Its groups; census_each() tells of which each goroutine is. To sort them is the caller's right.
 * Until the next census_begin().
 */
struct groups *census_groups(struct census *c);
const struct crews *
census_crews(const struct census *c); /* the same, by who made them and where they stand */
/*
 * Call fn for each goroutine that is alive, in the order of their addresses; what it gets is borrowed
 * for the call. Those that wait have whole stacks, but for a fault where frame() does not know the
 * place; of the others that do not run, where it knows the place they stand at. While a census runs
 * some are of that one, others of the last.
 */
void census_each(const struct census *c,
		 void (*fn)(void *arg, const struct census_goroutine *g, uint32_t group),
		 void *arg);

/* The same for those of which it is known what they wait for, without their stacks. */
void census_waiters(const struct census *c,
		    void (*fn)(void *arg, const struct census_goroutine *g, uint32_t group),
		    void *arg);
/* The memory that the census was taken of, as it is now: as memread_at(). */
int census_memory(const struct census *c, uint64_t addr, void *dst, size_t n);
/* The same for those with so many pending defers or more, without their stacks. */
void census_deep(const struct census *c, uint32_t depth,
		 void (*fn)(void *arg, const struct census_goroutine *g, uint32_t group),
		 void *arg);

#endif
