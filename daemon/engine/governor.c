// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/governor.h"

#include <stdlib.h>

#include "probe/scan.h"

/* How far down the ladder a process is, and why. */
struct ladder {
	struct budget budget;
	bool begun;
	int set;           /* that the steps are of */
	uint64_t since_ns; /* see struct watch */
	uint64_t hot_ns;   /* the kernel side has stopped looking, then; 0: it has not */
};

int governor_init(struct governor *g, unsigned targets_max)
{
	g->flood = false;
	return slots_init(&g->ladders, sizeof(struct ladder), targets_max, NULL);
}

void governor_done(struct governor *g)
{
	slots_done(&g->ladders);
}

/* The ladder of what is attached now: the fitter may have refused what was wished. */
static struct ladder *ladder_of(struct governor *g, const struct turn *turn, const struct watch *w)
{
	struct ladder *l = slots_of(&g->ladders, w->id);
	struct wish_image im = watch_image(w);

	if (!l->begun || l->set != w->have.set) {
		budget_init(&l->budget, wish_levels(&w->have, &im, turn_multi(turn)),
			    l->begun ? w->since_ns : w->attached_ns);
		l->set = w->have.set;
		l->begun = true;
	}
	if (l->since_ns != w->since_ns) {
		l->since_ns = w->since_ns;
		budget_attached(&l->budget, w->since_ns);
	}
	l->budget.level = w->have.level;
	return l;
}

/* Functions by the number of defers they registered. */
struct busy {
	uint32_t func;
	uint64_t added;
};

static int by_func(const void *a, const void *b)
{
	const struct busy *x = a, *y = b;

	return (x->func > y->func) - (x->func < y->func);
}

static int busiest_first(const void *a, const void *b)
{
	const struct busy *x = a, *y = b;

	return (x->added < y->added) - (x->added > y->added);
}

/* Functions that registered defers since the window before, the busiest first. */
static unsigned find_busy(const struct image *im, const struct target *t, struct busy *ret,
			  unsigned max)
{
	unsigned n = 0, kept = 0;

	for (const struct site *s = t->sites; s && n < max; s = s->hh.next) {
		const struct callsite *c = callsite_of_return(im->calls, im->n_calls, s->key.pc);

		if (c && s->added)
			ret[n++] = (struct busy){ c->func, s->added };
	}
	qsort(ret, n, sizeof(*ret), by_func);
	for (unsigned i = 0; i < n; i++) {
		if (kept && ret[kept - 1].func == ret[i].func)
			ret[kept - 1].added += ret[i].added;
		else
			ret[kept++] = ret[i];
	}
	qsort(ret, kept, sizeof(*ret), busiest_first);
	return kept;
}

static void prune_function(const struct image *im, uint32_t func, struct wish_calls *calls)
{
	for (uint32_t i = 0; i < im->n_calls; i++) {
		if (im->calls[i].func == func)
			wish_call_set(calls, i);
	}
}

/*
 * Leave out the busiest functions, until what is left costs half of the budget. False: nothing is known of which are
 * busy.
 */
static bool prune(struct watch *w, const struct target *t, double percent)
{
	struct busy busy[CALLSITES_MAX];
	unsigned n = find_busy(w->image, t, busy, CALLSITES_MAX);
	double left = 0, most;

	w->wish.pruned = (struct wish_calls){};
	for (unsigned i = 0; i < n; i++)
		left += (double)busy[i].added;
	most = left * w->wish.budget_percent / 2 / percent;
	for (unsigned i = 0; i < n && left > most; i++) {
		left -= (double)busy[i].added;
		prune_function(w->image, busy[i].func, &w->wish.pruned);
	}
	return n != 0;
}

/* The level is another; `percent`: what it cost before. */
static void wish_for_level(struct ladder *l, const struct turn *turn, struct watch *w,
			   const struct target *t, double percent, const char *cause)
{
	bool down = l->budget.level > w->have.level;

	if (down && l->budget.level == BUDGET_PRUNED && !prune(w, t, percent))
		(void)budget_hot(&l->budget, turn->now_ns, turn->now_ns);
	w->wish.level = l->budget.level;
	w->wish.burst = false;
	w->wish.cause = cause;
	w->wish.cost_percent = l->budget.percent;
	w->wish.suspect = budget_is_suspect(&l->budget);
}

/* Of all but the timing of requests, which keeps to a share of its own. */
static uint64_t cost_ns(const struct turn *turn, const struct target *t)
{
	return event_counts_cost(&t->counts, turn->features->hit_ns) -
	       event_timed_cost(t->counts.timed, turn->features->hit_ns);
}

void governor_tick(struct governor *g, struct turn *turn)
{
	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next) {
		const struct target *t = model_target(turn->model, w->id);
		struct ladder *l;

		if (!t || !turn_has_budget(turn, w))
			continue;
		l = ladder_of(g, turn, w);
		if (budget_judge(&l->budget, wish_percent_now(&w->have) - w->have.timed_percent,
				 cost_ns(turn, t), turn->now_ns))
			wish_for_level(l, turn, w, t, l->budget.percent, NULL);
		w->wish.suspect = budget_is_suspect(&l->budget);
	}
}

void governor_hot(struct governor *g, const struct turn *turn, const struct event *ev)
{
	struct watch *w = watch_by_id(&turn->watches, ev->target);

	if (!w || !turn_has_budget(turn, w))
		return;
	ladder_of(g, turn, w)->hot_ns = ev->time_ns;
	g->flood = true;
}

/* What its probes cost is not known: a whole core, say. */
static bool cool_one(struct governor *g, struct turn *turn, struct watch *w)
{
	const struct target *t = model_target(turn->model, w->id);
	struct ladder *l = ladder_of(g, turn, w);
	uint64_t hot_ns = l->hot_ns;

	l->hot_ns = 0;
	if (!t || !hot_ns || !budget_hot(&l->budget, hot_ns, turn->now_ns))
		return false;
	wish_for_level(l, turn, w, t, 100, "too many hits in a second, on one CPU");
	return true;
}

bool governor_cool(struct governor *g, struct turn *turn)
{
	bool wished = false;

	if (!g->flood)
		return false;
	g->flood = false;
	probe_read_sites(turn->probe, turn->now_ns, turn_take, turn);
	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next)
		wished |= cool_one(g, turn, w);
	return wished;
}

bool governor_refused(struct governor *g, struct turn *turn, struct watch *w)
{
	struct ladder *l = slots_of(&g->ladders, w->id);
	bool refused = w->level_refused;

	w->level_refused = false;
	if (!refused || l->budget.level != BUDGET_PRUNED ||
	    !budget_refuse(&l->budget, turn->now_ns))
		return false;
	w->wish.level = l->budget.level;
	w->wish.burst = false;
	return true;
}

void governor_reload(struct governor *g, struct turn *turn)
{
	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next) {
		struct ladder *l = ladder_of(g, turn, w);

		if (turn_has_budget(turn, w) || w->wish.level == BUDGET_WHOLE)
			continue;
		l->budget.level = BUDGET_WHOLE;
		w->wish.level = BUDGET_WHOLE;
		w->wish.burst = false;
		w->wish.cause = "the configuration";
	}
}
