// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/fit.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/points.h"
#include "export/words.h"
#include "probe/links.h"
#include "probe/scan.h"
#include "probe/targets.h"

/* The wish asks for less or more of the set than there is. */
static void log_level_step(const struct watch *w)
{
	bool down = w->wish.level > w->have.level;
	struct log_line l;

	watch_log_begin(&l, down ? LOG_WARN : LOG_INFO,
			down ? "probes cost more than the budget: some are detached"
			     : "probes are attached again",
			w);
	log_str(&l, "probes", budget_level_text(w->wish.level));
	log_fmt(&l, "budget", "%g%%", w->wish.budget_percent);
	if (w->wish.cause)
		log_str(&l, "cause", w->wish.cause);
	else
		log_fmt(&l, "cost", "%.2f%%", w->wish.cost_percent);
	log_emit(&l);
}

static void log_set(const struct watch *w)
{
	struct log_line l;

	watch_log_begin(&l, LOG_INFO, "probe set changed", w);
	log_str(&l, "probes", config_probe_set_names[w->wish.set]);
	log_str(&l, "by", w->wish.chosen ? "command" : "configuration");
	log_emit(&l);
}

static void log_refused(const struct watch *w, const struct reason *reason)
{
	struct log_line l;

	watch_log_begin(&l, LOG_WARN, "probes could not be changed, the old ones stay attached", w);
	log_str(&l, "wanted", config_probe_set_names[w->wish.set]);
	log_str(&l, "level", budget_level_text(w->wish.level));
	log_str(&l, "cause", reason->text);
	log_emit(&l);
}

static void log_steps(const struct watch *w)
{
	if (w->wish.set != w->have.set || w->wish.chosen != w->have.chosen)
		log_set(w);
	else if (w->wish.level != w->have.level)
		log_level_step(w);
}

void fit_missed(struct turn *turn, struct watch *w)
{
	struct event lost = turn_event(turn, w, EVENT_LOST);

	probe_forget_all(turn->probe, w->id);
	turn_emit(turn, &lost);
	turn_ask_census(w);
}

static int attach_points(struct turn *turn, struct watch *w, struct reason *reason)
{
	_cleanup_(points_done) struct points p = {};
	struct probe_target t;
	int err = points_choose(turn, w, &w->wish, &p, reason);

	if (err)
		return err;
	t = points_target(turn, w, &w->wish, &p);
	err = probe_set_points(turn->probe, w->id, &t, &w->since_ns, reason);
	if (err)
		return err;
	w->attached = p.attached;
	w->n_calls = p.n_calls;
	return 0;
}

static int fit_points(struct turn *turn, struct watch *w, struct reason *reason)
{
	uint32_t hits_max = wish_hits_max(&w->wish, turn->features->hit_ns);
	int err;

	if (wish_same_points(&w->wish, &w->have)) {
		if (hits_max != wish_hits_max(&w->have, turn->features->hit_ns))
			probe_set_hits_max(turn->probe, w->id, hits_max);
		return 0;
	}
	err = attach_points(turn, w, reason);
	if (!err) {
		w->announce = true;
		return 0;
	}
	w->level_refused = w->wish.level != w->have.level;
	if (err != -ESRCH)
		log_refused(w, reason);
	wish_restore_points(&w->wish, &w->have);
	return err;
}

static int start_timing(struct turn *turn, struct watch *w, struct reason *reason)
{
	_cleanup_(points_done) struct points p = {};
	struct probe_target t;
	int err = points_requests(w, &p, reason);

	if (err)
		return err;
	t = points_target(turn, w, &w->wish, &p);
	return probe_time_requests(turn->probe, w->id, &t, reason);
}

static int fit_timing(struct turn *turn, struct watch *w, struct reason *reason)
{
	static const struct probe_target none;
	struct log_line l;
	int err = 0;

	if (w->wish.timed == w->have.timed)
		return 0;
	if (w->wish.timed)
		err = start_timing(turn, w, reason);
	else
		(void)probe_time_requests(turn->probe, w->id, &none, NULL);
	if (!err)
		return 0;
	w->wish.timed = false;
	w->wish.timed_every = 0;
	w->timing_failed = true;
	if (err != -ESRCH) {
		watch_log_begin(&l, LOG_WARN, "requests cannot be timed", w);
		log_str(&l, "cause", reason->text);
		log_emit(&l);
	}
	return err;
}

static void fit_reads(struct turn *turn, struct watch *w)
{
	if (w->wish.layout != w->have.layout || w->wish.panics != w->have.panics)
		probe_set_layout(turn->probe, w->id,
				 w->wish.layout ? &w->image->report->layout : NULL, w->wish.panics);
	if (w->wish.fd_sites != w->have.fd_sites)
		probe_set_fd_sites(turn->probe, w->id, w->wish.fd_sites);
}

int fit_watch(struct turn *turn, struct watch *w, struct reason *reason)
{
	struct reason of_timing = {};
	bool missed;
	int err;

	fit_reads(turn, w);
	err = fit_points(turn, w, reason);
	(void)fit_timing(turn, w, &of_timing);
	log_steps(w);
	missed = !wish_same_points(&w->wish, &w->have) &&
		 wish_missed(&w->have, &w->wish, turn_multi(turn));
	w->announce |= w->wish.timed_every != w->have.timed_every ||
		       w->wish.chosen != w->have.chosen ||
		       w->wish.budget_percent != w->have.budget_percent;
	w->have = w->wish;
	if (w->announce)
		turn_announce(turn, w);
	if (missed)
		fit_missed(turn, w);
	return err;
}

int fit_fd_hooks(struct turn *turn)
{
	enum fd_hooks want = turn->wish.fd_hooks;
	struct reason reason = {};
	int err;

	if (want == probe_fd_hooks(turn->probe))
		return 0;
	err = probe_set_fd_hooks(turn->probe, want, &reason);
	if (err) {
		turn->wish.fd_hooks = FD_HOOKS_OFF;
		log_warn("descriptor hooks: %s; descriptors are still counted, without them",
			 reason.text);
		return err;
	}
	log_info("descriptor hooks: %s%s", show_fd_hooks_names[want],
		 want == FD_HOOKS_TRACEPOINT
			 ? " (about 40 ns on every syscall of the host while attached)"
			 : "");
	return 0;
}

int fit_watch_writes(struct turn *turn)
{
	struct reason reason = {};
	int err = probe_watch_writes(turn->probe, turn->wish.writes, &reason);

	if (err) {
		turn->wish.writes = false;
		log_warn("cannot watch writes after a panic: %s; whether panics are swallowed "
			 "stays unsure",
			 reason.text);
		return err;
	}
	if (turn->wish.writes)
		log_debug("watching writes after panics, for up to 10 s (about 40 ns on "
			  "every syscall of the host)");
	return 0;
}
