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

int trend_fit(const struct trend_sample *s, unsigned n, struct trend *ret_t)
{
	double slopes[PAIRS_MAX], c;
	unsigned pairs = 0;
	long lo, hi;

	if (n > TREND_SAMPLES_MAX)
		return -E2BIG;
	if (n < TREND_SAMPLES_MIN)
		return -EAGAIN;
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = i + 1; j < n; j++) {
			double dt = (double)(s[j].time_ns - s[i].time_ns) / 1e9;

			if (dt > 0)
				slopes[pairs++] = (s[j].value - s[i].value) / dt;
		}
	}
	if (!pairs)
		return -EAGAIN;
	qsort(slopes, pairs, sizeof(*slopes), by_value);
	c = Z_95 * sqrt(kendall_variance(s, n));
	lo = lround((pairs - c) / 2) - 1;
	hi = lround((pairs + c) / 2);
	if (lo < 0)
		lo = 0;
	if (hi >= (long)pairs)
		hi = pairs - 1;
	*ret_t = (struct trend){
		.per_sec = median(slopes, pairs),
		.low_per_sec = slopes[lo],
		.high_per_sec = slopes[hi],
		.samples = n,
	};
	return 0;
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
