/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a policy may see and use while the loop runs it: the time, the world, the model, the observed processes. It
 * emits events, writes wishes, and neither attaches nor calls another policy. Loop thread only.
 */
#ifndef DEFERD_ENGINE_TURN_H
#define DEFERD_ENGINE_TURN_H

#include "config/config.h"
#include "engine/images.h"
#include "engine/jobs.h"
#include "engine/stats.h"
#include "engine/watch.h"
#include "model/model.h"
#include "probe/kernel.h"
#include "probe/probe.h"

/* What is attached for the whole host. */
struct host_wish {
	enum fd_hooks fd_hooks;
	bool writes; /* what is written after panics is watched */
};

struct turn {
	uint64_t now_ns; /* CLOCK_MONOTONIC: of the event or tick that runs */
	int procfd;
	const struct config *config;
	const struct kernel_features *features;
	const struct engine_opts *opts;
	struct probe *probe;
	struct model *model;
	struct images *images;
	struct jobs *jobs;
	struct watches watches;
	struct host_wish wish;
	int64_t clock_ns; /* see proc_clock_offset(): our own */
	unsigned
		stretch; /* past deferd's own budget, intervals are this many times as long: 1, 2, 4, 8 */
	uint64_t attached_ns; /* to the newest process */
	struct engine_stats stats;
};

/* Give an event to the model, then to the observer. */
void turn_emit(struct turn *turn, const struct event *ev);
/* The same as an event_fn; `turn` is a struct turn. */
void turn_take(void *turn, const struct event *ev);
/* The start of an event about a process, now. */
struct event turn_event(const struct turn *turn, const struct watch *w, enum event_type type);
/* The kernel has uprobe_multi. */
bool turn_multi(const struct turn *turn);
/* What probes may cost is bounded: it was measured, and this is no trace. */
bool turn_has_budget(const struct turn *turn, const struct watch *w);
/* A census of its goroutines is due: something about them was lost. NULL is allowed. */
void turn_ask_census(struct watch *w);
/* What the model is made to do beside taking events goes into the recording, if there is one. */
void turn_mark(struct turn *turn, enum recorded_mark mark);
/* Tell the model what a process is, now. */
void turn_announce(struct turn *turn, struct watch *w);

#endif
