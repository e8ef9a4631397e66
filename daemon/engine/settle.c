// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/settle.h"

#include <errno.h>

#include "census/chain.h"
#include "probe/scan.h"

#define SETTLE_AFTER_NS 1000000000ull /* without a push for this long, it may have returned */

void settle_begin(struct settle *s, unsigned reads)
{
	*s = (struct settle){ .budget = reads, .first = s->next };
}

/*
 * Goroutines without a turn go first at the next scan: the walk over the map has the same order each time, so the
 * count of those that ask is a place in it.
 */
bool settle_take_turn(struct settle *s)
{
	unsigned place = s->seen++;

	if (place < s->first)
		return false;
	if (!s->budget) {
		if (!s->next)
			s->next = place;
		return false;
	}
	return true;
}

void settle_spend(struct settle *s, unsigned reads)
{
	s->budget -= reads < s->budget ? reads : s->budget;
}

static bool layout_usable(const struct watch *w)
{
	return w->layout == LAYOUT_CONFIRMED || w->layout == LAYOUT_BELIEVED ||
	       (w->layout == LAYOUT_PENDING && !w->image->report->layout.unverified);
}

static bool wants_read(const struct watch *w, const struct event *ev)
{
	const struct event_goroutine *g = &ev->goroutine;

	return w && watch_runtime(w) == RUNTIME_GO && g->depth && layout_usable(w) &&
	       (g->inferred || ev->time_ns - g->last_ns >= SETTLE_AFTER_NS);
}

/* It has ended, or its memory is another goroutine's now. */
static bool settle_ended(struct turn *turn, struct event *ev)
{
	struct event_goroutine *g = &ev->goroutine;

	probe_forget(turn->probe, ev->target, g->g);
	g->depth = 0;
	g->inferred = false;
	return g->window_peak != 0;
}

bool settle_goroutine(struct settle *s, struct turn *turn, struct event *ev)
{
	struct event_goroutine *g = &ev->goroutine;
	struct watch *w = watch_by_id(&turn->watches, ev->target);
	struct memread mem;
	struct chain c;
	int err;

	if (!wants_read(w, ev))
		return true;
	if (!settle_take_turn(s)) {
		g->inferred = true;
		return true;
	}
	mem = memread_process(&w->memory);
	err = chain_read(&mem, &w->image->report->layout, g->g, &c);
	turn->stats.chains_read++;
	if (err == -ESRCH || (!err && c.goid != g->goid))
		return settle_ended(turn, ev);
	settle_spend(s, err ? 1 : c.reads);
	/* In error, or running again: the next push corrects it. */
	if (err || (!c.exact && !g->inferred))
		return true;
	g->depth = c.depth;
	g->inferred = !c.exact;
	return g->depth || !c.exact || g->window_peak || settle_ended(turn, ev);
}
