// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/groups.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static unsigned key_len(const struct group_key *k)
{
	return (unsigned)(offsetof(struct group_key, stack) + k->nstack * sizeof(k->stack[0]));
}

static void key_of(const struct census_goroutine *g, struct group_key *ret)
{
	memset(ret, 0, offsetof(struct group_key, stack));
	ret->created_at = g->created_at;
	ret->start = g->start;
	ret->state = g->state;
	ret->reason = g->reason;
	ret->nstack = (uint16_t)g->nstack;
	memcpy(ret->stack, g->stack, g->nstack * sizeof(ret->stack[0]));
}

bool groups_full(const struct groups *gs)
{
	return HASH_COUNT(gs->by_key) >= gs->max;
}

/* False: no memory. */
static bool give_id(struct groups *gs, struct group *g)
{
	while (gs->free < gs->n_ids && gs->by_id[gs->free])
		gs->free++;
	if (gs->free == gs->n_ids) {
		uint32_t n = gs->n_ids ? gs->n_ids * 2 : 64;
		struct group **ids = realloc(gs->by_id, n * sizeof(*ids));

		if (!ids)
			return false;
		memset(ids + gs->n_ids, 0, (n - gs->n_ids) * sizeof(*ids));
		gs->by_id = ids;
		gs->n_ids = n;
	}
	g->id = gs->free++;
	gs->by_id[g->id] = g;
	return true;
}

static struct group *add(struct groups *gs, const struct group_key *key, unsigned len)
{
	struct group *g;

	if (groups_full(gs))
		return NULL;
	g = calloc(1, offsetof(struct group, key) + len);
	if (!g)
		return NULL;
	memcpy(&g->key, key, len);
	if (!give_id(gs, g)) {
		free(g);
		return NULL;
	}
	g->serial = ++gs->serial;
	HASH_ADD_KEYPTR(hh, gs->by_key, &g->key, len, g);
	return g;
}

uint32_t groups_intern(struct groups *gs, const struct census_goroutine *goroutine)
{
	struct group_key key;
	struct group *g;
	unsigned len;

	key_of(goroutine, &key);
	len = key_len(&key);
	HASH_FIND(hh, gs->by_key, &key, len, g);
	if (!g)
		g = add(gs, &key, len);
	if (!g)
		return GROUP_NONE;
	g->whole = goroutine->whole;
	return g->id;
}

void groups_begin(struct groups *gs)
{
	for (struct group *g = gs->by_key; g; g = g->hh.next)
		g->next = (struct group_sum){};
}

static void remove_group(struct groups *gs, struct group *g)
{
	HASH_DEL(gs->by_key, g);
	gs->by_id[g->id] = NULL;
	if (g->id < gs->free)
		gs->free = g->id;
	free(g);
}

void groups_end(struct groups *gs)
{
	struct group *g, *next;

	HASH_ITER (hh, gs->by_key, g, next) {
		g->sum = g->next;
		if (!g->sum.count)
			remove_group(gs, g);
	}
}

static int compare_groups(const struct group *a, const struct group *b)
{
	if (a->sum.count != b->sum.count)
		return a->sum.count < b->sum.count ? 1 : -1;
	return (a->sum.first > b->sum.first) - (a->sum.first < b->sum.first);
}

void groups_sort(struct groups *gs)
{
	HASH_SORT(gs->by_key, compare_groups);
}

void groups_done(struct groups *gs)
{
	struct group *g, *next;

	HASH_ITER (hh, gs->by_key, g, next)
		remove_group(gs, g);
	free(gs->by_id);
	*gs = (struct groups){ .max = gs->max };
}
