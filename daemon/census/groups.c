// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/groups.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static unsigned key_len(const struct group_key *k)
{
	return (unsigned)(offsetof(struct group_key, stack) + k->nstack * sizeof(k->stack[0]));
}

static struct group_key key_of(const struct census_goroutine *g)
{
	struct group_key k;

	memset(&k, 0, offsetof(struct group_key, stack));
	k.created_at = g->created_at;
	k.start = g->start;
	k.state = g->state;
	k.reason = g->reason;
	k.nstack = (uint16_t)g->nstack;
	memcpy(k.stack, g->stack, g->nstack * sizeof(k.stack[0]));
	return k;
}

static struct group *group_of(struct groups *gs, const struct census_goroutine *g)
{
	struct group_key key = key_of(g);
	unsigned len = key_len(&key);
	struct group *group;

	HASH_FIND(hh, gs->by_key, &key, len, group);
	if (group || HASH_COUNT(gs->by_key) >= GROUPS_MAX)
		return group;
	group = calloc(1, sizeof(*group));
	if (!group)
		return NULL;
	memcpy(&group->key, &key, len);
	group->whole = g->whole;
	HASH_ADD_KEYPTR(hh, gs->by_key, &group->key, len, group);
	return group;
}

void groups_add(struct groups *gs, const struct census_goroutine *g)
{
	struct group *group = group_of(gs, g);

	if (!group) {
		gs->left_out++;
		return;
	}
	group->count++;
	group->inexact += !g->exact;
	if (g->since_ns && (!group->oldest_ns || g->since_ns < group->oldest_ns))
		group->oldest_ns = g->since_ns;
	if (g->depth > group->depth_max)
		group->depth_max = g->depth;
	if (group->n_members < GROUP_MEMBERS)
		group->members[group->n_members++] =
			(struct group_member){ g->goid, g->parent, g->since_ns, g->depth };
}

static int compare_groups(const struct group *a, const struct group *b)
{
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return (a->members[0].goid > b->members[0].goid) -
	       (a->members[0].goid < b->members[0].goid);
}

void groups_sort(struct groups *gs)
{
	HASH_SORT(gs->by_key, compare_groups);
}

void groups_done(struct groups *gs)
{
	struct group *g, *next;

	HASH_ITER (hh, gs->by_key, g, next) {
		HASH_DEL(gs->by_key, g);
		free(g);
	}
	gs->left_out = 0;
}
