// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "probe/budget.h"

#define JUDGE_NS  500000000ull  /* less is no measure */
#define SETTLE_NS 1500000000ull /* links are still being closed, and counts are a second old */

void budget_init(struct budget *b, unsigned levels, uint64_t now_ns)
{
	*b = (struct budget){
		.levels = levels | 1u << BUDGET_WHOLE,
		.patience_ns = BUDGET_PATIENCE_NS,
		.mark_ns = now_ns,
	};
}

/* The next of its levels, down (1) or up (-1); false: there is none. */
static bool step(struct budget *b, int by, uint64_t now_ns)
{
	int to = (int)b->level + by;

	while (to >= 0 && to < BUDGET_LEVELS && !(b->levels & 1u << to))
		to += by;
	if (to < 0 || to == BUDGET_LEVELS)
		return false;
	b->level = (enum budget_level)to;
	b->since_ns = now_ns;
	return true;
}

static bool step_down(struct budget *b, uint64_t now_ns)
{
	if (!step(b, 1, now_ns))
		return false;
	b->retry_ns = now_ns + b->patience_ns;
	b->patience_ns *= 2;
	if (b->patience_ns > BUDGET_PATIENCE_MAX_NS)
		b->patience_ns = BUDGET_PATIENCE_MAX_NS;
	return true;
}

static bool step_up(struct budget *b, uint64_t now_ns)
{
	if (!step(b, -1, now_ns))
		return false;
	b->retry_ns = now_ns + BUDGET_PATIENCE_NS;
	return true;
}

bool budget_judge(struct budget *b, double percent, uint64_t cost_ns, uint64_t now_ns)
{
	uint64_t passed = now_ns - b->mark_ns;

	if (passed < JUDGE_NS)
		return false;
	b->percent = cost_ns > b->mark_cost_ns
			     ? 100 * (double)(cost_ns - b->mark_cost_ns) / (double)passed
			     : 0;
	b->mark_ns = now_ns;
	b->mark_cost_ns = cost_ns;
	if (now_ns < b->settled_ns)
		return false;
	if (percent > 0 && b->percent > percent)
		return step_down(b, now_ns);
	if (b->level != BUDGET_WHOLE)
		return now_ns >= b->retry_ns && step_up(b, now_ns);
	if (now_ns - b->since_ns > BUDGET_CALM * b->patience_ns)
		b->patience_ns = BUDGET_PATIENCE_NS;
	return false;
}

bool budget_hot(struct budget *b, uint64_t hot_ns, uint64_t now_ns)
{
	/* What came before the last change was of the probes before it. */
	return hot_ns >= b->since_ns && step_down(b, now_ns);
}

bool budget_refuse(struct budget *b, uint64_t now_ns)
{
	b->levels &= ~(1u << b->level) | 1u << BUDGET_WHOLE;
	return step(b, 1, now_ns);
}

void budget_attached(struct budget *b, uint64_t now_ns)
{
	b->since_ns = now_ns;
	b->settled_ns = now_ns + SETTLE_NS;
}

bool budget_is_suspect(const struct budget *b)
{
	return b->patience_ns > BUDGET_PATIENCE_NS;
}

const char *budget_level_text(enum budget_level level)
{
	static const char *const texts[BUDGET_LEVELS] = {
		"all probes",
		"all except calls from its busiest functions",
		"the lean set",
		"panics only, depths from the census",
		"no probes, only the census",
	};

	return (unsigned)level < BUDGET_LEVELS ? texts[level] : "?";
}
