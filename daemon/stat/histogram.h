/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Counts in log-linear buckets, as HdrHistogram has them: whole numbers up to 63 have a bucket each, from there on each
 * power of two has 32, so that no value is further than 1/64 from the middle of its bucket. Pure.
 */
#ifndef DEFERD_STAT_HISTOGRAM_H
#define DEFERD_STAT_HISTOGRAM_H

#include <stdint.h>

/* The smallest value of bucket `at`, which is past the largest one of the bucket before. */
double histogram_floor(unsigned at);

uint64_t histogram_sum(const uint32_t *counts, unsigned n);

/*
 * The value that a share `q` (0 to 1) of what was counted does not exceed, as if what is in a bucket were spread evenly in it;
 * NAN when nothing was counted. Of the last bucket it is the floor: what is in it may be any size.
 */
double histogram_quantile(const uint32_t *counts, unsigned n, double q);

#endif
