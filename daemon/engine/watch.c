// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct watch *watch_by_pid(const struct watches *ws, pid_t pid)
{
	struct watch *w;

	HASH_FIND(hh, ws->by_pid, &pid, sizeof(pid), w);
	return w;
}

struct watch *watch_by_id(const struct watches *ws, uint32_t id)
{
	struct watch *w;

	HASH_FIND(hh_id, ws->by_id, &id, sizeof(id), w);
	return w;
}

struct watch *watch_at(const struct watches *ws, pid_t pid, uint64_t time_ns)
{
	struct watch *w = watch_by_pid(ws, pid);

	return w && time_ns >= w->attached_ns ? w : NULL;
}

void watch_add(struct watches *ws, struct watch *w)
{
	HASH_ADD(hh, ws->by_pid, pid, sizeof(w->pid), w);
	HASH_ADD(hh_id, ws->by_id, id, sizeof(w->id), w);
}

void watch_remove(struct watches *ws, struct watch *w)
{
	HASH_DELETE(hh, ws->by_pid, w);
	HASH_DELETE(hh_id, ws->by_id, w);
	ws->removed++;
}

void watch_free(struct watch *w)
{
	if (w && w->memory.fd >= 0)
		close(w->memory.fd);
	free(w);
}

struct wish_image watch_image(const struct watch *w)
{
	const struct image *im = w->image;

	return (struct wish_image){ .plan = &im->report->plan,
				    .calls = im->calls,
				    .n_calls = im->n_calls,
				    .calls_complete = im->calls_complete };
}

enum runtime_kind watch_runtime(const struct watch *w)
{
	switch (w->image->report->kind) {
	case IMAGE_GO:
		return RUNTIME_GO;
	case IMAGE_C:
		return RUNTIME_C;
	default:
		return RUNTIME_NONE;
	}
}

const char *watch_version(const struct watch *w)
{
	static const char *const names[RUNTIME_MAX] = { [RUNTIME_NONE] = "-", [RUNTIME_C] = "c" };
	enum runtime_kind kind = watch_runtime(w);

	return kind == RUNTIME_GO ? w->image->report->go.text : names[kind];
}

void watch_golib_reason(const char *golib, char *ret, size_t size)
{
	snprintf(ret, size,
		 "the Go runtime in its library %s is not observed: its goroutines, defers and "
		 "panics are not seen",
		 golib);
}

void watch_limit(struct watch *w, enum target_state state, const char *reason)
{
	w->state = state;
	snprintf(w->reason, sizeof(w->reason), "%s", reason);
}

void watch_log_begin(struct log_line *l, enum log_level level, const char *text,
		     const struct watch *w)
{
	log_begin(l, level, text);
	log_str(l, "service", w->service);
	log_u64(l, "pid", w->pid);
}

/* The state, and why, with what the budget leaves out and what is in a library. */
static enum target_state state_now(const struct watch *w, char *reason, size_t size)
{
	bool cut = w->have.level != BUDGET_WHOLE;

	snprintf(reason, size, "%s", w->reason);
	if (w->golib[0] && w->state == TARGET_OBSERVED)
		watch_golib_reason(w->golib, reason, size);
	if (cut)
		snprintf(reason, size, "probes cost more than %g%% of a core: %s",
			 w->have.budget_percent, budget_level_text(w->have.level));
	return w->state == TARGET_OBSERVED && (cut || w->golib[0]) ? TARGET_LIMITED : w->state;
}

void watch_event(const struct watch *w, bool multi, uint64_t p95_ns,
		 char buf[static WATCH_REASON_MAX], struct event_target *ret)
{
	*ret = (struct event_target){
		.service = w->service,
		.image = w->name,
		.version = watch_version(w),
		.reason = buf,
		.runtime = watch_runtime(w),
		.start_ticks = w->start_ticks,
		.image_id = w->image->id,
		.probes = config_probe_set_names[w->have.set],
		.chosen = w->have.chosen,
		.budget_percent = w->have.budget_percent,
		.full = w->state != TARGET_FAILED && wish_is_full(&w->have, multi),
		.level = w->have.level,
		.timed_every = w->have.timed_every,
		.p95_ns = p95_ns,
	};
	ret->state = state_now(w, buf, WATCH_REASON_MAX);
}
