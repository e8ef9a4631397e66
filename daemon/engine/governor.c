// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What probes may cost a process. Hits are counted by the kernel side, each has a price that was measured
 * at the start, and who is past the budget is taken down the ladder of probe/budget.h: within the second,
 * or at once when the kernel side says that there are too many to look at. What is attached changes from
 * one moment to the next; what the kernel knew of the goroutines is void then, and a census tells.
 */
#include <errno.h>

#include <deferd/control.h>

#include "base/log.h"
#include "engine/engine_priv.h"

#define SECOND 1000000000ull

/*
 * So many times the budget of a second, on one CPU, and the kernel side stops looking; of who has cost
 * too much not long ago, so small a part of it.
 */
#define HOT_TIMES 2

static bool is_push(const struct probe_point *pt)
{
	return pt->role == DFD_ROLE_PUSH_HEAP || pt->role == DFD_ROLE_PUSH_STACK ||
	       pt->role == DFD_ROLE_PUSH_RANGE || pt->role == DFD_ROLE_RUN ||
	       pt->role == DFD_ROLE_C_PUSH || pt->role == DFD_ROLE_C_RUN;
}

bool governor_allows(enum budget_level level, const struct probe_point *pt)
{
	switch (level) {
	case BUDGET_WHOLE:
		return true;
	case BUDGET_LEAN:
		return pt->sets & PLAN_SET_LEAN;
	case BUDGET_PANICS:
		return pt->sets & PLAN_SET_LEAN && !is_push(pt);
	default:
		return false;
	}
}

static bool has_budget(const struct engine *e, const struct watch_probes *p)
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

	if (!has_budget(e, p))
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

/* The steps of the ladder that make a difference to it. */
void governor_begin(struct engine *e, struct watch *w)
{
	unsigned levels = 0, above = points_at(w, BUDGET_WHOLE);

	for (int level = BUDGET_LEAN; level < BUDGET_LEVELS; level++) {
		unsigned left = points_at(w, (enum budget_level)level);

		if (left != above)
			levels |= 1u << level;
		above = left;
	}
	budget_init(&w->budget, levels, e->now_ns);
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

/* Attach what its new level has; `cause` as log_step(). */
static void apply(struct engine *e, struct watch *w, enum budget_level before, const char *cause)
{
	struct reason reason = {};
	bool down = w->budget.level > before, burst = w->probes.burst;
	uint64_t since_ns;
	int err;

	w->probes.burst = false;
	err = attach_change(e, w, &since_ns, &reason);

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
	if (before > BUDGET_LEAN || w->budget.level > BUDGET_LEAN)
		watch_missed(e, w);
}

static uint64_t cost_ns(const struct engine *e, const struct target *t)
{
	return event_counts_cost(&t->counts, e->features->hit_ns);
}

void governor_tick(struct engine *e)
{
	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		const struct target *t = model_target(e->model, w->id);
		enum budget_level before = w->budget.level;

		if (t && has_budget(e, &w->probes) &&
		    budget_judge(&w->budget, percent_now(&w->probes), cost_ns(e, t), e->now_ns))
			apply(e, w, before, NULL);
	}
}

void governor_hot(struct engine *e, const struct event *ev)
{
	struct watch *w = watch_of_id(e, ev->target);
	enum budget_level before;

	if (!w || !has_budget(e, &w->probes))
		return;
	before = w->budget.level;
	if (budget_hot(&w->budget, ev->time_ns, e->now_ns))
		apply(e, w, before, "too many hits in a second, on one CPU");
}

/* The budget may be another. */
void governor_reload(struct engine *e)
{
	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		enum budget_level before = w->budget.level;

		probe_set_hits_max(e->probe, w->id,
				   governor_hits_max(e, &w->probes, budget_is_suspect(&w->budget)));
		if (has_budget(e, &w->probes) || before == BUDGET_WHOLE)
			continue;
		w->budget.level = BUDGET_WHOLE;
		apply(e, w, before, "the configuration");
	}
}
