// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * When the requests of a process are timed: all the time, as long as that costs it no more than half of its budget;
 * else for a second of every so many, in which it may cost so many times as much. A percentile of a part of the
 * requests is as good as one of all. The other half of the budget is left to what else is probed (governor.c).
 */
#include <errno.h>

#include <deferd/control.h>

#include "base/log.h"
#include "engine/engine_priv.h"

#define SECOND    1000000000ull
#define JUDGE_NS  (SECOND / 2) /* less is no measure */
#define EVERY_MAX 60
#define CALM      0.7 /* of what is allowed: all the time again */

/* How many there are; the points themselves unless `ret_points` is NULL. */
static unsigned find_points(const struct watch *w, struct probe_point *ret_points)
{
	const struct plan *plan = &w->image->report->plan;
	unsigned n = 0;

	for (unsigned i = 0; i < plan->n; i++) {
		if (!(plan->points[i].sets & PLAN_SET_REQUESTS))
			continue;
		if (ret_points)
			ret_points[n] = plan->points[i];
		n++;
	}
	return n;
}

bool timing_wants(const struct engine *e, const struct watch *w)
{
	return e->config->requests.timed && e->features->have[KERNEL_UPROBE_MULTI] &&
	       w->probes.set != CONFIG_PROBES_OFF && w->state != TARGET_FAILED &&
	       find_points(w, NULL);
}

/* Of a core; 0: any. */
static double allowed(const struct engine *e, const struct watch *w)
{
	return governor_has_budget(e, &w->probes) ? w->probes.budget_percent / 2 : 0;
}

static uint64_t hits_of(const struct engine *e, const struct watch *w)
{
	const struct target *t = model_target(e->model, w->id);

	return t ? t->counts.timed : 0;
}

static void switch_off(struct engine *e, struct watch *w)
{
	static const struct probe_target none;

	(void)probe_time_requests(e->probe, w->id, &none, NULL);
	w->timing.on = false;
}

static void switch_on(struct engine *e, struct watch *w)
{
	struct probe_point points[PLAN_POINTS_MAX];
	struct probe_target t = {
		.pid = w->pid,
		.exe_fd = w->image->exe_fd,
		.bias = w->bias,
		.points = points,
		.n = find_points(w, points),
	};
	struct reason reason = {};
	int err;

	err = attach_verify(w, points, t.n, &reason);
	if (!err)
		err = probe_time_requests(e->probe, w->id, &t, &reason);
	if (err && err != -ESRCH)
		log_warn("pid %d: its requests cannot be timed: %s", (int)w->pid, reason.text);
	w->timing.failed = err != 0;
	w->timing.on = !err;
	w->timing.mark_ns = e->now_ns;
	w->timing.mark_hits = hits_of(e, w);
}

static void log_every(const struct engine *e, const struct watch *w, double percent)
{
	const struct target *t = model_target(e->model, w->id);
	struct log_line l;

	log_begin(&l, LOG_INFO,
		  w->timing.every > 1 ? "requests are timed for a part of the time"
				      : "all requests are timed");
	log_str(&l, "service", t ? t->service->name : "?");
	log_u64(&l, "pid", w->pid);
	if (w->timing.every > 1)
		log_fmt(&l, "time", "1 s of %u", w->timing.every);
	log_fmt(&l, "cost", "%.2f%%", percent);
	log_fmt(&l, "allowed", "%g%%", allowed(e, w));
	log_emit(&l);
}

static unsigned every_of(unsigned before, double percent, double allowed)
{
	double times = allowed > 0 ? percent / allowed : 0;

	if (times <= (before > 1 ? CALM : 1))
		return 1;
	return times < 2 ? 2 : times > EVERY_MAX ? EVERY_MAX : (unsigned)times + 1;
}

/* It is on, for a second or so. */
static void judge(struct engine *e, struct watch *w)
{
	uint64_t passed = e->now_ns - w->timing.mark_ns, hits = hits_of(e, w);
	unsigned before = w->timing.every;
	double percent;

	if (passed < JUDGE_NS)
		return;
	percent = 100 * (double)event_timed_cost(hits - w->timing.mark_hits, e->features->hit_ns) /
		  (double)passed;
	w->timing.mark_ns = e->now_ns;
	w->timing.mark_hits = hits;
	w->timing.every = every_of(before, percent, allowed(e, w));
	w->timing.percent = percent / w->timing.every;
	if ((before > 1) != (w->timing.every > 1))
		log_every(e, w, percent);
	if (before != w->timing.every)
		watch_announce(e, w);
	if (w->timing.every == 1)
		return;
	switch_off(e, w);
	/* Half a second early, for the tick of the second that is due. */
	w->timing.turn_ns = e->now_ns + (w->timing.every - 1) * passed - SECOND / 2;
}

static void turn(struct engine *e, struct watch *w)
{
	bool wanted = timing_wants(e, w);

	if (wanted != (w->timing.every != 0)) {
		if (wanted)
			switch_on(e, w);
		else
			switch_off(e, w);
		w->timing.every = w->timing.on;
		w->timing.percent = 0;
		watch_announce(e, w);
	} else if (w->timing.on) {
		judge(e, w);
	} else if (w->timing.every && e->now_ns >= w->timing.turn_ns) {
		switch_on(e, w);
	}
}

void timing_reload(struct engine *e)
{
	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		w->timing.failed = false;
		watch_announce(e, w); /* its baseline may be another */
	}
}

void timing_tick(struct engine *e)
{
	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		if (!w->timing.failed)
			turn(e, w);
	}
}
