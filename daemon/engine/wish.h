/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which probes a process should have now, as a value. Policies (sets.c, governor.c, timing.c, layouts.c,
 * descriptors.c) write a wish each second and attach nothing; fit.c compares it with what the process has,
 * attaches the difference, and is the only one that does. Which points follow from a wish is decided by
 * wish_points() alone: the fitter attaches by it and doctor prints it. Pure.
 */
#ifndef DEFERD_ENGINE_WISH_H
#define DEFERD_ENGINE_WISH_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "probe/budget.h"
#include "probe/callsites.h"
#include "probe/plan.h"

/* Without uprobe_multi: perf events detach in 0.1 s each, serially in the kernel. */
#define WISH_PERF_POINTS 5
/* A burst of the full set lasts one second of each 60. */
#define WISH_BURST_EVERY_S 60

/* Call sites by their index in the image's list. */
struct wish_calls {
	uint64_t bits[(CALLSITES_MAX + 63) / 64];
};

struct wish {
	int set;                  /* enum config_probe_set */
	bool chosen;              /* the set, by a command; else by the configuration */
	bool burst;               /* of CONFIG_PROBES_BURST: the full set, now */
	double budget_percent;    /* of a core, for probes; 0: any */
	enum budget_level level;  /* what the budget leaves of the set */
	struct wish_calls pruned; /* at BUDGET_PRUNED: call sites left out */
	bool suspect;      /* it cost too much recently: a quarter of the hits is a flood already */
	const char *cause; /* why the level changed, static; NULL: the cost of the last second */
	double cost_percent;  /* that cost, of a core */
	bool timed;           /* its requests are timed, now */
	unsigned timed_every; /* they are, one second in every timed_every; 0: never, 1: always */
	double timed_percent; /* what timing costs on average, of a core */
	bool layout;          /* the kernel side reads goroutines by the image's layout */
	bool panics;          /* and panics too */
	bool fd_sites;        /* a stack is kept for each open descriptor */
};

/* What is known of an image, as far as points depend on it; all borrowed. */
struct wish_image {
	const struct plan *plan;
	const struct callsite *calls;
	uint32_t n_calls;
	bool calls_complete;
};

/* What becomes of one planned point. */
enum wish_point {
	WISH_ATTACHED,
	WISH_BY_CALLS, /* probed where it is called instead, one call at a time */
	WISH_NOT_IN_SET,
	WISH_IN_BURSTS,   /* of the full set, between two bursts */
	WISH_OVER_BUDGET, /* the budget's level leaves it out */
	WISH_PERF_EXTRA,  /* no uprobe_multi: left out to keep the number of perf events small */
	WISH_PERF_FULL,   /* no uprobe_multi: the full set is not attached */
	WISH_PERF_ROOM,   /* no uprobe_multi: more than WISH_PERF_POINTS */
	WISH_NOT_TIMED,   /* where requests begin and end, while they are not timed */
	WISH_POINT_MAX,
};
/* A phrase for doctor; static. */
const char *wish_point_text(enum wish_point p);

/*
 * Decide each of the plan's points: ret[i] is of plan->points[i]. `multi`: the kernel has uprobe_multi. Points of
 * PLAN_SET_REQUESTS are WISH_ATTACHED while timed; they have a link of their own.
 */
void wish_points(const struct wish *w, const struct wish_image *im, bool multi,
		 enum wish_point ret[static PLAN_POINTS_MAX]);
/* Whether call site `i` of the image is attached. */
bool wish_call(const struct wish *w, const struct wish_image *im, bool multi, uint32_t i);

/* The point registers or runs deferred calls. */
bool wish_is_push(const struct probe_point *pt);
/* The plan has points where requests begin and end. */
bool wish_can_time(const struct wish_image *im);
/* The levels of the budget that differ, as bits: each attaches less than the one above it. */
unsigned wish_levels(const struct wish *w, const struct wish_image *im, bool multi);

/* Both have the same points, but those of requests. */
bool wish_same_points(const struct wish *a, const struct wish *b);
/*
 * Whether pushes were missed between `before` and `after`, so that what is known of the depth of its goroutines is
 * void: all cases but that the lean set was whole before and is in the set after.
 */
bool wish_missed(const struct wish *before, const struct wish *after, bool multi);
/* Stack defers and runs are seen. */
bool wish_is_full(const struct wish *w, bool multi);
/* Take set, burst, level and pruned calls from `from`: a change that could not be attached. */
void wish_restore_points(struct wish *w, const struct wish *from);

/* Of a core, in the second that runs: a burst may take what the whole minute has. */
double wish_percent_now(const struct wish *w);
/*
 * Hits that the kernel side looks at in a second, on each CPU, before it reports a flood; 0: any. `hit_ns`: as in
 * struct kernel_features; 0 when it was not measured, then there is no budget.
 */
uint32_t wish_hits_max(const struct wish *w, const uint64_t hit_ns[2]);
/* How many of these hits a single-stepped one counts for: 1 to UINT16_MAX. */
uint16_t wish_stepped_hits(const uint64_t hit_ns[2]);

void wish_call_set(struct wish_calls *c, uint32_t i);
bool wish_call_has(const struct wish_calls *c, uint32_t i);

#endif
