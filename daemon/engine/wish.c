// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/wish.h"

#include <string.h>

#include <deferd/control.h>

#define SECOND 1000000000ull

/*
 * The kernel side stops looking past this many times the budget of a second, on one CPU; for a process that cost too
 * much recently, past the budget divided by it.
 */
#define FLOOD_TIMES 2

const char *wish_point_text(enum wish_point p)
{
	static const char *const texts[WISH_POINT_MAX] = {
		[WISH_ATTACHED] = "attached",
		[WISH_BY_CALLS] = "attached at its calls, one by one",
		[WISH_NOT_IN_SET] = "not in the chosen probe set",
		[WISH_IN_BURSTS] = "in bursts only: one second of each minute",
		[WISH_OVER_BUDGET] = "left out: the probes cost more than their budget",
		[WISH_PERF_EXTRA] = "left out: without uprobe_multi (Linux 6.6) a probe takes 0.1 s to detach",
		[WISH_PERF_FULL] = "left out: the full set needs uprobe_multi (Linux 6.6)",
		[WISH_PERF_ROOM] = "left out: more than 5 points need uprobe_multi (Linux 6.6)",
		[WISH_NOT_TIMED] = "requests are not timed now",
	};

	return (unsigned)p < WISH_POINT_MAX ? texts[p] : "?";
}

void wish_call_set(struct wish_calls *c, uint32_t i)
{
	c->bits[i / 64] |= 1ull << i % 64;
}

bool wish_call_has(const struct wish_calls *c, uint32_t i)
{
	return i < CALLSITES_MAX && c->bits[i / 64] >> i % 64 & 1;
}

bool wish_is_push(const struct probe_point *pt)
{
	return pt->role == DFD_ROLE_PUSH_HEAP || pt->role == DFD_ROLE_PUSH_STACK ||
	       pt->role == DFD_ROLE_PUSH_RANGE || pt->role == DFD_ROLE_RUN ||
	       pt->role == DFD_ROLE_C_PUSH || pt->role == DFD_ROLE_C_RUN;
}

/* What the ledger of panics can do without, where each point is a perf event. */
static bool is_extra(const struct probe_point *pt)
{
	return pt->role == DFD_ROLE_GOEXIT || pt->role == DFD_ROLE_RECOVER_CALL ||
	       pt->role == DFD_ROLE_THROW || pt->role == DFD_ROLE_DYING;
}

static bool set_has(int set, bool burst, const struct probe_point *pt)
{
	switch (set) {
	case CONFIG_PROBES_LEAN:
		return pt->sets & PLAN_SET_LEAN;
	case CONFIG_PROBES_FULL:
		return pt->sets & (PLAN_SET_LEAN | PLAN_SET_FULL);
	case CONFIG_PROBES_BURST:
		return pt->sets & (PLAN_SET_LEAN | (burst ? PLAN_SET_FULL : 0));
	default:
		return false;
	}
}

static bool level_has(enum budget_level level, const struct probe_point *pt)
{
	switch (level) {
	case BUDGET_WHOLE:
	case BUDGET_PRUNED:
		return true;
	case BUDGET_LEAN:
		return pt->sets & PLAN_SET_LEAN;
	case BUDGET_PANICS:
		return pt->sets & PLAN_SET_LEAN && !wish_is_push(pt);
	default:
		return false;
	}
}

/* Cheaper than a point in the function: the site is known without a read, and one call can be left out. */
static bool by_calls(const struct wish_image *im, bool multi, const struct probe_point *pt)
{
	return im->calls_complete && multi && wish_is_push(pt);
}

static enum wish_point decide(const struct wish *w, const struct wish_image *im, bool multi,
			      const struct probe_point *pt)
{
	if (!(pt->sets & (PLAN_SET_LEAN | PLAN_SET_FULL)))
		return w->timed ? WISH_ATTACHED : WISH_NOT_TIMED;
	if (!set_has(w->set, true, pt))
		return WISH_NOT_IN_SET;
	if (multi && !set_has(w->set, w->burst, pt))
		return WISH_IN_BURSTS;
	if (!level_has(w->level, pt))
		return WISH_OVER_BUDGET;
	if (by_calls(im, multi, pt))
		return WISH_BY_CALLS;
	if (!multi && !(pt->sets & PLAN_SET_LEAN))
		return WISH_PERF_FULL;
	return !multi && is_extra(pt) ? WISH_PERF_EXTRA : WISH_ATTACHED;
}

void wish_points(const struct wish *w, const struct wish_image *im, bool multi,
		 enum wish_point ret[static PLAN_POINTS_MAX])
{
	unsigned perf = 0;

	for (unsigned i = 0; i < im->plan->n; i++) {
		ret[i] = decide(w, im, multi, &im->plan->points[i]);
		if (!multi && ret[i] == WISH_ATTACHED && perf++ >= WISH_PERF_POINTS)
			ret[i] = WISH_PERF_ROOM;
	}
}

bool wish_call(const struct wish *w, const struct wish_image *im, bool multi, uint32_t i)
{
	struct probe_point pt;

	callsite_point(&im->calls[i], &pt);
	return decide(w, im, multi, &pt) == WISH_BY_CALLS &&
	       !(w->level == BUDGET_PRUNED && wish_call_has(&w->pruned, i));
}

bool wish_can_time(const struct wish_image *im)
{
	for (unsigned i = 0; i < im->plan->n; i++) {
		if (im->plan->points[i].sets & PLAN_SET_REQUESTS)
			return true;
	}
	return false;
}

static unsigned points_at(const struct wish *w, const struct plan *plan, enum budget_level level)
{
	unsigned n = 0;

	for (unsigned i = 0; i < plan->n; i++)
		n += set_has(w->set, true, &plan->points[i]) && level_has(level, &plan->points[i]);
	return n;
}

unsigned wish_levels(const struct wish *w, const struct wish_image *im, bool multi)
{
	unsigned above = points_at(w, im->plan, BUDGET_WHOLE), levels = 1u << BUDGET_WHOLE;

	/* Calls can be left out one by one. */
	if (im->calls_complete && im->n_calls && multi &&
	    above > points_at(w, im->plan, BUDGET_PANICS))
		levels |= 1u << BUDGET_PRUNED;
	for (int level = BUDGET_LEAN; level < BUDGET_LEVELS; level++) {
		unsigned left = points_at(w, im->plan, (enum budget_level)level);

		if (left != above)
			levels |= 1u << level;
		above = left;
	}
	return levels;
}

bool wish_same_points(const struct wish *a, const struct wish *b)
{
	return a->set == b->set && a->burst == b->burst && a->level == b->level &&
	       (a->level != BUDGET_PRUNED || !memcmp(&a->pruned, &b->pruned, sizeof(a->pruned)));
}

void wish_restore_points(struct wish *w, const struct wish *from)
{
	w->set = from->set;
	w->chosen = from->chosen;
	w->burst = from->burst;
	w->level = from->level;
	w->pruned = from->pruned;
}

/* What of the pushes is seen. */
enum reach { REACH_SOME, REACH_LEAN, REACH_FULL };

static enum reach reach(const struct wish *w, bool multi)
{
	if (w->set == CONFIG_PROBES_OFF || (w->level != BUDGET_WHOLE && w->level != BUDGET_LEAN))
		return REACH_SOME;
	return wish_is_full(w, multi) ? REACH_FULL : REACH_LEAN;
}

bool wish_is_full(const struct wish *w, bool multi)
{
	return multi && w->level == BUDGET_WHOLE &&
	       (w->set == CONFIG_PROBES_FULL || (w->set == CONFIG_PROBES_BURST && w->burst));
}

bool wish_missed(const struct wish *before, const struct wish *after, bool multi)
{
	return reach(before, multi) != REACH_LEAN || reach(after, multi) == REACH_SOME;
}

double wish_percent_now(const struct wish *w)
{
	return w->budget_percent * (w->burst ? WISH_BURST_EVERY_S : 1);
}

uint32_t wish_hits_max(const struct wish *w, const uint64_t hit_ns[2])
{
	double hits;

	if (w->budget_percent <= 0 || !hit_ns[0])
		return 0;
	hits = (w->suspect ? 1.0 / FLOOD_TIMES : FLOOD_TIMES) * wish_percent_now(w) / 100 * SECOND /
	       (double)hit_ns[0];
	return hits < 1 ? 1 : (uint32_t)hits;
}

uint16_t wish_stepped_hits(const uint64_t hit_ns[2])
{
	uint64_t times = hit_ns[0] ? hit_ns[1] / hit_ns[0] : 1;

	return times < 1 ? 1 : times > UINT16_MAX ? UINT16_MAX : (uint16_t)times;
}
