// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/pool.h"

#include <stdio.h>
#include <string.h>

#include "stat/trend.h"

#define POOL_MOVING 32 /* of so many that wait one may be on its way to or from waiting */

void pool_apply(struct pool *p, const struct event_pile *in, unsigned census)
{
	p->newest = *in;
	snprintf(p->reason, sizeof(p->reason), "%s", in->reason);
	p->newest.reason = p->reason;
	p->census = census;
}

void pool_apply_held(struct pool *p, const struct event_pile *in, unsigned census)
{
	p->held = *in;
	snprintf(p->held_reason, sizeof(p->held_reason), "%s", in->reason);
	p->held.reason = p->held_reason;
	p->held_census = census;
}

void pool_end(struct pool *p, unsigned census, uint64_t time_ns)
{
	struct pool_sample s = { .time_ns = time_ns };

	if (p->census == census) {
		s.waiting = p->newest.count;
		s.woken = p->newest.woken;
		s.moving = p->newest.moving;
		s.gone = p->newest.gone;
		s.oldest_ns = p->newest.oldest_ns;
	}
	if (p->n == POOL_SAMPLES)
		memmove(p->samples, p->samples + 1, --p->n * sizeof(p->samples[0]));
	p->samples[p->n++] = s;
}

/* The first of the samples that is not before. */
static unsigned first_since(const struct pool *p, uint64_t since_ns)
{
	unsigned i = 0;

	while (i < p->n && p->samples[i].time_ns < since_ns)
		i++;
	return i;
}

static bool is_served(const struct pool *p, unsigned first)
{
	const struct pool_sample *last = &p->samples[p->n - 1];

	for (unsigned i = first; i < p->n; i++) {
		if (p->samples[i].woken)
			return true;
	}
	while (first < p->n && !p->samples[first].oldest_ns)
		first++;
	return first < p->n && last->oldest_ns > p->samples[first].oldest_ns;
}

bool pool_is_short(const struct pool *p, uint64_t since_ns, double *ret_per_hour)
{
	struct trend_sample s[POOL_SAMPLES];
	unsigned first = first_since(p, since_ns), n = 0;
	struct trend t;

	for (unsigned i = first; i < p->n; i++)
		s[n++] = (struct trend_sample){ p->samples[i].time_ns, p->samples[i].waiting };
	if (!n || p->samples[p->n - 1].waiting < POOL_WAITERS_MIN || trend_fit(s, n, &t) ||
	    !trend_growing(&t) || !is_served(p, first))
		return false;
	*ret_per_hour = t.per_sec * 3600;
	return true;
}

bool pool_is_stuck(const struct pool *p, uint64_t *ret_since_ns, bool *ret_ended)
{
	const struct pool_sample *s;

	if (p->n < POOL_STUCK)
		return false;
	s = p->samples + p->n - POOL_STUCK;
	*ret_since_ns = s[0].time_ns;
	*ret_ended = false;
	for (unsigned i = 0; i < POOL_STUCK; i++) {
		if (!s[i].waiting)
			return false;
		/* What had happened before the first one is another matter. */
		if (i && s[i].moving * POOL_MOVING > s[i].waiting)
			return false;
		*ret_ended |= i && s[i].gone;
	}
	return true;
}
