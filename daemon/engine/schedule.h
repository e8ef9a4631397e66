/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * When the next census of a process is due. What all of them cost together decides how often they are made. Pure.
 */
#ifndef DEFERD_ENGINE_SCHEDULE_H
#define DEFERD_ENGINE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct schedule {
	uint64_t due_ns;   /* of the next census; 0: at once */
	uint64_t ended_ns; /* the last one; 0: there was none */
	uint64_t cost_ns;  /* of the last one that was completed */
	bool failed;       /* the last one */
};

/* `asked`: something was lost: as soon as a second, and 20 times its cost, have passed since the last one. */
bool schedule_is_due(const struct schedule *s, bool asked, uint64_t now_ns);
/* Of two that are due, whether `a` goes first: one that is asked for, then the one that has waited longest. */
bool schedule_before(const struct schedule *a, bool a_asked, const struct schedule *b,
		     bool b_asked);
/*
 * From one census to the next: `cost_ns`, what one of each process costs, is `budget_percent` of it, but at least
 * `least_ns`; all that `stretch` times.
 */
uint64_t schedule_interval(uint64_t cost_ns, double budget_percent, uint64_t least_ns,
			   unsigned stretch);
void schedule_completed(struct schedule *s, uint64_t begin_ns, uint64_t cost_ns,
			uint64_t interval_ns, uint64_t now_ns);
/* Tried again in a minute. Whether the one before had not failed: then it is news. */
bool schedule_failed(struct schedule *s, uint64_t now_ns);

#endif
