/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a census of a process has to know of it: plain data. */
#ifndef DEFERD_CENSUS_OPTS_H
#define DEFERD_CENSUS_OPTS_H

#include "base/memread.h"
#include "golang/injected.h"
#include "golang/layout.h"
#include "golang/opendefer.h"
#include "golang/waitreason.h"

#define CENSUS_GOROUTINES_MAX (1u << 22) /* more are not looked at */
#define CENSUS_REASONS_MAX    WAITREASON_MAX
#define CENSUS_REASON_MAX     48 /* bytes of a reason's text, NUL included */

/* Where things are in the process, run-time addresses. */
struct census_where {
	uint64_t allgs_len, allgs_list; /* of runtime.allglen, runtime.allgptr */
	uint64_t wait_reasons;          /* of runtime.waitReasonStrings; 0: not known */
	unsigned n_wait_reasons;        /* <= CENSUS_REASONS_MAX */
	uint64_t semtable;              /* of runtime.semtable; 0: not known */
};

/*
 * How far the stack pointer is from the slot of the return address where a goroutine stands: what
 * the function table of the program says of the instruction before `pc`, a link-time address. 0;
 * -ENOENT: not known (yet).
 */
struct census_frames {
	int (*frame)(void *arg, uint64_t pc, uint32_t *ret);
	void *arg;
};

/* The functions that keep their pending defers in their own frames. */
struct census_open {
	const struct opendefer *list; /* borrowed */
	uint32_t n;
	bool complete; /* all of them; else no depth is exact */
	uint64_t text; /* link-time address that they count from */
};

/*
 * Where a stack stands in the program: the innermost place outside of the runtime and the standard library, and whether that itself
 * called the runtime. *ret_place 0: there is none. 0; -ENOENT: not known (yet).
 */
struct census_places {
	int (*place)(void *arg, const uint64_t *stack, unsigned n, uint64_t *ret_place,
		     bool *ret_direct);
	void *arg;
};

struct census_opts {
	struct memread mem; /* what it points to is borrowed, as is all here */
	const struct go_layout *layout;
	struct census_where where;
	struct census_frames frames; /* frame NULL: nothing is known */
	struct census_places places; /* place NULL: the same */
	struct injected injected;    /* see there; link-time */
	struct census_open open;
	uint64_t bias;       /* of run-time over link-time addresses; those told are link-time */
	int64_t clock_ns;    /* of the process's CLOCK_MONOTONIC over ours: a time namespace */
	uint32_t groups_max; /* what comes after is counted, not kept */
	uint64_t quiet_ns;   /* who has not run for so long is quiet; 0: nobody */
};

#endif
