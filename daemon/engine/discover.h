/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which processes are observed: by the kernel's records of exec, exit and fork, by a walk over /proc, and by the reports
 * of image workers. Loop thread only.
 */
#ifndef DEFERD_ENGINE_DISCOVER_H
#define DEFERD_ENGINE_DISCOVER_H

#include "base/loop.h"
#include "engine/attach.h"
#include "engine/turn.h"
#include "probe/inspect.h"

struct library_seen;

struct discover {
	struct turn *turn;
	struct loop *loop;
	struct attach_self self;
	struct plan_c_profile profiles[INSPECT_PROFILES_MAX];
	unsigned n_profiles;
	struct {        /* processes, to be attached in a later turn of the loop */
		int fd; /* readable while there are some */
		struct loop_source *source;
		unsigned next, n, room;
		pid_t *pids;
		uint64_t spent_ns; /* attaching, in this turn */
	} waiting;
	struct library_seen *libraries; /* by pid */
	uint64_t libraries_ns;          /* when they were looked for last */
};

int discover_start(struct discover *d, struct turn *turn,
		   struct loop *loop);  /* or negative errno */
void discover_stop(struct discover *d); /* of zeroes is allowed */
/* The configuration's C runtimes have changed. */
void discover_profiles(struct discover *d);
void discover_all(struct discover *d); /* walk /proc */
void discover_pid(struct discover *d, pid_t pid);
/* By the kernel's records, of `time_ns`: see watch_at(). */
void discover_exec(struct discover *d, pid_t pid, uint64_t time_ns);
void discover_gone(struct discover *d, pid_t pid, uint64_t time_ns);
void discover_sweep(struct discover *d);    /* notice exits without the kernel's help */
void discover_refilter(struct discover *d); /* the configuration wants other services */
void discover_report(struct discover *d, struct image *im, int err,
		     const struct worker_result *result, const struct reason *reason);
/* Each second: files that could not be inspected are tried again, for as long as a process runs them. */
void discover_retry(struct discover *d);
/* Each second that is looked in: Go runtimes in shared libraries, every ten. */
void discover_libraries(struct discover *d);
/* Processes that wait to be attached. */
unsigned discover_waiting(const struct discover *d);
/* Whether a file that could not be inspected is soon tried again, see image_is_awaited(). */
bool discover_postponed(const struct discover *d);

#endif
