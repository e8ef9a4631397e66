// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "census/fdsites.h"

DEFINE_CLEANUP(struct fdsites *, fdsites_free)

static struct {
	struct event_fd_site site[FDSITES_TOLD + 1];
	unsigned n;
} told;

static void on_event(void *arg, const struct event *ev)
{
	assert_int_equal(ev->type, EVENT_FD_SITE);
	assert_int_equal(ev->target, 5);
	assert_true(told.n <= FDSITES_TOLD);
	told.site[told.n++] = ev->fd_site;
}

static void tell(struct fdsites *s)
{
	const struct event ev = { .target = 5 };

	memset(&told, 0, sizeof(told));
	fdsites_tell(s, &ev, on_event, NULL);
}

static int opened_port(struct fdsites *s, uint64_t inner, uint64_t outer, uint64_t at,
		       uint16_t port)
{
	return fdsites_add(s,
			   &(struct event_fd_opened){ .opened_ns = at,
						      .nstack = outer ? 2 : 1,
						      .stack = { inner, outer } },
			   (struct event_fd_key){ .kind = FD_INET, .port = port }, 1000);
}

static int opened(struct fdsites *s, uint64_t inner, uint64_t outer, uint64_t at)
{
	return opened_port(s, inner, outer, at, 80);
}

/* One stack that connects to two ports. */
static void by_port(void **state)
{
	_cleanup_(fdsites_freep) struct fdsites *s = fdsites_new();

	opened_port(s, 10, 0, 1, 80);
	opened_port(s, 10, 0, 2, 443);
	opened_port(s, 10, 0, 3, 443);
	tell(s);
	assert_int_equal(told.n, 2);
	assert_int_equal(told.site[0].key.port, 443);
	assert_int_equal(told.site[0].open, 2);
	assert_int_equal(told.site[1].key.port, 80);
	assert_int_equal(told.site[1].key.kind, FD_INET);
}

static void by_stack(void **state)
{
	_cleanup_(fdsites_freep) struct fdsites *s = fdsites_new();

	/* Three of one stack, one of which is young; two of another that begins alike; one that is its begin. */
	opened(s, 10, 20, 300);
	opened(s, 10, 30, 50);
	opened(s, 10, 20, 100);
	opened(s, 10, 0, 2000);
	opened(s, 10, 30, 60);
	opened(s, 10, 20, 1001);
	opened(s, 10, 20, 1000);
	tell(s);
	assert_int_equal(told.n, 3);
	assert_int_equal(told.site[0].open, 4);
	assert_int_equal(told.site[0].kept, 3);
	assert_int_equal(told.site[0].oldest_ns, 100);
	assert_int_equal(told.site[0].median_ns, 1000);
	assert_int_equal(told.site[0].nstack, 2);
	assert_int_equal(told.site[0].stack[1], 20);
	assert_int_equal(told.site[1].kept, 2);
	assert_int_equal(told.site[1].stack[1], 30);
	assert_int_equal(told.site[2].open, 1);
	assert_int_equal(told.site[2].kept, 0);
	tell(s);
	assert_int_equal(told.n, 0);
}

static void too_many(void **state)
{
	_cleanup_(fdsites_freep) struct fdsites *s = fdsites_new();

	for (unsigned i = 0; i < FDSITES_MAX; i++)
		assert_int_equal(opened(s, 1000 + i, 0, i), 0);
	assert_int_equal(opened(s, 1, 0, 0), -ENOMEM);
	assert_int_equal(opened(s, 1007, 0, 3), 0);
	tell(s);
	assert_int_equal(told.n, FDSITES_TOLD);
	assert_int_equal(told.site[0].stack[0], 1007);
	assert_int_equal(told.site[0].open, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_stack),
		cmocka_unit_test(by_port),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests_name("census/fdsites", tests, NULL, NULL);
}
