/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The pipeline and its clock: finds processes, has their files inspected, attaches, carries events
 * into the model, asks the rules, and answers the back-edges (lost detail, unknown names, growth
 * that wants descriptor hooks). It composes; each step is another module's.
 *
 * One thread, the loop's. Everything `deferd run`, `top`, `ps`, `trace` and `doctor` show comes out
 * of one of these.
 */
#ifndef DEFERD_ENGINE_ENGINE_H
#define DEFERD_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "alert/alert.h"
#include "base/loop.h"
#include "base/reason.h"
#include "config/config.h"
#include "engine/stats.h"
#include "engine/watch.h"
#include "export/show.h"
#include "model/model.h"
#include "probe/kernel.h"

struct engine;

/*
 * `config` and what the source names are borrowed until engine_free() or, the configuration, the next engine_reload().
 * `loop` may be NULL for a recording: then nothing happens by itself. 0; negative errno with the reason when the kernel
 * side cannot be loaded.
 */
int engine_new(struct loop *loop, const struct engine_source *source, const struct config *config,
	       const struct engine_opts *opts, struct engine **ret_e, struct reason *reason);
/*
 * The next line of a recording, through model and rules, at the time it was recorded. 1; 0: that was all; -EBADMSG with
 * the reason: it is damaged, and what came before it holds.
 */
int engine_play(struct engine *e, struct reason *reason);
/* CLOCK_MONOTONIC, of the event or tick that runs; of a recording, as it was then. */
uint64_t engine_now_ns(const struct engine *e);
/* Detaches everything and waits for it. NULL is allowed. */
void engine_free(struct engine *e);
/* A new configuration is in force; what needs a restart stays as it is. */
void engine_reload(struct engine *e, const struct config *config);

/*
 * A page is about to be shown: read the kernel's counts now, unless that was done in the last 200 ms. Nothing but what is
 * shown changes by it: no window ends, no rule, budget or verdict is fed. Depths are those of the newest second.
 */
void engine_refresh(struct engine *e, uint64_t now_ns);

/*
 * What is to outlive this daemon, for opts.kept of the next one; the caller's. NULL: what was kept by the one before has not
 * all been found again, so that its file is the better one; or out of memory.
 */
json_t *engine_keep(const struct engine *e);

struct model *engine_model(struct engine *e);
const struct alerts *engine_alerts(const struct engine *e);
void engine_get_stats(struct engine *e, struct engine_stats *ret_stats);
/* Everything that pages show; self is the caller's to add, and the clock. */
void engine_show(struct engine *e, struct show *ret_show);
/*
 * The first look at all of /proc is over: every process found then is attached, failed, nothing for
 * us, or its file could not be inspected four times, which is then tried ever more seldom.
 */
bool engine_settled(const struct engine *e);
/* And each of them has had a second in which its probes were decided: what it has is what it keeps. */
bool engine_steady(const struct engine *e);
/* The kernel has uprobe_multi: points are no perf events. */
bool engine_multi(const struct engine *e);

/*
 * All goroutines of an observed process, now. Waits for no one, but takes 1 to 3 us a goroutine the first
 * time. The stack of one that is about to run or in a syscall is whole only once the place it stands at
 * has a name: ask again. What is told is borrowed until the process is gone. As census_begin(), and -ENOTSUP or -EBADMSG with the reason when it cannot be.
 */
int engine_census(struct engine *e, pid_t pid, struct show_census *ret, struct reason *reason);
/*
 * The last one that is complete, of those that the engine makes by itself. -EAGAIN: there is none yet;
 * else as engine_census().
 */
int engine_last_census(struct engine *e, pid_t pid, struct show_census *ret, struct reason *reason);

/* What a target should have and has, for doctor; NULL: it is not observed. Borrowed until the loop turns. */
const struct watch *engine_watch(const struct engine *e, uint32_t id);

/*
 * Another probe set for one observed process, "default" being what the configuration says; it stays until the
 * process ends. 0, or with the reason: -EINVAL: no such set; -ESRCH: the process is not observed;
 * -ENOTSUP: the kernel has no uprobe_multi for the full one; else what the kernel said, and all is as it was.
 */
int engine_set_probes(struct engine *e, pid_t pid, const char *set, struct reason *reason);

#endif
