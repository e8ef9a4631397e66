/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What holds for every census, whatever the memory was. */
#ifndef DEFERD_TESTS_FUZZ_CENSUS_CHECK_H
#define DEFERD_TESTS_FUZZ_CENSUS_CHECK_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "census/census.h"

static void check_goroutine(void *arg, const struct census_goroutine *g, uint32_t group)
{
	uint32_t *told = arg;

	if (!g->goid || (unsigned)g->state >= CENSUS_STATE_MAX || g->nstack > CENSUS_STACK_MAX ||
	    (g->whole && !g->nstack) || (g->state == CENSUS_RUNNING && (g->exact || g->nstack)) ||
	    (g->depth_exact && !g->exact) || g->open_coded > g->depth)
		abort();
	(*told)++;
}

static void check_census(struct census *c)
{
	const struct census_summary *st = census_summary(c);
	uint64_t n = st->left_out, last = UINT64_MAX;
	uint32_t told = 0;

	groups_sort(census_groups(c));
	for (const struct group *g = census_groups(c)->by_key; g; g = g->hh.next) {
		if (!g->sum.count || g->sum.count > last || g->sum.quiet > g->sum.count ||
		    g->sum.inexact > g->sum.count)
			abort();
		last = g->sum.count;
		n += g->sum.count;
	}
	census_each(c, check_goroutine, &told);
	if (n != st->told || told != st->told || st->told + st->bad > st->listed)
		abort();
	for (unsigned i = 0; i < CENSUS_REASONS_MAX; i++) {
		if (strnlen(st->reasons[i], CENSUS_REASON_MAX) == CENSUS_REASON_MAX)
			abort();
	}
}

static bool take_census(struct census *c, uint64_t now_ns)
{
	struct reason reason;
	int more = census_begin(c, now_ns, &reason) ? -1 : 1;

	while (more > 0)
		more = census_step(c, now_ns, &reason);
	if (!more)
		check_census(c);
	return !more;
}

#endif
