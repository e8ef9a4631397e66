// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/descriptors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define GROUPS_MAX (FD_KIND_MAX + DESCRIPTORS_PORTS_MAX)

struct descriptor {
	uint64_t dev, ino;
	uint64_t first_ns;
	uint64_t
		moved_ns; /* the newest census at which it had carried something since the one before, or was new */
	uint32_t moved;
	int fd;
	struct event_fd_key key;
};

struct descriptors {
	uint64_t since_ns; /* the first census; 0: there was none */
	uint64_t time_ns;  /* the newest */
	struct descriptor *fds;
	unsigned n;
};

/* What one census is told as. */
struct groups {
	struct event_fd_group group[GROUPS_MAX];
	unsigned n, ports;
	uint64_t used[FD_LIMIT_MAX]; /* of inotify */
	uint64_t age_ns[EVENT_FD_AGES];
	uint8_t listening[65536 / 8]; /* ports */
};

struct descriptors *descriptors_new(void)
{
	return calloc(1, sizeof(struct descriptors));
}

void descriptors_free(struct descriptors *d)
{
	if (!d)
		return;
	free(d->fds);
	free(d);
}

static struct event_fd_key key_of(const struct groups *gs, const struct fd_entry *fd)
{
	struct event_fd_key key = { .kind = (uint8_t)fd->kind };

	if (!fd_is_inet(fd))
		return key;
	key.kind = FD_INET;
	key.incoming = !!(gs->listening[fd->local_port / 8] & 1u << fd->local_port % 8);
	key.port = key.incoming ? fd->local_port : fd->peer_port;
	return key;
}

static struct event_fd_group *group_of(struct groups *gs, struct event_fd_key key)
{
	for (unsigned i = 0; i < gs->n; i++) {
		if (!memcmp(&gs->group[i].key, &key, sizeof(key)))
			return &gs->group[i];
	}
	if (key.port && gs->ports++ >= DESCRIPTORS_PORTS_MAX)
		return group_of(gs, (struct event_fd_key){ .kind = key.kind });
	gs->group[gs->n].key = key;
	return &gs->group[gs->n++];
}

static bool same(const struct descriptor *d, const struct fd_entry *fd)
{
	return d->fd == fd->fd && d->ino == fd->ino && d->dev == fd->dev;
}

static void count_closed(const struct descriptors *d, struct groups *gs,
			 const struct descriptor *gone)
{
	struct event_fd_group *g = group_of(gs, gone->key);

	for (int a = 0; a < EVENT_FD_AGES; a++)
		g->closed[a] += d->time_ns - gone->first_ns >= gs->age_ns[a];
}

/* It is of the group that it is counted in: there may be too many ports. */
static void count_open(struct groups *gs, struct descriptor *d, unsigned state, uint64_t now_ns)
{
	struct event_fd_group *g = group_of(gs, d->key);

	d->key = g->key;
	g->open++;
	if (g->key.port && state < FD_STATES)
		g->states[state]++;
	g->carried += d->moved != 0;
	if (d->moved_ns > g->moved_ns)
		g->moved_ns = d->moved_ns;
	if (!g->oldest_ns || d->first_ns < g->oldest_ns)
		g->oldest_ns = d->first_ns;
	for (int a = 0; a < EVENT_FD_AGES; a++)
		g->kept[a] += now_ns - d->first_ns >= gs->age_ns[a];
}

static void take_over(struct descriptor *now, const struct descriptor *old)
{
	now->first_ns = old->first_ns;
	if (now->moved == old->moved)
		now->moved_ns = old->moved_ns;
}

/* Both lists ascend: one walk over them finds what is gone, what is there, and what is new. */
static void compare(const struct descriptors *old, const struct fd_entry *fds, unsigned n,
		    uint64_t now_ns, struct descriptor *now, struct groups *gs)
{
	unsigned o = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct fd_entry *fd = &fds[i];

		while (o < old->n && old->fds[o].fd < fd->fd)
			count_closed(old, gs, &old->fds[o++]);
		now[i] = (struct descriptor){ .dev = fd->dev,
					      .ino = fd->ino,
					      .first_ns = now_ns,
					      .moved_ns = now_ns,
					      .moved = fd->moved,
					      .fd = fd->fd,
					      .key = key_of(gs, fd) };
		if (o < old->n && same(&old->fds[o], fd))
			take_over(&now[i], &old->fds[o++]);
		else if (o < old->n && old->fds[o].fd == fd->fd)
			count_closed(old, gs, &old->fds[o++]);
		count_open(gs, &now[i], fd->sock_state, now_ns);
	}
	while (o < old->n)
		count_closed(old, gs, &old->fds[o++]);
}

/* Of one user all instances tell the same, but for what happens meanwhile. */
static void find_used(struct groups *gs, const struct fd_entry *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (fds[i].instances > gs->used[FD_LIMIT_INSTANCES])
			gs->used[FD_LIMIT_INSTANCES] = fds[i].instances;
		if (fds[i].watches > gs->used[FD_LIMIT_WATCHES])
			gs->used[FD_LIMIT_WATCHES] = fds[i].watches;
	}
}

static void find_listening(struct groups *gs, const struct fd_entry *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (fd_listens(&fds[i]))
			gs->listening[fds[i].local_port / 8] |= 1u << fds[i].local_port % 8;
	}
}

static void tell(const struct descriptors *d, const struct groups *gs, uint64_t interval_ns,
		 const struct event *about, event_fn fn, void *arg)
{
	struct event ev = *about;

	ev.type = EVENT_FD_GROUP;
	for (unsigned i = 0; i < gs->n; i++) {
		ev.fd_group = gs->group[i];
		fn(arg, &ev);
	}
	ev = *about;
	ev.type = EVENT_FD_CENSUS;
	ev.fd_census.interval_ns = interval_ns;
	ev.fd_census.used[FD_LIMIT_INSTANCES] = gs->used[FD_LIMIT_INSTANCES];
	ev.fd_census.used[FD_LIMIT_WATCHES] = gs->used[FD_LIMIT_WATCHES];
	for (int a = 0; a < EVENT_FD_AGES; a++)
		ev.fd_census.followed[a] = ev.time_ns - d->since_ns >= gs->age_ns[a];
	fn(arg, &ev);
}

int descriptors_take(struct descriptors *d, const struct fd_entry *fds, unsigned n,
		     uint64_t interval_ns, const struct event *ev, event_fn fn, void *arg)
{
	static const unsigned ages[EVENT_FD_AGES] = DESCRIPTORS_AGES;
	_cleanup_free_ struct groups *gs = calloc(1, sizeof(*gs));
	struct descriptor *now = malloc((n + 1) * sizeof(*now));

	if (!gs || !now) {
		free(now);
		return -ENOMEM;
	}
	for (int a = 0; a < EVENT_FD_AGES; a++)
		gs->age_ns[a] =
			ages[a] * interval_ns - interval_ns / 10; /* it may come a little early */
	find_listening(gs, fds, n);
	find_used(gs, fds, n);
	compare(d, fds, n, ev->time_ns, now, gs);
	free(d->fds);
	d->fds = now;
	d->n = n;
	d->time_ns = ev->time_ns;
	if (!d->since_ns)
		d->since_ns = ev->time_ns;
	tell(d, gs, interval_ns, ev, fn, arg);
	return 0;
}

static int by_number(const void *key, const void *member)
{
	return *(const int *)key - ((const struct descriptor *)member)->fd;
}

uint64_t descriptors_since(const struct descriptors *d, int fd, struct event_fd_key *ret_key)
{
	const struct descriptor *at =
		d->n ? bsearch(&fd, d->fds, d->n, sizeof(*d->fds), by_number) : NULL;

	if (!at)
		return 0;
	*ret_key = at->key;
	return at->first_ns;
}
