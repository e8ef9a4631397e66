// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/parked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct parked *parked_find(const struct parked *ps, uint64_t serial)
{
	struct parked *p;

	HASH_FIND(hh, ps, &serial, sizeof(serial), p);
	return p;
}

struct parked *parked_apply(struct parked **ps, const struct event_group *in, uint64_t census,
			    bool *ret_good)
{
	struct parked *p, *fresh = NULL;

	*ret_good = true;
	HASH_FIND(hh, *ps, &in->serial, sizeof(in->serial), p);
	if (!p && ((!in->quiet && !in->blocked) || HASH_COUNT(*ps) >= PARKED_MAX))
		return NULL;
	if (!p) {
		p = fresh = calloc(1, sizeof(*p));
		*ret_good = p;
		if (!p)
			return NULL;
		p->what.serial = in->serial;
		HASH_ADD(hh, *ps, what.serial, sizeof(in->serial), p);
	}
	p->what = *in;
	p->what.reason = p->reason;
	snprintf(p->reason, sizeof(p->reason), "%s", in->reason);
	p->census = census;
	return fresh;
}

/* Fewer are known than there were before the restart: no sample. */
static bool is_blind(const struct parked *p, uint64_t census)
{
	const struct leak_level *l = &p->series.levels[0];

	return p->back_since && census - p->back_since < PARKED_BACK && l->n &&
	       p->what.quiet < l->samples[l->n - 1].quiet;
}

void parked_end(struct parked **ps, uint64_t census, const struct event_census *c, uint64_t now_ns)
{
	struct parked *p, *next;

	HASH_ITER (hh, *ps, p, next) {
		if (p->census != census) {
			HASH_DEL(*ps, p);
			free(p);
			continue;
		}
		if (is_blind(p, census))
			continue;
		leak_add(&p->series, c->interval_ns, now_ns, p->what.quiet, p->what.woken);
		leak_judge(&p->series, &leak_rule_goroutines, &p->leak);
	}
}

void parked_free(struct parked **ps)
{
	struct parked *p, *next;

	HASH_ITER (hh, *ps, p, next) {
		HASH_DEL(*ps, p);
		free(p);
	}
}

bool parked_is_faster(const struct parked *a, const struct parked *b)
{
	return a->leak.per_hour > b->leak.per_hour ||
	       (a->leak.per_hour == b->leak.per_hour && a->what.serial < b->what.serial);
}
