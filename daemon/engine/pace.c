// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/pace.h"

#define SECOND   1000000000ull
#define EARLY_NS 20000000ull /* timers are not that exact */

#define STAY_NS     (3 * SECOND) /* awake, after something was attached: much follows */
#define JUDGE_TURNS 10 /* seconds that own cost is judged over: single ones differ much */
#define STEPS       4  /* 1, 2, 4, 8 times as long; see struct budget */

void pace_reload(struct pace *p, uint64_t cpu_ns, uint64_t now_ns)
{
	budget_init(&p->own, (1u << STEPS) - 1, now_ns);
	p->own.mark_cost_ns = cpu_ns;
	p->unjudged = 0;
}

bool pace_second(struct pace *p, uint64_t now_ns)
{
	if (p->second_ns && now_ns - p->second_ns < SECOND - EARLY_NS)
		return false;
	p->second_ns = now_ns;
	return true;
}

bool pace_judge(struct pace *p, double percent, uint64_t cpu_ns, uint64_t now_ns)
{
	if (++p->unjudged < JUDGE_TURNS)
		return false;
	p->unjudged = 0;
	return budget_judge(&p->own, percent, cpu_ns, now_ns);
}

unsigned pace_stretch(const struct pace *p)
{
	return 1u << p->own.level;
}

bool pace_looks(struct pace *p)
{
	return p->looks++ % pace_stretch(p) == 0;
}

bool pace_rests(struct pace *p, uint64_t events, uint64_t hits, bool busy, uint64_t attached_ns,
		uint64_t now_ns)
{
	bool quiet = events == p->events && hits == p->hits;

	p->events = events;
	p->hits = hits;
	return quiet && !busy && now_ns - attached_ns >= STAY_NS;
}
