/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A turn of the engine without a kernel, for tests of its policies: a model, a configuration, one image of a Go server
 * with eleven points and three call sites, and processes that run it. The kernel has uprobe_multi, and a hit costs 1 us,
 * a single-stepped one 10.
 */
#ifndef DEFERD_TESTS_FAKEWATCH_H
#define DEFERD_TESTS_FAKEWATCH_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <deferd/control.h>

#include "engine/turn.h"

#define WORLD_SECOND 1000000000ull

enum world_point {
	POINT_PUSH,
	POINT_PUSH_STACK,
	POINT_RUN,
	POINT_PANIC,
	POINT_RECOVERY,
	POINT_GOEXIT,
	POINT_RECOVER_CALL,
	POINT_THROW,
	POINT_DYING,
	POINT_BEGIN,
	POINT_END,
	POINT_MAX,
};

static const struct {
	uint8_t role, sets;
	const char *function;
} world_points[POINT_MAX] = {
	[POINT_PUSH] = { DFD_ROLE_PUSH_HEAP, PLAN_SET_LEAN | PLAN_SET_FULL, "runtime.deferproc" },
	[POINT_PUSH_STACK] = { DFD_ROLE_PUSH_STACK, PLAN_SET_FULL, "runtime.deferprocStack" },
	[POINT_RUN] = { DFD_ROLE_RUN, PLAN_SET_FULL, "runtime.deferreturn" },
	[POINT_PANIC] = { DFD_ROLE_PANIC, PLAN_SET_LEAN | PLAN_SET_FULL, "runtime.gopanic" },
	[POINT_RECOVERY] = { DFD_ROLE_RECOVER, PLAN_SET_LEAN | PLAN_SET_FULL, "runtime.recovery" },
	[POINT_GOEXIT] = { DFD_ROLE_GOEXIT, PLAN_SET_LEAN | PLAN_SET_FULL, "runtime.Goexit" },
	[POINT_RECOVER_CALL] = { DFD_ROLE_RECOVER_CALL, PLAN_SET_LEAN | PLAN_SET_FULL,
				 "runtime.gorecover" },
	[POINT_THROW] = { DFD_ROLE_THROW, PLAN_SET_LEAN | PLAN_SET_FULL, "runtime.throw" },
	[POINT_DYING] = { DFD_ROLE_DYING, PLAN_SET_LEAN | PLAN_SET_FULL, "runtime.startpanic_m" },
	[POINT_BEGIN] = { DFD_ROLE_HTTP_BEGIN, PLAN_SET_REQUESTS,
			  "net/http.serverHandler.ServeHTTP" },
	[POINT_END] = { DFD_ROLE_HTTP_END, PLAN_SET_REQUESTS,
			"net/http.(*response).finishRequest" },
};

static struct world {
	struct turn turn;
	struct kernel_features features;
	struct engine_opts opts;
	struct config *config;
	struct image image;
	struct image_report report;
	struct callsite calls[3]; /* of deferproc, in functions 10, 10 and 20 */
	unsigned n_events;
	struct event events[64];
} world;

static void world_take(void *arg, const struct event *ev)
{
	if (world.n_events < 64)
		world.events[world.n_events++] = *ev;
}

static void world_image(void)
{
	struct plan *plan = &world.report.plan;

	world.image = (struct image){ .id = 1,
				      .state = IMAGE_READY,
				      .report = &world.report,
				      .calls = world.calls,
				      .exe_fd = memfd_create("image", MFD_CLOEXEC) };
	snprintf(world.image.file.name, sizeof(world.image.file.name), "server");
	assert(world.image.exe_fd >= 0 && !ftruncate(world.image.exe_fd, 4096));
	world.report.kind = IMAGE_GO;
	world.report.has_layout = true;
	world.report.go.minor = 22;
	snprintf(world.report.go.text, sizeof(world.report.go.text), "go1.22.10");
	plan->n = POINT_MAX;
	for (unsigned i = 0; i < POINT_MAX; i++) {
		struct probe_point *pt = &plan->points[i];

		*pt = (struct probe_point){ .role = world_points[i].role,
					    .sets = world_points[i].sets,
					    .va = 16 * i,
					    .file_off = 16 * i,
					    .insn_len = 2,
					    .emulated = true };
		snprintf(pt->function, sizeof(pt->function), "%s", world_points[i].function);
	}
	for (unsigned i = 0; i < 3; i++)
		world.calls[i] = (struct callsite){ .va = 1024 + 16 * i,
						    .file_off = 1024 + 16 * i,
						    .func = i < 2 ? 10 : 20,
						    .role = DFD_ROLE_PUSH_HEAP };
}

static inline void world_begin(void)
{
	struct model_opts mo = MODEL_OPTS_DEFAULT;

	world = (struct world){};
	assert(!config_default(&world.config));
	world_image();
	world.features.have[KERNEL_UPROBE_MULTI] = true;
	world.features.hit_ns[0] = 1000;
	world.features.hit_ns[1] = 10000;
	world.opts.on_event = world_take;
	world.turn = (struct turn){ .now_ns = 1000 * WORLD_SECOND,
				    .config = world.config,
				    .features = &world.features,
				    .opts = &world.opts,
				    .model = model_new(&mo),
				    .stretch = 1 };
	assert(world.turn.model);
}

/* All calls of deferproc are known, so each can be probed. */
static inline void world_know_calls(void)
{
	world.image.n_calls = 3;
	world.image.calls_complete = true;
}

static inline struct watch *world_watch(uint32_t slot, int set)
{
	struct watch *w = calloc(1, sizeof(*w));

	assert(w);
	*w = (struct watch){
		.pid = 100 + (pid_t)slot,
		.id = 1u << 16 | slot,
		.image = &world.image,
		.memory = { .fd = dup(world.image.exe_fd) },
		.state = TARGET_OBSERVED,
		.attached_ns = world.turn.now_ns,
		.wish = { .set = set, .budget_percent = 1, .layout = true, .panics = true }
	};
	w->have = w->wish;
	snprintf(w->service, sizeof(w->service), "shop");
	watch_add(&world.turn.watches, w);
	turn_announce(&world.turn, w);
	world.n_events = 0;
	return w;
}

static inline void world_gone(struct watch *w)
{
	watch_remove(&world.turn.watches, w);
	watch_free(w);
}

static inline void world_end(void)
{
	struct watch *w, *next;

	HASH_ITER (hh, world.turn.watches.by_pid, w, next)
		world_gone(w);
	model_free(world.turn.model);
	config_free(world.config);
	close(world.image.exe_fd);
}

/* So many seconds pass. */
static inline void world_pass(double seconds)
{
	world.turn.now_ns += (uint64_t)(seconds * WORLD_SECOND);
}

/* So many events of a type since world_watch() or the last clearing of n_events. */
static inline unsigned world_count(enum event_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < world.n_events; i++)
		n += world.events[i].type == type;
	return n;
}

/* What the probes have been hit so far. */
static inline void world_hits(const struct watch *w, uint64_t hits, uint64_t timed)
{
	struct event ev = { .type = EVENT_COUNTS,
			    .target = w->id,
			    .pid = (uint32_t)w->pid,
			    .time_ns = world.turn.now_ns,
			    .counts = { .hits = hits, .timed = timed } };

	model_apply(world.turn.model, &ev);
}

#endif
