/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Does a group of goroutines leak? What is counted are its quiet members: those that have not run for
 * a limit. Of a leak they only become more; those of a pool stop becoming more; those of a server's
 * idle connections come and go. So a group is called growing when its quiet members
 *
 *   - became more in three of the last four quarters, the newest among them, by a fair share each,
 *   - by LEAK_GAIN at least, and by a trend whose 95 % interval lies above zero (stat/trend.h),
 *   - and of those that became quiet no more than one in LEAK_WOKEN ran again or ended; within the
 *     first minutes, which every pool and every server spends filling, one in LEAK_WOKEN_SOON.
 *
 * It is looked at over minutes, half an hour and hours at once: a leak may drip. Pure.
 */
#ifndef DEFERD_MODEL_LEAK_H
#define DEFERD_MODEL_LEAK_H

#include <stdbool.h>
#include <stdint.h>

#define LEAK_GAIN       10
#define LEAK_WOKEN      20
#define LEAK_WOKEN_SOON 100
#define LEAK_LEVELS     3
#define LEAK_FACTOR     8  /* from a level's spacing to the next one's */
#define LEAK_SAMPLES    24 /* of a level */
#define LEAK_MIN        9  /* samples before anything is said */

enum leak_verdict {
	LEAK_TOO_YOUNG,
	LEAK_STEADY,
	LEAK_UNSURE, /* it has grown, but not as a leak does */
	LEAK_GROWING,
	LEAK_VERDICT_MAX,
};

/* What is known of one group; 1 KiB. */
struct leak_series {
	struct leak_level {
		uint32_t n;
		uint32_t woken; /* since the last sample */
		struct {
			uint64_t time_ns;
			uint32_t quiet;
			uint32_t woken; /* since the sample before */
		} samples[LEAK_SAMPLES];
	} levels[LEAK_LEVELS];
};

struct leak {
	enum leak_verdict verdict;
	double per_hour; /* by which quiet members become more; GROWING: 95 % interval */
	double low_per_hour, high_per_hour;
	double seconds; /* over which that was seen */
};

/*
 * A census: so many are quiet, so many that were are so no more. `spacing_ns` is the usual time from
 * one census to the next; one that comes sooner is not a sample of its own.
 */
void leak_add(struct leak_series *s, uint64_t spacing_ns, uint64_t time_ns, uint32_t quiet,
	      uint32_t woken);
void leak_judge(const struct leak_series *s, struct leak *ret_l);

#endif
