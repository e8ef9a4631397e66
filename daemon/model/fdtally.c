// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/fdtally.h"

#include <errno.h>
#include <stdlib.h>

struct fdtally {
	pid_t pid;
	struct fd_process *processes;
	unsigned n, room; /* connections of `pid`, as they came */
	struct fd_entry *entries;
	struct fd_connections *connections; /* the same, counted */
	uint8_t listening
		[65536 / 8]; /* ports of `pid`, by bit, in either family: one of inet6 takes both */
};

struct fdtally *fdtally_new(pid_t pid)
{
	struct fdtally *t = calloc(1, sizeof(*t));

	if (t)
		t->pid = pid;
	return t;
}

void fdtally_free(struct fdtally *t)
{
	struct fd_process *p, *next;

	if (!t)
		return;
	HASH_ITER (hh, t->processes, p, next) {
		HASH_DEL(t->processes, p);
		free(p);
	}
	free(t->entries);
	free(t->connections);
	free(t);
}

static int keep(struct fdtally *t, const struct fd_entry *fd)
{
	if (t->n == t->room) {
		unsigned room = t->room ? 2 * t->room : 64;
		struct fd_entry *more = reallocarray(t->entries, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		t->entries = more;
		t->room = room;
	}
	t->entries[t->n++] = *fd;
	if (fd_listens(fd))
		t->listening[fd->local_port / 8] |= (uint8_t)(1u << fd->local_port % 8);
	return 0;
}

int fdtally_add(struct fdtally *t, const struct fd_entry *fd)
{
	struct fd_process *p;

	HASH_FIND(hh, t->processes, &fd->pid, sizeof(fd->pid), p);
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return -ENOMEM;
		p->pid = fd->pid;
		HASH_ADD(hh, t->processes, pid, sizeof(p->pid), p);
	}
	p->open++;
	p->by_kind[fd->kind]++;
	if (fd->pid != t->pid || !fd_is_inet(fd))
		return 0;
	return keep(t, fd);
}

static int most_open(struct fd_process *a, struct fd_process *b)
{
	return (a->open < b->open) - (a->open > b->open) ?: a->pid - b->pid;
}

const struct fd_process *fdtally_processes(struct fdtally *t)
{
	HASH_SORT(t->processes, most_open);
	return t->processes;
}

const struct fd_process *fdtally_process(const struct fdtally *t, pid_t pid)
{
	struct fd_process *p;

	HASH_FIND(hh, t->processes, &pid, sizeof(pid), p);
	return p;
}

static bool listens(const struct fdtally *t, uint16_t port)
{
	return t->listening[port / 8] & 1u << port % 8;
}

static struct fd_connections group_of(const struct fdtally *t, const struct fd_entry *fd)
{
	struct fd_connections c = { .family = fd->kind, .state = fd->sock_state, .n = 1 };

	if (listens(t, fd->local_port)) {
		c.incoming = true;
		c.port = fd->local_port;
	} else {
		c.port = fd->peer_port;
	}
	return c;
}

static int by_group(const void *a, const void *b)
{
	const struct fd_connections *x = a, *y = b;

	return (int)x->family - (int)y->family ?:
	       x->incoming - y->incoming ?:
	       x->port - y->port ?:
	       x->state - y->state;
}

static int most_first(const void *a, const void *b)
{
	const struct fd_connections *x = a, *y = b;

	return (x->n < y->n) - (x->n > y->n) ?: by_group(a, b);
}

int fdtally_connections(struct fdtally *t, const struct fd_connections **ret, unsigned *ret_n)
{
	struct fd_connections *c = calloc(t->n + 1, sizeof(*c));
	unsigned n = 0;

	if (!c)
		return -ENOMEM;
	for (unsigned i = 0; i < t->n; i++)
		c[i] = group_of(t, &t->entries[i]);
	qsort(c, t->n, sizeof(*c), by_group);
	for (unsigned i = 0; i < t->n; i++) {
		if (n && !by_group(&c[n - 1], &c[i]))
			c[n - 1].n++;
		else
			c[n++] = c[i];
	}
	qsort(c, n, sizeof(*c), most_first);
	free(t->connections);
	t->connections = c;
	*ret = c;
	*ret_n = n;
	return 0;
}
