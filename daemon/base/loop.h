/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The event loop: descriptors, timers and signals on one epoll, one thread. Callbacks run to
 * completion and may add and remove sources, their own included. Nothing here is thread safe.
 */
#ifndef DEFERD_BASE_LOOP_H
#define DEFERD_BASE_LOOP_H

#include <signal.h>
#include <stdint.h>

struct loop;
struct loop_source;

typedef void (*loop_fd_fn)(void *arg, uint32_t events);
typedef void (*loop_timer_fn)(void *arg, uint64_t now_ns);
typedef void (*loop_signal_fn)(void *arg, int signo);

/* NULL with errno set when epoll is not to be had. */
struct loop *loop_new(void);
void loop_free(struct loop *l);

/* `events` as in epoll(7). The descriptor stays the caller's. NULL with errno set. */
struct loop_source *loop_add_fd(struct loop *l, int fd, uint32_t events, loop_fd_fn fn, void *arg);
/* Every `period_ns` of CLOCK_MONOTONIC, first after one period; missed turns are merged. */
struct loop_source *loop_add_timer(struct loop *l, uint64_t period_ns, loop_timer_fn fn, void *arg);
/* Another one, first after one such period; 0: the timer rests. 0, or negative errno and all is as it was. */
int loop_set_period(struct loop_source *s, uint64_t period_ns);
/* Blocks the signals of `set` for the process and delivers them here. */
struct loop_source *loop_add_signals(struct loop *l, const sigset_t *set, loop_signal_fn fn,
				     void *arg);
void loop_remove(struct loop *l, struct loop_source *s); /* NULL is allowed */

/* Until loop_stop(). Returns 0, or negative errno when waiting itself fails. */
int loop_run(struct loop *l);
/* One turn: wait at most timeout_ms (-1: for ever) and dispatch what is ready. */
int loop_turn(struct loop *l, int timeout_ms);
void loop_stop(struct loop *l);

/*
 * CLOCK_MONOTONIC, nanoseconds. Only the top of the program asks; everybody else gets `now` as an
 * argument.
 */
uint64_t loop_now_ns(void);

#endif
