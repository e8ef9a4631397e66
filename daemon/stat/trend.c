// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "stat/trend.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS_MAX (TREND_SAMPLES_MAX * (TREND_SAMPLES_MAX - 1) / 2)
#define Z_95      1.959964

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *sorted, unsigned n)
{
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* Variance of Kendall's S: n(n-1)(2n+5)/18, less what ties in the values take away. */
static double kendall_variance(const struct trend_sample *s, unsigned n)
{
	double values[TREND_SAMPLES_MAX], var = n * (n - 1.0) * (2.0 * n + 5) / 18;
	unsigned run = 1;

	for (unsigned i = 0; i < n; i++)
		values[i] = s[i].value;
	qsort(values, n, sizeof(*values), by_value);
	for (unsigned i = 1; i <= n; i++) {
		if (i < n && values[i] == values[i - 1]) {
			run++;
			continue;
		}
		var -= run * (run - 1.0) * (2.0 * run + 5) / 18;
		run = 1;
	}
	return var;
}

/*
 * What |S| / (n(n-1)/2) of a random walk of n points exceeds in 5 of 100, by 200,000 walks of normal steps for
 * each n, 60,000 for the last three. The statistic knows only the order of the points, so other steps
 * that are as likely up as down give nearly the same.
 */
static const struct {
	unsigned n;
	double tau;
} walk_tau_95[] = {
	{ 8, .929 },  { 10, .867 }, { 12, .849 }, { 16, .833 }, { 20, .832 },
	{ 24, .819 }, { 32, .811 }, { 48, .805 }, { 64, .801 },
};

static double walk_tau(unsigned n)
{
	unsigned i = 1;

	while (walk_tau_95[i].n < n)
		i++;
	return walk_tau_95[i - 1].tau + (walk_tau_95[i].tau - walk_tau_95[i - 1].tau) *
						(n - walk_tau_95[i - 1].n) /
						(walk_tau_95[i].n - walk_tau_95[i - 1].n);
}

static bool is_flat(const struct trend_sample *s, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		if (s[i].value != s[0].value)
			return false;
	}
	return s[n - 1].time_ns > s[0].time_ns;
}

/* `s95` is what |S| exceeds in 5 of 100 when nothing grows. */
static int fit(const struct trend_sample *s, unsigned n, double s95, struct trend *ret_t)
{
	double slopes[PAIRS_MAX];
	unsigned pairs = 0;
	long lo, hi, score = 0; /* Kendall's S */

	/* As most series are most of the time: all slopes are 0, which need not be sorted. */
	if (is_flat(s, n)) {
		*ret_t = (struct trend){ .samples = n };
		return 0;
	}
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = i + 1; j < n; j++) {
			double dt = (double)(s[j].time_ns - s[i].time_ns) / 1e9;

			if (dt <= 0)
				continue;
			slopes[pairs++] = (s[j].value - s[i].value) / dt;
			score += (s[j].value > s[i].value) - (s[j].value < s[i].value);
		}
	}
	if (!pairs)
		return -EAGAIN;
	qsort(slopes, pairs, sizeof(*slopes), by_value);
	lo = lround((pairs - s95) / 2) - 1;
	hi = lround((pairs + s95) / 2);
	if (lo < 0)
		lo = 0;
	if (hi >= (long)pairs)
		hi = pairs - 1;
	*ret_t = (struct trend){
		.per_sec = median(slopes, pairs),
		.low_per_sec = slopes[lo],
		.high_per_sec = slopes[hi],
		.growing = (double)score > s95,
		.samples = n,
	};
	return 0;
}

static int check_count(unsigned n)
{
	if (n > TREND_SAMPLES_MAX)
		return -E2BIG;
	return n < TREND_SAMPLES_MIN ? -EAGAIN : 0;
}

int trend_fit(const struct trend_sample *s, unsigned n, struct trend *ret_t)
{
	return check_count(n) ?: fit(s, n, Z_95 * sqrt(kendall_variance(s, n)), ret_t);
}

int trend_fit_walk(const struct trend_sample *s, unsigned n, struct trend *ret_t)
{
	return check_count(n) ?: fit(s, n, walk_tau(n) * n * (n - 1) / 2, ret_t);
}

bool trend_growing(const struct trend *t)
{
	return t->low_per_sec > 0;
}

void trend_window_init(struct trend_window *w, uint64_t window_ns)
{
	memset(w, 0, sizeof(*w));
	w->window_ns = window_ns;
	w->spacing_ns = window_ns / TREND_SAMPLES_MAX;
}

bool trend_window_add(struct trend_window *w, uint64_t time_ns, double value)
{
	unsigned old = 0;

	/* A tenth of slack: a tick that comes a little early is still the next sample. */
	if (w->n && time_ns - w->s[w->n - 1].time_ns + w->spacing_ns / 10 < w->spacing_ns)
		return false;
	while (old < w->n && w->s[old].time_ns + w->window_ns < time_ns)
		old++;
	if (old == 0 && w->n == TREND_SAMPLES_MAX)
		old = 1;
	memmove(w->s, w->s + old, (w->n - old) * sizeof(*w->s));
	w->n -= old;
	w->s[w->n++] = (struct trend_sample){ time_ns, value };
	return true;
}
