// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "model/fdgroups.h"
#include "model/model.h"

#define SECOND   1000000000ull
#define T0       (3600 * SECOND)
#define INTERVAL (10 * SECOND)

/* A process that is looked at each ten seconds. */
static struct {
	struct fdgroup *groups;
	uint64_t census;
} p;

static const struct event_fd_key files = { .kind = FD_FILE },
				 database = { .kind = FD_INET, .port = 5432 },
				 server = { .kind = FD_INET, .incoming = 1, .port = 8080 };

static void tell(struct event_fd_key key, uint32_t kept, uint32_t old, uint32_t closed)
{
	const struct event_fd_group g = {
		.key = key, .open = kept + 1, .kept = { kept, old }, .closed = { closed, 0 }
	};

	assert_true(fdgroups_apply(&p.groups, &g, p.census + 1));
}

static void end(unsigned at)
{
	const struct event_fd_census c = { .interval_ns = INTERVAL,
					   .followed = { at >= 60, at >= 960 } };

	assert_true(fdgroups_end(&p.groups, ++p.census, &c, T0 + at * SECOND));
}

static int begin(void **state)
{
	p.census = 0;
	return 0;
}

static int done(void **state)
{
	fdgroups_free(&p.groups);
	assert_null(p.groups);
	return 0;
}

static struct leak verdict(enum fd_scope scope)
{
	struct leak l;

	fdgroups_verdict(p.groups, scope, &l);
	return l;
}

static const struct fdgroup *only(void)
{
	assert_int_equal(HASH_COUNT(p.groups), 1);
	return p.groups;
}

/* 500 that were there before, and get old at the sixth census and at the ninety-sixth: nothing has grown. */
static void what_was_there(void **state)
{
	assert_int_equal(verdict(FDS_ALL).verdict, LEAK_TOO_YOUNG);
	for (unsigned at = 0; at < 2000; at += 10) {
		tell(files, at >= 60 ? 500 : 0, at >= 960 ? 500 : 0, 0);
		end(at);
		assert_int_equal(verdict(FDS_ALL).verdict, at < 60 ? LEAK_TOO_YOUNG : LEAK_STEADY);
	}
	assert_null(only()->series); /* and cost no memory */
}

/* One a 6 s, of which those count that are a minute old. */
static void leak(void **state)
{
	unsigned named = 0;

	for (unsigned at = 0; at < 1200; at += 10) {
		tell(database, at < 60 ? 0 : (at - 60) / 6 + 20, at < 960 ? 0 : (at - 960) / 6 + 20,
		     0);
		tell(files, at < 60 ? 0 : 7, at < 960 ? 0 : 7, 0);
		end(at);
		if (!named && verdict(FDS_ALL).verdict == LEAK_LEAKING)
			named = at;
	}
	assert_in_range(named, 120, 180);
	assert_int_equal(verdict(FDS_CONNECTIONS).verdict, LEAK_LEAKING);
	assert_int_equal(verdict(FDS_OTHERS).verdict, LEAK_STEADY);
	assert_true(fabs(verdict(FDS_CONNECTIONS).per_hour - 600) < 20);
	assert_true(verdict(FDS_ALL).low_per_hour <= 600 && 600 <= verdict(FDS_ALL).high_per_hour);
	assert_int_equal(fdgroups_fastest(p.groups, FDS_ALL)->what.key.port, 5432);
	assert_null(fdgroups_fastest(p.groups, FDS_OTHERS));
}

/* Two that leak: their rates add up. */
static void leaks_add_up(void **state)
{
	for (unsigned at = 0; at < 400; at += 10) {
		unsigned n = at < 60 ? 0 : at - 60;

		tell(files, n, 0, 0);
		tell(server, 2 * n, 0, 0);
		end(at);
	}
	assert_true(fabs(verdict(FDS_ALL).per_hour - 3 * 3600) < 1);
	assert_true(fabs(verdict(FDS_OTHERS).per_hour - 3600) < 1);
	assert_int_equal(fdgroups_fastest(p.groups, FDS_ALL)->what.key.port, 8080);
}

/* After an hour it begins to leak: what was steady till then does not hide it. */
static void later(void **state)
{
	unsigned named = 0;

	for (unsigned at = 0; at < 4200; at += 10) {
		unsigned n = at < 3660 ? 0 : (at - 3660) / 2;

		tell(files, at < 60 ? 0 : 30 + n, at < 960 ? 0 : 30, 0);
		end(at);
		if (!named && verdict(FDS_ALL).verdict == LEAK_LEAKING)
			named = at;
	}
	assert_in_range(named, 3700, 3780);
}

static void forgotten(void **state)
{
	tell(files, 1, 0, 0);
	tell(database, 5, 0, 0);
	end(100);
	assert_int_equal(HASH_COUNT(p.groups), 2);
	tell(database, 5, 0, 0);
	end(110);
	assert_int_equal(only()->what.key.port, 5432);
}

static void names(void **state)
{
	static const struct {
		struct event_fd_key key;
		const char *name;
	} cases[] = { { { .kind = FD_INET, .port = 5432 }, "connections to port 5432" },
		      { { .kind = FD_INET, .incoming = 1, .port = 80 }, "connections at port 80" },
		      { { .kind = FD_INET }, "sockets that are not connected" },
		      { { .kind = FD_PIPE }, "descriptors of kind pipe" } };
	char buf[64];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fdgroup_name(&cases[i].key, buf, sizeof(buf));
		assert_string_equal(buf, cases[i].name);
	}
}

/* Until the limit: of the leak, or of the last minute where that is beyond doubt faster. */
static void exhaustion(void **state)
{
	struct target t = { .have_fds = true,
			    .fds = { .open = 400, .limit = 1000 },
			    .fd_leaks[FDS_ALL] = { .verdict = LEAK_LEAKING,
						   .per_hour = 100,
						   .low_per_hour = 60,
						   .high_per_hour = 120 } };
	double low, high;

	assert_true(target_fd_exhaustion(&t, &low, &high));
	assert_true(low == 5 * 3600 && high == 10 * 3600);
	t.have_fd_trend = true;
	t.fd_trend = (struct trend){ .per_sec = 1, .low_per_sec = 1.0 / 60, .high_per_sec = 2 };
	assert_true(target_fd_exhaustion(&t, &low, &high));
	assert_true(low == 5 * 3600);
	t.fd_trend.low_per_sec = 0.5;
	assert_true(target_fd_exhaustion(&t, &low, &high));
	assert_true(low == 300 && high == 1200);
	t.have_fd_trend = false;
	t.fd_leaks[FDS_ALL].low_per_hour = 0;
	assert_true(target_fd_exhaustion(&t, &low, &high));
	assert_true(low == 5 * 3600 && isinf(high));
	t.fds.limit = UINT64_MAX;
	assert_false(target_fd_exhaustion(&t, &low, &high));
	t.fds.limit = 300; /* lowered below what is open */
	assert_false(target_fd_exhaustion(&t, &low, &high));
	t.fds.limit = 1000;
	t.fd_leaks[FDS_ALL].verdict = LEAK_UNSURE;
	assert_false(target_fd_exhaustion(&t, &low, &high));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_there, begin, done),
		cmocka_unit_test_setup_teardown(leak, begin, done),
		cmocka_unit_test_setup_teardown(leaks_add_up, begin, done),
		cmocka_unit_test_setup_teardown(later, begin, done),
		cmocka_unit_test_setup_teardown(forgotten, begin, done),
		cmocka_unit_test(names),
		cmocka_unit_test(exhaustion),
	};

	return cmocka_run_group_tests_name("model/fdgroups", tests, NULL, NULL);
}
