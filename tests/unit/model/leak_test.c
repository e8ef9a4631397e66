// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Goroutines are made up one by one and counted each ten seconds, as a census does: what leaks is
 * named in time, and a day at work is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/leak.h"

#define SECOND   1000000000ull
#define INTERVAL 10
#define LIMIT    60 /* quiet is who has not run for so long */
#define MANY     20000

/* Members of one group: when each last ran; 0: it is none. */
static struct {
	unsigned ran[MANY];
	unsigned quiet;
	bool was_quiet[MANY];
	struct leak_series series;
	uint32_t random;
} sim;

static void begin(void)
{
	memset(&sim, 0, sizeof(sim));
	sim.random = 1;
}

/* Of 0 to n - 1; the same in each run. */
static unsigned pick(unsigned n)
{
	sim.random = sim.random * 1664525 + 1013904223;
	return (sim.random >> 8) % n;
}

static struct leak look(unsigned now)
{
	unsigned quiet = 0, woken = 0;
	struct leak l;

	for (unsigned i = 0; i < MANY; i++) {
		bool is = sim.ran[i] && now - sim.ran[i] >= LIMIT;

		quiet += is;
		woken += sim.was_quiet[i] && !is;
		sim.was_quiet[i] = is;
	}
	leak_add(&sim.series, INTERVAL * SECOND, (3600 + now) * SECOND, quiet, woken);
	leak_judge(&sim.series, &leak_rule_goroutines, &l);
	return l;
}

/* One more, or one that runs, in the first place that is free. */
static void add(unsigned now)
{
	for (unsigned i = 0; i < MANY; i++) {
		if (!sim.ran[i]) {
			sim.ran[i] = now;
			return;
		}
	}
}

static void leaks_are_named(void **state)
{
	/* One each so many seconds: 10 a minute, 1 a second, 1 in 3 minutes. */
	static const struct {
		unsigned every, within;
		double per_hour;
	} cases[] = { { 6, 180, 600 }, { 1, 150, 3600 }, { 180, 5400, 20 } };

	for (unsigned c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		unsigned named = 0;
		struct leak l = {};

		begin();
		for (unsigned now = 1; now < 12000; now++) {
			if (now % cases[c].every == 0)
				add(now);
			if (now % INTERVAL)
				continue;
			l = look(now);
			if (!named && l.verdict == LEAK_LEAKING)
				named = now;
			/* Once it is named it stays so. */
			if (named && cases[c].every < 100)
				assert_int_equal(l.verdict, LEAK_LEAKING);
		}
		assert_in_range(named, LIMIT, cases[c].within);
		assert_int_equal(l.verdict, LEAK_LEAKING);
		assert_true(l.low_per_hour <= l.per_hour && l.per_hour <= l.high_per_hour);
		assert_true(l.per_hour > cases[c].per_hour * 0.9 &&
			    l.per_hour < cases[c].per_hour * 1.1);
	}
}

/* A hundred at once each ten minutes: by the half hour it is seen. */
static void bursts(void **state)
{
	struct leak l = {};

	begin();
	for (unsigned now = 1; now < 4 * 3600; now++) {
		for (unsigned i = 0; now % 600 == 0 && i < 100; i++)
			add(now);
		if (now % INTERVAL == 0)
			l = look(now);
	}
	assert_int_equal(l.verdict, LEAK_LEAKING);
	assert_true(l.per_hour > 500 && l.per_hour < 700);
}

/* Nobody leaks; no verdict of growth at any census. */
static void never(const char *what, void (*step)(unsigned now), unsigned seconds)
{
	begin();
	for (unsigned now = 1; now < seconds; now++) {
		step(now);
		if (now % INTERVAL == 0 && look(now).verdict == LEAK_LEAKING)
			fail_msg("%s: after %u s", what, now);
	}
}

/* All at the start; they run when there is work, which is seldom. */
static void startup_pool(unsigned now)
{
	for (unsigned i = 0; now == 5 && i < 500; i++)
		add(now);
	if (now > 5 && pick(30) == 0)
		sim.ran[pick(500)] = now;
}

/* Workers are started when all are busy, each half a minute one, up to 16. */
static void slow_pool(unsigned now)
{
	if (now % 30 == 0 && now <= 480)
		add(now);
	if (pick(20) == 0 && now > 480)
		sim.ran[pick(16)] = now;
}

/* 2,000 connections that are idle for minutes; clients come and go, more of them by day. */
static void connections(unsigned now)
{
	unsigned by_day = now % 28800 < 14400 ? 3 : 1;

	if (pick(4) < by_day)
		add(now);
	for (unsigned i = 0; i < 4; i++) {
		unsigned k = pick(2000);

		if (sim.ran[k])
			sim.ran[k] = pick(3) ? now : 0;
	}
}

/* A batch each hour: 300 wait for it for 20 minutes, then all end. */
static void batches(unsigned now)
{
	unsigned at = now % 3600;

	if (at < 300)
		add(now);
	if (at == 1500)
		memset(sim.ran, 0, sizeof(sim.ran));
	/* While it fills, its members report now and then. */
	if (at < 1500 && pick(2) == 0)
		sim.ran[pick(300)] = sim.ran[0] ? now : 0;
}

static void work_is_not_named(void **state)
{
	never("startup_pool", startup_pool, 8 * 3600);
	never("slow_pool", slow_pool, 8 * 3600);
	never("connections", connections, 8 * 3600);
	never("batches", batches, 8 * 3600);
}

static void verdicts(void **state)
{
	struct leak_series s = {};
	struct leak l;
	uint64_t t = SECOND;

	for (unsigned i = 0; i < LEAK_MIN - 1; i++, t += 10 * SECOND)
		leak_add(&s, 10 * SECOND, t, i * 10, 0);
	leak_judge(&s, &leak_rule_goroutines, &l);
	assert_int_equal(l.verdict, LEAK_TOO_YOUNG);
	/* Sooner than the spacing: not a sample. */
	leak_add(&s, 10 * SECOND, t - 9 * SECOND, 500, 0);
	leak_judge(&s, &leak_rule_goroutines, &l);
	assert_int_equal(l.verdict, LEAK_TOO_YOUNG);
	leak_add(&s, 10 * SECOND, t, 80, 0);
	leak_judge(&s, &leak_rule_goroutines, &l);
	assert_int_equal(l.verdict, LEAK_LEAKING);
	assert_int_equal(l.seconds, 80);
	/* In the first minutes one in a hundred may run again. */
	leak_add(&s, 10 * SECOND, t += 10 * SECOND, 110, 1);
	leak_judge(&s, &leak_rule_goroutines, &l);
	assert_int_equal(l.verdict, LEAK_LEAKING);
	leak_add(&s, 10 * SECOND, t += 10 * SECOND, 120, 1);
	leak_judge(&s, &leak_rule_goroutines, &l);
	assert_int_equal(l.verdict, LEAK_UNSURE);
	/* It has stopped. */
	for (unsigned i = 0; i < LEAK_SAMPLES; i++)
		leak_add(&s, 10 * SECOND, t += 10 * SECOND, 100, 0);
	leak_judge(&s, &leak_rule_goroutines, &l);
	assert_int_equal(l.verdict, LEAK_STEADY);
	assert_int_equal(l.per_hour, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(leaks_are_named),
		cmocka_unit_test(bursts),
		cmocka_unit_test(work_is_not_named),
	};

	return cmocka_run_group_tests_name("model/leak", tests, NULL, NULL);
}
