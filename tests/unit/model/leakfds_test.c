// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * 10,000 made-up processes: half of them leak nothing, whatever else they do; the others lose 0.1 to 100 descriptors a
 * minute. Each is looked at every ten seconds for three hours, as the daemon does; one look that calls a sound
 * process leaking is a false alarm. The table that it prints is what deferd promises. What cannot be told from
 * a leak is not among them: a pool that fills for longer than a minute, clients that all come and of whom none goes for hours.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/leak.h"

#include "chance.h"

#define SECOND  1000000000ull
#define HOURS   3
#define LOOK    10 /* seconds */
#define LOOKS   (HOURS * 3600 / LOOK)
#define END     (HOURS * 3600.0)
#define SERIES  5000 /* of each half */
#define FOREVER 1e9

/* The same as the daemon's: of each level the spacing, and how old a descriptor must be to count. */
static const unsigned spacing_s[LEAK_LEVELS] = { 10, 40, 320 },
		      age_s[LEAK_LEVELS] = { 60, 60, 960 };

static struct {
	struct {
		int32_t came[LOOKS + 1], left[LOOKS + 1];
	} old[LEAK_LEVELS]; /* by look: became so old; were, and were closed */
} sim;

/* One descriptor. What is there at the first look is as if it were opened then. */
static void lives(double from, double to)
{
	from = fmax(from, 0);
	if (to <= from + age_s[0])
		return;
	for (unsigned i = 0; i < LEAK_LEVELS; i++) {
		double old = from + age_s[i];

		if (old >= END || to <= old)
			continue;
		sim.old[i].came[(unsigned)ceil(old / LOOK)]++;
		if (to < END)
			sim.old[i].left[(unsigned)ceil(to / LOOK)]++;
	}
}

/* What processes do that leak nothing */

/* Requests: `rate` a second, each for a moment. Only those that get old are made up. */
static void requests(double longest_s)
{
	double rate = scale(0.1, 50), mean = scale(0.01, longest_s), old = rate * exp(-60 / mean);

	for (double t = 0; old * END > 1e-3 && (t += wait(1 / old)) < END;)
		lives(t - 60, t + wait(mean));
}

static void short_requests(void)
{
	requests(5);
}

static void long_requests(void)
{
	requests(20);
}

static void bursts(void)
{
	double every = scale(120, 1200);

	for (double t = wait(every); t < END; t += wait(every)) {
		unsigned n = (unsigned)scale(20, 500);
		double over = between(1, 30), hold = scale(1, 300);

		for (unsigned i = 0; i < n; i++)
			lives(t + over * i / n, t + over + hold);
	}
}

/* Clients come and stay for a while, more of them by day than by night. */
static void clients(double rate, double stay, double swing)
{
	double hour = between(0, 24), t = -5 * stay;

	while ((t += wait(1 / rate)) < END) {
		if (uniform() < (1 + swing * sin((t / 3600 + hour) * M_PI / 12)) / (1 + swing))
			lives(t, t + wait(stay));
	}
}

static void daily_wave(void)
{
	clients(scale(0.02, 2), scale(30, 600), 0.8);
}

static void long_lived(void)
{
	double stay = scale(1200, 7200);

	clients(scale(20, 500) / stay, stay, 0);
}

static void steps(void)
{
	unsigned n = uniform() < 0.5 ? 1 : 2;

	while (n--) {
		unsigned size = (unsigned)scale(5, 300);
		double at = between(0, END);

		while (size--)
			lives(at, FOREVER);
	}
}

/* Nobody closes them; a collection of the garbage does. */
static void finalizers(void)
{
	double rate = scale(0.05, 5), every = scale(5, 125), end = 0;

	for (double t = 0; t < END; t += wait(1 / rate)) {
		while (t >= end)
			end += every * between(0.8, 1);
		lives(t, end);
	}
}

/* Filled within a minute when it is first needed; each connection is made anew after a while. */
static void pool(void)
{
	unsigned n = (unsigned)scale(5, 200);
	double at = between(-600, END), over = between(5, 60), keep = scale(300, 1800);

	for (unsigned i = 0; i < n; i++) {
		double t = at + over * i / n;

		while (t < END) {
			double until = t + keep * between(0.7, 1);

			lives(t, until);
			t = until;
		}
	}
}

static void nothing(void)
{
}

struct habit {
	const char *name;
	void (*live)(void);
};

static const struct habit sound[] = {
	{ "short requests", short_requests },
	{ "long requests", long_requests },
	{ "bursts", bursts },
	{ "clients by day and night", daily_wave },
	{ "clients that stay", long_lived },
	{ "steps", steps },
	{ "finalizers", finalizers },
	{ "pools", pool },
};
/* Beside these a leak must be seen in time: their descriptors do not come and go in thousands after a minute's life. */
static const struct habit quiet[] = {
	{ "nothing else", nothing },
	{ "short requests", short_requests },
	{ "steps", steps },
};

/* Looking */

static void begin(unsigned seed)
{
	memset(&sim, 0, sizeof(sim));
	chance_seed(seed);
	(void)uniform();
}

/* Seconds at which it is first called leaking; 0: never. And the last word. */
static unsigned look(struct leak *ret)
{
	struct leak_series s = {};
	uint32_t now[LEAK_LEVELS] = {};
	unsigned found = 0;

	for (unsigned k = 0; k <= LOOKS; k++) {
		for (unsigned i = 0; i < LEAK_LEVELS; i++) {
			now[i] += (uint32_t)(sim.old[i].came[k] - sim.old[i].left[k]);
			if (k * LOOK >= age_s[i])
				leak_level_add(&s.levels[i], spacing_s[i] * SECOND,
					       (1 + k * LOOK) * SECOND, now[i],
					       (uint32_t)sim.old[i].left[k]);
		}
		if (found && k < LOOKS)
			continue;
		leak_judge(&s, &leak_rule_fds, ret);
		if (!found && ret->verdict == LEAK_LEAKING)
			found = k * LOOK;
	}
	return found;
}

static void sound_processes_are_not_named(void **state)
{
	unsigned false_alarms = 0, of_habit[sizeof(sound) / sizeof(*sound)] = {};
	struct leak l;

	for (unsigned i = 0; i < SERIES; i++) {
		unsigned a = i % 8, b = i / 8 % 8;

		begin(i);
		sound[a].live();
		if (b != a)
			sound[b].live();
		if (look(&l)) {
			false_alarms++;
			of_habit[a]++;
			of_habit[b]++;
		}
	}
	for (unsigned a = 0; a < 8; a++)
		print_message("# %-26s %u false alarms of %u\n", sound[a].name, of_habit[a],
			      SERIES / 4);
	print_message("# %u of %u sound processes were called leaking\n", false_alarms, SERIES);
	assert_true(false_alarms * 1000 <= SERIES);
}

/* From `low` to `high` a minute; how many are found within so long, and how often the interval holds the true rate. */
static void leaks(double low, double high, unsigned within_s, double least)
{
	unsigned n = (SERIES + 2) / 3, in_time = 0, held = 0, grown = 0;
	double width = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned found;
		double rate;
		struct leak l;

		begin(100000 + i + (unsigned)within_s);
		quiet[i % 3].live();
		rate = scale(low, high);
		for (double t = 0; (t += wait(60 / rate)) < END;)
			lives(t, FOREVER);
		found = look(&l);
		in_time += found && found <= within_s;
		if (l.verdict != LEAK_LEAKING)
			continue;
		grown++;
		held += l.low_per_hour <= rate * 60 && rate * 60 <= l.high_per_hour;
		width += (l.high_per_hour - l.low_per_hour) / (rate * 60);
	}
	print_message("# %5.1f to %5.1f a minute: %.2f %% found within %u s, after %d h %.1f %% "
		      "named, the interval (+-%.0f %%) holds the "
		      "true rate in %.1f %%\n",
		      low, high, 100.0 * in_time / n, within_s, HOURS, 100.0 * grown / n,
		      50 * width / grown, 100.0 * held / grown);
	assert_true(in_time >= least * n);
	assert_true(held >= 0.93 * grown && held <= 0.97 * grown);
}

static void leaks_are_named_in_time(void **state)
{
	leaks(10, 100, 180, 0.99);
	leaks(1, 10, 900, 0.99);
	leaks(0.1, 1, HOURS * 3600, 0.95);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_processes_are_not_named),
		cmocka_unit_test(leaks_are_named_in_time),
	};

	return cmocka_run_group_tests_name("model/leakfds", tests, NULL, NULL);
}
