// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "cmd/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "proc/procfs.h"

int session_load_config(const char *path, struct config **ret_c)
{
	struct buf errors;
	int err;

	buf_init(&errors, 0);
	err = config_load(path, ret_c, &errors);
	if (err)
		fputs(errors.data ? errors.data : "out of memory\n", stderr);
	buf_done(&errors);
	return err ? EXIT_USAGE : EXIT_GOOD;
}

/* A descriptor for each target's memory, one for each link. */
static void raise_fd_limit(void)
{
	struct rlimit rl;

	if (!getrlimit(RLIMIT_NOFILE, &rl) && rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

static int fail(int code, const char *what, const struct reason *reason)
{
	fprintf(stderr, "deferd: %s: %s\n", what, reason->text);
	return code;
}

int64_t session_unix_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

int session_open(struct session *s, struct config *config, const struct engine_opts *opts)
{
	struct engine_source source;
	struct reason reason = {};

	*s = (struct session){ .procfd = -1, .config = config };
	signal(SIGPIPE, SIG_IGN);
	raise_fd_limit();
	s->self.start_unix_s = (double)session_unix_ms() / 1e3;
	s->self.last_reload_good = true;
	s->self.last_reload_good_unix_s = s->self.start_unix_s;
	s->loop = loop_new();
	s->procfd = proc_open("/proc");
	if (!s->loop || s->procfd < 0) {
		reason_set(&reason, 0, "%s", strerror(s->procfd < 0 ? -s->procfd : errno));
		return fail(EXIT_FAILED, s->procfd < 0 ? "/proc" : "epoll", &reason);
	}
	kernel_probe_features(s->procfd, &s->features);
	switch (kernel_verdict(&s->features, &reason)) {
	case KERNEL_UNPRIVILEGED:
		return fail(EXIT_PRIVILEGE, "privilege is missing", &reason);
	case KERNEL_CANNOT:
		return fail(EXIT_KERNEL, "this kernel lacks a required feature", &reason);
	case KERNEL_GOOD:
		break;
	}
	source = (struct engine_source){ .procfd = s->procfd, .features = &s->features };
	if (engine_new(s->loop, &source, s->config, opts, &s->engine, &reason))
		return fail(EXIT_KERNEL, "cannot start observing", &reason);
	return EXIT_GOOD;
}

void session_close(struct session *s)
{
	engine_free(s->engine);
	loop_free(s->loop);
	config_free(s->config);
	if (s->procfd >= 0)
		close(s->procfd);
	*s = (struct session){ .procfd = -1 };
}

void session_show(struct session *s, struct show *ret_show)
{
	uint64_t hard;

	(void)proc_usage(s->procfd, getpid(), &s->self.cpu_ns, &s->self.rss_bytes);
	(void)proc_fd_count(s->procfd, getpid(), s->features.have[KERNEL_FD_SIZE],
			    &s->self.open_fds);
	(void)proc_fd_limit(getpid(), &s->self.max_fds, &hard);
	engine_show(s->engine, ret_show);
	ret_show->self = &s->self;
	ret_show->now_ns = loop_now_ns();
	ret_show->unix_ms = session_unix_ms();
}

void session_show_fresh(struct session *s, struct show *ret_show)
{
	engine_refresh(s->engine, loop_now_ns());
	session_show(s, ret_show);
}
