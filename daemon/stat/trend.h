/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Is this series growing, and how fast? Theil-Sen: the slope is the median of the slopes of all
 * pairs of samples, which a quarter of wild samples cannot move. The interval comes from the order
 * statistics of those slopes (P. K. Sen, "Estimates of the regression coefficient based on
 * Kendall's tau", JASA 63, 1968, section 5), so it assumes no distribution. It does assume something
 * of how the samples hang together, and there are two ways:
 *
 *   - trend_fit(): each sample is wrong by itself, as a level that is measured again and again. Then the
 *     variance of Kendall's tau is known in closed form.
 *   - trend_fit_walk(): what happened once stays in all samples that follow, as in a count of things that
 *     come at random and do not go. The errors are those of a random walk, and the closed form would
 *     give an interval that holds the true slope half of the time. Instead the quantile of tau of random
 *     walks is used, which has no closed form and is tabulated in trend.c.
 *
 * Pure.
 */
#ifndef DEFERD_STAT_TREND_H
#define DEFERD_STAT_TREND_H

#include <stdbool.h>
#include <stdint.h>

#define TREND_SAMPLES_MAX \
	64 /* pairs grow with the square: 64 samples are 2,016 slopes, about 60 us; a flat series costs nothing */
#define TREND_SAMPLES_MIN 8 /* below this no interval is worth its name */

struct trend_sample {
	uint64_t time_ns;
	double value;
};

struct trend {
	double per_sec;     /* median slope */
	double low_per_sec; /* 95 % interval */
	double high_per_sec;
	bool growing; /* a slope of 0 is outside of it; low_per_sec may still be 0, when many samples are alike */
	unsigned samples;
};

/*
 * Samples in ascending time. 0; -EAGAIN: fewer than TREND_SAMPLES_MIN (or all at one instant);
 * -E2BIG: more than TREND_SAMPLES_MAX. *ret_t is written on 0 only.
 */
int trend_fit(const struct trend_sample *s, unsigned n, struct trend *ret_t);
int trend_fit_walk(const struct trend_sample *s, unsigned n, struct trend *ret_t);

/* Growing: even the low end of the interval is above zero. */
bool trend_growing(const struct trend *t);

/*
 * The last samples of a series: at most TREND_SAMPLES_MAX, spread over `window_ns`. A sample that
 * comes sooner after the one before than window / TREND_SAMPLES_MAX is left out; older ones than
 * the window are forgotten.
 */
struct trend_window {
	uint64_t window_ns;
	uint64_t spacing_ns;
	unsigned n;
	struct trend_sample s[TREND_SAMPLES_MAX];
};

void trend_window_init(struct trend_window *w, uint64_t window_ns);
/* True when the sample was taken. */
bool trend_window_add(struct trend_window *w, uint64_t time_ns, double value);

#endif
