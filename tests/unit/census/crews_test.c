// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Who counts as one that stays; and 10,000 made-up processes whose goroutines tick, poll, work, wait and end. Half of them leak
 * nothing: one look in an hour, of 360, that calls one leaking is a false alarm. The others lose ten goroutines a minute or more. What
 * cannot be told from a leak is not among them: tickers that are started one by one for minutes.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "census/crews.h"
#include "model/leak.h"

#include "chance.h"

#define SECOND  1000000000ull
#define LIMIT   (60 * SECOND)
#define LOOK    10 /* seconds */
#define HOUR    3600.0
#define SERIES  5000 /* of each half */
#define FOREVER 1e9
#define MANY    8192

/* One goroutine, looked at each ten seconds */

static struct crews crews;
static uint64_t now;

static const struct crew_sum *look_at(struct crew_member *m, enum sight sight, bool quiet,
				      struct crew *line)
{
	struct crew *crew = crews_intern(&crews, 0x400100, 0x400000, 0);
	struct sighting s = { .sight = sight,
			      .quiet = quiet,
			      .line = line,
			      .syscall = sight == SIGHT_ALONE && !line,
			      .waits = line != NULL };

	now += LOOK * SECOND;
	crews_begin(&crews);
	if (m)
		member_see(m, crew, &s, now, LIMIT);
	return &crew->next;
}

static void begin_one(void)
{
	crews_done(&crews);
	now = 1000 * SECOND;
}

/* How many of ten looks it stays, seen so at each. */
static unsigned stays_of_ten(enum sight sight, bool quiet)
{
	struct crew_member m = {};
	unsigned n = 0;

	begin_one();
	for (unsigned i = 0; i < 10; i++)
		n += look_at(&m, sight, quiet && i >= 6, NULL)->stays;
	return n;
}

static void who_stays(void **state)
{
	struct crew_member m = {};

	assert_int_equal(stays_of_ten(SIGHT_ALONE, false), 4);
	assert_int_equal(stays_of_ten(SIGHT_AWAKE, false), 4);
	assert_int_equal(stays_of_ten(SIGHT_NOTHING, true), 4);
	assert_int_equal(stays_of_ten(SIGHT_NOTHING, false), 0);
	assert_int_equal(stays_of_ten(SIGHT_GIVEN, false), 0);
	/* One that is given something twice is of use, and was counted before that. */
	begin_one();
	for (unsigned i = 0; i < 7; i++)
		(void)look_at(&m, SIGHT_ALONE, false, NULL);
	assert_int_equal(look_at(&m, SIGHT_GIVEN, false, NULL)->stays, 1);
	assert_int_equal(look_at(&m, SIGHT_GIVEN, false, NULL)->left, 1);
	assert_int_equal(look_at(&m, SIGHT_ALONE, false, NULL)->stays, 0);
	/* After some ten minutes without that it is of use no more. */
	for (unsigned i = 0; i < 64; i++)
		(void)look_at(&m, SIGHT_ALONE, false, NULL);
	assert_int_equal(m.crew->next.stays, 1);
	crews_done(&crews);
}

static void who_leaves(void **state)
{
	struct crew_member m = {};
	const struct crew_sum *sum;

	begin_one();
	for (unsigned i = 0; i < 8; i++)
		sum = look_at(&m, SIGHT_ALONE, false, NULL);
	assert_int_equal(sum->stays, 1);
	sum = look_at(NULL, SIGHT_NOTHING, false, NULL);
	member_leave(&m);
	assert_int_equal(sum->left, 1);
	assert_int_equal(sum->count, 0);
	assert_null(m.crew);
	/* One that was there for a moment was not counted. */
	(void)look_at(&m, SIGHT_ALONE, false, NULL);
	sum = look_at(NULL, SIGHT_NOTHING, false, NULL);
	member_leave(&m);
	assert_int_equal(sum->left, 0);
	/* Nobody is left. */
	crews_end(&crews);
	assert_null(crews.by_key);
}

/* A line is left when it waits at another one, not while it is on its way. */
static void lines(void **state)
{
	struct crew *here, *there;
	struct crew_member m = {};

	begin_one();
	here = crews_intern(&crews, 0x400100, 0x400000, 0x400123);
	there = crews_intern(&crews, 0x400100, 0x400000, 0x400456);
	assert_true(here != there);
	assert_ptr_equal(here, crews_intern(&crews, 0x400100, 0x400000, 0x400123));
	for (unsigned i = 0; i < 8; i++)
		(void)look_at(&m, SIGHT_ALONE, false, here);
	assert_int_equal(here->next.stays, 1);
	(void)look_at(&m, SIGHT_AWAKE, false, NULL);
	assert_int_equal(here->next.stays, 1);
	(void)look_at(&m, SIGHT_ALONE, false, there);
	assert_int_equal(here->next.left, 1);
	assert_int_equal(here->next.stays, 0);
	assert_int_equal(there->next.count, 1);
	assert_int_equal(there->next.stays, 0);
	/* Of those of the go statement it is one all the time. */
	assert_int_equal(m.crew->next.stays, 1);
	crews_done(&crews);
}

static void room(void **state)
{
	begin_one();
	for (unsigned i = 0; i < CREWS_MAX; i++)
		assert_non_null(crews_intern(&crews, i, 0, 0));
	assert_null(crews_intern(&crews, CREWS_MAX, 0, 0));
	assert_non_null(crews_intern(&crews, 0, 0, 0));
	crews_begin(&crews);
	crews_end(&crews);
	assert_null(crews.by_key);
}

/* Processes */

/* How often one is seen doing what; the rest of the time nothing can be told. */
struct behaviour {
	double alone, awake, given;
	bool idles; /* it has not run for a minute at most looks */
};

static struct {
	unsigned n;
	struct {
		double from, to;
		struct behaviour does;
		struct crew_member member;
	} all[MANY];
} sim;

static void lives(double from, double to, const struct behaviour *does)
{
	if (to < 0 || sim.n == MANY)
		return;
	sim.all[sim.n].from = from;
	sim.all[sim.n].to = to;
	sim.all[sim.n].does = *does;
	sim.all[sim.n++].member = (struct crew_member){};
}

static struct behaviour waker(void)
{
	struct behaviour b = { .alone = between(0.9, 1) };

	b.awake = between(0, 1) * (1 - b.alone);
	return b;
}

/* Works for a part of the time, in which it is seen anywhere. */
static struct behaviour worker(void)
{
	double busy = between(0, 0.8), alone = uniform();

	return (struct behaviour){ busy * alone, busy * (1 - alone) / 2, 1 - busy, false };
}

static void tickers(void)
{
	unsigned n = (unsigned)scale(1, 300);
	double at = uniform() < 0.5 ? 0 : between(0, HOUR), over = between(0, 60);
	struct behaviour b = waker();

	for (unsigned i = 0; i < n; i++)
		lives(at + over * i / n, FOREVER, &b);
}

/* Workers are started while there are too few, for a quarter of an hour at most, and stay. */
static void warm_up(void)
{
	unsigned n = (unsigned)scale(5, 300);
	double at = uniform() < 0.5 ? 0 : between(0, HOUR), over = scale(5, 900);
	struct behaviour b = worker();

	for (unsigned i = 0; i < n; i++)
		lives(at + over * i / n, FOREVER, &b);
}

/* Workers that end when nothing was to be done for a while. */
static void elastic_pool(void)
{
	double stay = scale(60, 600), rate = scale(2, 200) / stay, hour = between(0, 1);
	struct behaviour b = worker();

	for (double t = -4 * stay; (t += wait(1 / rate)) < HOUR;) {
		if (uniform() < (1 + 0.8 * sin((t / HOUR + hour) * 2 * M_PI)) / 1.8)
			lives(t, t + wait(stay), &b);
	}
}

/* Clients come and stay for a while, more of them by day than by night; each has a ticker. */
static void daily_load(void)
{
	double stay = scale(30, 600), rate = scale(2, 200) / stay, hour = between(0, 24);
	struct behaviour b = waker();

	for (double t = -5 * stay; (t += wait(1 / rate)) < HOUR;) {
		if (uniform() < (1 + 0.8 * sin((t / HOUR + hour) * M_PI / 12)) / 1.8)
			lives(t, t + wait(stay), &b);
	}
}

static void sessions(void)
{
	double stay = scale(600, 3600), rate = scale(20, 300) / stay;
	struct behaviour b = waker();

	for (double t = -5 * stay; (t += wait(1 / rate)) < HOUR;)
		lives(t, t + wait(stay), &b);
}

static void batches(void)
{
	double every = scale(120, 1200);

	for (double t = wait(every); t < HOUR; t += wait(every)) {
		unsigned n = (unsigned)scale(20, 300);
		double over = between(1, 30), hold = scale(1, 300);
		struct behaviour b = uniform() < 0.5 ? waker() : worker();

		for (unsigned i = 0; i < n; i++)
			lives(t + over * i / n, t + over + hold, &b);
	}
}

/* They wait for the most time, and are woken by somebody now and then. */
static void idle_pool(void)
{
	struct behaviour b = { .given = between(0.02, 0.5), .idles = true };
	unsigned n = (unsigned)scale(5, 300);
	double over = scale(1, 60);

	for (unsigned i = 0; i < n; i++)
		lives(over * i / n, FOREVER, &b);
}

static void nothing(void)
{
}

static const struct {
	const char *name;
	void (*live)(void);
} sound[] = {
	{ "tickers", tickers },
	{ "pools that warm up", warm_up },
	{ "pools that grow and shrink", elastic_pool },
	{ "pools that idle", idle_pool },
	{ "daily load", daily_load },
	{ "sessions", sessions },
	{ "batches", batches },
	{ "nothing", nothing },
};

static void begin(unsigned seed)
{
	memset(&sim, 0, offsetof(typeof(sim), all));
	chance_seed(seed);
	(void)uniform();
	crews_done(&crews);
}

static void see(unsigned i, struct crew *crew, double at)
{
	const struct behaviour *b = &sim.all[i].does;
	double u = uniform();
	struct sighting s = { .waits = true };

	if (u < b->given)
		s.sight = SIGHT_GIVEN;
	else if (u < b->given + b->alone)
		s.sight = SIGHT_ALONE;
	else if (u < b->given + b->alone + b->awake)
		s.sight = SIGHT_AWAKE;
	s.quiet = b->idles && s.sight == SIGHT_NOTHING && at - sim.all[i].from >= 60;
	member_see(&sim.all[i].member, crew, &s, (uint64_t)((1000 + at) * 1e9), LIMIT);
}

/* Seconds at which all that one go statement made are first called leaking; 0: never. */
static unsigned judge(unsigned seconds)
{
	struct leak_series s = {};
	bool any = false;

	for (unsigned at = LOOK; at <= seconds; at += LOOK) {
		struct crew *crew = crews_intern(&crews, 0x400100, 0x400000, 0);
		struct leak l;

		crews_begin(&crews);
		for (unsigned i = 0; i < sim.n; i++) {
			if (sim.all[i].from <= at && at < sim.all[i].to)
				see(i, crew, at);
			else if (sim.all[i].member.crew)
				member_leave(&sim.all[i].member);
		}
		any |= crew->next.stays > 0;
		if (any)
			leak_add(&s, LOOK * SECOND, (1000 + at) * SECOND, crew->next.stays,
				 crew->next.left);
		leak_judge(&s, &leak_rule_goroutines, &l);
		if (l.verdict == LEAK_LEAKING)
			return at;
	}
	return 0;
}

static void sound_processes_are_not_named(void **state)
{
	unsigned false_alarms = 0, of_habit[ARRAY_SIZE(sound)] = {};

	for (unsigned i = 0; i < SERIES; i++) {
		unsigned a = i % ARRAY_SIZE(sound), b = i / ARRAY_SIZE(sound) % ARRAY_SIZE(sound);

		begin(i);
		sound[a].live();
		if (b != a)
			sound[b].live();
		if (!judge((unsigned)HOUR))
			continue;
		false_alarms++;
		of_habit[a]++;
		of_habit[b] += a != b;
	}
	for (unsigned a = 0; a < ARRAY_SIZE(sound); a++)
		print_message("# %-26s %u false alarms\n", sound[a].name, of_habit[a]);
	print_message("# %u of %u sound processes were called leaking\n", false_alarms, SERIES);
	assert_true(false_alarms * 1000 < SERIES);
}

/* Ten a minute and more, of any kind; beside them, of the same statement, what others do. */
static void leaks_are_named_in_time(void **state)
{
	static const struct behaviour kinds[] = {
		{ .alone = 0.98, .awake = 0.02 }, /* tickers */
		{ .alone = 0.9, .awake = 0.05 },  /* polls */
		{ .alone = 1 },                   /* in a system call */
		{ .awake = 1 },                   /* they spin */
		{ .idles = true },                /* they wait for ever */
		{ .alone = 0.9,
		  .awake = 0.06,
		  .given = 0.005 }, /* now and then they hand something on */
	};
	unsigned in_time[ARRAY_SIZE(kinds)] = {}, of[ARRAY_SIZE(kinds)] = {}, within_3 = 0, all = 0;

	for (unsigned i = 0; i < SERIES; i++) {
		unsigned k = i % ARRAY_SIZE(kinds), found;
		double rate = scale(10, 100);

		begin(100000 + i);
		if (i % 2)
			tickers();
		for (double t = 0; (t += wait(60 / rate)) < 300;)
			lives(t, FOREVER, &kinds[k]);
		found = judge(300);
		of[k]++;
		in_time[k] += found > 0;
		all += found > 0;
		within_3 += found && found <= 180;
	}
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++)
		print_message("# kind %u: %.2f %% found within 5 minutes\n", k,
			      100.0 * in_time[k] / of[k]);
	print_message("# %.2f %% found within 5 minutes, %.2f %% within 3\n", 100.0 * all / SERIES,
		      100.0 * within_3 / SERIES);
	assert_true(all >= 0.99 * SERIES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_stays),
		cmocka_unit_test(who_leaves),
		cmocka_unit_test(lines),
		cmocka_unit_test(room),
		cmocka_unit_test(sound_processes_are_not_named),
		cmocka_unit_test(leaks_are_named_in_time),
	};
	int failed = cmocka_run_group_tests_name("census/crews", tests, NULL, NULL);

	crews_done(&crews);
	return failed;
}
