// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/tcp.h>

#include "model/fdtally.h"

static void add(struct fdtally *t, struct fd_entry fd, unsigned times)
{
	while (times--)
		assert_int_equal(fdtally_add(t, &fd), 0);
}

static void by_process_and_kind(void **state)
{
	struct fdtally *t = fdtally_new(0);
	const struct fd_process *p;
	const struct fd_connections *c;
	unsigned n;

	assert_null(fdtally_processes(t));
	add(t, (struct fd_entry){ .pid = 30, .kind = FD_FILE }, 2);
	add(t, (struct fd_entry){ .pid = 10, .kind = FD_PIPE }, 3);
	add(t, (struct fd_entry){ .pid = 10, .kind = FD_INET, .sock_state = TCP_LISTEN }, 1);
	add(t, (struct fd_entry){ .pid = 20, .kind = FD_FILE }, 2);
	p = fdtally_processes(t);
	assert_int_equal(p->pid, 10);
	assert_int_equal(p->open, 4);
	assert_int_equal(p->by_kind[FD_PIPE], 3);
	assert_int_equal(p->by_kind[FD_INET], 1);
	p = p->hh.next;
	assert_int_equal(p->pid, 20); /* of equals the lower number */
	p = p->hh.next;
	assert_int_equal(p->pid, 30);
	assert_null(p->hh.next);
	assert_int_equal(fdtally_process(t, 20)->open, 2);
	assert_null(fdtally_process(t, 21));
	assert_int_equal(fdtally_connections(t, &c, &n), 0);
	assert_int_equal(n, 0); /* nobody's were asked for */
	fdtally_free(t);
	fdtally_free(NULL);
}

static void expect(const struct fd_connections *c, enum fd_kind family, bool incoming,
		   uint16_t port, uint8_t sock_state, uint32_t n)
{
	assert_int_equal(c->family, family);
	assert_int_equal(c->incoming, incoming);
	assert_int_equal(c->port, port);
	assert_int_equal(c->state, sock_state);
	assert_int_equal(c->n, n);
}

/* Clients come before the listening socket does, have ports of their own, and are one line. */
static void connections(void **state)
{
	struct fdtally *t = fdtally_new(1);
	const struct fd_connections *c;
	struct fd_entry client = {
		.pid = 1, .kind = FD_INET6, .local_port = 443, .sock_state = TCP_ESTABLISHED
	};
	struct fd_entry database = {
		.pid = 1, .kind = FD_INET, .peer_port = 5432, .sock_state = TCP_ESTABLISHED
	};
	unsigned n;

	for (uint16_t i = 0; i < 20; i++) {
		client.peer_port = 40000 + i;
		database.local_port = 50000 + i;
		add(t, client, 1);
		if (i < 9)
			add(t, database, 1);
	}
	database.sock_state = TCP_CLOSE_WAIT;
	add(t, database, 10);
	database.pid = 2; /* another's */
	add(t, database, 10);
	add(t,
	    (struct fd_entry){
		    .pid = 1, .kind = FD_INET6, .local_port = 443, .sock_state = TCP_LISTEN },
	    1);
	add(t, (struct fd_entry){ .pid = 1, .kind = FD_INET, .sock_state = TCP_CLOSE }, 2);
	add(t, (struct fd_entry){ .pid = 1, .kind = FD_UNIX }, 3);
	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(fdtally_connections(t, &c, &n), 0);
		assert_int_equal(n, 5);
		expect(&c[0], FD_INET6, true, 443, TCP_ESTABLISHED, 20);
		expect(&c[1], FD_INET, false, 5432, TCP_CLOSE_WAIT, 10);
		expect(&c[2], FD_INET, false, 5432, TCP_ESTABLISHED, 9);
		expect(&c[3], FD_INET, false, 0, TCP_CLOSE, 2);
		expect(&c[4], FD_INET6, true, 443, TCP_LISTEN, 1);
	}
	fdtally_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_process_and_kind),
		cmocka_unit_test(connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
