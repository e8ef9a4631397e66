// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "census/descriptors.h"

#define SECOND   1000000000ull
#define T0       (3600 * SECOND)
#define INTERVAL (10 * SECOND)
#define TOLD_MAX 128

DEFINE_CLEANUP(struct descriptors *, descriptors_free)

static struct {
	struct event_fd_group group[TOLD_MAX];
	unsigned n, ends;
	struct event_fd_census end;
} told;

static struct event_fd_key key; /* of the one that was asked for last */

static void on_event(void *arg, const struct event *ev)
{
	assert_int_equal(ev->target, 5);
	assert_int_equal(ev->pid, 77);
	if (ev->type == EVENT_FD_GROUP) {
		assert_int_equal(told.ends, 0); /* the groups come first */
		assert_true(told.n < TOLD_MAX);
		told.group[told.n++] = ev->fd_group;
		return;
	}
	assert_int_equal(ev->type, EVENT_FD_CENSUS);
	told.end = ev->fd_census;
	told.ends++;
}

/* A census at so many seconds. */
static void take(struct descriptors *d, unsigned at, const struct fd_entry *fds, unsigned n)
{
	const struct event ev = { .target = 5, .pid = 77, .time_ns = T0 + at * SECOND };

	memset(&told, 0, sizeof(told));
	assert_int_equal(descriptors_take(d, fds, n, INTERVAL, &ev, on_event, NULL), 0);
	assert_int_equal(told.ends, 1);
	assert_int_equal(told.end.interval_ns, INTERVAL);
}

static const struct event_fd_group *find(enum fd_kind kind, bool incoming, unsigned port)
{
	for (unsigned i = 0; i < told.n; i++) {
		const struct event_fd_key *k = &told.group[i].key;

		if (k->kind == kind && k->incoming == incoming && k->port == port)
			return &told.group[i];
	}
	fail_msg("no group of kind %s, port %u", fd_kind_names[kind], port);
	return NULL;
}

static struct fd_entry file(int fd, uint64_t ino)
{
	return (struct fd_entry){ .pid = 77, .fd = fd, .kind = FD_FILE, .dev = 1, .ino = ino };
}

static struct fd_entry tcp(int fd, unsigned local, unsigned peer, unsigned state)
{
	return (struct fd_entry){ .pid = 77,
				  .fd = fd,
				  .kind = FD_INET,
				  .dev = 2,
				  .ino = 1000 + (uint64_t)fd,
				  .local_port = (uint16_t)local,
				  .peer_port = (uint16_t)peer,
				  .sock_state = (uint8_t)state };
}

static void ages(void **state)
{
	_cleanup_(descriptors_freep) struct descriptors *d = descriptors_new();
	const struct fd_entry three[] = { file(0, 1), file(3, 2), file(4, 3) };
	const struct event_fd_group *g;

	assert_int_equal(descriptors_since(d, 3, &key), 0);
	take(d, 0, three, 3);
	g = find(FD_FILE, false, 0);
	assert_int_equal(g->open, 3);
	assert_int_equal(g->kept[0], 0);
	assert_int_equal(g->oldest_ns, T0);
	assert_false(told.end.followed[0]);
	/* Half of them a minute later; a census may come a little early. */
	take(d, 30, three, 2);
	assert_int_equal(find(FD_FILE, false, 0)->closed[0], 0); /* it was young */
	take(d, 59, three, 3);
	g = find(FD_FILE, false, 0);
	assert_int_equal(g->kept[0], 2);
	assert_int_equal(g->kept[1], 0);
	assert_true(told.end.followed[0]);
	assert_false(told.end.followed[1]);
	assert_int_equal(descriptors_since(d, 0, &key), T0);
	assert_int_equal(descriptors_since(d, 4, &key), T0 + 59 * SECOND);
	assert_int_equal(descriptors_since(d, 5, &key), 0);
	/* Old ones that go are told once. */
	take(d, 70, three, 1);
	g = find(FD_FILE, false, 0);
	assert_int_equal(g->closed[0], 1);
	assert_int_equal(g->kept[0], 1);
	take(d, 80, three, 1);
	assert_int_equal(find(FD_FILE, false, 0)->closed[0], 0);
	take(d, 960, three, 1);
	assert_int_equal(find(FD_FILE, false, 0)->kept[1], 1);
	assert_true(told.end.followed[1]);
	take(d, 970, NULL, 0);
	g = find(FD_FILE, false, 0);
	assert_int_equal(g->open, 0);
	assert_int_equal(g->closed[0], 1);
	assert_int_equal(g->closed[1], 1);
	take(d, 980, NULL, 0);
	assert_int_equal(told.n, 0);
}

/* The number stands for another file: the old one is closed, the new one young. */
static void another_file(void **state)
{
	_cleanup_(descriptors_freep) struct descriptors *d = descriptors_new();
	struct fd_entry fds[] = { file(3, 10), file(4, 11), file(5, 12) };

	take(d, 0, fds, 3);
	take(d, 90, fds, 3);
	fds[0].ino = 20;
	fds[1].dev = 9;
	take(d, 100, fds, 3);
	assert_int_equal(find(FD_FILE, false, 0)->closed[0], 2);
	assert_int_equal(find(FD_FILE, false, 0)->kept[0], 1);
	assert_int_equal(descriptors_since(d, 3, &key), T0 + 100 * SECOND);
	assert_int_equal(descriptors_since(d, 5, &key), T0);
}

static void connections(void **state)
{
	_cleanup_(descriptors_freep) struct descriptors *d = descriptors_new();
	struct fd_entry fds[] = {
		tcp(3, 8080, 0, TCP_LISTEN),          tcp(4, 8080, 50001, TCP_ESTABLISHED),
		tcp(5, 8080, 50002, TCP_CLOSE_WAIT),  tcp(6, 40001, 5432, TCP_ESTABLISHED),
		tcp(7, 40002, 5432, TCP_ESTABLISHED), tcp(8, 0, 0, TCP_CLOSE),
	};
	const struct event_fd_group *g;

	fds[4].kind = FD_INET6; /* counts as the other family does */
	take(d, 0, fds, 6);
	assert_int_equal(told.n, 3);
	g = find(FD_INET, true, 8080);
	assert_int_equal(g->open, 3);
	assert_int_equal(g->states[TCP_LISTEN], 1);
	assert_int_equal(g->states[TCP_ESTABLISHED], 1);
	assert_int_equal(g->states[TCP_CLOSE_WAIT], 1);
	g = find(FD_INET, false, 5432);
	assert_int_equal(g->open, 2);
	assert_int_equal(g->states[TCP_ESTABLISHED], 2);
	g = find(FD_INET, false, 0);
	assert_int_equal(g->open, 1);
	assert_int_equal(g->states[TCP_CLOSE], 0); /* only with a port */
	assert_int_equal(descriptors_since(d, 6, &key), T0);
	assert_int_equal(key.port, 5432);
	assert_int_equal(descriptors_since(d, 5, &key), T0);
	assert_int_equal(key.port, 8080);
	assert_int_equal(key.incoming, 1);
	/* What is closed is of the group that it was of. */
	take(d, 90, fds, 6);
	take(d, 100, fds, 4);
	assert_int_equal(find(FD_INET, false, 5432)->closed[0], 1);
	/* A socket that is connected later changes its group, and is not closed. */
	fds[5].peer_port = 6379;
	fds[5].sock_state = TCP_ESTABLISHED;
	take(d, 110, fds, 6);
	take(d, 120, fds, 6);
	assert_int_equal(find(FD_INET, false, 6379)->open, 1);
	for (unsigned i = 0; i < told.n; i++)
		assert_int_equal(told.group[i].closed[0], 0);
}

static void too_many_ports(void **state)
{
	_cleanup_(descriptors_freep) struct descriptors *d = descriptors_new();
	struct fd_entry fds[DESCRIPTORS_PORTS_MAX + 10];
	unsigned open = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = tcp((int)i, 30000, 1000 + i, TCP_ESTABLISHED);
	take(d, 0, fds, ARRAY_SIZE(fds));
	assert_int_equal(told.n, DESCRIPTORS_PORTS_MAX + 1);
	assert_int_equal(find(FD_INET, false, 0)->open, 10);
	assert_int_equal(descriptors_since(d, DESCRIPTORS_PORTS_MAX + 5, &key), T0);
	assert_int_equal(key.port, 0);
	for (unsigned i = 0; i < told.n; i++)
		open += told.group[i].open;
	assert_int_equal(open, ARRAY_SIZE(fds));
}

/* Against a list that is kept in the plainest way. */
static void at_random(void **state)
{
	_cleanup_(descriptors_freep) struct descriptors *d = descriptors_new();
	uint64_t ino[64] = {}, since[64] = {}, next_ino = 1;
	uint32_t random = 7;

	for (unsigned at = 0; at < 3000; at += 10) {
		struct fd_entry fds[64];
		unsigned n = 0, kept = 0, closed = 0;

		for (int fd = 0; fd < 64; fd++) {
			uint64_t was = since[fd];
			bool change;

			random = random * 1664525 + 1013904223;
			change = (random >> 16) % 40 == 0;
			if (change) {
				closed += ino[fd] && at - 10 - was >= 59;
				ino[fd] = (random >> 8) % 2 ? next_ino++ : 0;
				since[fd] = at;
			}
			if (!ino[fd])
				continue;
			fds[n++] = file(fd, ino[fd]);
			kept += at - since[fd] >= 59;
		}
		take(d, at, fds, n);
		if (!told.n)
			continue;
		assert_int_equal(told.group[0].open, n);
		assert_int_equal(told.group[0].kept[0], kept);
		assert_int_equal(told.group[0].closed[0], closed);
	}
}

/* All instances of a user have the same count; what was told before the census stays. */
static void limits_of_the_user(void **state)
{
	struct descriptors *d = descriptors_new();
	const struct fd_entry fds[] = {
		file(3, 10),
		{ .pid = 77, .fd = 4, .kind = FD_INOTIFY, .instances = 48, .watches = 100 },
		{ .pid = 77, .fd = 5, .kind = FD_INOTIFY, .instances = 49, .watches = 99 },
	};
	struct event ev = { .target = 5, .pid = 77, .time_ns = T0 };

	ev.fd_census.max[FD_LIMIT_INSTANCES] = 128;
	ev.fd_census.used[FD_LIMIT_HOST] = 5000;
	memset(&told, 0, sizeof(told));
	assert_int_equal(descriptors_take(d, fds, 3, INTERVAL, &ev, on_event, NULL), 0);
	assert_int_equal(told.end.used[FD_LIMIT_INSTANCES], 49);
	assert_int_equal(told.end.used[FD_LIMIT_WATCHES], 100);
	assert_int_equal(told.end.max[FD_LIMIT_INSTANCES], 128);
	assert_int_equal(told.end.used[FD_LIMIT_HOST], 5000);
	descriptors_free(d);
}

/* When one of a group has carried something last. */
static void what_moves(void **state)
{
	_cleanup_(descriptors_freep) struct descriptors *d = descriptors_new();
	struct fd_entry fds[] = { tcp(3, 40001, 5432, TCP_ESTABLISHED),
				  tcp(4, 40002, 5432, TCP_ESTABLISHED),
				  tcp(5, 40003, 6379, TCP_ESTABLISHED) };
	const struct event_fd_group *g;

	fds[1].moved = 100;
	take(d, 0, fds, 3);
	g = find(FD_INET, false, 5432);
	assert_int_equal(g->carried, 1);
	assert_int_equal(g->moved_ns, T0); /* it is new */
	take(d, 10, fds, 3);
	assert_int_equal(find(FD_INET, false, 5432)->moved_ns, T0);
	fds[0].moved = 7;
	take(d, 20, fds, 3);
	g = find(FD_INET, false, 5432);
	assert_int_equal(g->carried, 2);
	assert_int_equal(g->moved_ns, T0 + 20 * SECOND);
	assert_int_equal(find(FD_INET, false, 6379)->carried, 0);
	assert_int_equal(find(FD_INET, false, 6379)->moved_ns, T0);
	take(d, 30, fds, 3);
	assert_int_equal(find(FD_INET, false, 5432)->moved_ns, T0 + 20 * SECOND);
	/* Another connection by the same number. */
	fds[0].ino = 99;
	take(d, 40, fds, 3);
	assert_int_equal(find(FD_INET, false, 5432)->moved_ns, T0 + 40 * SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_moves),  cmocka_unit_test(limits_of_the_user),
		cmocka_unit_test(ages),        cmocka_unit_test(another_file),
		cmocka_unit_test(connections), cmocka_unit_test(too_many_ports),
		cmocka_unit_test(at_random),
	};

	return cmocka_run_group_tests_name("census/descriptors", tests, NULL, NULL);
}
