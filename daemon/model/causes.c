// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/causes.h"

#include <string.h>

#define SLACK 1.25 /* censuses of descriptors and goroutines are not at one time */

static bool as_fast(const struct leak *a, const struct leak *b)
{
	return a->low_per_hour <= SLACK * b->high_per_hour &&
	       b->low_per_hour <= SLACK * a->high_per_hour;
}

/* While its descriptors are looked at for too short a time, what they have become more by is all that is known. */
static bool may_be_as_fast(const struct leak *goroutines, const struct fdgroup *g)
{
	const struct leak_level *l = g->series ? &g->series->levels[0] : NULL;
	double seconds, per_hour;

	if (!l || l->n < 2 || l->n >= LEAK_SAMPLES)
		return false;
	seconds = (double)(l->samples[l->n - 1].time_ns - l->samples[0].time_ns) / 1e9;
	per_hour = ((double)l->samples[l->n - 1].quiet - l->samples[0].quiet) / seconds * 3600;
	return per_hour > 0 && per_hour <= SLACK * goroutines->high_per_hour &&
	       goroutines->low_per_hour <= SLACK * per_hour;
}

/* Who waits for a descriptor has one: if they are lost, it is a leak of descriptors. */
static bool is_of_descriptors(const struct target *t, const struct parked *p)
{
	if (t->n_fd_censuses && !strcmp(p->reason, "IO wait"))
		return true;
	for (const struct fdgroup *g = t->fd_groups; g; g = g->hh.next) {
		bool grows = (g->leak.verdict == LEAK_LEAKING || g->leak.verdict == LEAK_LOAD);

		if ((grows && as_fast(&p->leak, &g->leak)) || may_be_as_fast(&p->leak, g))
			return true;
	}
	return false;
}

static bool leaks(const struct target *t, const struct parked *p)
{
	return p->leak.verdict == LEAK_LEAKING && !is_of_descriptors(t, p);
}

/* A line stands for its stacks; lines, and stacks that have one, stand for their go statement, and that for the stacks without. */
static bool stands_for(const struct event_group *a, const struct event_group *of)
{
	if (a->created_at != of->created_at || a->start != of->start)
		return false;
	switch (of->scope) {
	case GROUP_OF_STACK:
		return of->place ? a->scope == GROUP_OF_LINE && a->place == of->place
				 : a->scope == GROUP_OF_STATEMENT;
	case GROUP_OF_STATEMENT:
		return a->scope != GROUP_OF_STATEMENT && a->place;
	default:
		return false;
	}
}

/* One leak is told once. */
static bool is_told(const struct target *t, const struct parked *p)
{
	for (const struct parked *q = t->parked; q; q = q->hh.next) {
		if (stands_for(&q->what, &p->what) && leaks(t, q))
			return true;
	}
	return false;
}

unsigned target_goroutine_leaks(const struct target *t, const struct parked **ret_fastest)
{
	const struct parked *fastest = NULL;
	unsigned n = 0;

	for (const struct parked *p = t->parked; p; p = p->hh.next) {
		if (!leaks(t, p) || is_told(t, p))
			continue;
		n++;
		if (!fastest || parked_is_faster(p, fastest))
			fastest = p;
	}
	if (n)
		*ret_fastest = fastest;
	return n;
}
