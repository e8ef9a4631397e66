// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/leak.h"

#include <math.h>
#include <string.h>

#include "stat/trend.h"

#define QUARTERS  4
#define LEAK_SPAN 3 /* samples of a longer look that say how many go */

const struct leak_rule leak_rule_goroutines = { .gain = { 10, 10, 10 }, .woken = { 100, 20, 20 } };
/* Fewer do: a descriptor that is closed is never mistaken for one that is kept. */
const struct leak_rule leak_rule_fds = { .gain = { 10, 7, 6 }, .woken = { 100, 20, 20 } };

void leak_level_add(struct leak_level *l, uint64_t spacing_ns, uint64_t time_ns, uint32_t quiet,
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
		leak_level_add(&s->levels[i], spacing_ns, time_ns, quiet, woken);
}

/* A quarter that adds less than a quarter of its share is none in which it grew. */
static bool grew_in_quarters(const struct leak_level *l, double gain)
{
	unsigned grew = 0, last = l->n - 1;
	bool newest = false;

	for (unsigned q = 0; q < QUARTERS; q++) {
		uint32_t from = l->samples[q * last / QUARTERS].quiet,
			 to = l->samples[(q + 1) * last / QUARTERS].quiet;

		newest = to > from && (to - from) * (double)QUARTERS * QUARTERS >= gain;
		grew += newest;
	}
	return newest && grew >= QUARTERS - 1;
}

/*
 * When most samples are alike, as of a slow leak, the interval begins at 0 although the samples are in order. So they are when a step
 * stands among a few that came by chance.
 */
static bool grew_evenly(const struct leak_level *l, const struct trend *t)
{
	uint32_t gain = l->samples[l->n - 1].quiet - l->samples[0].quiet,
		 most = gain / QUARTERS > 2 ? gain / QUARTERS : 2;

	if (trend_growing(t))
		return true;
	for (unsigned i = 1; i < l->n; i++) {
		if (l->samples[i].quiet > l->samples[i - 1].quiet + most)
			return false;
	}
	return t->growing;
}

static uint64_t woken_of(const struct leak_level *l)
{
	uint64_t woken = l->woken;

	for (unsigned i = 1; i < l->n; i++)
		woken += l->samples[i].woken;
	return woken;
}

static double seconds_of(const struct leak_level *l)
{
	return (double)(l->samples[l->n - 1].time_ns - l->samples[0].time_ns) / 1e9;
}

/*
 * Of all that became quiet, did few not stay so? And would few, if they went as they went over the longer time: among clients
 * that stay for hours a dozen may come before one goes.
 */
static bool few_woke(const struct leak_series *s, unsigned level, uint32_t gain, uint32_t limit)
{
	double woken = (double)woken_of(&s->levels[level]), seconds = seconds_of(&s->levels[level]);

	for (unsigned i = level + 1; i < LEAK_LEVELS && s->levels[i].n >= LEAK_SPAN; i++)
		woken = fmax(woken,
			     (double)woken_of(&s->levels[i]) * seconds / seconds_of(&s->levels[i]));
	return woken * limit <= woken + gain;
}

static void fit(const struct leak_level *l, struct trend *ret_t)
{
	struct trend_sample s[LEAK_SAMPLES];

	for (unsigned i = 0; i < l->n; i++)
		s[i] = (struct trend_sample){ l->samples[i].time_ns, l->samples[i].quiet };
	if (trend_fit_walk(s, l->n, ret_t))
		*ret_t = (struct trend){};
}

/* The fit costs 20 us, and most series do not need it. */
static void judge_level(const struct leak_series *s, unsigned level, const struct leak_rule *rule,
			struct leak *ret)
{
	const struct leak_level *l = &s->levels[level];
	uint32_t first = l->samples[0].quiet, last = l->samples[l->n - 1].quiet;
	double seconds = seconds_of(l), gain;
	struct trend t;

	*ret = (struct leak){
		.verdict = last < first + rule->gain[level] ? LEAK_STEADY : LEAK_UNSURE,
		.per_hour = ((double)last - first) / seconds * 3600,
		.seconds = seconds,
	};
	if (ret->verdict == LEAK_STEADY || !few_woke(s, level, last - first, rule->woken[level]))
		return;
	fit(l, &t);
	ret->per_hour = t.per_sec * 3600;
	ret->low_per_hour = t.low_per_sec * 3600;
	ret->high_per_hour = t.high_per_sec * 3600;
	gain = t.per_sec * seconds;
	if (grew_evenly(l, &t) && gain >= rule->gain[level] && grew_in_quarters(l, gain))
		ret->verdict = LEAK_LEAKING;
}

/* The longest look that sees it grow; else what the shortest says. */
void leak_judge(const struct leak_series *s, const struct leak_rule *rule, struct leak *ret_l)
{
	*ret_l = (struct leak){ .verdict = LEAK_TOO_YOUNG };
	for (unsigned i = 0; i < LEAK_LEVELS && s->levels[i].n >= LEAK_MIN; i++) {
		struct leak l;

		judge_level(s, i, rule, &l);
		if (!i || l.verdict == LEAK_LEAKING)
			*ret_l = l;
	}
}
