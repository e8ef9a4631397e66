// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "probe/closer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/thread.h"

/*
 * uprobe_multi links share a grace period when they are closed side by side; perf events are serial
 * in the kernel.
 */
#define CLOSER_THREADS 4
#define CLOSER_THREADS_MAX \
	128 /* at the end, when all links are closed at once and somebody waits for it */

struct job {
	struct bpf_link *link;
	int fd;
};

struct closer {
	int pipe[2];
	_Atomic unsigned pending;
	unsigned n;
	pthread_t threads[CLOSER_THREADS_MAX];
};

static void do_job(const struct job *j)
{
	if (j->link)
		bpf_link__destroy(j->link);
	else
		close(j->fd);
}

/* A job is smaller than PIPE_BUF, so each read returns exactly one, whole. */
static void *closer_thread(void *arg)
{
	struct closer *c = arg;
	struct job j;

	while (read(c->pipe[0], &j, sizeof(j)) == sizeof(j)) {
		do_job(&j);
		c->pending--;
	}
	return NULL;
}

static void start_threads(struct closer *c, unsigned n)
{
	while (c->n < n && !thread_start(&c->threads[c->n], 0, closer_thread, c))
		c->n++;
}

struct closer *closer_new(void)
{
	struct closer *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	if (pipe2(c->pipe, O_CLOEXEC)) {
		free(c);
		return NULL;
	}
	fcntl(c->pipe[1], F_SETFL, O_NONBLOCK);
	start_threads(c, CLOSER_THREADS);
	if (!c->n) {
		closer_free(c);
		errno = EAGAIN;
		return NULL;
	}
	return c;
}

static void hand_over(struct closer *c, struct job j)
{
	c->pending++;
	if (write(c->pipe[1], &j, sizeof(j)) == sizeof(j))
		return;
	do_job(&j);
	c->pending--;
}

void closer_close_fd(struct closer *c, int fd)
{
	if (fd >= 0)
		hand_over(c, (struct job){ .fd = fd });
}

static void close_link(struct closer *c, struct bpf_link *link)
{
	if (link)
		hand_over(c, (struct job){ .link = link });
}

void closer_close_links(struct closer *c, struct bpf_link **links, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		close_link(c, links[i]);
}

void closer_free(struct closer *c)
{
	unsigned pending;

	if (!c)
		return;
	pending = c->pending;
	start_threads(c, pending < CLOSER_THREADS_MAX ? pending : CLOSER_THREADS_MAX);
	close(c->pipe[1]);
	for (unsigned i = 0; i < c->n; i++)
		pthread_join(c->threads[i], NULL);
	close(c->pipe[0]);
	free(c);
}
