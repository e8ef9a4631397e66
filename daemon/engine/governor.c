// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What probes may cost a process. Hits are counted by the kernel side, each has a price that was measured
 * at the start, and who is past the budget is taken down the ladder of probe/budget.h: within the second,
 * or at once when the kernel side says that there are too many to look at. What is attached changes from
 * one moment to the next; what the kernel knew of the goroutines is void then, and a census tells.
 */
#include <errno.h>
#include <stdlib.h>

#include <deferd/control.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/engine_priv.h"

#define SECOND 1000000000ull

/*
 * So many times the budget of a second, on one CPU, and the kernel side stops looking; of who has cost
 * too much not long ago, so small a part of it.
 */
#define HOT_TIMES 2

bool governor_is_push(const struct probe_point *pt)
{
	return pt->role == DFD_ROLE_PUSH_HEAP || pt->role == DFD_ROLE_PUSH_STACK ||
	       pt->role == DFD_ROLE_PUSH_RANGE || pt->role == DFD_ROLE_RUN ||
	       pt->role == DFD_ROLE_C_PUSH || pt->role == DFD_ROLE_C_RUN;
}

bool governor_allows(enum budget_level level, const struct probe_point *pt)
{
	switch (level) {
	case BUDGET_WHOLE:
	case BUDGET_PRUNED:
		return true;
	case BUDGET_LEAN:
		return pt->sets & PLAN_SET_LEAN;
	case BUDGET_PANICS:
		return pt->sets & PLAN_SET_LEAN && !governor_is_push(pt);
	default:
		return false;
	}
}

bool governor_has_budget(const struct engine *e, const struct watch_probes *p)
{
	return p->budget_percent > 0 && e->features->hit_ns[0] && !e->opts.trace;
}

/* Of the second that runs: a burst may take what the whole minute has. */
static double percent_now(const struct watch_probes *p)
{
	return p->budget_percent * (p->burst ? SETS_BURST_EVERY_S : 1);
}

uint32_t governor_hits_max(const struct engine *e, const struct watch_probes *p, bool suspect)
{
	double hits;

	if (!governor_has_budget(e, p))
		return 0;
	hits = (suspect ? 1.0 / HOT_TIMES : HOT_TIMES) * percent_now(p) / 100 * SECOND /
	       (double)e->features->hit_ns[0];
	return hits < 1 ? 1 : (uint32_t)hits;
}

uint16_t governor_stepped_hits(const struct engine *e)
{
	uint64_t price = e->features->hit_ns[0];
	uint64_t times = price ? e->features->hit_ns[1] / price : 1;

	return times < 1 ? 1 : times > UINT16_MAX ? UINT16_MAX : (uint16_t)times;
}

static unsigned points_at(const struct watch *w, enum budget_level level)
{
	const struct plan *plan = &w->image->report->plan;
	unsigned n = 0;

	for (unsigned i = 0; i < plan->n; i++)
		n += sets_want(w->probes.set, true, &plan->points[i]) &&
		     governor_allows(level, &plan->points[i]);
	return n;
}

/* Calls can be left out one by one. */
static bool can_prune(const struct engine *e, const struct watch *w)
{
	return w->image->calls_complete && w->image->n_calls &&
	       e->features->have[KERNEL_UPROBE_MULTI] &&
	       points_at(w, BUDGET_WHOLE) > points_at(w, BUDGET_PANICS);
}

/* The steps of the ladder that make a difference to it. */
void governor_begin(struct engine *e, struct watch *w)
{
	unsigned levels = can_prune(e, w) ? 1u << BUDGET_PRUNED : 0;
	unsigned above = points_at(w, BUDGET_WHOLE);

	for (int level = BUDGET_LEAN; level < BUDGET_LEVELS; level++) {
		unsigned left = points_at(w, (enum budget_level)level);

		if (left != above)
			levels |= 1u << level;
		above = left;
	}
	budget_init(&w->budget, levels, e->now_ns);
}

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

/* Functions that registered defers between the last two times that their calls were read. */
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

/*
 * The functions whose calls are left out at BUDGET_PRUNED: the busiest, until the others cost half of the
 * budget, by their share of `percent`. False: nobody knows who was busy.
 */
static bool prune(struct watch *w, const struct target *t, double percent)
{
	_cleanup_free_ struct busy *busy = calloc(CALLSITES_MAX, sizeof(*busy));
	unsigned n = busy ? find_busy(w->image, t, busy, CALLSITES_MAX) : 0;
	double left = 0, most;

	free(w->pruned);
	w->n_pruned = 0;
	w->pruned = n ? calloc(n, sizeof(*w->pruned)) : NULL;
	if (!w->pruned)
		return false;
	for (unsigned i = 0; i < n; i++)
		left += (double)busy[i].added;
	most = left * w->probes.budget_percent / 2 / percent;
	for (unsigned i = 0; i < n && left > most; i++) {
		left -= (double)busy[i].added;
		w->pruned[w->n_pruned++] = busy[i].func;
	}
	qsort(busy, w->n_pruned, sizeof(*busy), by_func);
	for (unsigned i = 0; i < w->n_pruned; i++)
		w->pruned[i] = busy[i].func;
	return true;
}

/* `cause`: why, NULL: for what it cost in the second before. */
static void log_step(struct watch *w, enum log_level level, const char *text, const char *cause)
{
	const struct target *t = model_target(w->engine->model, w->id);
	struct log_line l;

	log_begin(&l, level, text);
	log_str(&l, "service", t ? t->service->name : "?");
	log_u64(&l, "pid", w->pid);
	log_str(&l, "probes", budget_level_text(w->budget.level));
	log_fmt(&l, "budget", "%g%%", w->probes.budget_percent);
	if (cause)
		log_str(&l, "cause", cause);
	else
		log_fmt(&l, "cost", "%.2f%%", w->budget.percent);
	log_emit(&l);
}

/* Attach what its new level has, or the one below where that cannot be. */
static int attach_level(struct engine *e, struct watch *w, uint64_t *ret_since_ns,
			struct reason *reason)
{
	int err = attach_change(e, w, ret_since_ns, reason);

	if (err && err != -ESRCH && w->budget.level == BUDGET_PRUNED &&
	    budget_refuse(&w->budget, e->now_ns))
		err = attach_change(e, w, ret_since_ns, reason);
	return err;
}

/* `cause` as log_step(). */
static void apply(struct engine *e, struct watch *w, enum budget_level before, const char *cause)
{
	bool down = w->budget.level > before, burst = w->probes.burst;
	struct reason reason = {};
	uint64_t since_ns;
	int err;

	w->probes.burst = false;
	err = attach_level(e, w, &since_ns, &reason);
	if (err == -ESRCH)
		return; /* its exit is on its way */
	if (err) {
		log_step(w, LOG_WARN, "probes could not be changed", reason.text);
		w->budget.level = before;
		w->probes.burst = burst;
		return;
	}
	budget_attached(&w->budget, since_ns);
	log_step(w, down ? LOG_WARN : LOG_INFO,
		 down ? "probes cost more than the budget: some are taken off"
		      : "probes are put back",
		 cause);
	watch_announce(e, w);
	/* Whatever the lean set has, the full one has. */
	if (before != BUDGET_LEAN || w->budget.level != BUDGET_WHOLE)
		watch_missed(e, w);
}

/* It costs so many percent of a core, and has been taken a step down for it. */
static void step_down(struct engine *e, struct watch *w, const struct target *t,
		      enum budget_level before, double percent, const char *cause)
{
	if (w->budget.level == BUDGET_PRUNED && !prune(w, t, percent))
		(void)budget_hot(&w->budget, e->now_ns, e->now_ns);
	apply(e, w, before, cause);
}

/* Of all but the timing of requests, which sees to its own share by itself. */
static uint64_t cost_ns(const struct engine *e, const struct target *t)
{
	return event_counts_cost(&t->counts, e->features->hit_ns) -
	       event_timed_cost(t->counts.timed, e->features->hit_ns);
}

void governor_tick(struct engine *e)
{
	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		const struct target *t = model_target(e->model, w->id);
		enum budget_level before = w->budget.level;

		if (!t || !governor_has_budget(e, &w->probes) ||
		    !budget_judge(&w->budget, percent_now(&w->probes) - w->timing.percent,
				  cost_ns(e, t), e->now_ns))
			continue;
		if (w->budget.level > before)
			step_down(e, w, t, before, w->budget.percent, NULL);
		else
			apply(e, w, before, NULL);
	}
}

void governor_hot(struct engine *e, const struct event *ev)
{
	struct watch *w = watch_of_id(e, ev->target);

	if (!w || !governor_has_budget(e, &w->probes))
		return;
	w->hot_ns = ev->time_ns;
	e->hot = true;
}

/* What they cost is not known: as much as a core has, say. */
void governor_cool(struct engine *e)
{
	if (!e->hot)
		return;
	e->hot = false;
	probe_read_sites(e->probe, e->now_ns, engine_take, e);
	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		const struct target *t = model_target(e->model, w->id);
		enum budget_level before = w->budget.level;
		uint64_t hot_ns = w->hot_ns;

		w->hot_ns = 0;
		if (t && hot_ns && budget_hot(&w->budget, hot_ns, e->now_ns))
			step_down(e, w, t, before, 100, "too many hits in a second, on one CPU");
	}
}

/* The budget may be another. */
void governor_reload(struct engine *e)
{
	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		enum budget_level before = w->budget.level;

		probe_set_hits_max(e->probe, w->id,
				   governor_hits_max(e, &w->probes, budget_is_suspect(&w->budget)));
		if (governor_has_budget(e, &w->probes) || before == BUDGET_WHOLE)
			continue;
		w->budget.level = BUDGET_WHOLE;
		apply(e, w, before, "the configuration");
	}
}
