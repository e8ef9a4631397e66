// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Three steps: who waits for which lock, and has not run since an earlier census; who has a deferred call pending that gives
 * one of these back; and the rings of that. A goroutine that waits for a lock with a deferred Unlock of the very same one
 * may have given it back for a while, or defer before it locks: the code before it must show neither.
 */
#include "census/deadlock.h"

#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/cleanup.h"
#include "census/pending.h"

#define HOLDS_MAX  8u     /* of one lock that are kept */
#define CODE_BYTES 16384u /* of a function that are looked at */
#define NOBODY     UINT32_MAX

/* RWMutex: by the word that is waited on. */
#define RW_WRITER_SEM 8u
#define RW_READER_SEM 12u

struct lock {
	UT_hash_handle hh;
	uint64_t address;
	enum synclock_kind kind;
	uint32_t writer;            /* RWMutex: the waiter that is next; NOBODY */
	uint32_t n_writes, n_reads; /* deferred calls that give it back */
	uint32_t n_own;             /* of n_writes, of goroutines that wait for it */
	struct hold {
		uint32_t waiter; /* NOBODY: it waits for no lock */
		bool reads, own; /* own: it waits for the lock itself */
	} holds[HOLDS_MAX];
	unsigned n_holds;
};

struct waiter {
	uint64_t goid;
	uint32_t group, offset;
	struct lock *lock;
	bool stuck, on_path, done;
};

struct graph {
	struct census *c;
	const struct lock_names *names;
	bool named;
	struct pending *pending;
	struct lock *locks; /* hash, by address */
	uint32_t n;
	struct waiter waiters[DEADLOCK_WAITERS_MAX]; /* by goid, once all are in */
	/* What pending_calls() has told so far of one goroutine. */
	uint32_t of;
	unsigned n_told;
	struct told {
		struct lock *lock;
		bool reads, own;
	} told[HOLDS_MAX];
	uint32_t path[DEADLOCK_WAITERS_MAX];
	struct deadlock *ret;
	uint8_t code[CODE_BYTES];
};

static struct lock *lock_at(struct graph *gr, uint64_t address)
{
	struct lock *l;

	HASH_FIND(hh, gr->locks, &address, sizeof(address), l);
	return l;
}

static struct lock *lock_add(struct graph *gr, uint64_t address, enum synclock_kind kind)
{
	struct lock *l = lock_at(gr, address);

	if (l)
		return l;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->address = address;
	l->kind = kind;
	l->writer = NOBODY;
	HASH_ADD(hh, gr->locks, address, sizeof(l->address), l);
	return l;
}

/* Who waits */

static const struct group *group_of(const struct graph *gr, uint32_t id)
{
	return id == GROUP_NONE ? NULL : census_groups(gr->c)->by_id[id];
}

/* It has not run since an earlier look. */
static bool has_stood(const struct graph *gr, const struct census_goroutine *g)
{
	return g->seen_ns && g->seen_ns + DEADLOCK_STOOD_NS <= census_summary(gr->c)->begin_ns;
}

static void on_waiter(void *arg, const struct census_goroutine *g, uint32_t group)
{
	struct graph *gr = arg;
	const struct group *at = group_of(gr, group);
	struct synclock l;
	struct waiter *w;
	bool named;

	if (g->wait != CENSUS_WAIT_LOCK || !at || !has_stood(gr, g) ||
	    gr->n == DEADLOCK_WAITERS_MAX)
		return;
	l = locks_kind(at, gr->names, &named);
	gr->named &= named;
	if (!named || (l.kind != SYNCLOCK_MUTEX && l.kind != SYNCLOCK_RWMUTEX))
		return;
	w = &gr->waiters[gr->n];
	*w = (struct waiter){ .goid = g->goid, .group = group, .offset = l.offset };
	w->lock = lock_add(gr, g->object - l.offset, l.kind);
	gr->n += w->lock != NULL;
}

static int compare_goids(const void *a, const void *b)
{
	const struct waiter *x = a, *y = b;

	return (x->goid > y->goid) - (x->goid < y->goid);
}

/* NOBODY: it is none. */
static uint32_t waiter_of(const struct graph *gr, uint64_t goid)
{
	const struct waiter key = { .goid = goid };
	const struct waiter *w = bsearch(&key, gr->waiters, gr->n, sizeof(key), compare_goids);

	return w ? (uint32_t)(w - gr->waiters) : NOBODY;
}

static void gather_waiters(struct graph *gr)
{
	census_waiters(gr->c, on_waiter, gr);
	qsort(gr->waiters, gr->n, sizeof(gr->waiters[0]), compare_goids);
	for (uint32_t i = 0; i < gr->n; i++) {
		struct waiter *w = &gr->waiters[i];

		if (w->lock->kind == SYNCLOCK_RWMUTEX && w->offset == RW_WRITER_SEM)
			w->lock->writer = i;
	}
}

/* Who gives back */

/* Of one package or the other. */
static bool is(const char *function, const char *method)
{
	if (!strncmp(function, "internal/", strlen("internal/")))
		function += strlen("internal/");
	return !strcmp(function, method);
}

/* Whether the function gives such a lock back, and as a reader. */
static bool gives_back(struct graph *gr, const struct lock *l, uint64_t entry, bool *ret_reads)
{
	bool known;
	const char *function = gr->names->at_entry(gr->names->arg, entry, &known);

	gr->named &= known;
	*ret_reads =
		function && l->kind == SYNCLOCK_RWMUTEX && is(function, "sync.(*RWMutex).RUnlock");
	if (!function || *ret_reads)
		return function;
	return is(function,
		  l->kind == SYNCLOCK_MUTEX ? "sync.(*Mutex).Unlock" : "sync.(*RWMutex).Unlock");
}

/* Whether the goroutine waits within the function itself, which Lock() is compiled into. */
static bool waits_in(struct graph *gr, const struct pending_call *call)
{
	bool known;
	const char *function = gr->names->at_site(gr->names->arg, call->at, 0, &known);

	gr->named &= known;
	return function && is(function, "sync.(*Mutex).Lock");
}

/*
 * Whether it has locked a Mutex before, and not given one back meanwhile: Lock() compares and exchanges a word, of which the
 * one that it waits at does not count, and Unlock() adds to it.
 */
static bool has_kept(struct graph *gr, const struct pending_call *call)
{
	size_t n = call->at - call->begin;
	struct bytes code;

	if (!call->at)
		return true; /* in a loop: it comes by again */
	if (n > CODE_BYTES ||
	    census_memory(gr->c, call->begin + census_opts(gr->c)->bias, gr->code, n))
		return false;
	code = bytes_of(gr->code, n);
	return !arch_count_atomics(code, ARCH_ATOMIC_ADD) &&
	       arch_count_atomics(code, ARCH_ATOMIC_COMPARE) > waits_in(gr, call);
}

static void on_call(void *arg, const struct census_goroutine *t, const struct pending_call *call)
{
	struct graph *gr = arg;
	struct lock *l = lock_at(gr, call->capture);
	bool reads, own;

	if (!l || !gives_back(gr, l, call->function, &reads))
		return;
	own = gr->of != NOBODY && gr->waiters[gr->of].lock == l;
	if (own && l->kind == SYNCLOCK_MUTEX && !has_kept(gr, call))
		return;
	/* A Mutex is had once. */
	for (unsigned i = 0; i < gr->n_told && !reads; i++) {
		if (gr->told[i].lock == l && !gr->told[i].reads)
			return;
	}
	if (gr->n_told < HOLDS_MAX)
		gr->told[gr->n_told++] = (struct told){ l, reads, own };
}

static void take(struct lock *l, const struct told *told, uint32_t waiter)
{
	l->n_reads += told->reads;
	l->n_writes += !told->reads;
	l->n_own += !told->reads && told->own;
	if (l->n_holds < HOLDS_MAX)
		l->holds[l->n_holds++] = (struct hold){ waiter, told->reads, told->own };
}

/* Who waits for a condition has given its lock back, and gets it again on its way out. */
static bool in_cond(struct graph *gr, const struct group *g)
{
	for (unsigned i = 0; i < g->key.nstack; i++) {
		const char *function;
		bool known = true;

		for (unsigned k = 0;
		     (function = gr->names->at_site(gr->names->arg, g->key.stack[i], k, &known));
		     k++) {
			if (is(function, "sync.(*Cond).Wait"))
				return true;
		}
		gr->named &= known;
	}
	return false;
}

static void on_goroutine(void *arg, const struct census_goroutine *t, uint32_t group)
{
	struct graph *gr = arg;
	const struct group *at = group_of(gr, group);

	gr->of = waiter_of(gr, t->goid);
	gr->n_told = 0;
	if (!pending_calls(gr->pending, t, on_call, gr) || !gr->n_told)
		return;
	if (t->wait == CENSUS_WAIT_LOCK && at && in_cond(gr, at))
		return;
	for (unsigned i = 0; i < gr->n_told; i++)
		take(gr->told[i].lock, &gr->told[i], gr->of);
}

/* Edges */

static bool readers_agree(const struct graph *gr, const struct lock *l)
{
	uint8_t bytes[SYNCLOCK_BYTES];
	struct synclock_state state;

	return !census_memory(gr->c, l->address, bytes, sizeof(bytes)) &&
	       synclock_state(l->kind, bytes, &state) && state.locked &&
	       (int64_t)l->n_reads <= state.readers_to_leave;
}

/* Whoever has it alone: who waits for it may have it where nobody else does. */
static bool has_alone(const struct lock *l, const struct hold *h)
{
	return !h->reads && l->n_writes - l->n_own == !h->own && (!h->own || l->n_own == 1);
}

/* Whom waiter `from` waits for, the k-th of them; false: there are no more. *ret NOBODY: of this one it is not known. */
static bool edge(const struct graph *gr, uint32_t from, unsigned k, uint32_t *ret)
{
	const struct waiter *w = &gr->waiters[from];
	const struct lock *l = w->lock;
	bool rw = l->kind == SYNCLOCK_RWMUTEX;

	*ret = NOBODY;
	if (rw && w->offset != RW_WRITER_SEM && l->writer != NOBODY) {
		*ret = l->writer; /* it comes first, and waits for readers itself */
		return k == 0;
	}
	if (k >= l->n_holds)
		return false;
	if (rw && w->offset == RW_WRITER_SEM) {
		if (l->holds[k].reads && readers_agree(gr, l))
			*ret = l->holds[k].waiter;
	} else if (has_alone(l, &l->holds[k])) {
		*ret = l->holds[k].waiter;
	}
	return true;
}

/* Rings */

static void tell_ring(struct graph *gr, unsigned from, unsigned to)
{
	struct deadlock *d = gr->ret;

	for (unsigned i = from; i < to; i++)
		gr->waiters[gr->path[i]].stuck = true;
	if (d->length && d->length <= to - from)
		return;
	d->length = to - from;
	d->n_edges = 0;
	for (unsigned i = from; i < to && d->n_edges < DEADLOCK_EDGES_MAX; i++) {
		const struct waiter *w = &gr->waiters[gr->path[i]];
		uint32_t next = gr->path[i + 1 < to ? i + 1 : from];

		d->edges[d->n_edges++] = (struct deadlock_edge){
			.goid = w->goid,
			.holder = gr->waiters[next].goid,
			.lock = w->lock->address,
			.kind = w->lock->kind,
			.reads = w->lock->kind == SYNCLOCK_RWMUTEX && w->offset == RW_READER_SEM,
			.group = group_of(gr, w->group),
		};
	}
}

static void follow(struct graph *gr, uint32_t at, unsigned depth)
{
	struct waiter *w = &gr->waiters[at];
	uint32_t next;

	w->on_path = true;
	gr->path[depth] = at;
	for (unsigned k = 0; edge(gr, at, k, &next); k++) {
		unsigned from = depth;

		if (next == NOBODY)
			continue;
		if (!gr->waiters[next].on_path) {
			if (!gr->waiters[next].done)
				follow(gr, next, depth + 1);
			continue;
		}
		while (gr->path[from] != next)
			from--;
		tell_ring(gr, from, depth + 1);
	}
	w->on_path = false;
	w->done = true;
}

/* Who waits for one that is stuck is stuck. */
static bool spread(struct graph *gr)
{
	bool more = false;
	uint32_t next;

	for (uint32_t i = 0; i < gr->n; i++) {
		for (unsigned k = 0; !gr->waiters[i].stuck && edge(gr, i, k, &next); k++) {
			gr->waiters[i].stuck = next != NOBODY && gr->waiters[next].stuck;
			more |= gr->waiters[i].stuck;
		}
	}
	return more;
}

static bool find_rings(struct graph *gr)
{
	for (uint32_t i = 0; i < gr->n; i++) {
		if (!gr->waiters[i].done)
			follow(gr, i, 0);
	}
	if (!gr->ret->length)
		return false;
	while (spread(gr))
		;
	for (uint32_t i = 0; i < gr->n; i++)
		gr->ret->goroutines += gr->waiters[i].stuck;
	return true;
}

static void free_locks(struct graph *gr)
{
	struct lock *l, *next;

	HASH_ITER (hh, gr->locks, l, next) {
		HASH_DEL(gr->locks, l);
		free(l);
	}
}

bool deadlock_find(struct census *c, const struct lock_names *names, struct deadlock *ret,
		   bool *ret_named)
{
	_cleanup_free_ struct graph *gr = calloc(1, sizeof(*gr));
	_cleanup_free_ struct pending *pending = NULL;
	bool found = false;

	*ret = (struct deadlock){};
	*ret_named = true;
	if (!gr || !census_summary(c))
		return false;
	gr->c = c;
	gr->names = names;
	gr->named = true;
	gr->ret = ret;
	gather_waiters(gr);
	gr->pending = pending = gr->n ? pending_new(c) : NULL;
	if (pending) {
		census_deep(c, 1, on_goroutine, gr);
		found = find_rings(gr) && gr->named;
	}
	free_locks(gr);
	*ret_named = gr->named;
	return found;
}
