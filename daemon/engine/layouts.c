// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * No offset of ours is used on a process before that process has shown that it fits. A release that
 * is newer than the table, or that no file names, begins without a layout, so that only calls and
 * sites are counted, and gets the newest one when its first goroutine agrees with it. One that the
 * table knows is believed until its first goroutine, some milliseconds after the start, says
 * otherwise.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "census/verify.h"
#include "engine/engine_priv.h"

/* The target as the model has it, with another state. Copies, since the model's own are replaced. */
static void announce(struct engine *e, const struct watch *w, enum target_state state,
		     const char *reason)
{
	const struct target *t = model_target(e->model, w->id);
	char service[MODEL_NAME_MAX], image[MODEL_NAME_MAX], version[MODEL_NAME_MAX];
	struct event ev = {
		.type = EVENT_TARGET, .target = w->id, .pid = w->pid, .time_ns = e->now_ns
	};

	if (!t)
		return;
	memcpy(service, t->service->name, sizeof(service));
	memcpy(image, t->image, sizeof(image));
	memcpy(version, t->version, sizeof(version));
	ev.info = (struct event_target){
		.service = service,
		.image = image,
		.version = version,
		.reason = reason,
		.runtime = t->runtime,
		.state = state,
		.start_ticks = t->start_ticks,
		.image_id = t->image_id,
		.full = t->full,
	};
	engine_emit(e, &ev);
}

static void log_layout(const struct engine *e, const struct watch *w, enum log_level level,
		       const char *text)
{
	const struct target *t = model_target(e->model, w->id);
	struct log_line l;

	log_begin(&l, level, text);
	log_str(&l, "service", t ? t->service->name : "?");
	log_u64(&l, "pid", w->pid);
	log_str(&l, "runtime", w->image->report->go.text);
	log_fmt(&l, "layout", "go1.%u", w->image->report->layout.minor);
	if (t && t->reason[0])
		log_str(&l, "reason", t->reason);
	log_emit(&l);
}

static void confirmed(struct engine *e, struct watch *w)
{
	w->layout = LAYOUT_CONFIRMED;
	if (!w->image->report->layout.unverified)
		return;
	probe_set_layout(e->probe, w->id, &w->image->report->layout, true);
	announce(e, w, TARGET_OBSERVED, "");
	log_layout(e, w, LOG_INFO, "the newest known layout fits this process");
}

static void refuted(struct engine *e, struct watch *w, const char *why)
{
	char text[REASON_MAX + 128];

	w->layout = LAYOUT_REFUTED;
	probe_set_layout(e->probe, w->id, NULL, false);
	e->stats.failures[ATTACH_LAYOUT]++;
	snprintf(text, sizeof(text),
		 "the runtime's layout is not known (%s): calls, sites and panics are counted; no "
		 "depth, goroutine or outcome",
		 why);
	announce(e, w, TARGET_LIMITED, text);
	log_layout(e, w, LOG_WARN, "layout does not fit");
}

static void verify(struct engine *e, struct watch *w)
{
	const struct image_report *r = w->image->report;
	struct verify_where where = {
		.allgs_len = r->allgs_len + w->bias,
		.allgs_list = r->allgs_list + w->bias,
		.runtime_main = r->runtime_main + w->bias,
	};
	struct memread mem = memread_process(&w->memory);
	struct reason reason = {};
	int err;

	if (!r->allgs_len || !r->runtime_main) {
		if (r->layout.unverified) {
			refuted(e, w, "the list of goroutines was not found");
			return;
		}
		w->layout = LAYOUT_BELIEVED;
		e->stats.census_failures++;
		log_layout(e, w, LOG_WARN,
			   "the list of goroutines was not found in its code: no census of them");
		return;
	}
	err = verify_layout(&mem, &r->layout, &where, &reason);
	if (!err)
		confirmed(e, w);
	else if (err == -EBADMSG)
		refuted(e, w, reason.text);
	/* Else its first goroutine is still to come, or the process is gone: its exit is on its way. */
}

/* A panic has shown what no goroutine at rest can: that _panic is laid out otherwise. */
static void check_panics(struct engine *e, struct watch *w)
{
	const struct target *t = model_target(e->model, w->id);

	if (!t || !t->counts.misfits)
		return;
	w->panics_refuted = true;
	probe_set_layout(e->probe, w->id, &w->image->report->layout, false);
	e->stats.failures[ATTACH_LAYOUT]++;
	announce(e, w, TARGET_LIMITED,
		 "the runtime's layout of a panic is not known: panics and recoveries are counted, "
		 "their outcomes are not told apart");
	log_layout(e, w, LOG_WARN, "layout of panics does not fit");
}

void layouts_verify(struct engine *e)
{
	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		if (w->layout == LAYOUT_PENDING)
			verify(e, w);
		else if (w->layout == LAYOUT_CONFIRMED && !w->panics_refuted)
			check_panics(e, w);
	}
}
