// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

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
	struct fdgroups_state state;
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

	assert_true(fdgroups_end(&p.groups, ++p.census, &c, &p.state, T0 + at * SECOND));
}

static int begin(void **state)
{
	p.census = 0;
	p.state = (struct fdgroups_state){};
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

/* A file each ten seconds until `to`, from then on none. */
static unsigned leaks_until(unsigned to)
{
	unsigned at;

	for (at = 0; at < to; at += 10) {
		tell(files, at < 60 ? 0 : at / 10 - 5, 0, 0);
		end(at);
	}
	assert_int_equal(verdict(FDS_OTHERS).verdict, LEAK_LEAKING);
	return at;
}

static void stands(unsigned *at, unsigned seconds, uint32_t kept)
{
	for (unsigned until = *at + seconds; *at < until; *at += 10) {
		tell(files, kept, kept, 0);
		end(*at);
	}
}

static void growth_that_stops_at_the_limit_is_no_end(void **state)
{
	unsigned at = leaks_until(400), kept = 34;

	p.state.full = true;
	stands(&at, 20000, kept);
	assert_int_equal(verdict(FDS_OTHERS).verdict, LEAK_LEAKING);
	assert_true(verdict(FDS_OTHERS).stopped);
	assert_true(verdict(FDS_OTHERS).per_hour > 0);
	/* Room was made, and half of them is closed. */
	p.state.full = false;
	stands(&at, 10, kept);
	assert_int_equal(verdict(FDS_OTHERS).verdict, LEAK_LEAKING);
	stands(&at, 10, kept / 3);
	assert_int_equal(verdict(FDS_OTHERS).verdict, LEAK_STEADY);
}

static void where_nothing_stopped_it_an_hour_is(void **state)
{
	unsigned at = leaks_until(400);

	stands(&at, 3500, 34);
	assert_int_equal(verdict(FDS_OTHERS).verdict, LEAK_LEAKING);
	stands(&at, 600, 34);
	assert_int_equal(verdict(FDS_OTHERS).verdict, LEAK_STEADY);
}

/* A client each ten seconds, that stays; of each ten `gone` have left, and are not closed. */
static enum leak_verdict clients(unsigned gone, uint32_t readers_of_ten)
{
	for (unsigned i = 0; i < 40; i++) {
		uint32_t open = i + 1, alone = open * gone / 10;
		struct event_fd_group g = { .key = server,
					    .open = open + 1,
					    .kept = { i < 6 ? 0 : i - 5 } };

		g.states[TCP_LISTEN] = 1;
		g.states[TCP_CLOSE_WAIT] = alone;
		g.states[TCP_ESTABLISHED] = open - alone;
		p.state.knows_readers = readers_of_ten <= 10;
		p.state.readers = open * readers_of_ten / 10;
		p.state.readers_age = INTERVAL;
		assert_true(fdgroups_apply(&p.groups, &g, p.census + 1));
		end(10 * i);
	}
	return verdict(FDS_CONNECTIONS).verdict;
}

static void clients_that_stay_are_load(void **state)
{
	assert_int_equal(clients(0, 10), LEAK_LOAD);
}

static void clients_that_nobody_reads_are_a_leak(void **state)
{
	assert_int_equal(clients(0, 8), LEAK_LEAKING);
}

static void clients_that_have_left_are_a_leak(void **state)
{
	assert_int_equal(clients(7, 10), LEAK_LEAKING);
}

static void without_goroutines_it_is_not_known(void **state)
{
	assert_int_equal(clients(0, 11), LEAK_LEAKING);
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
	t.fd_leaks[FDS_ALL].stopped = true;
	assert_false(target_fd_exhaustion(&t, &low, &high));
	t.fd_leaks[FDS_ALL].stopped = false;
	t.fds.limit = UINT64_MAX;
	assert_false(target_fd_exhaustion(&t, &low, &high));
	t.fds.limit = 300; /* lowered below what is open */
	assert_false(target_fd_exhaustion(&t, &low, &high));
	t.fds.limit = 1000;
	t.fd_leaks[FDS_ALL].verdict = LEAK_UNSURE;
	assert_false(target_fd_exhaustion(&t, &low, &high));
}

/* What a minute shows is worth a time only where no verdict on a leak could come before. */
static void exhaustion_without_a_leak(void **state)
{
	struct target t = { .have_fds = true,
			    .fds = { .open = 400, .limit = 1000 },
			    .have_fd_trend = true,
			    .fd_trend = { .per_sec = 3, .low_per_sec = 2, .high_per_sec = 4 },
			    .fd_leaks[FDS_ALL] = { .verdict = LEAK_UNSURE } };
	double low, high;

	assert_true(target_fd_exhaustion(&t, &low, &high));
	assert_true(low == 150 && high == 300);
	t.fds.limit = 10000;
	assert_false(target_fd_exhaustion(&t, &low, &high));
	t.fds.limit = 1000;
	t.fd_pace = (struct fdpace){ .fell_from = 400, .fell_ns = T0 };
	assert_false(target_fd_exhaustion(&t, &low, &high));
	t.fd_pace.fell_from = 399;
	assert_true(target_fd_exhaustion(&t, &low, &high));
}

static void full(void **state)
{
	struct target t = { .have_fds = true, .fds = { .open = 300, .limit = 300 } };
	double low = -1, high = -1;

	assert_true(target_fds_full(&t) && target_fds_grow(&t));
	assert_true(target_fd_exhaustion(&t, &low, &high));
	assert_true(low == 0 && high == 0);
	assert_int_equal(target_fd_verdict(&t), LEAK_EXHAUSTED);
	t.fd_leaks[FDS_ALL].verdict = LEAK_LEAKING;
	assert_int_equal(target_fd_verdict(&t), LEAK_LEAKING);
	t.fd_leaks[FDS_ALL].verdict = LEAK_STEADY;
	t.fds.limit = 512; /* raised meanwhile */
	assert_false(target_fds_full(&t));
	assert_int_equal(target_fd_verdict(&t), LEAK_STEADY);
	t.fds.limit = 100; /* lowered: whoever opens nothing does not miss any */
	assert_false(target_fds_full(&t));
	t.fds = (struct event_fds){ .open = 0, .limit = 0 };
	assert_false(target_fds_full(&t));
}

/* Inotify instances are few, and all processes of a user share them. */
static void the_limit_that_comes_first(void **state)
{
	struct fdgroup watchers = { .what.key = { .kind = FD_INOTIFY },
				    .leak = { .verdict = LEAK_LEAKING,
					      .per_hour = 1200,
					      .low_per_hour = 1100,
					      .high_per_hour = 1440 } };
	struct target t = {
		.have_fds = true,
		.fds = { .open = 60, .limit = 20000 },
		.fd_leaks[FDS_ALL] = watchers.leak,
		.fd_census = { .used = { [FD_LIMIT_INSTANCES] = 48, [FD_LIMIT_HOST] = 5000 },
			       .max = { [FD_LIMIT_INSTANCES] = 128, [FD_LIMIT_HOST] = INT64_MAX } }
	};
	struct fd_end e;

	HASH_ADD(hh, t.fd_groups, what.key, sizeof(watchers.what.key), &watchers);
	assert_true(target_fd_end(&t, &e));
	assert_int_equal(e.limit, FD_LIMIT_INSTANCES);
	assert_true(e.used == 48 && e.max == 128);
	assert_true(e.low_s == 200);
	assert_false(target_fds_full(&t));
	t.fd_census.used[FD_LIMIT_INSTANCES] = 128;
	assert_true(target_fds_full(&t));
	assert_true(target_fd_end(&t, &e) && e.low_s == 0);
	/* Who has one and opens no more does not miss any. */
	watchers.leak.verdict = LEAK_STEADY;
	assert_false(target_fds_full(&t));
	watchers.leak.verdict = LEAK_LEAKING;
	t.fd_census.max[FD_LIMIT_INSTANCES] = 0; /* not known */
	assert_true(target_fd_end(&t, &e));
	assert_int_equal(e.limit, FD_LIMIT_PROCESS);
	t.fd_census.max[FD_LIMIT_HOST] = 5100;
	assert_true(target_fd_end(&t, &e));
	assert_int_equal(e.limit, FD_LIMIT_HOST);
	assert_true(e.low_s == 250);
	HASH_CLEAR(hh, t.fd_groups);
}

static void which_limit_refused(void **state)
{
	struct target t = { .have_fds = true,
			    .fds = { .open = 60, .limit = 300 },
			    .refused_ns = T0,
			    .refusal = { .syscall = SYS_inotify_init1, .error = EMFILE } };
	struct fd_end e;

	assert_true(target_fd_end(&t, &e));
	assert_int_equal(e.limit, FD_LIMIT_INSTANCES);
	t.fds.open = 300;
	assert_true(target_fd_end(&t, &e));
	assert_int_equal(e.limit, FD_LIMIT_PROCESS);
	t.refusal.error = ENFILE;
	assert_true(target_fd_end(&t, &e));
	assert_int_equal(e.limit, FD_LIMIT_HOST);
	t.refusal = (struct event_fd_opened){ .syscall = SYS_inotify_add_watch, .error = ENOSPC };
	assert_true(target_fd_end(&t, &e));
	assert_int_equal(e.limit, FD_LIMIT_WATCHES);
}

/* A call that got none tells of it for ten seconds. */
static void refused(void **state)
{
	struct target t = { .have_fds = true,
			    .fds = { .open = 299, .limit = 300 },
			    .refused_ns = T0 };

	fdpace_init(&t.fd_pace, 60 * SECOND);
	fdpace_add(&t.fd_pace, T0 + SECOND, 299);
	assert_true(target_fds_full(&t));
	fdpace_add(&t.fd_pace, T0 + 11 * SECOND, 299);
	assert_false(target_fds_full(&t));
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
		cmocka_unit_test(exhaustion_without_a_leak),
		cmocka_unit_test(full),
		cmocka_unit_test(refused),
		cmocka_unit_test(the_limit_that_comes_first),
		cmocka_unit_test(which_limit_refused),
		cmocka_unit_test_setup_teardown(clients_that_stay_are_load, begin, done),
		cmocka_unit_test_setup_teardown(clients_that_nobody_reads_are_a_leak, begin, done),
		cmocka_unit_test_setup_teardown(clients_that_have_left_are_a_leak, begin, done),
		cmocka_unit_test_setup_teardown(without_goroutines_it_is_not_known, begin, done),
		cmocka_unit_test_setup_teardown(growth_that_stops_at_the_limit_is_no_end, begin,
						done),
		cmocka_unit_test_setup_teardown(where_nothing_stopped_it_an_hour_is, begin, done),
	};

	return cmocka_run_group_tests_name("model/fdgroups", tests, NULL, NULL);
}
