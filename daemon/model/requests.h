/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How long the requests of a service take, now and as a rule: a histogram of the last half minute, and a baseline of its 95th
 * percentile, the median of an hour. Streams are counted, and no part of it. A window in which somebody is being alerted about latency is none that the
 * baseline learns from. Time is an argument; knows no process.
 */
#ifndef DEFERD_MODEL_REQUESTS_H
#define DEFERD_MODEL_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "event/event.h"

#define REQUESTS_SLOT_NS   5000000000ull
#define REQUESTS_SLOTS     6   /* the window: 30 s */
#define REQUESTS_ENOUGH    20  /* of a window; fewer have no 95th percentile */
#define REQUESTS_BASE_MIN  6   /* 95th percentiles that make a baseline: 30 s */
#define REQUESTS_BASE_SOON 12  /* these are taken a slot apart, the others a window: */
#define REQUESTS_BASE_MAX  120 /* an hour */

#define REQUESTS_LE 14 /* bounds of the histograms that are exported, for good */
extern const double requests_seconds_le[REQUESTS_LE];
extern const double requests_defers_le[REQUESTS_LE];

struct requests_counts {
	uint32_t ns[EVENT_NS_BUCKETS];
	uint32_t deep_ns[EVENT_NS_BUCKETS]; /* of these, those whose defers piled up */
	uint32_t defers[EVENT_DEFERS_BUCKETS];
};

/* What one process had counted when it was asked last. */
struct requests_seen {
	uint64_t ended, streams, streams_ended, hijacked, panicked;
	uint64_t unfinished, unbegun, untracked, ns_sum, defers_sum;
	uint64_t stream_ns;                       /* the oldest open stream began; 0: none is */
	uint64_t deep_goid, deep_site, deep_peak; /* see struct event_requests */
	struct requests_counts counts;
};

struct requests {
	/* For good: counters never go back. */
	uint64_t ended, streams, streams_ended, hijacked, panicked;
	uint64_t unfinished, unbegun, untracked;
	double seconds_sum, defers_sum;
	bool own_only; /* see struct event_requests */
	uint64_t seconds_le[REQUESTS_LE + 1], defers_le[REQUESTS_LE + 1]; /* not cumulative */

	uint64_t slot_ns; /* when the newest began; 0: none */
	unsigned slot;
	struct requests_counts slots[REQUESTS_SLOTS];
	struct requests_counts window;        /* the sum of them */
	uint64_t slot_defers[REQUESTS_SLOTS]; /* defers, exact */

	float base[REQUESTS_BASE_MAX];         /* 95th percentiles, seconds; a ring */
	unsigned n_base, next_base, wait_base; /* slots until the next one */
	double baseline;                       /* their median, seconds */
	uint64_t held_until_ns;                /* none is taken before */
};

struct requests *requests_new(void); /* NULL: out of memory */

/* What was counted since *seen, which is brought up to date. */
void requests_add(struct requests *r, struct requests_seen *seen, const struct event_requests *now,
		  uint64_t now_ns);
/* The process that counted *seen has ended, and with it its streams. */
void requests_gone(struct requests *r, const struct requests_seen *seen);
/* At least once a slot, also when nothing happens. */
void requests_tick(struct requests *r, uint64_t now_ns);
/* What an earlier deferd had learned to be usual: 95th percentiles, the newest last, REQUESTS_BASE_MAX at most. */
void requests_learned(struct requests *r, const float *seconds, unsigned n);
/* What happens until then is not what is usual. */
void requests_hold(struct requests *r, uint64_t until_ns);

/*
 * Of the last half minute; false when there were too few (REQUESTS_ENOUGH). `q`: 0 to 1. NULL is allowed as `r`: no
 * request was ever seen.
 */
bool requests_seconds(const struct requests *r, double q, double *ret_seconds);
/* False as well where none were seen and others may have registered them: own_only. */
bool requests_defers(const struct requests *r, double q, double *ret_defers);
/*
 * Of the slowest twentieth of the last half minute: the share of those whose defers had piled up, 0 to 1; false when there were too
 * few.
 */
bool requests_slow_deep(const struct requests *r, double *ret_share);
/* Streams that are open: begun and not ended, as far as was seen. */
uint64_t requests_streams_open(const struct requests *r);
/* The usual 95th percentile; false while it is not known. */
bool requests_baseline(const struct requests *r, double *ret_seconds);
/* Requests of the last half minute, and the defers that they registered: on the average; NAN: as for requests_defers(). */
uint64_t requests_recent(const struct requests *r, double *ret_defers_mean);

#endif
