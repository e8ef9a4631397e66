// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Which probe set a process has: what the configuration says of its service, or what somebody has chosen for
 * it by a command. Bursts come and go by the second: pushes of the lean set are missed by none.
 */
#include <errno.h>
#include <string.h>

#include <deferd/control.h>

#include "base/log.h"
#include "engine/engine_priv.h"

#define SECOND 1000000000ull

bool sets_want(int set, bool burst, const struct probe_point *pt)
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

bool engine_point_wanted(struct engine *e, uint32_t id, const struct probe_point *pt)
{
	const struct watch *w = watch_of_id(e, id);

	if (w && pt->sets & PLAN_SET_REQUESTS)
		return timing_wants(e, w);
	return w && sets_want(w->probes.set, true, pt);
}

static void log_set(const struct engine *e, const struct watch *w)
{
	const struct target *t = model_target(e->model, w->id);
	struct log_line l;

	log_begin(&l, LOG_INFO, "another probe set");
	log_str(&l, "service", t ? t->service->name : "?");
	log_u64(&l, "pid", w->pid);
	log_str(&l, "probes", config_probe_set_names[w->probes.set]);
	log_str(&l, "by", w->probes.chosen ? "command" : "configuration");
	log_emit(&l);
}

/* All that the new set has from one moment to the next, whatever the budget had left of the old one. */
static int change(struct engine *e, struct watch *w, struct watch_probes to, struct reason *reason)
{
	struct watch_probes from = w->probes;
	struct budget budget = w->budget;
	/* Whatever the lean set has, the others have. */
	bool more = from.set == CONFIG_PROBES_LEAN && budget.level == BUDGET_WHOLE &&
		    to.set != CONFIG_PROBES_OFF;
	uint64_t since_ns;
	int err;

	w->probes = to;
	governor_begin(e, w);
	err = attach_change(e, w, &since_ns, reason);
	if (err) {
		w->probes = from;
		w->budget = budget;
		return err;
	}
	budget_attached(&w->budget, since_ns);
	watch_announce(e, w);
	if (!more)
		watch_missed(e, w);
	log_set(e, w);
	return 0;
}

static struct watch_probes configured(const struct engine *e, const struct watch *w)
{
	const struct target *t = model_target(e->model, w->id);
	struct config_probes p = config_probes_of(e->config, t ? t->service->name : "");

	return (struct watch_probes){ .set = p.set, .budget_percent = p.budget_percent };
}

int engine_set_probes(struct engine *e, pid_t pid, const char *set, struct reason *reason)
{
	struct watch *w = watch_of_pid(e, pid);
	struct watch_probes to;

	if (!w)
		return reason_set(reason, -ESRCH, "no observed process has this pid");
	to = configured(e, w);
	if (strcmp(set, "default")) {
		to.set = config_probe_set_of(set);
		to.chosen = true;
	}
	if (to.set < 0)
		return reason_set(reason, -EINVAL,
				  "'%s' is no probe set: off, lean, full, burst or default", set);
	if ((to.set == CONFIG_PROBES_FULL || to.set == CONFIG_PROBES_BURST) &&
	    !e->features->have[KERNEL_UPROBE_MULTI])
		return reason_set(
			reason, -ENOTSUP,
			"the full set needs uprobe_multi (Linux 6.6): the lean one stays");
	e->now_ns = loop_now_ns();
	return change(e, w, to, reason);
}

void sets_reload(struct engine *e)
{
	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		struct watch_probes to = configured(e, w);
		struct reason reason = {};
		int err = 0;

		if (w->probes.chosen) {
			to.set = w->probes.set;
			to.chosen = true;
		}
		if (to.set != w->probes.set) {
			err = change(e, w, to, &reason);
		} else if (to.budget_percent != w->probes.budget_percent) {
			w->probes.budget_percent = to.budget_percent;
			watch_announce(e, w);
		}
		if (err && err != -ESRCH)
			log_warn("pid %d: its probe set could not be changed: %s", (int)w->pid,
				 reason.text);
	}
}

static void turn(struct engine *e, struct watch *w)
{
	struct reason reason = {};
	uint64_t since_ns;
	int err;

	w->probes.burst = !w->probes.burst;
	err = attach_change(e, w, &since_ns, &reason);
	if (err)
		w->probes.burst = !w->probes.burst;
	if (err && err != -ESRCH)
		log_warn("pid %d: a burst of probes could not be %s: %s", (int)w->pid,
			 w->probes.burst ? "ended" : "begun", reason.text);
	/* Half a second early, for the tick of the second that is due. */
	w->probes.turn_ns = e->now_ns - SECOND / 2 +
			    (w->probes.burst ? SECOND : (SETS_BURST_EVERY_S - 1) * SECOND);
	watch_announce(e, w);
	if (!err && !w->probes.burst)
		watch_missed(e, w);
}

/* Not all at the same time; who was asked for by a command, at once. */
static uint64_t first_turn(const struct engine *e, const struct watch *w)
{
	unsigned wait = w->probes.chosen ? 0 : DFD_TARGET_SLOT(w->id) % SETS_BURST_EVERY_S;

	return e->now_ns + wait * SECOND;
}

void sets_tick(struct engine *e)
{
	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		if (w->probes.set != CONFIG_PROBES_BURST || w->budget.level != BUDGET_WHOLE ||
		    !e->features->have[KERNEL_UPROBE_MULTI])
			continue;
		if (!w->probes.turn_ns)
			w->probes.turn_ns = first_turn(e, w);
		if (e->now_ns >= w->probes.turn_ns)
			turn(e, w);
	}
}
