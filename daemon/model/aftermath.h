/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Swallowed? A recovered panic that nobody hears of: the goroutine (C: thread) wrote to no log
 * between the panic and shortly after the recovery, and did not panic again. No outside look can
 * prove it: a logger may write on a goroutine of its own or through C, keep lines in a buffer for
 * later, or count instead of writing. So it is called a suspicion, and what was seen is told with it.
 *
 * The hooks for it tax the host and are attached for moments only, so this is a sample of the
 * recoveries of a site, and only of those that were watched from the panic to the end.
 */
#ifndef DEFERD_MODEL_AFTERMATH_H
#define DEFERD_MODEL_AFTERMATH_H

#include <stdbool.h>
#include <stdint.h>

#include "event/event.h"

#define AFTERMATH_MAX         16           /* recoveries of a service that are watched at a time */
#define AFTERMATH_COMPLETE_NS 300000000ull /* after it, everything written has been told */
#define AFTERMATH_AGAIN_NS    5000000ull   /* a panic elsewhere so soon after it was led to by it */
#define AFTERMATH_STALE_NS    10000000000ull /* a panic that runs for longer is not waited for */
#define AFTERMATH_SUSPECT     3 /* recoveries that must have been watched before one is suspected */
#define AFTERMATH_ENOUGH      5 /* after so many a site is not watched any more */

enum aftermath_verdict {
	AFTERMATH_UNSURE,     /* too few were watched */
	AFTERMATH_NOT_SILENT, /* at least one was not silent */
	AFTERMATH_SUSPECTED,
	AFTERMATH_VERDICT_MAX,
};

/* Of one site: counts of recoveries. */
struct aftermath_counts {
	uint32_t watched;
	uint32_t silent; /* of them: no log was written, and no new panic began */
	uint32_t
		panicked; /* the goroutine (C: thread) panicked at another site within AFTERMATH_AGAIN_NS */
	uint32_t
		went_on; /* the goroutine (C: thread) was still there after AFTERMATH_COMPLETE_NS */
	uint32_t raised; /* another goroutine raised the same value again: it heard of it */
	uint32_t
		wrote[WRITE_KIND_MAX]; /* NETWORK is an answer as well as a log: it may be silent */
};

/* One recovery. */
struct aftermath {
	uint64_t panic; /* id; 0: free */
	uint32_t target, tid;
	uint64_t g, goid; /* C: 0 */
	uint64_t began_ns;
	uint64_t recovered_ns; /* 0: not yet */
	unsigned wrote;        /* enum write_kind, by bit */
	bool panicked;
	struct aftermath_counts *counts;
};

struct aftermaths {
	struct aftermath each[AFTERMATH_MAX];
};

enum aftermath_verdict aftermath_verdict(const struct aftermath_counts *t);

/*
 * A step in the life of panics. `counts`, of a PANIC_STARTED: of its site, and outlives *a; NULL when
 * its site is not kept. Without room it is not watched.
 */
void aftermaths_panic(struct aftermaths *a, const struct event *ev,
		      struct aftermath_counts *counts);
void aftermaths_write(struct aftermaths *a, const struct event_write *w);
/* Of this target something was lost, or it is gone: what was seen of it is not all. */
void aftermaths_drop(struct aftermaths *a, uint32_t target);
/* The site is forgotten. */
void aftermaths_forget(struct aftermaths *a, const struct aftermath_counts *counts);
/* The hooks end now: forget what has not been seen to its end. */
void aftermaths_discard(struct aftermaths *a, uint64_t now_ns);

/* One that has been seen to its end; NULL: none. */
struct aftermath *aftermaths_complete(struct aftermaths *a, uint64_t now_ns);
/* Counts it, and makes it free; or only the latter. */
void aftermath_close(struct aftermath *a, bool went_on);
void aftermath_discard(struct aftermath *a);

#endif
