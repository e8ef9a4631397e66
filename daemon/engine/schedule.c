// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/schedule.h"

#define MS              1000000ull
#define ASKED_AFTER_NS  (1000 * MS)  /* from one census to one that is asked for */
#define ASKED_SHARE     20           /* or this many times what it costs, if that is longer */
#define FAILED_AFTER_NS (60000 * MS) /* from one that failed to the next */

bool schedule_is_due(const struct schedule *s, bool asked, uint64_t now_ns)
{
	uint64_t pause = ASKED_SHARE * s->cost_ns;

	if (pause < ASKED_AFTER_NS)
		pause = ASKED_AFTER_NS;
	return now_ns >= s->due_ns || (asked && !s->failed && now_ns >= s->ended_ns + pause);
}

bool schedule_before(const struct schedule *a, bool a_asked, const struct schedule *b, bool b_asked)
{
	return a_asked != b_asked ? a_asked : a->due_ns < b->due_ns;
}

uint64_t schedule_interval(uint64_t cost_ns, double budget_percent, uint64_t least_ns,
			   unsigned stretch)
{
	double ns = (double)cost_ns * 100 / budget_percent;

	return (uint64_t)(ns > (double)least_ns ? ns : (double)least_ns) * stretch;
}

void schedule_completed(struct schedule *s, uint64_t begin_ns, uint64_t cost_ns,
			uint64_t interval_ns, uint64_t now_ns)
{
	*s = (struct schedule){
		.due_ns = begin_ns + interval_ns,
		.ended_ns = now_ns,
		.cost_ns = cost_ns,
	};
}

bool schedule_failed(struct schedule *s, uint64_t now_ns)
{
	bool news = !s->failed;

	s->due_ns = now_ns + FAILED_AFTER_NS;
	s->failed = true;
	return news;
}
