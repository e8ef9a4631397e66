/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Image workers in flight: at most JOBS_RUNNING at a time, the rest waits in line, each killed when
 * its time is up. Loop thread only.
 */
#ifndef DEFERD_ENGINE_JOBS_H
#define DEFERD_ENGINE_JOBS_H

#include <stdint.h>

#include "base/loop.h"
#include "probe/worker.h"

#define JOBS_RUNNING 2
#define JOBS_MAX     1024

/*
 * `err` is 0 when `result` is filled; else negative errno (-ETIMEDOUT: killed at
 * WORKER_DEADLINE_MS) and the reason says why. Called once for each job that was accepted, from the
 * loop.
 */
typedef void (*job_fn)(void *arg, uint32_t image_id, int err, const struct worker_result *result,
		       const struct image_ask *asks, unsigned nasks, const struct reason *reason);

struct jobs;

struct jobs *jobs_new(struct loop *loop, job_fn fn, void *arg);
void jobs_free(struct jobs *js); /* kills what runs; its callbacks do not come */
/* The profiles that C images are looked at with; kept by reference. */
void jobs_set_profiles(struct jobs *js, const struct plan_c_profile *profiles, unsigned n);

/* `fd` is taken. 0; -EAGAIN when JOBS_MAX wait already (the descriptor is closed then, too). */
int jobs_inspect(struct jobs *js, uint32_t image_id, int fd, uint64_t now_ns);
int jobs_symbolize(struct jobs *js, uint32_t image_id, int fd, const struct image_ask *asks,
		   unsigned n, uint64_t now_ns);
/* Kill what is late; start what waits. Call a few times a second. */
void jobs_tick(struct jobs *js, uint64_t now_ns);
unsigned jobs_pending(const struct jobs *js);

#endif
