// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/leak.h"

#include <string.h>

#include "stat/trend.h"

#define QUARTERS 4

static void level_add(struct leak_level *l, uint64_t spacing_ns, uint64_t time_ns, uint32_t quiet,
		      uint32_t woken)
{
	l->woken += woken;
	/* A census may come a little early. */
	if (l->n && time_ns - l->samples[l->n - 1].time_ns < spacing_ns - spacing_ns / 10)
		return;
	if (l->n == LEAK_SAMPLES)
		memmove(l->samples, l->samples + 1, --l->n * sizeof(*l->samples));
	l->samples[l->n].time_ns = time_ns;
	l->samples[l->n].quiet = quiet;
	l->samples[l->n++].woken = l->woken;
	l->woken = 0;
}

void leak_add(struct leak_series *s, uint64_t spacing_ns, uint64_t time_ns, uint32_t quiet,
	      uint32_t woken)
{
	for (unsigned i = 0; i < LEAK_LEVELS; i++, spacing_ns *= LEAK_FACTOR)
		level_add(&s->levels[i], spacing_ns, time_ns, quiet, woken);
}

/* A quarter that adds less than a quarter of its share is none in which it grew. */
static bool grew_in_quarters(const struct leak_level *l, uint32_t gain)
{
	unsigned grew = 0, last = l->n - 1;
	bool newest = false;

	for (unsigned q = 0; q < QUARTERS; q++) {
		uint32_t from = l->samples[q * last / QUARTERS].quiet,
			 to = l->samples[(q + 1) * last / QUARTERS].quiet;

		newest = to > from && (uint64_t)(to - from) * QUARTERS * QUARTERS >= gain;
		grew += newest;
	}
	return newest && grew >= QUARTERS - 1;
}

/* Of all that became quiet, how many did not stay so. */
static bool few_woke(const struct leak_level *l, uint32_t gain, unsigned limit)
{
	uint64_t woken = l->woken;

	for (unsigned i = 1; i < l->n; i++)
		woken += l->samples[i].woken;
	return woken * limit <= woken + gain;
}

static void fit(const struct leak_level *l, struct trend *ret_t)
{
	struct trend_sample s[LEAK_SAMPLES];

	for (unsigned i = 0; i < l->n; i++)
		s[i] = (struct trend_sample){ l->samples[i].time_ns, l->samples[i].quiet };
	if (trend_fit(s, l->n, ret_t))
		*ret_t = (struct trend){};
}

static void judge_level(const struct leak_level *l, unsigned limit, struct leak *ret)
{
	uint32_t first = l->samples[0].quiet, last = l->samples[l->n - 1].quiet;
	struct trend t;

	fit(l, &t);
	*ret = (struct leak){
		.verdict = LEAK_STEADY,
		.per_hour = t.per_sec * 3600,
		.low_per_hour = t.low_per_sec * 3600,
		.high_per_hour = t.high_per_sec * 3600,
		.seconds = (double)(l->samples[l->n - 1].time_ns - l->samples[0].time_ns) / 1e9,
	};
	if (last < first + LEAK_GAIN)
		return;
	ret->verdict = grew_in_quarters(l, last - first) && trend_growing(&t) &&
				       few_woke(l, last - first, limit)
			       ? LEAK_GROWING
			       : LEAK_UNSURE;
}

/* The longest look that sees it grow; else what the shortest says. */
void leak_judge(const struct leak_series *s, struct leak *ret_l)
{
	*ret_l = (struct leak){ .verdict = LEAK_TOO_YOUNG };
	for (unsigned i = 0; i < LEAK_LEVELS && s->levels[i].n >= LEAK_MIN; i++) {
		struct leak l;

		judge_level(&s->levels[i], i ? LEAK_WOKEN : LEAK_WOKEN_SOON, &l);
		if (!i || l.verdict == LEAK_GROWING)
			*ret_l = l;
	}
}
