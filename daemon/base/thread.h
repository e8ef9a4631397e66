/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Threads that leave all signals to the loop. Any thread. */
#ifndef DEFERD_BASE_THREAD_H
#define DEFERD_BASE_THREAD_H

#include <pthread.h>
#include <stddef.h>

/* One with a stack of so many bytes; 0: as many as is usual. 0, or negative errno. */
int thread_start(pthread_t *ret, size_t stack, void *(*fn)(void *arg), void *arg);

#endif
