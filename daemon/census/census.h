/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * All goroutines of a running Go process, read from outside: no probe, no stop, and no help of the
 * program's. The runtime appends each g to a list and never frees one, so reading them is always
 * safe; what is read may be torn, so each is read twice, and is exact only when nothing of it moved
 * in between. Each goroutine is consistent in itself; the set is spread over the time of the census.
 *
 * Pure over a reader of memory (base/memread.h): recorded memory does as well as a process.
 */
#ifndef DEFERD_CENSUS_CENSUS_H
#define DEFERD_CENSUS_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memread.h"
#include "base/reason.h"
#include "golang/layout.h"
#include "golang/waitreason.h"

#define CENSUS_GOROUTINES_MAX (1u << 22) /* more are not looked at */
#define CENSUS_STACK_MAX      64         /* frames; the innermost ones are kept */
#define CENSUS_REASONS_MAX    WAITREASON_MAX
#define CENSUS_REASON_MAX     48 /* bytes of a reason's text, NUL included */

/* Where things are in the process, run-time addresses. */
struct census_where {
	uint64_t allgs_len, allgs_list; /* of runtime.allglen, runtime.allgptr */
	uint64_t wait_reasons;          /* of runtime.waitReasonStrings; 0: not known */
	unsigned n_wait_reasons;        /* <= CENSUS_REASONS_MAX */
};

enum census_state {
	CENSUS_RUNNABLE,
	CENSUS_RUNNING, /* on a CPU, or its stack is being copied: no stack can be told */
	CENSUS_SYSCALL,
	CENSUS_WAITING,
	CENSUS_PREEMPTED,
	CENSUS_LEAKED, /* waiting, and the runtime itself has proved that nobody will wake it (1.26+) */
	CENSUS_STATE_MAX,
};

/* Parked: it has a wait reason, and its stack stands still. */
static inline bool census_waits(enum census_state state)
{
	return state == CENSUS_WAITING || state == CENSUS_LEAKED;
}

struct census_goroutine {
	uint64_t g, goid;
	uint64_t parent;     /* goid of its creator; 0: not known (before Go 1.21) */
	uint64_t created_at; /* return address of the go statement; 0: none */
	uint64_t start;      /* entry of the function it began in; 0: a callback from C */
	uint64_t
		since_ns; /* CLOCK_MONOTONIC: waits at least since the collection that began then; 0: not known */
	enum census_state state;
	uint8_t reason; /* WAITING, LEAKED: index into the texts; else 0 */
	bool exact;     /* nothing of it moved while it was read */
	bool whole;     /* the stack reaches to the goroutine's first function */
	uint32_t depth; /* pending records of its defer chain; open-coded ones are not in it */
	bool depth_exact;
	unsigned nstack;
	/* Return addresses; [0]: where it stands, as one (where that is about to run: one more). */
	uint64_t stack[CENSUS_STACK_MAX];
};

/*
 * How far the stack pointer is from the slot of the return address where a goroutine stands: what
 * the function table of the program says of the instruction before `pc`. 0; -ENOENT: not known (yet).
 */
struct census_frames {
	int (*frame)(void *arg, uint64_t pc, uint32_t *ret);
	void *arg;
};

struct census_stats {
	uint32_t listed; /* in the runtime's list, the dead included */
	uint32_t told;
	uint32_t bad;     /* could not be read, or failed a check: not told */
	uint32_t inexact; /* told, but moved while being read */
};

/* A census as a whole. */
struct census_summary {
	uint64_t begin_ns, took_ns; /* CLOCK_MONOTONIC */
	struct census_stats stats;
	char reasons[CENSUS_REASONS_MAX][CENSUS_REASON_MAX]; /* all "": they could not be read */
};

/*
 * Call fn for each goroutine that is alive, in the order of their addresses; what it gets is borrowed
 * for the call. Those that wait have whole stacks; of the others that do not run, where frames->frame()
 * knows the place they stand at. 0; -EAGAIN: the list kept moving; -E2BIG: more than CENSUS_GOROUTINES_MAX; -ENOMEM;
 * -ESRCH, -EFAULT: the process is gone, or memory cannot be read; each with the reason. fn may have
 * been called before a failure.
 */
int census_read(const struct memread *m, const struct go_layout *layout,
		const struct census_where *where, const struct census_frames *frames,
		void (*fn)(void *arg, const struct census_goroutine *g), void *arg,
		struct census_stats *ret_stats, struct reason *reason);

/* The texts of the wait reasons, "" for none; sanitized. 0 or negative errno. */
int census_reasons(const struct memread *m, const struct census_where *where,
		   char ret_texts[CENSUS_REASONS_MAX][CENSUS_REASON_MAX]);

/* Whether a goroutine that waits for this reason is on a CPU in truth: the collector's and tracer's. */
bool census_reason_runs(const char *text);

#endif
