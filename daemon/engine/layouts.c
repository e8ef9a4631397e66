// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * No offset of ours is used on a process before that process has shown that it fits. A release that
 * is newer than the table, or that no file names, begins without a layout, so that only calls and
 * sites are counted, and gets the newest one when its first goroutine agrees with it. One that the
 * table knows is believed until its first goroutine, some milliseconds after the start, says
 * otherwise. Where the code does not tell where that one is, or tells it wrongly, the data are searched
 * for it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "census/search.h"
#include "census/verify.h"
#include "engine/engine_priv.h"

#define SEARCHES_MAX    5            /* of a process that may not have begun yet */
#define SEARCH_AFTER_NS 100000000ull /* from the first to the second, and ever twice as long */

static void announce(struct engine *e, struct watch *w, enum target_state state, const char *reason)
{
	w->state = state;
	snprintf(w->reason, sizeof(w->reason), "%s", reason);
	watch_announce(e, w);
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

/* Where its code says that the list of goroutines is; 0: its memory agrees. */
static int check_code(struct watch *w, struct reason *reason)
{
	const struct image_report *r = w->image->report;
	struct memread mem = memread_process(&w->memory);
	struct verify_where where = {
		.allgs_len = r->allgs_len + w->bias,
		.allgs_list = r->allgs_list + w->bias,
		.runtime_main = r->runtime_main + w->bias,
	};
	int err;

	if (!r->allgs_len || !r->runtime_main)
		return reason_set(reason, -EBADMSG, "the list of goroutines was not found");
	err = verify_layout(&mem, &r->layout, &where, reason);
	if (!err) {
		w->allgs_len = where.allgs_len;
		w->allgs_list = where.allgs_list;
	}
	return err;
}

/*
 * In doubt its data decide. A release that is not known must have an entry of runtime.main as well: its
 * number alone is no proof of a layout.
 */
static int check_data(struct engine *e, struct watch *w, struct reason *reason)
{
	const struct image_report *r = w->image->report;
	struct memread mem = memread_process(&w->memory);
	struct search_where where = {
		.begin = r->data + w->bias,
		.end = r->edata + w->bias,
		.runtime_main = r->runtime_main ? r->runtime_main + w->bias : 0,
	};
	uint64_t slice;
	int err;

	if (r->layout.unverified && !r->runtime_main)
		return -EBADMSG;
	if (e->now_ns < w->search_ns)
		return -EAGAIN;
	w->search_ns = e->now_ns + (SEARCH_AFTER_NS << w->searches++);
	err = search_allgs(&mem, &r->layout, &where, &slice, reason);
	if (err)
		return err == -ENOENT && w->searches < SEARCHES_MAX ? -EAGAIN : err;
	w->allgs_list = slice;
	w->allgs_len = slice + sizeof(slice);
	log_layout(e, w, LOG_INFO, "the list of goroutines was found in its data");
	return 0;
}

/* Known or not, nobody has seen that the layout is wrong. */
static void no_list(struct engine *e, struct watch *w)
{
	w->layout = LAYOUT_BELIEVED;
	e->stats.census_failures++;
	log_layout(
		e, w, LOG_WARN,
		"the list of goroutines was found neither in its code nor in its data: no census "
		"of them");
}

static void verify(struct engine *e, struct watch *w)
{
	const struct image_report *r = w->image->report;
	struct reason reason = {}, of_data = {};
	int err = check_code(w, &reason), in_data = -EAGAIN;

	if (err == -EBADMSG)
		in_data = check_data(e, w, &of_data);
	if (!err || !in_data)
		confirmed(e, w);
	else if (err != -EBADMSG || in_data == -EAGAIN || in_data == -ESRCH)
		return; /* its first goroutine is still to come, or its exit is on its way */
	else if (!r->allgs_len && !r->layout.unverified)
		no_list(e, w);
	else
		refuted(e, w, reason.text);
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
