// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/aftermaths.h"

#include "base/log.h"
#include "census/chain.h"
#include "model/panics.h"
#include "proc/procfs.h"

#define SESSION_NS 10000000000ull
/* From start to start. Not a minute, to which jobs that panic may be bound as well. */
#define BETWEEN_STARTS_NS 67000000000ull
#define BETWEEN_MAX_NS    3600000000000ull

static bool may_watch(const struct watching *w, const struct turn *turn)
{
	return turn->config->probes.watch_writes && turn->features->have[KERNEL_TRACEPOINT] &&
	       !w->failed;
}

static bool wants_writes(const struct watching *w, const struct turn *turn)
{
	bool on = turn->wish.writes;
	uint64_t age = turn->now_ns - w->since_ns;

	if (!may_watch(w, turn) || (on && age >= SESSION_NS) ||
	    (!on && w->since_ns && age < w->pause_ns))
		return false;
	return model_wants_aftermath(turn->model, turn->now_ns);
}

/* Twice as long as before, until one session brings something. */
static uint64_t next_pause(uint64_t pause_ns)
{
	pause_ns *= 2;
	if (pause_ns < BETWEEN_STARTS_NS)
		return BETWEEN_STARTS_NS;
	return pause_ns > BETWEEN_MAX_NS ? BETWEEN_MAX_NS : pause_ns;
}

void aftermaths_tick(struct watching *w, struct turn *turn)
{
	bool want = wants_writes(w, turn);

	if (want && !turn->wish.writes) {
		w->since_ns = turn->now_ns;
		w->pause_ns = next_pause(w->pause_ns);
	}
	turn->wish.writes = want;
}

static bool went_on(const struct turn *turn, struct watch *w, const struct aftermath *a)
{
	struct memread mem = memread_process(&w->memory);
	uint64_t goid = 0;

	if (!a->g)
		return proc_has_thread(turn->procfd, w->pid, (pid_t)a->tid);
	return !chain_goid(&mem, &w->image->report->layout, a->g, &goid) && goid == a->goid;
}

static void judge_aftermath(struct watching *wa, struct turn *turn, struct aftermath *a)
{
	struct watch *w = watch_by_id(&turn->watches, a->target);
	bool on;

	if (!w || !probe_followed(turn->probe, a->target, a->g ? a->g : a->tid, a->panic)) {
		aftermath_discard(a);
		turn_mark(turn, MARK_AFTERMATH_DROPPED);
		return;
	}
	on = went_on(turn, w, a);
	aftermath_close(a, on);
	turn_mark(turn, on ? MARK_AFTERMATH_WENT_ON : MARK_AFTERMATH_ENDED);
	wa->pause_ns = BETWEEN_STARTS_NS; /* it is worth while */
}

void aftermaths_judge(struct watching *w, struct turn *turn)
{
	struct aftermath *a;

	while ((a = model_complete_aftermath(turn->model, turn->now_ns)))
		judge_aftermath(w, turn, a);
}

void aftermaths_refused(struct watching *w)
{
	w->failed = true;
}

void aftermaths_reload(struct watching *w)
{
	w->failed = false;
}
