/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Does a group of goroutines, or of descriptors, leak? What is counted are its quiet members: goroutines that have
 * not run for a limit, descriptors that are as old as a limit. Of a leak they only become more; those of a
 * pool stop becoming more; those of a server's idle connections come and go. So a group is called
 * leaking when its quiet members
 *
 *   - became more by a trend whose 95 % interval lies above zero (stat/trend.h: of a walk, for what leaks is
 *     counted again each time), and by a least gain, which a single step does not give: it moves the
 *     median of the slopes little,
 *   - did so in three of the last four quarters, the newest among them, by a fair share each,
 *   - and of those that became quiet few ran again or ended; the fewest within the first minutes, which every
 *     pool and every server spends filling.
 *
 * It is looked at over minutes, longer and hours at once: a leak may drip. Pure.
 */
#ifndef DEFERD_MODEL_LEAK_H
#define DEFERD_MODEL_LEAK_H

#include <stdbool.h>
#include <stdint.h>

#define LEAK_LEVELS  3
#define LEAK_SAMPLES 24 /* of a level */
#define LEAK_MIN     9  /* samples before anything is said */

/* Goroutines: from a level's spacing to the next one's. */
#define LEAK_FACTOR 8

/* How much it takes. */
struct leak_rule {
	uint32_t gain[LEAK_LEVELS]; /* at least so many more */
	uint32_t woken
		[LEAK_LEVELS]; /* of so many that became quiet, no more than one did not stay so */
};
extern const struct leak_rule leak_rule_goroutines, leak_rule_fds;

enum leak_verdict {
	LEAK_TOO_YOUNG,
	LEAK_STEADY,
	LEAK_UNSURE, /* it has grown, but not as a leak does */
	LEAK_LEAKING,
	LEAK_LOAD, /* connections that came in: they grow as a leak does, but each has its peer and a goroutine that reads it */
	LEAK_EXHAUSTED, /* of all descriptors of a process: there is none left, and no verdict on their growth */
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
	double per_hour; /* by which quiet members become more; LEAKING: with a 95 % interval */
	double low_per_hour, high_per_hour;
	double seconds; /* over which that was seen */
	bool stopped;   /* LEAKING: it does not grow now, but what leaked is still there */
};

/*
 * A census: so many are quiet, so many that were are so no more. `spacing_ns` is the usual time from
 * one census to the next; one that comes sooner is not a sample of its own.
 */
void leak_level_add(struct leak_level *l, uint64_t spacing_ns, uint64_t time_ns, uint32_t quiet,
		    uint32_t woken);
/* To all levels, each LEAK_FACTOR times as seldom as the one before. */
void leak_add(struct leak_series *s, uint64_t spacing_ns, uint64_t time_ns, uint32_t quiet,
	      uint32_t woken);
void leak_judge(const struct leak_series *s, const struct leak_rule *rule, struct leak *ret_l);

#endif
