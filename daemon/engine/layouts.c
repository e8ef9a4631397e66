// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/layouts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "census/search.h"
#include "census/verify.h"

#define SEARCHES_MAX    5            /* of a process that may not have begun yet */
#define SEARCH_AFTER_NS 100000000ull /* from the first to the second, and ever twice as long */

/* What was tried with one process. */
struct layout_search {
	unsigned searches;   /* for the list of goroutines, in its data */
	uint64_t search_ns;  /* not before */
	bool panics_refuted; /* all fits but _panic */
};

int layouts_init(struct layouts *ls, unsigned targets_max)
{
	return slots_init(&ls->searches, sizeof(struct layout_search), targets_max, NULL);
}

void layouts_done(struct layouts *ls)
{
	slots_done(&ls->searches);
}

static void limit_and_announce(struct watch *w, enum target_state state, const char *reason)
{
	watch_limit(w, state, reason);
	w->announce = true;
}

static void log_layout(const struct watch *w, enum log_level level, const char *text)
{
	struct log_line l;

	watch_log_begin(&l, level, text, w);
	log_str(&l, "runtime", w->image->report->go.text);
	log_fmt(&l, "layout", "go1.%u", w->image->report->layout.minor);
	if (w->reason[0])
		log_str(&l, "reason", w->reason);
	log_emit(&l);
}

static void confirm_layout(struct watch *w)
{
	w->layout = LAYOUT_CONFIRMED;
	if (!w->image->report->layout.unverified)
		return;
	w->wish.layout = true;
	limit_and_announce(w, TARGET_OBSERVED, "");
	log_layout(w, LOG_INFO, "the newest known layout fits this process");
}

static void refute_layout(struct turn *turn, struct watch *w, const char *why)
{
	char text[REASON_MAX + 128];

	w->layout = LAYOUT_REFUTED;
	w->wish.layout = w->wish.panics = false;
	turn->stats.failures[ATTACH_LAYOUT]++;
	snprintf(text, sizeof(text),
		 "the runtime's layout is not known (%s): calls, sites and panics are counted; no "
		 "depth, goroutine or outcome",
		 why);
	limit_and_announce(w, TARGET_LIMITED, text);
	log_layout(w, LOG_WARN, "layout does not fit");
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
static int check_data(struct layout_search *m, const struct turn *turn, struct watch *w,
		      struct reason *reason)
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
	if (turn->now_ns < m->search_ns)
		return -EAGAIN;
	m->search_ns = turn->now_ns + (SEARCH_AFTER_NS << m->searches++);
	err = search_allgs(&mem, &r->layout, &where, &slice, reason);
	if (err)
		return err == -ENOENT && m->searches < SEARCHES_MAX ? -EAGAIN : err;
	w->allgs_list = slice;
	w->allgs_len = slice + sizeof(slice);
	log_layout(w, LOG_INFO, "the list of goroutines was found in its data");
	return 0;
}

/* Nothing contradicts the layout, but no census can be made. */
static void believe_layout(struct turn *turn, struct watch *w)
{
	w->layout = LAYOUT_BELIEVED;
	turn->stats.census_failures++;
	log_layout(
		w, LOG_WARN,
		"the list of goroutines was found neither in its code nor in its data: no census");
}

static void verify_watch(struct layout_search *m, struct turn *turn, struct watch *w)
{
	const struct image_report *r = w->image->report;
	struct reason reason = {}, of_data = {};
	int err = check_code(w, &reason), in_data = -EAGAIN;

	if (err == -EBADMSG)
		in_data = check_data(m, turn, w, &of_data);
	if (!err || !in_data)
		confirm_layout(w);
	else if (err != -EBADMSG || in_data == -EAGAIN || in_data == -ESRCH)
		return; /* its first goroutine is still to come, or its exit is on its way */
	else if (!r->allgs_len && !r->layout.unverified)
		believe_layout(turn, w);
	else
		refute_layout(turn, w, reason.text);
}

/* A panic has shown what no goroutine at rest can: that _panic is laid out otherwise. */
static void check_panics(struct layout_search *m, struct turn *turn, struct watch *w)
{
	const struct target *t = model_target(turn->model, w->id);

	if (!t || !t->counts.misfits)
		return;
	m->panics_refuted = true;
	w->wish.panics = false;
	turn->stats.failures[ATTACH_LAYOUT]++;
	limit_and_announce(
		w, TARGET_LIMITED,
		"the runtime's layout of a panic is not known: panics and recoveries are counted, "
		"their outcomes are not known");
	log_layout(w, LOG_WARN, "layout of panics does not fit");
}

void layouts_verify(struct layouts *ls, struct turn *turn)
{
	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next) {
		struct layout_search *m = slots_of(&ls->searches, w->id);

		if (w->layout == LAYOUT_PENDING)
			verify_watch(m, turn, w);
		else if (w->layout == LAYOUT_CONFIRMED && !m->panics_refuted)
			check_panics(m, turn, w);
	}
}
