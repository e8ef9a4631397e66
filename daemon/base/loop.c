// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "base/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define TURN_EVENTS 32

enum source_kind { SOURCE_FD, SOURCE_TIMER, SOURCE_SIGNAL };

struct loop_source {
	enum source_kind kind;
	int fd;
	bool dead;
	void *arg;
	union {
		loop_fd_fn on_fd;
		loop_timer_fn on_timer;
		loop_signal_fn on_signal;
	};
	struct loop_source *next_dead;
};

struct loop {
	int epfd;
	bool stop;
	struct loop_source
		*dead; /* removed in this turn; an event of theirs may still be in the batch */
};

uint64_t loop_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epfd < 0) {
		free(l);
		return NULL;
	}
	return l;
}

static void reap_dead(struct loop *l)
{
	while (l->dead) {
		struct loop_source *s = l->dead;

		l->dead = s->next_dead;
		free(s);
	}
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	reap_dead(l);
	close(l->epfd);
	free(l);
}

static struct loop_source *add(struct loop *l, int fd, uint32_t events, enum source_kind kind,
			       void *arg)
{
	struct loop_source *s = calloc(1, sizeof(*s));
	struct epoll_event ev = { .events = events, .data.ptr = s };

	if (!s)
		return NULL;
	s->kind = kind;
	s->fd = fd;
	s->arg = arg;
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev)) {
		free(s);
		return NULL;
	}
	return s;
}

struct loop_source *loop_add_fd(struct loop *l, int fd, uint32_t events, loop_fd_fn fn, void *arg)
{
	struct loop_source *s = add(l, fd, events, SOURCE_FD, arg);

	if (s)
		s->on_fd = fn;
	return s;
}

static int set_period(int fd, uint64_t period_ns)
{
	const struct timespec period = { (time_t)(period_ns / 1000000000),
					 (long)(period_ns % 1000000000) };
	const struct itimerspec its = { period, period };

	return timerfd_settime(fd, 0, &its, NULL) ? -errno : 0;
}

int loop_set_period(struct loop_source *s, uint64_t period_ns)
{
	return set_period(s->fd, period_ns);
}

struct loop_source *loop_add_timer(struct loop *l, uint64_t period_ns, loop_timer_fn fn, void *arg)
{
	_cleanup_close_ int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct loop_source *s;

	if (fd < 0 || set_period(fd, period_ns))
		return NULL;
	s = add(l, fd, EPOLLIN, SOURCE_TIMER, arg);
	if (!s)
		return NULL;
	s->on_timer = fn;
	TAKE_FD(fd);
	return s;
}

struct loop_source *loop_add_signals(struct loop *l, const sigset_t *set, loop_signal_fn fn,
				     void *arg)
{
	_cleanup_close_ int fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
	struct loop_source *s;

	if (fd < 0 || sigprocmask(SIG_BLOCK, set, NULL))
		return NULL;
	s = add(l, fd, EPOLLIN, SOURCE_SIGNAL, arg);
	if (!s)
		return NULL;
	s->on_signal = fn;
	TAKE_FD(fd);
	return s;
}

void loop_remove(struct loop *l, struct loop_source *s)
{
	if (!s || s->dead)
		return;
	epoll_ctl(l->epfd, EPOLL_CTL_DEL, s->fd, NULL);
	if (s->kind != SOURCE_FD)
		close(s->fd);
	s->dead = true;
	s->next_dead = l->dead;
	l->dead = s;
}

static void dispatch(struct loop_source *s, uint32_t events)
{
	struct signalfd_siginfo si;
	uint64_t turns;

	switch (s->kind) {
	case SOURCE_FD:
		s->on_fd(s->arg, events);
		break;
	case SOURCE_TIMER:
		if (read(s->fd, &turns, sizeof(turns)) == sizeof(turns))
			s->on_timer(s->arg, loop_now_ns());
		break;
	case SOURCE_SIGNAL:
		while (!s->dead && read(s->fd, &si, sizeof(si)) == sizeof(si))
			s->on_signal(s->arg, si.ssi_signo);
		break;
	}
}

int loop_turn(struct loop *l, int timeout_ms)
{
	struct epoll_event ev[TURN_EVENTS];
	int n = epoll_wait(l->epfd, ev, TURN_EVENTS, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		struct loop_source *s = ev[i].data.ptr;

		if (!s->dead)
			dispatch(s, ev[i].events);
	}
	reap_dead(l);
	return 0;
}

int loop_run(struct loop *l)
{
	int err = 0;

	l->stop = false;
	while (!l->stop && !err)
		err = loop_turn(l, -1);
	return err;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}
