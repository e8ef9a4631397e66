// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/locks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "census/holders.h"
#include "census/piles.h"
#include "export/lines.h"

static const char *const kind_names[SYNCLOCK_KIND_MAX] = {
	[SYNCLOCK_SEMAPHORE] = "semaphore", [SYNCLOCK_MUTEX] = "mutex",
	[SYNCLOCK_RWMUTEX] = "rwmutex",     [SYNCLOCK_WAITGROUP] = "waitgroup",
	[SYNCLOCK_COND] = "cond",
};

/* struct hchan: qcount, dataqsiz, buf, elemsize u16, closed u32 (chan.go, Go 1.19 to 1.27). */
#define HCHAN_BYTES  32u
#define HCHAN_CLOSED 28u

#define HOLDERS_SHOWN 3

static const char *const hint_names[HOLDER_HINT_MAX] = {
	[HOLDER_DEFERRED] = "deferred",
	[HOLDER_CLOSURE] = "unlock",
	[HOLDER_FRAME] = "frame",
};

struct page {
	struct model *m;
	const struct target *target; /* NULL: not known */
	const struct show_census *sc;
	const struct census_summary *census;
	uint64_t left_out; /* waiters that are in no pile */
	bool complete;
};

static const struct group *group_of(const struct page *p, uint32_t id)
{
	return census_groups(p->sc->census)->by_id[id];
}

struct synclock view_lock_of(struct model *m, uint32_t image_id, const struct group *g,
			     bool *ret_named)
{
	struct synclock l = {};

	*ret_named = view_named(m, image_id, g->key.stack, g->key.nstack);
	for (unsigned i = 0; i < g->key.nstack; i++) {
		const struct name *n = model_site_name(m, image_id, g->key.stack[i]);

		if (!n)
			break;
		synclock_see(&l, n->at.function);
		for (unsigned k = 0; k < n->n_outer; k++)
			synclock_see(&l, n->outer[k].function);
	}
	return l;
}

static json_t *mutex_json(const struct synclock_state *st)
{
	json_t *o = json_object();

	set(o, "locked", json_boolean(st->locked));
	set(o, "woken", json_boolean(st->woken));
	set(o, "starving", json_boolean(st->starving));
	set_int(o, "waiters", st->waiters);
	return o;
}

static json_t *rwmutex_json(const struct synclock_state *st)
{
	json_t *o = json_object();

	set(o, "writer", json_boolean(st->locked));
	set(o, "readers", json_integer(st->readers));
	set(o, "readers_to_leave", json_integer(st->readers_to_leave));
	return o;
}

static json_t *waitgroup_json(const struct synclock_state *st)
{
	json_t *o = json_object();

	set(o, "counter", json_integer(st->counter));
	set_int(o, "waiters", st->waiters);
	return o;
}

static json_t *lock_state(const struct page *p, const struct synclock *l, uint64_t address)
{
	uint8_t bytes[SYNCLOCK_BYTES];
	struct synclock_state st;

	if (census_memory(p->sc->census, address, bytes, sizeof(bytes)) ||
	    !synclock_state(l->kind, bytes, &st))
		return json_null();
	switch (l->kind) {
	case SYNCLOCK_MUTEX:
		return mutex_json(&st);
	case SYNCLOCK_RWMUTEX:
		return rwmutex_json(&st);
	default:
		return waitgroup_json(&st);
	}
}

static json_t *channel_state(const struct page *p, uint64_t address)
{
	uint8_t bytes[HCHAN_BYTES];
	uint64_t length, capacity;
	uint32_t closed;
	json_t *o;

	if (census_memory(p->sc->census, address, bytes, sizeof(bytes)))
		return json_null();
	memcpy(&length, bytes, sizeof(length));
	memcpy(&capacity, bytes + 8, sizeof(capacity));
	memcpy(&closed, bytes + HCHAN_CLOSED, sizeof(closed));
	if (length > capacity)
		return json_null(); /* it is none any more */
	o = json_object();
	set_int(o, "length", length);
	set_int(o, "capacity", capacity);
	set(o, "closed", json_boolean(closed != 0));
	return o;
}

/* The line of the program where they stand, or that led there. */
static const struct code_line *program_line(struct page *p, const struct group *g)
{
	uint32_t image = p->sc->image_id;
	const struct code_line *c =
		model_program_frame(p->m, image, RUNTIME_GO, g->key.stack, g->key.nstack);

	p->complete &= view_named(p->m, image, g->key.stack, g->key.nstack);
	return c;
}

static json_t *site_json(struct page *p, const struct group *g, uint32_t count)
{
	uint32_t image = p->sc->image_id;
	const char *reason = p->census->reasons[g->key.reason % CENSUS_REASONS_MAX];
	const struct code_line *c = program_line(p, g);
	json_t *o = json_object();

	p->complete &= view_named(p->m, image, &g->key.created_at, 1);
	set_int(o, "count", count);
	set_str(o, "reason", reason);
	set(o, "site", view_line(c));
	set(o, "created_by",
	    g->key.created_at ? view_site(p->m, image, g->key.created_at) : json_null());
	return o;
}

static json_t *history_json(const struct page *p, uint64_t lock)
{
	const struct queue *q =
		p->target && p->target->queues ? queues_find(p->target->queues, lock) : NULL;
	json_t *list;

	if (!q)
		return json_null();
	list = json_array();
	for (unsigned i = 0; i < q->n; i++) {
		json_t *o = json_object();

		set_real(o, "age_seconds",
			 (double)(p->census->end_ns - q->samples[i].time_ns) / 1e9);
		set_int(o, "waiting", q->samples[i].waiting);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *pile_json(struct page *p, const struct pile *pile)
{
	json_t *o = json_object(), *sites = json_array();
	struct synclock l = {};
	uint64_t address = pile->object;
	bool named;

	if (pile->wait == CENSUS_WAIT_LOCK && pile->n_groups) {
		l = view_lock_of(p->m, p->sc->image_id, group_of(p, pile->groups[0].group), &named);
		p->complete &= named;
		address -= l.offset;
	}
	set(o, "address", view_address(address));
	if (pile->wait == CENSUS_WAIT_LOCK) {
		set_str(o, "kind", kind_names[l.kind]);
		set(o, "history", history_json(p, address));
	}
	set_int(o, "waiting", pile->count);
	if (pile->wait == CENSUS_WAIT_CHANNEL)
		set_int(o, "selecting", pile->selecting);
	set(o, "oldest_seconds",
	    pile->oldest_ns && pile->oldest_ns < p->census->begin_ns
		    ? json_real((double)(p->census->begin_ns - pile->oldest_ns) / 1e9)
		    : json_null());
	for (unsigned i = 0; i < pile->n_groups; i++)
		json_array_append_new(sites, site_json(p, group_of(p, pile->groups[i].group),
						       pile->groups[i].count));
	set(o, "sites", sites);
	set(o, "state",
	    pile->wait == CENSUS_WAIT_LOCK ? lock_state(p, &l, address)
					   : channel_state(p, address));
	return o;
}

/* The words that one RWMutex is waited for by are three: what was told of it before, or NULL. */
static json_t *same_lock(json_t *list, const json_t *pile)
{
	json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		if (json_equal(json_object_get(o, "address"), json_object_get(pile, "address")) &&
		    json_equal(json_object_get(o, "kind"), json_object_get(pile, "kind")))
			return o;
	}
	return NULL;
}

static void merge(json_t *lock, json_t *more)
{
	const json_t *a = json_object_get(lock, "oldest_seconds"),
		     *b = json_object_get(more, "oldest_seconds");

	set_int(lock, "waiting",
		(uint64_t)(json_integer_value(json_object_get(lock, "waiting")) +
			   json_integer_value(json_object_get(more, "waiting"))));
	if (json_number_value(b) > json_number_value(a))
		json_object_set(lock, "oldest_seconds", json_object_get(more, "oldest_seconds"));
	json_array_extend(json_object_get(lock, "sites"), json_object_get(more, "sites"));
	json_decref(more);
}

/* Of few. */
static json_t *most_first(json_t *list)
{
	json_t *sorted = json_array(), *o;
	size_t i;

	while (json_array_size(list)) {
		json_int_t most = -1;
		size_t at = 0;

		json_array_foreach (list, i, o) {
			json_int_t n = json_integer_value(json_object_get(o, "waiting"));

			if (n > most) {
				most = n;
				at = i;
			}
		}
		json_array_append(sorted, json_array_get(list, at));
		json_array_remove(list, at);
	}
	json_decref(list);
	return sorted;
}

static json_t *piles_json(struct page *p, enum census_wait wait, uint32_t least)
{
	json_t *list = json_array();
	struct piles piles;

	piles_gather(p->sc->census, wait, &piles);
	for (const struct pile *pile = piles.by_object; pile; pile = pile->hh.next) {
		json_t *o, *same;

		if (pile->count < least || json_array_size(list) == VIEW_PILES_MAX)
			break;
		o = pile_json(p, pile);
		same = same_lock(list, o);
		if (same)
			merge(same, o);
		else
			json_array_append_new(list, o);
	}
	p->left_out += piles.left_out;
	piles_done(&piles);
	return most_first(list);
}

/* Who may have them */

struct lock_holders {
	json_t *lock; /* borrowed */
	enum holder_hint best;
	unsigned n;
	struct holder list[HOLDERS_SHOWN];
};

struct holder_search {
	struct page *p;
	unsigned n;
	uint64_t addresses[HOLDERS_LOCKS_MAX];
	struct lock_holders of[HOLDERS_LOCKS_MAX];
};

static bool unlocks(struct page *p, uint64_t function)
{
	static const char *const methods[] = { "sync.(*Mutex).Unlock", "sync.(*RWMutex).Unlock",
					       "sync.(*RWMutex).RUnlock" };
	const struct name *n =
		function ? model_name(p->m, p->sc->image_id, NAME_OF_FUNCTION, function) : NULL;

	p->complete &= !function || n;
	for (unsigned i = 0; n && i < ARRAY_SIZE(methods); i++) {
		if (!strcmp(n->at.function, methods[i]))
			return true;
	}
	return false;
}

static void on_holder(void *arg, const struct holder *in)
{
	struct holder_search *s = arg;
	struct lock_holders *l = &s->of[in->lock];
	struct holder h = *in;

	if (h.hint == HOLDER_CLOSURE && !unlocks(s->p, h.function))
		h.hint = HOLDER_FRAME;
	if (l->n && h.hint > l->best)
		return;
	if (!l->n || h.hint < l->best)
		l->n = 0;
	for (unsigned i = 0; i < l->n; i++) {
		if (l->list[i].goid == h.goid)
			return;
	}
	l->best = h.hint;
	if (l->n < HOLDERS_SHOWN)
		l->list[l->n++] = h;
}

static json_t *holders_json(struct page *p, const struct lock_holders *l)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < l->n; i++) {
		const struct group *g =
			l->list[i].group == GROUP_NONE ? NULL : group_of(p, l->list[i].group);
		json_t *o = json_object();

		set_int(o, "goroutine", l->list[i].goid);
		set_str(o, "hint", hint_names[l->best]);
		set(o, "site", g ? view_line(program_line(p, g)) : json_null());
		json_array_append_new(list, o);
	}
	return list;
}

static bool has_holder(const json_t *lock)
{
	const char *kind = json_string_value(json_object_get(lock, "kind"));

	return kind && (!strcmp(kind, kind_names[SYNCLOCK_MUTEX]) ||
			!strcmp(kind, kind_names[SYNCLOCK_RWMUTEX]));
}

/* Of the locks that most wait for. Returns how many goroutines were looked at. */
static uint32_t add_holders(struct page *p, json_t *locks)
{
	struct holder_search s = { .p = p };
	uint32_t looked;
	json_t *o;
	size_t i;

	json_array_foreach (locks, i, o) {
		if (s.n == HOLDERS_LOCKS_MAX || !has_holder(o))
			continue;
		s.of[s.n].lock = o;
		s.addresses[s.n++] =
			strtoull(json_string_value(json_object_get(o, "address")), NULL, 16);
	}
	looked = holders_find(p->sc->census, s.addresses, s.n, on_holder, &s);
	for (unsigned k = 0; k < s.n; k++)
		set(s.of[k].lock, "holders", holders_json(p, &s.of[k]));
	return looked;
}

json_t *view_locks(struct model *m, const struct target *t, const struct show_census *sc,
		   bool *ret_complete)
{
	struct page p = { .m = m,
			  .target = t,
			  .sc = sc,
			  .census = census_summary(sc->census),
			  .complete = true };
	json_t *o, *locks;

	if (!p.census)
		return NULL;
	o = json_object();
	locks = piles_json(&p, CENSUS_WAIT_LOCK, 1);
	set_int(o, "searched", add_holders(&p, locks));
	set(o, "locks", locks);
	set(o, "channels", piles_json(&p, CENSUS_WAIT_CHANNEL, 2));
	set_int(o, "left_out", p.left_out);
	set_int(o, "not_located", p.census->not_located);
	set_real(o, "seconds", (double)sc->took_ns / 1e9);
	set(o, "complete", json_boolean(p.complete));
	*ret_complete = p.complete;
	return o;
}
