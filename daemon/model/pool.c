// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/pool.h"

#include <stdio.h>
#include <string.h>

#include "stat/trend.h"

void pool_apply(struct pool *p, const struct event_pile *in, unsigned census)
{
	p->newest = *in;
	snprintf(p->reason, sizeof(p->reason), "%s", in->reason);
	p->newest.reason = p->reason;
	p->census = census;
}

void pool_end(struct pool *p, unsigned census, uint64_t time_ns)
{
	struct pool_sample s = { .time_ns = time_ns };

	if (p->census == census) {
		s.waiting = p->newest.count;
		s.woken = p->newest.woken;
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
