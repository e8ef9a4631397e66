// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/discover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/golibs.h"

#define TURN_NS            2000000ull /* of attaching, in one turn of the loop; what has begun is ended */
#define LIBRARIES_EVERY_NS 10000000000ull

/* How large an unobserved process was when its mappings were looked at. */
struct library_seen {
	UT_hash_handle hh;
	pid_t pid;
	uint64_t bytes;
	uint64_t lap_ns;
};

static const char *or_null(const char *name)
{
	return *name ? name : NULL;
}

void discover_profiles(struct discover *d)
{
	d->profiles[0] = (struct plan_c_profile)PLAN_C_PROFILE_DEFAULT;
	d->n_profiles = 1;
	for (unsigned i = 0;
	     i < d->turn->config->n_runtimes && d->n_profiles < INSPECT_PROFILES_MAX; i++) {
		const struct config_runtime *r = &d->turn->config->runtimes[i];

		d->profiles[d->n_profiles++] = (struct plan_c_profile){
			.name = r->name,
			.push = r->push,
			.run = r->run,
			.panic = or_null(r->panic),
			.recover = or_null(r->recover),
		};
	}
	jobs_set_profiles(d->turn->jobs, d->profiles, d->n_profiles);
}

/* Why, and what to do about it. */
static const char *attach_cause(int err)
{
	switch (err) {
	case -ENOSPC:
		return "the limit limits.targets is reached";
	case -EACCES:
	case -EPERM:
		return "no permission to read its memory: kernel.yama.ptrace_scope is 3, or a "
		       "security "
		       "module forbids it";
	default:
		return strerror(-err);
	}
}

/*
 * A process that was asked for by its number is looked at whatever it runs: it has descriptors. So is one that
 * has a Go runtime elsewhere.
 */
static bool is_for_us(struct discover *d, pid_t pid, struct image *im)
{
	char name[PROC_NAME_MAX];
	uint64_t bytes;

	if ((im->report && im->report->kind != IMAGE_NONE) || d->turn->opts->only_pid)
		return im->report != NULL;
	return !proc_vm_bytes(d->turn->procfd, pid, &bytes) && bytes >= GOLIBS_VM_BYTES &&
	       golibs_find(d->turn->procfd, pid, name) && !image_keep_empty(im);
}

/*
 * Attaching takes the kernel a millisecond, and more when many run the file: many at once would keep the
 * loop from its records. Whose turn it is not is looked at again, in the next turn of the loop.
 */
static bool attach_now(struct discover *d, pid_t pid)
{
	__typeof__(d->waiting) *q = &d->waiting;

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
	struct discover *d = arg;
	__typeof__(d->waiting) *q = &d->waiting;
	eventfd_t turns;

	(void)eventfd_read(q->fd, &turns);
	q->spent_ns = 0;
	d->turn->now_ns = loop_now_ns();
	while (q->next < q->n && q->spent_ns < TURN_NS)
		discover_pid(d, q->pids[q->next++]);
	if (q->next < q->n)
		(void)eventfd_write(q->fd, 1);
	else
		q->next = q->n = 0;
}

int discover_start(struct discover *d, struct turn *turn, struct loop *loop)
{
	*d = (struct discover){ .turn = turn, .loop = loop };
	attach_find_self(turn, &d->self);
	discover_profiles(d);
	d->waiting.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (d->waiting.fd < 0)
		return -errno;
	d->waiting.source = loop_add_fd(loop, d->waiting.fd, EPOLLIN, on_waiting, d);
	return d->waiting.source ? 0 : -errno;
}

static void forget_libraries(struct discover *d, uint64_t before_ns)
{
	struct library_seen *s, *next;

	HASH_ITER (hh, d->libraries, s, next) {
		if (s->lap_ns >= before_ns)
			continue;
		HASH_DEL(d->libraries, s);
		free(s);
	}
}

void discover_stop(struct discover *d)
{
	if (!d->turn)
		return;
	loop_remove(d->loop, d->waiting.source);
	if (d->waiting.fd >= 0)
		close(d->waiting.fd);
	free(d->waiting.pids);
	forget_libraries(d, UINT64_MAX);
}

unsigned discover_waiting(const struct discover *d)
{
	return d->waiting.n;
}

bool discover_postponed(const struct discover *d)
{
	struct images *is = d->turn->images;

	for (struct image *im = images_next(is, NULL); im; im = images_next(is, im)) {
		if (image_is_awaited(im))
			return true;
	}
	return false;
}

static void try_attach(struct discover *d, pid_t pid, struct image *im)
{
	uint64_t begin_ns = loop_now_ns();
	struct log_line l;
	int err;

	if (!is_for_us(d, pid, im) || !attach_now(d, pid))
		return;
	err = attach_process(d->turn, &d->self, pid, im);
	d->waiting.spent_ns += loop_now_ns() - begin_ns;
	if (!err)
		return;
	if (err == -ESRCH || err == -ESTALE) {
		d->turn->stats.failures[ATTACH_EXITED]++;
		return;
	}
	if (err == -EACCES || err == -EPERM)
		d->turn->stats.failures[ATTACH_DENIED]++;
	log_begin(&l, LOG_WARN, "cannot attach to a process; it is not observed");
	log_u64(&l, "pid", pid);
	log_str(&l, "image", im->file.name);
	log_str(&l, "cause", attach_cause(err));
	log_emit(&l);
}

/* Is this process still the one we know? For scans of /proc, which see no exec of the same file. */
static bool still_same(struct discover *d, const struct watch *w, const struct proc_image *file)
{
	return proc_is_same(d->turn->procfd, w->pid, w->start_ticks) &&
	       proc_image_equal(file, &w->image->file);
}

static void ask_for_report(struct discover *d, pid_t pid, struct image *im)
{
	struct proc_image file;
	int fd = proc_open_exe(d->turn->procfd, pid, &file), err;

	if (fd < 0) {
		d->turn->stats.failures[ATTACH_EXITED]++;
		return;
	}
	if (image_add_waiting(im, pid)) {
		close(fd);
		return;
	}
	/* Before the job: one that cannot even start answers at once. */
	im->state = IMAGE_ASKED;
	err = jobs_inspect(d->turn->jobs, im->id, fd, d->turn->now_ns);
	if (err)
		image_postpone(im, d->turn->now_ns); /* the queue is full */
}

void discover_pid(struct discover *d, pid_t pid)
{
	struct watch *w = watch_by_pid(&d->turn->watches, pid);
	struct proc_image file;
	struct image *im;

	if (d->turn->opts->only_pid && pid != d->turn->opts->only_pid)
		return;
	/* Gone, or a kernel thread. One that is watched leaves with its exit, behind its last records. */
	if (proc_stat_exe(d->turn->procfd, pid, &file))
		return;
	if (w) {
		if (still_same(d, w, &file))
			return;
		attach_end(d->turn, w);
	}
	/* Ourselves, and our image workers. */
	if (file.dev == d->self.image.dev && file.ino == d->self.image.ino)
		return;
	im = images_get(d->turn->images, &file);
	if (!im)
		return;
	if (im->state == IMAGE_READY)
		try_attach(d, pid, im);
	else if (im->state == IMAGE_ASKED)
		(void)image_add_waiting(im, pid);
	else
		ask_for_report(d, pid, im);
}

void discover_exec(struct discover *d, pid_t pid, uint64_t time_ns)
{
	struct watch *w = watch_at(&d->turn->watches, pid, time_ns);

	/* The address space is a new one: bias, memory and depths of the old one mean nothing. */
	if (w)
		attach_end(d->turn, w);
	discover_pid(d, pid);
}

static int each_pid(void *arg, pid_t pid)
{
	discover_pid(arg, pid);
	return 0;
}

void discover_all(struct discover *d)
{
	int err = proc_for_each_pid(d->turn->procfd, each_pid, d);

	if (err)
		log_error("cannot list the processes in /proc: %s; only new processes will be seen",
			  strerror(-err));
}

void discover_gone(struct discover *d, pid_t pid, uint64_t time_ns)
{
	struct watch *w = watch_at(&d->turn->watches, pid, time_ns);

	if (w)
		attach_end(d->turn, w);
}

void discover_sweep(struct discover *d)
{
	struct watch *w, *next;

	HASH_ITER (hh, d->turn->watches.by_pid, w, next) {
		struct proc_image file;

		/* A zombie still has its times, but no file. */
		if (proc_stat_exe(d->turn->procfd, w->pid, &file) ||
		    !proc_is_same(d->turn->procfd, w->pid, w->start_ticks))
			attach_end(d->turn, w);
	}
}

void discover_refilter(struct discover *d)
{
	struct watch *w, *next;

	HASH_ITER (hh, d->turn->watches.by_pid, w, next) {
		if (!config_wants_service(d->turn->config, w->service))
			attach_end(d->turn, w);
	}
	discover_all(d);
}

/* A worker that was killed by what it read would be killed again; one that ran out of time may have more of it later. */
static void inspect_failed(struct discover *d, struct image *im, int err,
			   const struct reason *reason)
{
	bool again = err != -ECHILD && err != -EPROTO;
	struct log_line l;

	d->turn->stats.failures[ATTACH_WORKER]++;
	if (again)
		image_postpone(im, d->turn->now_ns);
	else
		im->state = IMAGE_READY;
	log_begin(&l, LOG_WARN,
		  again ? "a file could not be inspected yet; its processes are not observed"
			: "a file could not be inspected; its processes are not observed");
	log_str(&l, "image", im->file.name);
	log_str(&l, "cause", reason->text[0] ? reason->text : strerror(-err));
	if (again)
		log_fmt(&l, "again_in", "%llu s",
			(unsigned long long)(im->retry_ns - d->turn->now_ns) / 1000000000);
	log_emit(&l);
}

/* Processes that waited for the report, or for another try. */
static void discover_waiters(struct discover *d, struct image *im)
{
	_cleanup_free_ pid_t *waiting = TAKE_PTR(im->waiting);
	unsigned n = im->n_waiting;

	im->n_waiting = 0;
	for (unsigned i = 0; i < n; i++)
		discover_pid(d, waiting[i]);
}

void discover_report(struct discover *d, struct image *im, int err,
		     const struct worker_result *result, const struct reason *reason)
{
	if (err) {
		inspect_failed(d, im, err, reason);
		return;
	}
	if (image_set_report(im, result, d->turn->opts->only_pid != 0))
		return;
	log_debug("%s was inspected: %s", im->file.name,
		  im->report ? "its processes can be observed" : "nothing to observe in it");
	discover_waiters(d, im);
}

void discover_retry(struct discover *d)
{
	struct images *is = d->turn->images;

	for (struct image *im = images_next(is, NULL); im; im = images_next(is, im)) {
		if (image_is_due(im, d->turn->now_ns))
			discover_waiters(d, im);
	}
}

/* Go runtimes in shared libraries */

/* Whether it has become so much larger that there may be a runtime in it which was not there before. */
static bool has_grown(struct discover *d, pid_t pid)
{
	struct library_seen *s;
	uint64_t bytes;

	if (proc_vm_bytes(d->turn->procfd, pid, &bytes) || bytes < GOLIBS_VM_BYTES)
		return false;
	HASH_FIND(hh, d->libraries, &pid, sizeof(pid), s);
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s)
			return false;
		s->pid = pid;
		HASH_ADD(hh, d->libraries, pid, sizeof(s->pid), s);
	}
	s->lap_ns = d->libraries_ns;
	if (bytes < s->bytes + GOLIBS_VM_BYTES && bytes >= s->bytes)
		return false;
	s->bytes = bytes;
	return true;
}

static void log_library(const struct watch *w)
{
	char reason[WATCH_REASON_MAX];
	struct log_line l;

	watch_golib_reason(w->golib, reason, sizeof(reason));
	watch_log_begin(&l, LOG_WARN, "a process is only partly observed", w);
	log_str(&l, "reason", reason);
	log_emit(&l);
}

static int find_library(void *arg, pid_t pid)
{
	struct discover *d = arg;
	struct watch *w = watch_by_pid(&d->turn->watches, pid);

	if ((w && w->golib[0]) || !has_grown(d, pid))
		return 0;
	if (!w) {
		discover_pid(d, pid);
		return 0;
	}
	if (!golibs_find(d->turn->procfd, pid, w->golib))
		return 0;
	d->turn->stats.failures[ATTACH_LIBRARY]++;
	w->announce = true;
	log_library(w);
	return 0;
}

void discover_libraries(struct discover *d)
{
	if (d->turn->now_ns - d->libraries_ns < LIBRARIES_EVERY_NS || discover_waiting(d) ||
	    jobs_pending(d->turn->jobs))
		return;
	d->libraries_ns = d->turn->now_ns;
	if (d->turn->opts->only_pid)
		find_library(d, d->turn->opts->only_pid);
	else
		(void)proc_for_each_pid(d->turn->procfd, find_library, d);
	forget_libraries(d, d->turn->now_ns);
}
