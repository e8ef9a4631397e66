/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How fast the descriptors of a process become more now: by their number of each second. Growth is seen over a window, and
 * within the last seconds of it where the limit will not wait for more. Pure.
 */
#ifndef DEFERD_MODEL_FDPACE_H
#define DEFERD_MODEL_FDPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "stat/trend.h"

#define FDPACE_REMEMBERED_NS 3600000000000ull

struct fdpace {
	struct trend_window window;
	/* What goes up and comes down again, as what waits for a garbage collector, will do so again. */
	uint64_t low, high; /* since it came down last */
	uint64_t
		fell_from; /* the most from which it came down by half of the way up at least ... */
	uint64_t fell_ns;  /* ... then; 0: never */
};

void fdpace_init(struct fdpace *p, uint64_t window_ns);
void fdpace_add(struct fdpace *p, uint64_t time_ns, uint64_t open);
/* False: there are too few samples. */
bool fdpace_fit(const struct fdpace *p, uint64_t limit, struct trend *ret);
/* There have been as many before, and then fewer. */
bool fdpace_has_been(const struct fdpace *p, uint64_t open);

#endif
