// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/loop.h"

DEFINE_CLEANUP(struct loop *, loop_free)
#define _loop_ _cleanup_(loop_freep) struct loop *

#define MANY 100

/* A source that counts, and does something to itself or to others when it is called. */
struct probe {
	struct loop *loop;
	struct loop_source *source;
	int fd;
	unsigned calls;
	uint32_t events;
	enum { JUST_COUNT, REMOVE_SELF, REMOVE_OTHER, REMOVE_BOTH, ADD_OTHER, STOP } then;
	struct probe *other;
};

static void probe_call(struct probe *p);

static void on_fd(void *arg, uint32_t events)
{
	((struct probe *)arg)->events = events;
	probe_call(arg);
}

static void on_timer(void *arg, uint64_t now_ns)
{
	assert_true(now_ns > 0);
	probe_call(arg);
}

static void probe_watch(struct probe *p)
{
	p->source = loop_add_fd(p->loop, p->fd, EPOLLIN, on_fd, p);
	assert_non_null(p->source);
}

static void probe_drop(struct probe *p)
{
	loop_remove(p->loop, p->source);
	p->source = NULL;
}

static void probe_call(struct probe *p)
{
	p->calls++;
	switch (p->then) {
	case REMOVE_BOTH:
		probe_drop(p->other);
		probe_drop(p);
		break;
	case REMOVE_SELF:
		probe_drop(p);
		break;
	case REMOVE_OTHER:
		probe_drop(p->other);
		break;
	case ADD_OTHER:
		if (!p->other->source)
			probe_watch(p->other);
		break;
	case STOP:
		loop_stop(p->loop);
		break;
	case JUST_COUNT:
		break;
	}
}

/* Ready at once, and ever after. */
static void probe_init(struct probe *p, struct loop *l)
{
	*p = (struct probe){ .loop = l, .fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC) };
	assert_true(p->fd >= 0);
}

static void probe_done(struct probe *p)
{
	probe_drop(p);
	close(p->fd);
}

static void nothing_to_do(void **state)
{
	_loop_ l = loop_new();

	assert_non_null(l);
	assert_int_equal(loop_turn(l, 0), 0);
	loop_remove(l, NULL);
	loop_free(NULL);
}

static void descriptors(void **state)
{
	_loop_ l = loop_new();
	int fds[2];
	struct probe p = { .loop = l };

	assert_int_equal(pipe(fds), 0);
	p.fd = fds[0];
	probe_watch(&p);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(p.calls, 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	/* As long as nobody reads it. */
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(loop_turn(l, -1), 0);
		assert_int_equal(p.calls, i);
		assert_int_equal(p.events, EPOLLIN);
	}
	close(fds[1]);
	assert_int_equal(loop_turn(l, -1), 0);
	assert_int_equal(p.events, EPOLLIN | EPOLLHUP);
	/* Removed: not called, and the descriptor is still the caller's. */
	probe_drop(&p);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(p.calls, 4);
	assert_int_equal(close(fds[0]), 0);
}

static void refused(void **state)
{
	_loop_ l = loop_new();
	struct probe p;
	FILE *f = tmpfile();

	probe_init(&p, l);
	probe_watch(&p);
	assert_null(loop_add_fd(l, p.fd, EPOLLIN, on_fd, &p));
	assert_int_equal(errno, EEXIST);
	assert_null(loop_add_fd(l, -1, EPOLLIN, on_fd, &p));
	assert_int_equal(errno, EBADF);
	assert_null(loop_add_fd(l, fileno(f), EPOLLIN, on_fd, &p));
	assert_int_equal(errno, EPERM);
	fclose(f);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(p.calls, 1);
	probe_done(&p);
}

/* What callbacks do to themselves and to each other, with both ready in one turn. */
static void changes_in_callbacks(void **state)
{
	static const struct {
		const char *what;
		int a_then, b_then;
		unsigned calls[3]; /* of both together, after each turn */
	} cases[] = {
		{ "nothing", JUST_COUNT, JUST_COUNT, { 2, 4, 6 } },
		{ "each removes itself", REMOVE_SELF, REMOVE_SELF, { 2, 2, 2 } },
		{ "one removes itself", REMOVE_SELF, JUST_COUNT, { 2, 3, 4 } },
		/* Whoever comes first: the other's event of the same turn is dropped. */
		{ "each removes the other", REMOVE_OTHER, REMOVE_OTHER, { 1, 2, 3 } },
		{ "each removes both", REMOVE_BOTH, REMOVE_BOTH, { 1, 1, 1 } },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_loop_ l = loop_new();
		struct probe a, b;

		probe_init(&a, l);
		probe_init(&b, l);
		a.then = cases[i].a_then;
		b.then = cases[i].b_then;
		a.other = &b;
		b.other = &a;
		probe_watch(&a);
		probe_watch(&b);
		for (unsigned turn = 0; turn < 3; turn++) {
			assert_int_equal(loop_turn(l, 0), 0);
			if (a.calls + b.calls != cases[i].calls[turn])
				fail_msg("%s: %u and %u calls after turn %u", cases[i].what,
					 a.calls, b.calls, turn + 1);
		}
		probe_done(&a);
		probe_done(&b);
	}
}

static void added_in_callback(void **state)
{
	_loop_ l = loop_new();
	struct probe a, b;

	probe_init(&a, l);
	probe_init(&b, l);
	a.then = ADD_OTHER;
	a.other = &b;
	probe_watch(&a);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_true(a.calls == 1 && b.calls == 0);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_true(a.calls == 2 && b.calls == 1);
	/* One that removes itself may be watched again in the same callback's turn. */
	b.then = REMOVE_SELF;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(loop_turn(l, 0), 0);
	assert_true(a.calls == 12 && b.calls >= 6);
	probe_done(&a);
	probe_done(&b);
}

/* More than one turn takes: everybody comes, nobody twice before the others. */
static void many(void **state)
{
	static struct probe p[MANY];
	_loop_ l = loop_new();
	unsigned calls = 0;

	for (unsigned i = 0; i < MANY; i++) {
		probe_init(&p[i], l);
		probe_watch(&p[i]);
	}
	for (unsigned turn = 0; turn < MANY && calls < MANY; turn++) {
		assert_int_equal(loop_turn(l, 0), 0);
		calls = 0;
		for (unsigned i = 0; i < MANY; i++)
			calls += p[i].calls > 0;
	}
	assert_int_equal(calls, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		assert_true(p[i].calls <= 2);
		probe_done(&p[i]);
	}
}

/*
 * A timer of a microsecond has elapsed many times before each turn: one call a turn. The loop
 * waits for it itself, so nothing here depends on how long that takes.
 */
static void timers_are_merged(void **state)
{
	_loop_ l = loop_new();
	struct probe p = { .loop = l };

	p.source = loop_add_timer(l, 1000, on_timer, &p);
	assert_non_null(p.source);
	for (unsigned i = 1; i <= 50; i++) {
		assert_int_equal(loop_turn(l, -1), 0);
		assert_int_equal(p.calls, i);
	}
	p.then = REMOVE_SELF;
	assert_int_equal(loop_turn(l, -1), 0);
	assert_null(p.source);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(p.calls, 51);
}

static void first_after_one_period(void **state)
{
	_loop_ l = loop_new();
	struct probe p = { .loop = l };

	p.source = loop_add_timer(l, 3600000000000ull, on_timer, &p);
	assert_non_null(p.source);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(p.calls, 0);
	probe_drop(&p);
}

/* One that rests does not run; then it runs as often as it is told. */
static void other_periods(void **state)
{
	_loop_ l = loop_new();
	struct probe p = { .loop = l };

	p.source = loop_add_timer(l, 3600000000000ull, on_timer, &p);
	assert_non_null(p.source);
	assert_int_equal(loop_set_period(p.source, 1000), 0);
	assert_int_equal(loop_turn(l, -1), 0);
	assert_int_equal(p.calls, 1);
	assert_int_equal(loop_set_period(p.source, 0), 0);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(loop_turn(l, 1), 0);
	assert_int_equal(p.calls, 1);
	assert_int_equal(loop_set_period(p.source, 1000), 0);
	assert_int_equal(loop_turn(l, -1), 0);
	assert_int_equal(p.calls, 2);
	probe_drop(&p);
}

static void runs_until_stopped(void **state)
{
	_loop_ l = loop_new();
	struct probe p;

	probe_init(&p, l);
	p.then = STOP;
	probe_watch(&p);
	/* A stop from before does not count. */
	loop_stop(l);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(p.calls, 1);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(p.calls, 2);
	probe_done(&p);
}

struct signals {
	struct loop *loop;
	struct loop_source *source;
	unsigned n, last, usr1, usr2;
	bool remove;
};

static void on_signal(void *arg, int signo)
{
	struct signals *s = arg;

	s->n++;
	s->last = signo;
	s->usr1 += signo == SIGUSR1;
	s->usr2 += signo == SIGUSR2;
	if (s->remove) {
		loop_remove(s->loop, s->source);
		s->source = NULL;
	}
}

static void take_pending(const sigset_t *set)
{
	static const struct timespec at_once;

	while (sigtimedwait(set, NULL, &at_once) > 0)
		continue;
}

static void signals(void **state)
{
	_loop_ l = loop_new();
	struct signals s = { .loop = l };
	sigset_t set, old;

	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &old), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	s.source = loop_add_signals(l, &set, on_signal, &s);
	assert_non_null(s.source);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(s.n, 0);
	/* Both in one turn; one that is pending already is merged by the kernel. */
	raise(SIGUSR2);
	raise(SIGUSR1);
	raise(SIGUSR1);
	assert_int_equal(loop_turn(l, -1), 0);
	assert_true(s.usr1 == 1 && s.usr2 == 1);
	raise(SIGUSR1);
	assert_int_equal(loop_turn(l, -1), 0);
	assert_true(s.usr1 == 2 && s.last == SIGUSR1);
	/* Removed by the first of two: the second one stays pending. */
	s.remove = true;
	raise(SIGUSR1);
	raise(SIGUSR2);
	assert_int_equal(loop_turn(l, -1), 0);
	assert_int_equal(s.n, 4);
	assert_null(s.source);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(s.n, 4);
	take_pending(&set);
	assert_int_equal(sigprocmask(SIG_SETMASK, &old, NULL), 0);
}

/* Adding and removing ten thousand times leaves no descriptor behind. */
static void churn(void **state)
{
	_loop_ l = loop_new();
	int before = eventfd(0, EFD_CLOEXEC), after;

	close(before);
	for (unsigned i = 0; i < 10000; i++) {
		struct probe p = { .loop = l };

		p.source = loop_add_timer(l, 1000000000, on_timer, &p);
		assert_non_null(p.source);
		probe_drop(&p);
		if (i % 100 == 0)
			assert_int_equal(loop_turn(l, 0), 0);
	}
	after = eventfd(0, EFD_CLOEXEC);
	close(after);
	assert_int_equal(after, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_to_do),
		cmocka_unit_test(descriptors),
		cmocka_unit_test(refused),
		cmocka_unit_test(changes_in_callbacks),
		cmocka_unit_test(added_in_callback),
		cmocka_unit_test(many),
		cmocka_unit_test(timers_are_merged),
		cmocka_unit_test(first_after_one_period),
		cmocka_unit_test(other_periods),
		cmocka_unit_test(runs_until_stopped),
		cmocka_unit_test(signals),
		cmocka_unit_test(churn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
