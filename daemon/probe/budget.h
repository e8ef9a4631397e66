/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How much of a target's probes is attached, so that they cost it no more than a share of a core: a
 * ladder. Who costs too much is taken down a step at once, and up again with doubling patience. Pure.
 */
#ifndef DEFERD_PROBE_BUDGET_H
#define DEFERD_PROBE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum budget_level {
	BUDGET_WHOLE,  /* the set that is configured */
	BUDGET_PRUNED, /* without the functions that call most of it */
	BUDGET_LEAN,   /* of the full one, what the lean one has */
	BUDGET_PANICS, /* panics only; how deep defers are, the census tells */
	BUDGET_CENSUS, /* nothing */
	BUDGET_LEVELS,
};

#define BUDGET_PATIENCE_NS     10000000000ull   /* from the first step down to the next one up */
#define BUDGET_PATIENCE_MAX_NS 3600000000000ull /* each time it is in vain it is twice as long */
#define BUDGET_CALM            10 /* so many patiences with all probes on, and it is the first again */

struct budget {
	enum budget_level level;
	unsigned levels; /* bits: those at which other probes are attached than at the one above */
	uint64_t since_ns;              /* at this level; 0: never changed */
	uint64_t settled_ns;            /* what was counted before then is not judged */
	uint64_t retry_ns;              /* not before; below BUDGET_WHOLE */
	uint64_t patience_ns;           /* of the next step down */
	uint64_t mark_ns, mark_cost_ns; /* when the cost was judged last, and what it was */
	double percent;                 /* of a core, between the last two times */
};

/* `levels`: BUDGET_WHOLE is always one. */
void budget_init(struct budget *b, unsigned levels, uint64_t now_ns);
/*
 * Judge the cost since the last time, `cost_ns` is that of all time; about once a second. `percent`: of a
 * core, that is allowed; 0: any. Whether the level is another now.
 */
bool budget_judge(struct budget *b, double percent, uint64_t cost_ns, uint64_t now_ns);
/* The kernel side has stopped looking, at `hot_ns`: it was too much. Whether the level is another now. */
bool budget_hot(struct budget *b, uint64_t hot_ns, uint64_t now_ns);

/* Its level cannot be: the next one, for good. False: there is none. */
bool budget_refuse(struct budget *b, uint64_t now_ns);
/* What its level has is attached since now: what the kernel side told before is of the probes before. */
void budget_attached(struct budget *b, uint64_t now_ns);
/* It has cost too much not long ago. */
bool budget_is_suspect(const struct budget *b);
const char *budget_level_text(enum budget_level level); /* a phrase for people */

#endif
