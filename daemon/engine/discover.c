// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "census/descriptors.h"
#include "census/fdsites.h"
#include "engine/engine_priv.h"

#define TURN_NS 2000000ull /* of attaching, in one turn of the loop; what has begun is ended */

struct watch *watch_of_pid(struct engine *e, pid_t pid)
{
	struct watch *w;

	HASH_FIND(hh, e->by_pid, &pid, sizeof(pid), w);
	return w;
}

struct watch *watch_at(struct engine *e, pid_t pid, uint64_t time_ns)
{
	struct watch *w = watch_of_pid(e, pid);

	return w && time_ns >= w->attached_ns ? w : NULL;
}

struct watch *watch_of_id(struct engine *e, uint32_t id)
{
	struct watch *w;

	HASH_FIND(hh_id, e->by_id, &id, sizeof(id), w);
	return w;
}

void watch_remove(struct engine *e, struct watch *w)
{
	struct event ev = {
		.type = EVENT_TARGET_GONE, .target = w->id, .pid = w->pid, .time_ns = e->now_ns
	};
	const struct target *t;

	HASH_DELETE(hh, e->by_pid, w);
	HASH_DELETE(hh_id, e->by_id, w);
	probe_read_counts(e->probe, w->id, e->now_ns, engine_take, e);
	t = model_target(e->model, w->id);
	if (t && t->counts.panics)
		probe_read_recovers(e->probe, e->now_ns, engine_take, e);
	probe_detach(e->probe, w->id);
	engine_emit(e, &ev);
	w->image->users--;
	watch_free(w);
}

void watch_free(struct watch *w)
{
	census_free(w->census.c);
	descriptors_free(w->fds);
	fdsites_free(w->fd_sites);
	free(w->pruned);
	close(w->memory.fd);
	free(w);
}

static const char *or_null(const char *name)
{
	return *name ? name : NULL;
}

void discover_profiles(struct engine *e)
{
	e->profiles[0] = (struct plan_c_profile)PLAN_C_PROFILE_DEFAULT;
	e->n_profiles = 1;
	for (unsigned i = 0; i < e->config->n_runtimes && e->n_profiles < INSPECT_PROFILES_MAX;
	     i++) {
		const struct config_runtime *r = &e->config->runtimes[i];

		e->profiles[e->n_profiles++] = (struct plan_c_profile){
			.name = r->name,
			.push = r->push,
			.run = r->run,
			.panic = or_null(r->panic),
			.recover = or_null(r->recover),
		};
	}
	jobs_set_profiles(e->jobs, e->profiles, e->n_profiles);
}

/* Why, and what to do about it. */
static const char *attach_cause(int err)
{
	switch (err) {
	case -ENOSPC:
		return "limits.targets is reached";
	case -EACCES:
	case -EPERM:
		return "its memory may not be read: kernel.yama.ptrace_scope is 3, or a security "
		       "module forbids it";
	default:
		return strerror(-err);
	}
}

/*
 * A process that was asked for by its number is looked at whatever it runs: it has descriptors. So is one that
 * has a Go runtime elsewhere.
 */
static bool is_for_us(struct engine *e, pid_t pid, struct image *im)
{
	char name[PROC_NAME_MAX];
	uint64_t bytes;

	if ((im->report && im->report->kind != IMAGE_NONE) || e->opts.only_pid)
		return im->report != NULL;
	return !proc_vm_bytes(e->procfd, pid, &bytes) && bytes >= GOLIBS_VM_BYTES &&
	       golibs_find(e, pid, name) && !image_keep_empty(im);
}

/*
 * Attaching takes the kernel a millisecond, and more when many run the file: many at once would keep the
 * loop from its records. Whose turn it is not is looked at again, in the next turn of the loop.
 */
static bool attach_now(struct engine *e, pid_t pid)
{
	struct waiting *q = &e->waiting;

	if (q->spent_ns < TURN_NS)
		return true;
	if (q->n == q->room) {
		unsigned room = q->room ? 2 * q->room : 64;
		pid_t *pids = reallocarray(q->pids, room, sizeof(*pids));

		if (!pids)
			return true;
		q->pids = pids;
		q->room = room;
	}
	q->pids[q->n++] = pid;
	(void)eventfd_write(q->fd, 1);
	return false;
}

static void on_waiting(void *arg, uint32_t events)
{
	struct engine *e = arg;
	struct waiting *q = &e->waiting;
	eventfd_t turns;

	(void)eventfd_read(q->fd, &turns);
	q->spent_ns = 0;
	e->now_ns = loop_now_ns();
	while (q->next < q->n && q->spent_ns < TURN_NS)
		discover_pid(e, q->pids[q->next++]);
	if (q->next < q->n)
		(void)eventfd_write(q->fd, 1);
	else
		q->next = q->n = 0;
}

int discover_start(struct engine *e)
{
	e->waiting.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (e->waiting.fd < 0)
		return -errno;
	e->waiting.source = loop_add_fd(e->loop, e->waiting.fd, EPOLLIN, on_waiting, e);
	return e->waiting.source ? 0 : -errno;
}

void discover_stop(struct engine *e)
{
	loop_remove(e->loop, e->waiting.source);
	if (e->waiting.fd >= 0)
		close(e->waiting.fd);
	free(e->waiting.pids);
}

static void try_attach(struct engine *e, pid_t pid, struct image *im)
{
	uint64_t begin_ns = loop_now_ns();
	struct log_line l;
	int err;

	if (!is_for_us(e, pid, im) || !attach_now(e, pid))
		return;
	err = attach_process(e, pid, im);
	e->waiting.spent_ns += loop_now_ns() - begin_ns;
	if (!err)
		return;
	if (err == -ESRCH || err == -ESTALE) {
		e->stats.failures[ATTACH_EXITED]++;
		return;
	}
	if (err == -EACCES || err == -EPERM)
		e->stats.failures[ATTACH_DENIED]++;
	log_begin(&l, LOG_WARN, "cannot attach to a process, leaving it alone");
	log_u64(&l, "pid", pid);
	log_str(&l, "image", im->file.name);
	log_str(&l, "cause", attach_cause(err));
	log_emit(&l);
}

/* Is this process still the one we know? For scans of /proc, which see no exec of the same file. */
static bool still_same(struct engine *e, const struct watch *w, const struct proc_image *file)
{
	return proc_is_same(e->procfd, w->pid, w->start_ticks) &&
	       proc_image_equal(file, &w->image->file);
}

static void ask_for_report(struct engine *e, pid_t pid, struct image *im)
{
	struct proc_image file;
	int fd = proc_open_exe(e->procfd, pid, &file), err;

	if (fd < 0) {
		e->stats.failures[ATTACH_EXITED]++;
		return;
	}
	if (image_add_waiting(im, pid)) {
		close(fd);
		return;
	}
	/* Before the job: one that cannot even start answers at once. */
	im->state = IMAGE_ASKED;
	err = jobs_inspect(e->jobs, im->id, fd, e->now_ns);
	if (err)
		im->state =
			IMAGE_NEW; /* the line is full: the next process that runs this file asks again */
}

void discover_pid(struct engine *e, pid_t pid)
{
	struct watch *w = watch_of_pid(e, pid);
	struct proc_image file;
	struct image *im;

	if (e->opts.only_pid && pid != e->opts.only_pid)
		return;
	/* Gone, or a kernel thread. One that is watched leaves with its exit, behind its last records. */
	if (proc_stat_exe(e->procfd, pid, &file))
		return;
	if (w) {
		if (still_same(e, w, &file))
			return;
		watch_remove(e, w);
	}
	/* Ourselves, and our image workers. */
	if (file.dev == e->own_image.dev && file.ino == e->own_image.ino)
		return;
	im = images_get(e->images, &file);
	if (!im)
		return;
	if (im->state == IMAGE_READY)
		try_attach(e, pid, im);
	else if (im->state == IMAGE_ASKED)
		(void)image_add_waiting(im, pid);
	else
		ask_for_report(e, pid, im);
}

void discover_exec(struct engine *e, pid_t pid, uint64_t time_ns)
{
	struct watch *w = watch_at(e, pid, time_ns);

	/* The address space is a new one: bias, memory and depths of the old one mean nothing. */
	if (w)
		watch_remove(e, w);
	discover_pid(e, pid);
}

static int each_pid(void *arg, pid_t pid)
{
	discover_pid(arg, pid);
	return 0;
}

void discover_all(struct engine *e)
{
	int err = proc_for_each_pid(e->procfd, each_pid, e);

	if (err)
		log_error("cannot list the processes in /proc: %s; only new ones will be seen",
			  strerror(-err));
}

void discover_gone(struct engine *e, pid_t pid, uint64_t time_ns)
{
	struct watch *w = watch_at(e, pid, time_ns);

	if (w)
		watch_remove(e, w);
}

void discover_sweep(struct engine *e)
{
	struct watch *w, *next;

	HASH_ITER (hh, e->by_pid, w, next) {
		struct proc_image file;

		/* One that nobody has waited for yet still has its times, but no file any more. */
		if (proc_stat_exe(e->procfd, w->pid, &file) ||
		    !proc_is_same(e->procfd, w->pid, w->start_ticks))
			watch_remove(e, w);
	}
}

void discover_refilter(struct engine *e)
{
	struct watch *w, *next;

	HASH_ITER (hh, e->by_pid, w, next) {
		const struct target *t = model_target(e->model, w->id);

		if (t && !config_wants_service(e->config, t->service->name))
			watch_remove(e, w);
	}
	discover_all(e);
}

void discover_report(struct engine *e, struct image *im, int err,
		     const struct worker_result *result, const struct reason *reason)
{
	_cleanup_free_ pid_t *waiting = TAKE_PTR(im->waiting);
	unsigned n = im->n_waiting;
	struct log_line l;

	im->n_waiting = 0;
	if (err) {
		/*
		 * What killed the worker would kill the next one; a machine that was too busy for
		 * it may not be any more.
		 */
		im->state = err == -ECHILD || err == -EPROTO ? IMAGE_READY : IMAGE_NEW;
		e->stats.failures[ATTACH_WORKER]++;
		log_begin(&l, LOG_WARN,
			  "a file could not be inspected, its processes are not observed");
		log_str(&l, "image", im->file.name);
		log_str(&l, "cause", reason->text[0] ? reason->text : strerror(-err));
		log_emit(&l);
		return;
	}
	if (image_set_report(im, result, e->opts.only_pid != 0))
		return;
	log_debug("%s was inspected: %s", im->file.name,
		  im->report ? "its processes can be observed" : "nothing to observe in it");
	for (unsigned i = 0; i < n; i++)
		discover_pid(e, waiting[i]);
}
