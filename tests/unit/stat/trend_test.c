// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "stat/trend.h"

#define SECOND 1000000000ull
#define HOUR   (3600 * SECOND)

static bool near(double a, double b)
{
	return fabs(a - b) <= 1e-9 * (1 + fabs(a) + fabs(b));
}

static uint64_t random_below(uint64_t *x, uint64_t n)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x % n;
}

/* One sample a second, long after boot. */
static void series(struct trend_sample *s, const double *values, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		s[i] = (struct trend_sample){ HOUR + i * SECOND, values[i] };
}

static void how_many(void **state)
{
	struct trend_sample s[TREND_SAMPLES_MAX + 1];
	struct trend t = { .per_sec = 77, .samples = 77 };

	for (unsigned i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = (struct trend_sample){ i * SECOND, i };
	for (unsigned n = 0; n < TREND_SAMPLES_MIN; n++)
		assert_int_equal(trend_fit(s, n, &t), -EAGAIN);
	assert_int_equal(trend_fit(s, TREND_SAMPLES_MAX + 1, &t), -E2BIG);
	assert_int_equal(trend_fit(s, UINT32_MAX, &t), -E2BIG);
	assert_true(t.per_sec == 77 && t.samples == 77);
	for (unsigned n = TREND_SAMPLES_MIN; n <= TREND_SAMPLES_MAX; n++) {
		assert_int_equal(trend_fit(s, n, &t), 0);
		assert_int_equal(t.samples, n);
		assert_true(t.per_sec == 1 && t.low_per_sec == 1 && t.high_per_sec == 1);
	}
}

static void one_instant(void **state)
{
	struct trend_sample s[TREND_SAMPLES_MIN];
	struct trend t = { .samples = 77 };

	for (unsigned i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = (struct trend_sample){ HOUR, i };
	assert_int_equal(trend_fit(s, ARRAY_SIZE(s), &t), -EAGAIN);
	assert_int_equal(t.samples, 77);
	/* One of them a second later: seven slopes, the others say nothing. */
	s[7] = (struct trend_sample){ HOUR + SECOND, 10 };
	assert_int_equal(trend_fit(s, ARRAY_SIZE(s), &t), 0);
	assert_true(t.per_sec == 7);
	assert_true(t.low_per_sec >= 4 && t.high_per_sec <= 10);
}

/*
 * Worked out by hand. Eight samples are 28 slopes; without ties Kendall's S has a standard
 * deviation of sqrt(8*7*21/18) = 8.083, so the interval goes from the 6th to the 23rd of them.
 */
static void by_hand(void **state)
{
	static const struct {
		const char *what;
		double v[8];
		double slope, low, high;
		bool growing;
	} cases[] = {
		{ "constant", { 5, 5, 5, 5, 5, 5, 5, 5 }, 0, 0, 0, false },
		{ "constant zero", { 0 }, 0, 0, 0, false },
		{ "line up", { 0, 3, 6, 9, 12, 15, 18, 21 }, 3, 3, 3, true },
		{ "line down", { 21, 18, 15, 12, 9, 6, 3, 0 }, -3, -3, -3, false },
		/* Squares: the slope of i and j is i + j. */
		{ "squares", { 0, 1, 4, 9, 16, 25, 36, 49 }, 7, 4, 10, true },
		{ "squares, backwards", { 49, 36, 25, 16, 9, 4, 1, 0 }, -7, -10, -4, false },
		/* 21 slopes are the line's; three lie above, four below. */
		{ "an outlier", { 0, 1, 2, 1000, 4, 5, 6, 7 }, 1, 1, 1, true },
		{ "an outlier below", { 0, 1, 2, 3, 4, -1000, 6, 7 }, 1, 1, 1, true },
		/* 12 slopes of 0 by ties, 16 across: deviation sqrt(65.33 - 2 * 8.67) = 6.93, 7th
		   to 22nd. */
		{ "a step in the middle", { 0, 0, 0, 0, 12, 12, 12, 12 }, 2, 0, 3, false },
		/* 7 slopes of 12/(7-i), the others 0: deviation sqrt(65.33 - 44.33) = 4.58, 10th to
		   19th. */
		{ "a step at the end", { 0, 0, 0, 0, 0, 0, 0, 12 }, 0, 0, 0, false },
		{ "a step at the beginning", { 0, 12, 12, 12, 12, 12, 12, 12 }, 0, 0, 0, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trend_sample s[8];
		struct trend t;

		series(s, cases[i].v, 8);
		assert_int_equal(trend_fit(s, 8, &t), 0);
		if (!near(t.per_sec, cases[i].slope) || !near(t.low_per_sec, cases[i].low) ||
		    !near(t.high_per_sec, cases[i].high) || trend_growing(&t) != cases[i].growing)
			fail_msg("%s: %g, %g to %g, growing %d", cases[i].what, t.per_sec,
				 t.low_per_sec, t.high_per_sec, trend_growing(&t));
	}
}

/* The k-th smallest of `n` values, 0 based, without sorting. */
static double kth(const double *v, unsigned n, unsigned k)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned less = 0, same = 0;

		for (unsigned j = 0; j < n; j++) {
			less += v[j] < v[i];
			same += v[j] == v[i];
		}
		if (less <= k && k < less + same)
			return v[i];
	}
	fail();
	return 0;
}

static void brute(const struct trend_sample *s, unsigned n, struct trend *ret)
{
	double slopes[TREND_SAMPLES_MAX * TREND_SAMPLES_MAX], ties = 0, c;
	unsigned pairs = 0;
	long lo, hi;

	for (unsigned i = 0; i < n; i++) {
		unsigned same = 0, first = i;

		for (unsigned j = 0; j < n; j++) {
			same += s[j].value == s[i].value;
			if (s[j].value == s[i].value && j < first)
				first = j;
			if (s[j].time_ns > s[i].time_ns)
				slopes[pairs++] = (s[j].value - s[i].value) /
						  ((double)(s[j].time_ns - s[i].time_ns) / 1e9);
		}
		if (first == i)
			ties += same * (same - 1.0) * (2.0 * same + 5);
	}
	c = 1.959964 * sqrt((n * (n - 1.0) * (2.0 * n + 5) - ties) / 18);
	lo = lround((pairs - c) / 2) - 1;
	hi = lround((pairs + c) / 2);
	ret->low_per_sec = kth(slopes, pairs, lo < 0 ? 0 : lo);
	ret->high_per_sec = kth(slopes, pairs, hi >= pairs ? pairs - 1 : hi);
	ret->per_sec =
		pairs % 2 ? kth(slopes, pairs, pairs / 2)
			  : (kth(slopes, pairs, pairs / 2 - 1) + kth(slopes, pairs, pairs / 2)) / 2;
}

/* Any values, with few and many ties, and with samples that share an instant. */
static void against_brute_force(void **state)
{
	uint64_t x = 0x9e3779b97f4a7c15;

	for (unsigned round = 0; round < 600; round++) {
		unsigned n = TREND_SAMPLES_MIN + round % 17;
		uint64_t range = round % 3 == 0 ? 3 : round % 3 == 1 ? 12 : 1000000;
		struct trend_sample s[TREND_SAMPLES_MAX];
		struct trend t, want;
		uint64_t at = HOUR;

		for (unsigned i = 0; i < n; i++) {
			at += random_below(&x, round % 5 ? 2000 : 2) * 1000000 + (i == n / 2);
			s[i].time_ns = at;
			s[i].value = (double)random_below(&x, range) - (double)range / 2;
		}
		brute(s, n, &want);
		assert_int_equal(trend_fit(s, n, &t), 0);
		if (!near(t.per_sec, want.per_sec) || !near(t.low_per_sec, want.low_per_sec) ||
		    !near(t.high_per_sec, want.high_per_sec))
			fail_msg("round %u: %.12g, %.12g to %.12g; expected %.12g, %.12g to %.12g",
				 round, t.per_sec, t.low_per_sec, t.high_per_sec, want.per_sec,
				 want.low_per_sec, want.high_per_sec);
		assert_true(t.low_per_sec <= t.per_sec && t.per_sec <= t.high_per_sec);
	}
}

/* What descriptor counts look like over a minute. */
static double shape(unsigned kind, unsigned i, uint64_t *x)
{
	switch (kind) {
	case 0: /* steady, with noise */
		return 100 + (double)random_below(x, 5);
	case 1: /* a sawtooth of seven seconds: a pool that fills and is emptied */
		return 100 + 10 * (i % 7);
	case 2: /* one step */
		return i < 30 ? 100 : 200;
	case 3: /* a few large spikes */
		return i % 13 == 5 ? 5000 : 100;
	case 4: /* a leak of half a descriptor a second */
		return 100 + (double)(i / 2);
	case 5: /* the same below a sawtooth */
		return 100 + (double)(i / 2) + 3 * (i % 5);
	case 6: /* the same with a quarter of wild samples */
		return i % 4 == 1 ? (double)random_below(x, 4000) : 100 + (double)(i / 2);
	default: /* a leak, and every restart of nothing: shrinking */
		return 200 - (double)i;
	}
}

static void shapes(void **state)
{
	static const struct {
		bool growing;
		double slope;
	} want[] = { { false, 0 },  { false, 0 },  { false, 1 },  { false, 0 },
		     { true, 0.5 }, { true, 0.5 }, { true, 0.5 }, { false, -1 } };

	for (unsigned kind = 0; kind < ARRAY_SIZE(want); kind++) {
		struct trend_sample s[60];
		uint64_t x = 88172645463325252;
		struct trend t;

		for (unsigned i = 0; i < ARRAY_SIZE(s); i++)
			s[i] = (struct trend_sample){ HOUR + i * SECOND, shape(kind, i, &x) };
		assert_int_equal(trend_fit(s, ARRAY_SIZE(s), &t), 0);
		if (trend_growing(&t) != want[kind].growing ||
		    (kind != 2 && fabs(t.per_sec - want[kind].slope) > 0.12))
			fail_msg("shape %u: %g, %g to %g", kind, t.per_sec, t.low_per_sec,
				 t.high_per_sec);
	}
}

/* Sum of twelve: near enough to a normal one. */
static double noise(uint64_t *x)
{
	double sum = -6;

	for (unsigned i = 0; i < 12; i++)
		sum += (double)random_below(x, 1 << 20) / (1 << 20);
	return sum;
}

typedef int (*fit_fn)(const struct trend_sample *s, unsigned n, struct trend *ret_t);

/* Of 100 intervals, how many hold the true slope. */
static double coverage(fit_fn fit, unsigned n, bool walk)
{
	uint64_t x = 88172645463325252;
	unsigned held = 0, rounds = n > 32 ? 1000 : 4000;

	for (unsigned r = 0; r < rounds; r++) {
		struct trend_sample s[TREND_SAMPLES_MAX];
		double error = 0;
		struct trend t;

		for (unsigned i = 0; i < n; i++) {
			error = walk * error + noise(&x);
			s[i] = (struct trend_sample){ HOUR + i * SECOND, 0.5 * i + error };
		}
		assert_int_equal(fit(s, n, &t), 0);
		held += t.low_per_sec <= 0.5 && 0.5 <= t.high_per_sec;
	}
	return 100.0 * held / rounds;
}

/* Each fit holds what it promises of its own kind of error, and the plain one must not be used of walks. */
static void intervals_hold_the_slope(void **state)
{
	static const unsigned sizes[] = { 9, 14, 24, 50 };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		double white = coverage(trend_fit, sizes[i], false),
		       walk = coverage(trend_fit_walk, sizes[i], true);

		if (white < 93.5 || white > 97 || walk < 93.5 || walk > 97)
			fail_msg("%u samples: %.1f %% of levels, %.1f %% of walks", sizes[i], white,
				 walk);
		assert_true(coverage(trend_fit, sizes[i], true) < 85);
	}
}

static void growing(void **state)
{
	static const struct {
		double low;
		bool growing;
	} cases[] = { { 1e-300, true }, { 1, true },   { INFINITY, true }, { 0, false },
		      { -0.0, false },  { -1, false }, { NAN, false } };

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trend t = { .per_sec = 5, .low_per_sec = cases[i].low, .high_per_sec = 9 };

		assert_int_equal(trend_growing(&t), cases[i].growing);
	}
}

static void window_spacing(void **state)
{
	struct trend_window w;

	trend_window_init(&w, 64 * SECOND);
	assert_int_equal(w.n, 0);
	assert_true(trend_window_add(&w, HOUR, 1));
	/* Sooner than a second later, with a tenth of slack. */
	assert_false(trend_window_add(&w, HOUR, 2));
	assert_false(trend_window_add(&w, HOUR + 1, 2));
	assert_false(trend_window_add(&w, HOUR + SECOND / 2, 2));
	assert_false(trend_window_add(&w, HOUR + SECOND * 9 / 10 - 1, 2));
	assert_int_equal(w.n, 1);
	assert_true(trend_window_add(&w, HOUR + SECOND * 9 / 10, 3));
	/* What counts is the distance to the last one taken, not to one left out. */
	assert_false(trend_window_add(&w, HOUR + SECOND * 17 / 10, 4));
	assert_true(trend_window_add(&w, HOUR + SECOND * 19 / 10, 5));
	assert_int_equal(w.n, 3);
	assert_true(w.s[0].value == 1 && w.s[1].value == 3 && w.s[2].value == 5);
	/* Just before the last: left out as well. */
	assert_false(trend_window_add(&w, HOUR + SECOND * 19 / 10 - 1, 6));
}

static void window_expiry(void **state)
{
	struct trend_window w;

	trend_window_init(&w, 64 * SECOND);
	for (unsigned i = 0; i < 10; i++)
		assert_true(trend_window_add(&w, HOUR + i * SECOND, i));
	/* At the edge of the window a sample stays, past it it goes. */
	assert_true(trend_window_add(&w, HOUR + 64 * SECOND, 64));
	assert_int_equal(w.n, 11);
	assert_true(trend_window_add(&w, HOUR + 67 * SECOND + 1, 67));
	assert_int_equal(w.n, 8);
	assert_true(w.s[0].value == 4 && w.s[6].value == 64 && w.s[7].value == 67);
	/* After a long silence nothing is left but the new one. */
	assert_true(trend_window_add(&w, 2 * HOUR, 7));
	assert_int_equal(w.n, 1);
	assert_true(w.s[0].value == 7 && w.s[0].time_ns == 2 * HOUR);
}

static void window_full(void **state)
{
	struct trend_window w;
	struct trend t;

	trend_window_init(&w, 64 * SECOND);
	/* The slack lets more than TREND_SAMPLES_MAX fall into one window: the oldest goes. */
	for (unsigned i = 0; i < 1000; i++) {
		assert_true(trend_window_add(&w, HOUR + i * SECOND * 9 / 10, i));
		assert_int_equal(w.n, i < TREND_SAMPLES_MAX ? i + 1 : TREND_SAMPLES_MAX);
	}
	for (unsigned i = 0; i < w.n; i++)
		assert_true(w.s[i].value == 1000 - TREND_SAMPLES_MAX + i);
	assert_int_equal(trend_fit(w.s, w.n, &t), 0);
	assert_true(near(t.per_sec, 10.0 / 9));
}

/* A week of ticks ten times a second: the window stays a window, its samples ascend. */
static void window_week(void **state)
{
	static const uint64_t windows[] = { 10 * SECOND, 60 * SECOND, HOUR };

	for (unsigned k = 0; k < ARRAY_SIZE(windows); k++) {
		struct trend_window w;
		unsigned taken = 0;

		trend_window_init(&w, windows[k]);
		for (uint64_t i = 0; i < 6048000; i++)
			taken += trend_window_add(&w, i * SECOND / 10, (double)i);
		for (unsigned i = 1; i < w.n; i++)
			assert_true(w.s[i].time_ns > w.s[i - 1].time_ns);
		assert_true(w.n >= TREND_SAMPLES_MAX / 2 && w.n <= TREND_SAMPLES_MAX);
		assert_true(w.s[0].time_ns + windows[k] >= w.s[w.n - 1].time_ns);
		assert_true(taken >= 604800 * (SECOND / 1000) / (windows[k] / 1000 / 32));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_many),
		cmocka_unit_test(one_instant),
		cmocka_unit_test(by_hand),
		cmocka_unit_test(against_brute_force),
		cmocka_unit_test(shapes),
		cmocka_unit_test(growing),
		cmocka_unit_test(window_spacing),
		cmocka_unit_test(window_expiry),
		cmocka_unit_test(window_full),
		cmocka_unit_test(window_week),
		cmocka_unit_test(intervals_hold_the_slope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
