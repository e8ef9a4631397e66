// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/timing.h"

#include "base/log.h"

#define SECOND    1000000000ull
#define JUDGE_NS  (SECOND / 2) /* less is no measure */
#define EVERY_MAX 60
#define CALM      0.7 /* of what is allowed: all the time again */

struct timing_turn {
	uint64_t turn_ns;            /* when requests are timed again */
	uint64_t mark_ns, mark_hits; /* when the cost was judged last */
};

int timing_init(struct timing *ti, unsigned targets_max)
{
	return slots_init(&ti->turns, sizeof(struct timing_turn), targets_max, NULL);
}

void timing_done(struct timing *ti)
{
	slots_done(&ti->turns);
}

static bool timing_wants(const struct turn *turn, const struct watch *w)
{
	struct wish_image im = watch_image(w);

	return turn->config->requests.timed && turn_multi(turn) &&
	       w->wish.set != CONFIG_PROBES_OFF && w->state != TARGET_FAILED && wish_can_time(&im);
}

/* Of a core; 0: any. */
static double allowed_percent(const struct turn *turn, const struct watch *w)
{
	return turn_has_budget(turn, w) ? w->wish.budget_percent / 2 : 0;
}

static uint64_t hits_of(const struct turn *turn, const struct watch *w)
{
	const struct target *t = model_target(turn->model, w->id);

	return t ? t->counts.timed : 0;
}

static void switch_on(struct timing_turn *m, const struct turn *turn, struct watch *w)
{
	w->wish.timed = true;
	m->mark_ns = turn->now_ns;
	m->mark_hits = hits_of(turn, w);
}

static void log_every(const struct turn *turn, const struct watch *w, double percent)
{
	struct log_line l;

	watch_log_begin(&l, LOG_INFO,
			w->wish.timed_every > 1 ? "requests are timed part of the time"
						: "all requests are timed",
			w);
	if (w->wish.timed_every > 1)
		log_fmt(&l, "time", "1 s of %u", w->wish.timed_every);
	log_fmt(&l, "cost", "%.2f%%", percent);
	log_fmt(&l, "allowed", "%g%%", allowed_percent(turn, w));
	log_emit(&l);
}

static unsigned every_of(unsigned before, double percent, double allowed)
{
	double times = allowed > 0 ? percent / allowed : 0;

	if (times <= (before > 1 ? CALM : 1))
		return 1;
	return times < 2 ? 2 : times > EVERY_MAX ? EVERY_MAX : (unsigned)times + 1;
}

/* They have been timed for a second or so. */
static void judge_cost(struct timing_turn *m, const struct turn *turn, struct watch *w)
{
	uint64_t passed = turn->now_ns - m->mark_ns, hits = hits_of(turn, w);
	unsigned before = w->wish.timed_every;
	double percent;

	if (passed < JUDGE_NS)
		return;
	percent = 100 * (double)event_timed_cost(hits - m->mark_hits, turn->features->hit_ns) /
		  (double)passed;
	m->mark_ns = turn->now_ns;
	m->mark_hits = hits;
	w->wish.timed_every = every_of(before, percent, allowed_percent(turn, w));
	w->wish.timed_percent = percent / w->wish.timed_every;
	if ((before > 1) != (w->wish.timed_every > 1))
		log_every(turn, w, percent);
	if (w->wish.timed_every == 1)
		return;
	w->wish.timed = false;
	/* Half a second early, for the tick of the second that is due. */
	m->turn_ns = turn->now_ns + (w->wish.timed_every - 1) * passed - SECOND / 2;
}

static void turn_timing(struct timing_turn *m, const struct turn *turn, struct watch *w)
{
	bool wanted = timing_wants(turn, w);

	if (wanted != (w->wish.timed_every != 0)) {
		w->wish.timed_every = wanted;
		w->wish.timed_percent = 0;
		w->wish.timed = false;
		if (wanted)
			switch_on(m, turn, w);
	} else if (w->have.timed) {
		judge_cost(m, turn, w);
	} else if (w->wish.timed_every && turn->now_ns >= m->turn_ns) {
		switch_on(m, turn, w);
	}
}

void timing_tick(struct timing *ti, const struct turn *turn)
{
	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next) {
		if (!w->timing_failed)
			turn_timing(slots_of(&ti->turns, w->id), turn, w);
	}
}

void timing_reload(const struct turn *turn)
{
	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next) {
		w->timing_failed = false;
		w->announce = true; /* its usual p95 may be another */
	}
}
