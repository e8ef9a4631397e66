// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/piles.h"

#include <stdlib.h>

#include "census/selects.h"

struct gathering {
	struct piles *piles;
	enum census_wait wait;
};

static struct pile *pile_of(const struct gathering *at, uint64_t object)
{
	struct piles *ps = at->piles;
	struct pile *p;

	HASH_FIND(hh, ps->by_object, &object, sizeof(object), p);
	if (p || HASH_COUNT(ps->by_object) >= PILES_MAX)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->object = object;
	p->wait = at->wait;
	HASH_ADD(hh, ps->by_object, object, sizeof(p->object), p);
	return p;
}

static void add_place(struct pile *p, uint32_t group)
{
	unsigned i = 0;

	while (i < p->n_groups && p->groups[i].group != group)
		i++;
	if (i == PILE_GROUPS || group == GROUP_NONE)
		return;
	if (i == p->n_groups)
		p->groups[p->n_groups++].group = group;
	p->groups[i].count++;
}

/* NULL: there is no pile for it. */
static struct pile *add_waiter(const struct gathering *at, uint64_t object,
			       const struct census_goroutine *g, uint32_t group)
{
	uint64_t since = census_since(g->seen_ns, g->waitsince_ns);
	struct pile *p = pile_of(at, object);

	if (!p) {
		at->piles->left_out++;
		return NULL;
	}
	p->count++;
	if (since && (!p->oldest_ns || since < p->oldest_ns))
		p->oldest_ns = since;
	if (g->seen_ns && (!p->seen_ns || g->seen_ns < p->seen_ns))
		p->seen_ns = g->seen_ns;
	add_place(p, group);
	return p;
}

static void on_waiter(void *arg, const struct census_goroutine *g, uint32_t group)
{
	const struct gathering *at = arg;

	if (g->wait == at->wait)
		(void)add_waiter(at, g->object, g, group);
}

static void on_select(void *arg, const struct census_goroutine *g, uint32_t group, uint64_t channel)
{
	struct pile *p = add_waiter(arg, channel, g, group);

	if (p)
		p->selecting++;
}

static int compare(const struct pile *a, const struct pile *b)
{
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return (a->object > b->object) - (a->object < b->object);
}

void piles_gather(const struct census *c, enum census_wait wait, struct piles *ret)
{
	struct gathering at = { ret, wait };

	*ret = (struct piles){};
	census_waiters(c, on_waiter, &at);
	if (wait == CENSUS_WAIT_CHANNEL)
		ret->left_out += selects_find(c, on_select, &at);
	HASH_SORT(ret->by_object, compare);
}

void piles_done(struct piles *ps)
{
	struct pile *p, *next;

	HASH_ITER (hh, ps->by_object, p, next) {
		HASH_DEL(ps->by_object, p);
		free(p);
	}
	ps->left_out = 0;
}
