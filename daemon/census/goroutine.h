/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* One goroutine, as a census tells it: plain data. */
#ifndef DEFERD_CENSUS_GOROUTINE_H
#define DEFERD_CENSUS_GOROUTINE_H

#include <stdbool.h>
#include <stdint.h>

#define CENSUS_STACK_MAX 64 /* frames; the innermost ones are kept */

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

/* What kind of thing a goroutine waits for, by its wait reason. */
enum census_wait {
	CENSUS_WAIT_OTHER,   /* or it does not wait */
	CENSUS_WAIT_CHANNEL, /* one channel */
	CENSUS_WAIT_SELECT,  /* some channels */
	CENSUS_WAIT_LOCK,    /* a mutex, RWMutex, WaitGroup, Cond or other semaphore */
	CENSUS_WAIT_MAX,
};

/* Who will wake it, if it waits for a channel, in a select, or sleeps. */
enum census_wake {
	CENSUS_WAKE_UNKNOWN,
	CENSUS_WAKE_CLOCK,
	CENSUS_WAKE_OTHERS,
};

struct census_goroutine {
	uint64_t g, goid;
	uint64_t parent;     /* goid of its creator; 0: not known (before Go 1.21) */
	uint64_t created_at; /* return address of the go statement; 0: none */
	uint64_t start;      /* entry of the function it began in; 0: a callback from C */
	/*
	 * Since when it has not run, CLOCK_MONOTONIC. We saw it stand there at seen_ns, and it has not run
	 * since. The runtime says waitsince_ns, 0: nothing (yet): when a collection meets one that waits, it
	 * notes the end of the collection before (mgcmark.go, markroot; mgc.go, gcMark), so that may be too
	 * early by the time between two: two minutes at most, unless GOGC is off.
	 */
	uint64_t seen_ns, waitsince_ns; /* both 0: it runs, or that cannot be told */
	enum census_state state;
	uint8_t tracking_seq; /* how often it has run, by the runtime's own count, which wraps */
	uint8_t reason;       /* WAITING, LEAKED: index into the texts; else 0 */
	bool exact;           /* nothing of it moved while it was read */
	bool whole;           /* the stack reaches to the goroutine's first function */
	bool unfinished;      /* it ends at a function whose frame is not known (yet) */
	enum census_wait wait;
	enum census_wake wake;
	uint64_t object; /* CHANNEL: its hchan; LOCK: the word that is waited on; 0: not known */
	uint32_t depth;  /* pending defers */
	uint32_t open_coded; /* of these, the ones without a record: no probe has seen them */
	bool depth_exact;
	bool chain_exact; /* the records are */
	bool walked;      /* all its frames were looked at for open-coded ones */
	bool panics_known;
	bool goexit;    /* it is being ended by runtime.Goexit */
	uint8_t panics; /* not recovered yet, whose deferred calls run; 255: or more */
	unsigned nstack;
	/* Return addresses; [0]: where it stands, as one (where that is about to run: one more). */
	uint64_t stack[CENSUS_STACK_MAX];
};

/* As far as is known: the earlier of the two. 0: it is not known. */
static inline uint64_t census_since(uint64_t seen_ns, uint64_t waitsince_ns)
{
	return waitsince_ns && waitsince_ns < seen_ns ? waitsince_ns : seen_ns;
}

#endif
