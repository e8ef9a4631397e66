/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How fast a counter grows now, and by how much it grew lately. Pure: time comes in with each value, in nanoseconds of
 * one clock, and does not go back.
 */
#ifndef DEFERD_STAT_RATE_H
#define DEFERD_STAT_RATE_H

#include <stdint.h>

#define RATE_SLOTS 16

/* A counter's value at the start of each of the last seconds. All zero: of none yet. */
struct rate {
	uint64_t time_ns[RATE_SLOTS];
	uint64_t value[RATE_SLOTS];
	unsigned n, next;
};

/* The counter stands at `value`. */
void rate_add(struct rate *r, uint64_t time_ns, uint64_t value);
/* Per second, over the last 15 s or so; 0 before there are two samples. */
double rate_per_sec(const struct rate *r);

/* What was added to a counter in the last five minutes. All zero: nothing. */
#define RECENT_SLOTS   30
#define RECENT_SLOT_NS 10000000000ull
struct recent {
	uint64_t slot_of[RECENT_SLOTS];
	uint64_t n[RECENT_SLOTS];
};

/* `n` more. */
void recent_add(struct recent *r, uint64_t time_ns, uint64_t n);
/* `n` of the newest that were added were none. */
void recent_take_back(struct recent *r, uint64_t time_ns, uint64_t n);
uint64_t recent_sum(const struct recent *r, uint64_t now_ns);

#endif
