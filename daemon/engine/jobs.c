// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/jobs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"

struct job {
	struct job *next;
	struct jobs *owner;
	uint32_t image_id;
	int fd; /* of the image; closed once the worker has it */
	unsigned nasks;
	struct image_ask asks[INSPECT_ASKS_MAX];
	bool symbolize;
	bool running;
	uint64_t deadline_ns;
	struct worker worker;
	struct loop_source *source;
};

struct jobs {
	struct loop *loop;
	job_fn fn;
	void *arg;
	const struct plan_c_profile *profiles;
	unsigned nprofiles;
	struct job *running;
	struct job *first, **tail; /* in line */
	unsigned n_running, n_waiting;
};

struct jobs *jobs_new(struct loop *loop, job_fn fn, void *arg)
{
	struct jobs *js = calloc(1, sizeof(*js));

	if (!js)
		return NULL;
	js->loop = loop;
	js->fn = fn;
	js->arg = arg;
	js->tail = &js->first;
	return js;
}

void jobs_set_profiles(struct jobs *js, const struct plan_c_profile *profiles, unsigned n)
{
	js->profiles = profiles;
	js->nprofiles = n;
}

static void job_free(struct job *j)
{
	loop_remove(j->owner->loop, j->source);
	if (j->running)
		worker_done(&j->worker);
	if (j->fd >= 0)
		close(j->fd);
	free(j);
}

void jobs_free(struct jobs *js)
{
	if (!js)
		return;
	while (js->running) {
		struct job *j = js->running;

		js->running = j->next;
		job_free(j);
	}
	while (js->first) {
		struct job *j = js->first;

		js->first = j->next;
		job_free(j);
	}
	free(js);
}

unsigned jobs_pending(const struct jobs *js)
{
	return js->n_running + js->n_waiting;
}

static void unlink_running(struct job *j)
{
	struct job **p = &j->owner->running;

	while (*p != j)
		p = &(*p)->next;
	*p = j->next;
	j->owner->n_running--;
}

static void finish(struct job *j, int err, const struct worker_result *result,
		   const struct reason *reason)
{
	struct jobs *js = j->owner;

	unlink_running(j);
	/*
	 * Before anybody opens a file: the worker's descriptor is closed, and its number is free
	 * again.
	 */
	loop_remove(js->loop, j->source);
	j->source = NULL;
	js->fn(js->arg, j->image_id, err, result, j->asks, j->nasks, reason);
	job_free(j);
}

static void start_waiting(struct jobs *js, uint64_t now_ns);

static void on_readable(void *arg, uint32_t events)
{
	struct job *j = arg;
	struct jobs *js = j->owner;
	_cleanup_free_ struct worker_result *result = calloc(1, sizeof(*result));
	struct reason reason = {};
	int err;

	if (!result)
		return; /* the deadline ends it */
	err = worker_read(&j->worker, result, &reason);
	if (err == -EAGAIN)
		return;
	finish(j, err, err ? NULL : result, &reason);
	start_waiting(js, loop_now_ns());
}

static void start(struct job *j, uint64_t now_ns)
{
	struct jobs *js = j->owner;
	struct worker_job job = {
		.kind = j->symbolize ? WORKER_SYMBOLIZE : WORKER_INSPECT,
		.image_fd = j->fd,
		.profiles = js->profiles,
		.nprofiles = js->nprofiles,
		.asks = j->asks,
		.nasks = j->nasks,
	};
	struct reason reason = {};
	int err = worker_start(&job, &j->worker, &reason);

	close(TAKE_FD(j->fd));
	j->next = js->running;
	js->running = j;
	js->n_running++;
	if (!err) {
		j->running = true;
		j->deadline_ns = now_ns + WORKER_DEADLINE_MS * 1000000ull;
		j->source = loop_add_fd(js->loop, j->worker.fd, EPOLLIN, on_readable, j);
		if (!j->source)
			err = reason_set(&reason, -errno, "watching the image worker: %s",
					 strerror(errno));
	}
	if (err)
		finish(j, err, NULL, &reason);
}

static void start_waiting(struct jobs *js, uint64_t now_ns)
{
	while (js->first && js->n_running < JOBS_RUNNING) {
		struct job *j = js->first;

		js->first = j->next;
		if (!js->first)
			js->tail = &js->first;
		js->n_waiting--;
		start(j, now_ns);
	}
}

static int enqueue(struct jobs *js, uint32_t image_id, int fd, const struct image_ask *asks,
		   unsigned n, uint64_t now_ns)
{
	struct job *j = js->n_waiting < JOBS_MAX ? calloc(1, sizeof(*j)) : NULL;

	if (!j) {
		close(fd);
		return -EAGAIN;
	}
	j->owner = js;
	j->image_id = image_id;
	j->fd = fd;
	j->worker.fd = -1;
	j->symbolize = asks != NULL;
	j->nasks = n;
	if (n)
		memcpy(j->asks, asks, n * sizeof(*asks));
	*js->tail = j;
	js->tail = &j->next;
	js->n_waiting++;
	start_waiting(js, now_ns);
	return 0;
}

int jobs_inspect(struct jobs *js, uint32_t image_id, int fd, uint64_t now_ns)
{
	return enqueue(js, image_id, fd, NULL, 0, now_ns);
}

int jobs_symbolize(struct jobs *js, uint32_t image_id, int fd, const struct image_ask *asks,
		   unsigned n, uint64_t now_ns)
{
	return enqueue(js, image_id, fd, asks, n, now_ns);
}

void jobs_tick(struct jobs *js, uint64_t now_ns)
{
	struct job *j = js->running;

	while (j) {
		struct job *next = j->next;
		struct reason reason = {};

		if (now_ns >= j->deadline_ns) {
			worker_kill(&j->worker);
			reason_set(&reason, 0,
				   "the image worker did not answer in %d ms and was killed",
				   WORKER_DEADLINE_MS);
			finish(j, -ETIMEDOUT, NULL, &reason);
		}
		j = next;
	}
	start_waiting(js, now_ns);
}
