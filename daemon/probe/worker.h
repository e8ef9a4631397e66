/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The image worker: a process for one job, which reads a stranger's file so that the daemon need
 * not. It is this same program, started again as `deferd image-worker` with the file at descriptor
 * 3 and a socket at 4; before it touches the file it is nobody, has no capability, cannot gain any,
 * may open nothing, and the kernel kills it for any system call that reading does not need. The
 * parent never waits: it polls `fd`, and kills a worker that takes too long.
 *
 * Parent side: one thread per worker; SIGCHLD must not be ignored, or exit statuses are lost.
 */
#ifndef DEFERD_PROBE_WORKER_H
#define DEFERD_PROBE_WORKER_H

#include <stddef.h>
#include <sys/types.h>

#include "probe/inspect.h"

#define WORKER_ARG "image-worker" /* argv[1]: main() calls worker_main() when it sees this */

#define WORKER_CPU_SECONDS_MAX 2 /* RLIMIT_CPU: what a file may cost */
/* For the caller, by its clock. On a machine that is busy two seconds of CPU time take longer. */
#define WORKER_DEADLINE_MS      10000
#define WORKER_MEMORY_BYTES_MAX (2ull << 30) /* RLIMIT_AS; an image of INSPECT_FILE_MAX fits */

enum worker_kind {
	WORKER_INSPECT = 1,
	WORKER_SYMBOLIZE,
};

struct worker_job {
	enum worker_kind kind;
	int image_fd; /* the file, open for reading; borrowed during worker_start() */
	/* WORKER_INSPECT */
	const struct plan_c_profile *profiles;
	unsigned nprofiles; /* <= INSPECT_PROFILES_MAX */
	/* WORKER_SYMBOLIZE */
	const struct image_ask *asks;
	unsigned nasks; /* <= INSPECT_ASKS_MAX */
};

struct worker_reply; /* the bytes as they come in */

struct worker {
	pid_t pid; /* 0: reaped, or never started */
	int fd;    /* poll for reading; -1: closed */
	enum worker_kind kind;
	unsigned nasks;
	struct worker_reply *reply;
};

/* What a worker found. One of the two, by kind. */
struct worker_result {
	struct image_report report;
	struct image_lists lists;
	unsigned nplaces;
	struct image_place places[INSPECT_PLACES_MAX];
};

/*
 * Start a worker and hand it the job. Does not wait for it. *ret is to be given to worker_done(),
 * and is written on success only. 0; -EINVAL, -E2BIG for a job that is none; -EAGAIN or -ENOMEM: no
 * process to be had now, try later.
 */
int worker_start(const struct worker_job *job, struct worker *ret, struct reason *reason);

/*
 * Take what has come. -EAGAIN: not all of it, poll again. Anything else ends the worker: it is
 * reaped and `fd` closed. 0: *ret is filled (ret->report.error may still say that the image is
 * nothing for us). -ECHILD: it died before it had answered; the reason names the signal or exit
 * status. -EPROTO: it answered nonsense. Other codes, with the worker's own reason, when it could
 * not do the job (WORKER_SYMBOLIZE) or refused to start (privileges that would not go).
 */
int worker_read(struct worker *w, struct worker_result *ret, struct reason *reason);

/* Kill and reap, e.g. when the deadline has passed. Safe on a worker that has ended. */
void worker_kill(struct worker *w);

/* worker_kill() if it still runs, and free what it held. A zeroed or finished worker is allowed. */
void worker_done(struct worker *w);

/* The worker's own main(). Returns an exit status. Call with nothing open that it should not see.
 */
int worker_main(void);

#endif
