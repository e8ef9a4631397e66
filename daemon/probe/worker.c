// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Parent side: posix_spawn() of /proc/self/exe rather than fork(), so that a large daemon's page
 * tables are not copied, and so that the child starts with a clean address space: nothing of the
 * daemon's memory is there to be read.
 */
#include "probe/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "probe/worker_priv.h"

#define SPARE_FD 16 /* spawn's dup2 calls must not step on the descriptors they copy from */

static void copy_name(char *dst, size_t size, const char *src, bool *too_long)
{
	if (!src)
		return;
	*too_long |= strlen(src) >= size;
	strncpy(dst, src, size - 1);
}

static int make_request(const struct worker_job *job, struct worker_request *ret,
			struct reason *reason)
{
	bool too_long = false;

	memset(ret, 0, sizeof(*ret));
	ret->version = INSPECT_VERSION;
	ret->kind = job->kind;
	if (job->kind != WORKER_INSPECT && job->kind != WORKER_SYMBOLIZE)
		return reason_set(reason, -EINVAL, "no such job");
	if (job->nprofiles > INSPECT_PROFILES_MAX || job->nasks > INSPECT_ASKS_MAX)
		return reason_set(reason, -E2BIG, "%u profiles, %u addresses: too many for one job",
				  job->nprofiles, job->nasks);
	if (job->kind == WORKER_SYMBOLIZE) {
		ret->nasks = job->nasks;
		memcpy(ret->asks, job->asks, job->nasks * sizeof(ret->asks[0]));
		return 0;
	}
	ret->nprofiles = job->nprofiles;
	for (unsigned i = 0; i < job->nprofiles; i++) {
		const struct plan_c_profile *from = &job->profiles[i];
		struct worker_profile *to = &ret->profiles[i];

		copy_name(to->name, sizeof(to->name), from->name, &too_long);
		copy_name(to->push, sizeof(to->push), from->push, &too_long);
		copy_name(to->run, sizeof(to->run), from->run, &too_long);
		copy_name(to->panic, sizeof(to->panic), from->panic, &too_long);
		copy_name(to->recover, sizeof(to->recover), from->recover, &too_long);
	}
	return too_long ? reason_set(reason, -E2BIG, "a function name of a profile is too long")
			: 0;
}

static int spare_fd(int fd)
{
	int r = fcntl(fd, F_DUPFD_CLOEXEC, SPARE_FD);

	return r < 0 ? -errno : r;
}

static int prepare_files(posix_spawn_file_actions_t *fa, int image_fd, int sock)
{
	int r = 0;

	for (int fd = 0; fd <= 2 && !r; fd++)
		r = posix_spawn_file_actions_addopen(fa, fd, "/dev/null", fd ? O_WRONLY : O_RDONLY,
						     0);
	if (!r)
		r = posix_spawn_file_actions_adddup2(fa, image_fd, WORKER_IMAGE_FD);
	if (!r)
		r = posix_spawn_file_actions_adddup2(fa, sock, WORKER_SOCKET_FD);
	if (!r)
		r = posix_spawn_file_actions_addclosefrom_np(fa, WORKER_SOCKET_FD + 1);
	return r;
}

/* The daemon blocks signals for its signalfd and ignores SIGPIPE; neither is for the worker. */
static int prepare_signals(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawnattr_setsigmask(attr, &none);
	if (!r)
		r = posix_spawnattr_setsigdefault(attr, &all);
	if (!r)
		r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return r;
}

static int spawn(int image_fd, int sock, pid_t *ret_pid)
{
	char name[] = "deferd", arg[] = WORKER_ARG;
	char *argv[] = { name, arg, NULL }, *envp[] = { NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	int r;

	r = posix_spawn_file_actions_init(&fa);
	if (r)
		return -r;
	r = posix_spawnattr_init(&attr);
	if (r) {
		posix_spawn_file_actions_destroy(&fa);
		return -r;
	}
	r = prepare_files(&fa, image_fd, sock);
	if (!r)
		r = prepare_signals(&attr);
	if (!r)
		r = posix_spawn(ret_pid, "/proc/self/exe", &fa, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return -r;
}

int worker_start(const struct worker_job *job, struct worker *ret, struct reason *reason)
{
	_cleanup_close_ int ours = -1, theirs = -1, image = -1;
	_cleanup_free_ struct worker_reply *reply = NULL;
	struct worker w = { .kind = job->kind, .nasks = job->nasks };
	struct worker_request request;
	int pair[2], r;

	r = make_request(job, &request, reason);
	if (r < 0)
		return r;
	reply = calloc(1, sizeof(*reply));
	if (!reply)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return reason_set(reason, -errno, "socketpair: %s", strerror(errno));
	ours = pair[0];
	theirs = spare_fd(pair[1]);
	close(pair[1]);
	image = spare_fd(job->image_fd);
	if (theirs < 0 || image < 0)
		return reason_set(reason, theirs < 0 ? theirs : image, "dup: %s",
				  strerror(theirs < 0 ? -theirs : -image));
	/* The request is smaller than any socket buffer, so this neither waits nor writes a part.
	 */
	if (send(ours, &request, sizeof(request), MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    (ssize_t)sizeof(request))
		return reason_set(reason, -EAGAIN, "the request does not fit into a socket");
	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
		return reason_set(reason, -errno, "fcntl: %s", strerror(errno));
	r = spawn(image, theirs, &w.pid);
	if (r < 0)
		return reason_set(reason, r, "cannot start the image worker: %s", strerror(-r));
	w.fd = TAKE_FD(ours);
	w.reply = TAKE_PTR(reply);
	*ret = w;
	return 0;
}

/* Returns the wait status. The pid cannot have been reused: it stays a zombie until we ask. */
static int reap(struct worker *w)
{
	int status = 0;

	if (w->pid) {
		kill(w->pid, SIGKILL);
		while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
			;
		w->pid = 0;
	}
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	return status;
}

static int explain_death(int status, struct reason *reason)
{
	if (WIFSIGNALED(status))
		return reason_set(reason, -ECHILD, "the image worker was killed by SIG%s%s",
				  sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status))
								 : "?",
				  WTERMSIG(status) == SIGSYS ? " (a forbidden system call)" : "");
	return reason_set(reason, -ECHILD, "the image worker ended with status %d and no answer",
			  WEXITSTATUS(status));
}

static int take_answer(const struct worker *w, struct worker_result *ret, struct reason *reason)
{
	struct worker_reply *a = w->reply;
	bool inspect = w->kind == WORKER_INSPECT;

	if (a->version != INSPECT_VERSION || a->error > 0 || a->error < -4095 ||
	    !memchr(a->reason, 0, sizeof(a->reason)) ||
	    (inspect ? image_report_check(&a->u.report) ?: image_lists_check(&a->u.lists)
		     : image_places_check(a->u.places, a->nplaces, w->nasks)) < 0)
		return reason_set(reason, -EPROTO, "the answer of the image worker is malformed");
	if (a->error < 0)
		return reason_set(reason, a->error, "%s", a->reason);
	ret->nplaces = 0;
	if (inspect) {
		ret->report = a->u.report;
		ret->lists = a->u.lists;
		return 0;
	}
	ret->nplaces = a->nplaces;
	memcpy(ret->places, a->u.places, a->nplaces * sizeof(ret->places[0]));
	return 0;
}

/*
 * At the end of the answer, or of the stream, the worker is done for: it is killed rather than
 * waited for, since a hostile one might not exit. One that is dying of a signal keeps that as its
 * status: it is set before files are closed.
 */
int worker_read(struct worker *w, struct worker_result *ret, struct reason *reason)
{
	struct worker_reply *a = w->reply;

	if (w->fd < 0)
		return reason_set(reason, -ECHILD, "the image worker has ended");
	while (a->got < WORKER_REPLY_BYTES) {
		ssize_t n = read(w->fd, (char *)a + WORKER_REPLY_AT + a->got,
				 WORKER_REPLY_BYTES - a->got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return -EAGAIN;
		if (n <= 0)
			return explain_death(reap(w), reason);
		a->got += (size_t)n;
	}
	reap(w);
	return take_answer(w, ret, reason);
}

void worker_kill(struct worker *w)
{
	if (w->reply)
		(void)reap(w);
}

void worker_done(struct worker *w)
{
	worker_kill(w);
	free(w->reply);
	w->reply = NULL;
}
