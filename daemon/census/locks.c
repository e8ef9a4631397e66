// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/locks.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct synclock locks_kind(const struct group *g, const struct lock_names *names, bool *ret_named)
{
	struct synclock l = {};
	bool known = true;

	*ret_named = true;
	for (unsigned i = 0; i < g->key.nstack; i++) {
		const char *function;

		for (unsigned k = 0;
		     (function = names->at_site(names->arg, g->key.stack[i], k, &known)); k++) {
			if (*ret_named)
				synclock_see(&l, function);
		}
		*ret_named &= known;
	}
	return l;
}

static void read_state(const struct census *c, enum census_wait wait, struct lock_wait *w)
{
	uint8_t bytes[HCHAN_BYTES > SYNCLOCK_BYTES ? HCHAN_BYTES : SYNCLOCK_BYTES];
	size_t n = wait == CENSUS_WAIT_LOCK ? SYNCLOCK_BYTES : HCHAN_BYTES;

	if (census_memory(c, w->address, bytes, n))
		return;
	w->has_state = wait == CENSUS_WAIT_LOCK ? synclock_state(w->kind, bytes, &w->lock)
						: hchan_state(bytes, &w->channel);
}

static struct lock_wait wait_of(struct census *c, const struct pile *pile,
				const struct lock_names *names, bool *named)
{
	struct group *const *groups = census_groups(c)->by_id;
	struct lock_wait w = { .address = pile->object,
			       .waiting = pile->count,
			       .selecting = pile->selecting };
	struct synclock l;
	bool known;

	if (pile->wait == CENSUS_WAIT_LOCK && pile->n_groups) {
		l = locks_kind(groups[pile->groups[0].group], names, &known);
		*named &= known;
		w.kind = l.kind;
		w.address -= l.offset;
	}
	if (pile->oldest_ns < census_summary(c)->begin_ns)
		w.oldest_ns = pile->oldest_ns;
	for (unsigned i = 0; i < pile->n_groups; i++) {
		w.sites[w.n_sites].group = groups[pile->groups[i].group];
		w.sites[w.n_sites++].count = pile->groups[i].count;
	}
	return w;
}

/* The words that one RWMutex is waited for by are three: what is there of it already, or NULL. */
static struct lock_wait *same_lock(struct lock_wait *list, unsigned n, const struct lock_wait *w)
{
	for (unsigned i = 0; i < n; i++) {
		if (list[i].address == w->address && list[i].kind == w->kind)
			return &list[i];
	}
	return NULL;
}

static void merge(struct lock_wait *lock, const struct lock_wait *more)
{
	lock->waiting += more->waiting;
	if (more->oldest_ns && (!lock->oldest_ns || more->oldest_ns < lock->oldest_ns))
		lock->oldest_ns = more->oldest_ns;
	for (unsigned i = 0; i < more->n_sites && lock->n_sites < LOCKS_SITES_MAX; i++)
		lock->sites[lock->n_sites++] = more->sites[i];
}

/* Into a list that stays sorted: most waiters first, those of before first among equals. */
static void sort_up(struct lock_wait *list, unsigned i)
{
	for (; i && list[i].waiting > list[i - 1].waiting; i--) {
		struct lock_wait w = list[i];

		list[i] = list[i - 1];
		list[i - 1] = w;
	}
}

static unsigned gather(struct census *c, enum census_wait wait, uint32_t least,
		       const struct lock_names *names, struct lock_wait *list,
		       struct lock_survey *s)
{
	struct piles piles;
	unsigned n = 0;

	piles_gather(c, wait, &piles);
	for (const struct pile *p = piles.by_object; p && p->count >= least && n < LOCKS_MAX;
	     p = p->hh.next) {
		struct lock_wait w = wait_of(c, p, names, &s->named);
		struct lock_wait *same = wait == CENSUS_WAIT_LOCK ? same_lock(list, n, &w) : NULL;

		if (same) {
			merge(same, &w);
			continue;
		}
		read_state(c, wait, &w);
		list[n++] = w;
	}
	for (unsigned i = 1; i < n; i++)
		sort_up(list, i);
	s->left_out += piles.left_out;
	piles_done(&piles);
	return n;
}

/* Holders */

struct search {
	struct lock_survey *survey;
	const struct lock_names *names;
	struct group *const *groups;
	unsigned n;
	uint64_t addresses[HOLDERS_LOCKS_MAX];
	struct lock_wait *of[HOLDERS_LOCKS_MAX];
};

static bool unlocks(struct search *s, uint64_t entry)
{
	static const char *const methods[] = { "sync.(*Mutex).Unlock", "sync.(*RWMutex).Unlock",
					       "sync.(*RWMutex).RUnlock" };
	bool known = true;
	const char *function = entry ? s->names->at_entry(s->names->arg, entry, &known) : NULL;

	s->survey->named &= known;
	for (unsigned i = 0; function && i < ARRAY_SIZE(methods); i++) {
		if (!strcmp(function, methods[i]))
			return true;
	}
	return false;
}

static void on_holder(void *arg, const struct holder *h)
{
	struct search *s = arg;
	struct lock_wait *w = s->of[h->lock];
	enum holder_hint hint = h->hint;

	if (hint == HOLDER_CLOSURE && !unlocks(s, h->function))
		hint = HOLDER_FRAME;
	if (w->n_holders && hint > w->hint)
		return;
	if (!w->n_holders || hint < w->hint)
		w->n_holders = 0;
	for (unsigned i = 0; i < w->n_holders; i++) {
		if (w->holders[i].goid == h->goid)
			return;
	}
	w->hint = hint;
	if (w->n_holders == LOCKS_HOLDERS_MAX)
		return;
	w->holders[w->n_holders].goid = h->goid;
	w->holders[w->n_holders++].group = h->group == GROUP_NONE ? NULL : s->groups[h->group];
}

/* Of the locks that most wait for. */
static void find_holders(struct census *c, const struct lock_names *names, struct lock_survey *ret)
{
	struct search s = { .survey = ret, .names = names, .groups = census_groups(c)->by_id };

	for (unsigned i = 0; i < ret->n_locks && s.n < HOLDERS_LOCKS_MAX; i++) {
		struct lock_wait *w = &ret->locks[i];

		if (w->kind != SYNCLOCK_MUTEX && w->kind != SYNCLOCK_RWMUTEX)
			continue;
		w->searched = true;
		s.of[s.n] = w;
		s.addresses[s.n++] = w->address;
	}
	ret->searched = holders_find(c, s.addresses, s.n, on_holder, &s);
}

struct lock_survey *locks_survey(struct census *c, const struct lock_names *names)
{
	struct lock_survey *s = census_summary(c) ? calloc(1, sizeof(*s)) : NULL;

	if (!s)
		return NULL;
	s->named = true;
	s->n_locks = gather(c, CENSUS_WAIT_LOCK, 1, names, s->locks, s);
	find_holders(c, names, s);
	s->n_channels = gather(c, CENSUS_WAIT_CHANNEL, 2, names, s->channels, s);
	return s;
}
