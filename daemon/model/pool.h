/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Goroutines that wait for one of a pool's connections, from census to census. Together with a number of connections that does
 * not change they say that the pool is too small, which is no leak: all connections are in use and given back, but more want one
 * than there are. Pure.
 */
#ifndef DEFERD_MODEL_POOL_H
#define DEFERD_MODEL_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "event/event.h"

#define POOL_SAMPLES     13 /* two minutes, at the usual interval */
#define POOL_WAITERS_MIN 8  /* fewer are no news */
#define POOL_STUCK       4 /* samples, half a minute, after which a pool may be said to be used up */

struct pool {
	struct event_pile newest; /* of census number `census`; its reason is: */
	char reason[EVENT_REASON_MAX];
	unsigned census;
	struct event_pile
		held; /* those who hold what they wait for, of census number `held_census`; its reason is: */
	char held_reason[EVENT_REASON_MAX];
	unsigned held_census;
	unsigned n;
	struct pool_sample {
		uint64_t time_ns;
		uint32_t waiting, woken, moving, gone;
		uint64_t oldest_ns; /* one has waited since then; 0: not known */
	} samples[POOL_SAMPLES];    /* the oldest first */
};

/* Who waits, of census number `census`, which is not over. */
void pool_apply(struct pool *p, const struct event_pile *in, unsigned census);
/* Who holds what they wait for, of that census; told before. */
void pool_apply_held(struct pool *p, const struct event_pile *in, unsigned census);
/* It is; a census that told of nobody found nobody waiting. */
void pool_end(struct pool *p, unsigned census, uint64_t time_ns);

/*
 * Whether ever more wait: by a trend whose 95 % interval lies above zero (stat/trend.h) over at least TREND_SAMPLES_MIN
 * censuses since `since_ns`, POOL_WAITERS_MIN at the newest one; and whether they get what they wait for: who has waited
 * longest is not always the same, or one that has waited for long does so no more (database/sql serves them in no order). *ret_per_hour: by how many they become more.
 */
bool pool_is_short(const struct pool *p, uint64_t since_ns, double *ret_per_hour);

/*
 * Whether somebody waited at each of the last POOL_STUCK censuses, and hardly anybody was seen to use what they wait for. A pool
 * that is busy but moves has users at each. *ret_since_ns: the first of these censuses; *ret_ended: somebody's wait has ended since.
 */
bool pool_is_stuck(const struct pool *p, uint64_t *ret_since_ns, bool *ret_ended);

#endif
