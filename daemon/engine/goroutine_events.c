// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/goroutine_events.h"

#include <string.h>

#include "census/chain.h"
#include "census/deadlock.h"
#include "census/locks.h"
#include "census/piles.h"
#include "golang/goname.h"

#define POOL_FRAMES    10 /* of a stack, in which a pool is looked for */
#define NAMED_FIRST    2  /* censuses that wait for the names of places */
#define POOL_USERS_MAX 4  /* libraries of pools at which somebody waits */
#define POOL_USER_NAME 96
#define DEEP_MAX       8 /* goroutines emitted for their depth, of one census */

static bool is_system(struct turn *turn, struct watch *w, const struct group *g, bool *named)
{
	const struct name *n;

	if (!g->key.start)
		return false;
	n = model_name(turn->model, w->image->id, NAME_OF_FUNCTION, g->key.start);
	*named &= n != NULL;
	return n && goname_is_system(n->at.function);
}

/* By the first censuses, so that who waits for a pool is known soon; later ones meet few places that are new. */
static void ask_places(struct turn *turn, struct watch *w, const struct group *g, bool *named)
{
	for (unsigned i = 0; census_waits(g->key.state) && i < g->key.nstack && i < POOL_FRAMES;
	     i++)
		*named &= model_site_name(turn->model, w->image->id, g->key.stack[i]) != NULL;
}

bool goroutine_events_named(struct turn *turn, struct watch *w, struct census *c)
{
	bool named = true;

	for (const struct group *g = census_groups(c)->by_key; g; g = g->hh.next) {
		(void)is_system(turn, w, g, &named);
		if (census_summary(c)->number <= NAMED_FIRST)
			ask_places(turn, w, g, &named);
	}
	return named;
}

_Static_assert((int)CENSUS_RUNNABLE == (int)GOROUTINE_RUNNABLE &&
		       (int)CENSUS_RUNNING == (int)GOROUTINE_RUNNING &&
		       (int)CENSUS_SYSCALL == (int)GOROUTINE_SYSCALL &&
		       (int)CENSUS_WAITING == (int)GOROUTINE_WAITING &&
		       (int)CENSUS_PREEMPTED == (int)GOROUTINE_PREEMPTED &&
		       (int)CENSUS_LEAKED == (int)GOROUTINE_LEAKED &&
		       (int)CENSUS_STATE_MAX == (int)GOROUTINE_SYSTEM,
	       "what a goroutine does");
_Static_assert(CENSUS_REASON_MAX <= EVENT_REASON_MAX, "why it does");

/* Those of the program that do not return from a system call. */
static uint32_t blocked_of(struct turn *turn, struct watch *w, const struct group *g)
{
	const struct name *n;

	if (g->key.state != CENSUS_SYSCALL || !g->sum.minute)
		return 0;
	if (!g->key.start)
		return g->sum.minute;
	n = model_name(turn->model, w->image->id, NAME_OF_FUNCTION, g->key.start);
	if (!n || goname_is_system(n->at.function) || goname_is_signals(n->at.function))
		return 0;
	return g->sum.minute;
}

/* What is the same of all its members; the rest is of most. */
static struct event group_event(struct watch *w, const struct census_summary *s,
				const struct group *g)
{
	struct event ev = {
		.type = EVENT_GROUP, .target = w->id, .pid = w->pid, .time_ns = s->end_ns
	};
	unsigned n = g->key.nstack < EVENT_STACK_MAX ? g->key.nstack : EVENT_STACK_MAX;

	ev.group = (struct event_group){
		.created_at = g->key.created_at,
		.start = g->key.start,
		.state = (enum goroutine_state)g->key.state,
		.reason = census_waits(g->key.state)
				  ? s->reasons[g->key.reason % CENSUS_REASONS_MAX]
				  : "",
		.oldest_ns = g->sum.oldest_ns,
		.nstack = n,
	};
	memcpy(ev.group.stack, g->key.stack, n * sizeof(g->key.stack[0]));
	return ev;
}

static void emit_group(struct turn *turn, struct watch *w, const struct census_summary *s,
		       const struct group *g)
{
	const struct target *t = model_target(turn->model, w->id);
	uint32_t blocked = blocked_of(turn, w, g);
	struct event ev;

	/* Others are in the sums of the census. */
	if (!t || (!g->sum.quiet && !blocked && !parked_find(t->parked, g->serial)))
		return;
	ev = group_event(w, s, g);
	ev.group.serial = g->serial;
	ev.group.place = g->line ? g->line->key.place : 0;
	ev.group.count = g->sum.count;
	ev.group.quiet = g->sum.quiet;
	ev.group.blocked = blocked;
	ev.group.woken = g->sum.woken;
	turn_emit(turn, &ev);
}

static void emit_crew(struct turn *turn, struct watch *w, const struct census_summary *s,
		      const struct crew *c)
{
	const struct target *t = model_target(turn->model, w->id);
	struct event ev;
	bool named = true;

	if (!t || !c->largest || (!c->sum.stays && !parked_find(t->parked, c->serial)) ||
	    is_system(turn, w, c->largest, &named))
		return;
	ev = group_event(w, s, c->largest);
	ev.group.serial = c->serial;
	ev.group.scope = c->key.place ? GROUP_OF_LINE : GROUP_OF_STATEMENT;
	ev.group.place = c->key.place;
	ev.group.count = c->sum.count;
	ev.group.quiet = c->sum.stays;
	ev.group.woken = c->sum.left;
	turn_emit(turn, &ev);
}

/* The deepest ones, the deepest first. */
struct deep {
	unsigned n;
	struct deep_one {
		uint64_t g, goid;
		uint32_t depth, open_coded, group;
		bool exact;
	} list[DEEP_MAX];
};

static void note_deep(void *arg, const struct census_goroutine *g, uint32_t group)
{
	struct deep *d = arg;
	unsigned at = d->n;

	while (at > 0 && d->list[at - 1].depth < g->depth)
		at--;
	if (at == DEEP_MAX)
		return;
	d->n += d->n < DEEP_MAX;
	memmove(d->list + at + 1, d->list + at, (d->n - at - 1) * sizeof(d->list[0]));
	d->list[at] = (struct deep_one){ .g = g->g,
					 .goid = g->goid,
					 .depth = g->depth,
					 .open_coded = g->open_coded,
					 .group = group,
					 .exact = g->depth_exact };
}

/*
 * The innermost function on its stack that keeps defers in its frame; nothing says at which of its
 * lines they stand, so the place is the function's first one. 0: there is none.
 */
static uint64_t open_site(struct watch *w, struct census *c, uint32_t group)
{
	const struct group *g = group == GROUP_NONE ? NULL : census_groups(c)->by_id[group];
	uint64_t text = w->image->report->text;

	for (unsigned i = 0; g && i < g->key.nstack; i++) {
		const struct opendefer *o =
			opendefer_at(w->image->open, w->image->n_open, g->key.stack[i] - 1 - text);

		if (o)
			return text + o->begin + 1; /* as a return address */
	}
	return 0;
}

static void emit_deep(struct turn *turn, struct watch *w, struct census *c,
		      const struct deep_one *d, uint64_t time_ns)
{
	struct memread mem = memread_process(&w->memory);
	struct event ev = {
		.type = EVENT_PENDING,
		.target = w->id,
		.pid = w->pid,
		.time_ns = time_ns,
		.pending = { .g = d->g, .goid = d->goid, .depth = d->depth, .inferred = !d->exact },
	};
	uint64_t goid, site;

	if (d->open_coded > d->depth / 2)
		ev.pending.site = open_site(w, c, d->group);
	else if (!chain_site(&mem, &w->image->report->layout, d->g, &goid, &site) &&
		 goid == d->goid)
		ev.pending.site = site - w->bias;
	turn_emit(turn, &ev);
}

static const struct group *largest_group(struct census *c, const struct pile *p)
{
	uint32_t most = 0;
	unsigned at = 0;

	for (unsigned i = 0; i < p->n_groups; i++) {
		if (p->groups[i].count <= most)
			continue;
		most = p->groups[i].count;
		at = i;
	}
	return p->n_groups ? census_groups(c)->by_id[p->groups[at].group] : NULL;
}

/* Who knows the names of an image. */
struct namer {
	struct model *m;
	uint32_t image_id;
};

static const char *name_at_site(void *arg, uint64_t pc, unsigned k, bool *ret_known)
{
	const struct namer *namer = arg;
	const struct name *n = model_site_name(namer->m, namer->image_id, pc);

	*ret_known = n != NULL;
	if (!n || k > n->n_outer)
		return NULL;
	return name_code_line(n, k)->function;
}

static const char *name_at_entry(void *arg, uint64_t entry, bool *ret_known)
{
	const struct namer *namer = arg;
	const struct name *n = model_name(namer->m, namer->image_id, NAME_OF_FUNCTION, entry);

	*ret_known = n != NULL;
	return n ? n->at.function : NULL;
}

static struct lock_names names_by(struct namer *namer)
{
	return (struct lock_names){ name_at_site, name_at_entry, namer };
}

struct lock_survey *goroutine_events_survey(struct model *m, const struct show_census *sc)
{
	struct namer namer = { m, sc->image_id };
	struct lock_names names = names_by(&namer);

	return locks_survey(sc->census, &names);
}

static struct synclock lock_of(struct turn *turn, struct watch *w, const struct group *g)
{
	struct namer namer = { turn->model, w->image->id };
	struct lock_names names = names_by(&namer);
	bool named;

	return locks_kind(g, &names, &named);
}

/* To wait for a WaitGroup or a Cond is no pile-up: that is what they are for. */
static bool is_mutex(const struct synclock *l)
{
	return l->kind == SYNCLOCK_MUTEX || l->kind == SYNCLOCK_RWMUTEX;
}

static struct event pile_event(struct watch *w, enum event_type type,
			       const struct census_summary *s, const struct pile *p,
			       const struct group *g)
{
	struct event ev = { .type = type, .target = w->id, .pid = w->pid, .time_ns = s->end_ns };
	unsigned n = g->key.nstack < EVENT_STACK_MAX ? g->key.nstack : EVENT_STACK_MAX;

	ev.pile = (struct event_pile){
		.object = p->object,
		.count = p->count,
		.oldest_ns = p->seen_ns,
		.reason = s->reasons[g->key.reason % CENSUS_REASONS_MAX],
		.created_at = g->key.created_at,
		.nstack = n,
	};
	memcpy(ev.pile.stack, g->key.stack, n * sizeof(g->key.stack[0]));
	return ev;
}

/* The words that one RWMutex is waited for by are three. False: there is no room. */
static bool add_queue(struct event_census *c, uint64_t lock, uint32_t waiting)
{
	unsigned i = 0;

	while (i < c->n_queues && c->queues[i].lock != lock)
		i++;
	if (i == EVENT_QUEUES_MAX)
		return false;
	if (i == c->n_queues) {
		c->queues[c->n_queues++].lock = lock;
		c->queues[i].waiting = 0;
	}
	c->queues[i].waiting += waiting;
	return true;
}

/* The Mutex or RWMutex that most wait for; and how many wait for each lock, for *census. */
static void emit_piles(struct turn *turn, struct watch *w, struct census *c,
		       const struct census_summary *s, struct event_census *census)
{
	struct piles piles;
	bool emitted = false;

	if (s->lock_waiters < 2)
		return;
	piles_gather(c, CENSUS_WAIT_LOCK, &piles);
	for (const struct pile *p = piles.by_object; p && p->count > 1; p = p->hh.next) {
		const struct group *g = largest_group(c, p);
		struct synclock l;
		bool room;

		if (!g)
			continue;
		l = lock_of(turn, w, g);
		room = add_queue(census, p->object - l.offset, p->count);
		if (!emitted && is_mutex(&l)) {
			struct event ev = pile_event(w, EVENT_PILE, s, p, g);

			turn_emit(turn, &ev);
			emitted = true;
		}
		if (emitted && !room)
			break;
	}
	piles_done(&piles);
}

/* Whoever waits for each other for ever, each edge of the ring. */
static void emit_deadlock(struct turn *turn, struct watch *w, struct census *c,
			  const struct census_summary *s)
{
	struct namer namer = { turn->model, w->image->id };
	struct lock_names names = names_by(&namer);
	struct deadlock d;
	bool named;

	if (!s->lock_waiters)
		return;
	if (!deadlock_find(c, &names, &d, &named)) {
		/* The names that it lacks have been asked for. */
		if (!named)
			turn_ask_census(w);
		return;
	}
	for (unsigned i = 0; i < d.n_edges; i++) {
		const struct deadlock_edge *e = &d.edges[i];
		const struct group_key *key = &e->group->key;
		struct event ev = {
			.type = EVENT_EDGE, .target = w->id, .pid = w->pid, .time_ns = s->end_ns
		};

		ev.edge = (struct event_edge){ .goid = e->goid,
					       .holder = e->holder,
					       .lock = e->lock,
					       .rw = e->kind == SYNCLOCK_RWMUTEX,
					       .reads = e->reads,
					       .goroutines = d.goroutines,
					       .length = d.length };
		ev.edge.nstack = key->nstack < EVENT_STACK_MAX ? key->nstack : EVENT_STACK_MAX;
		memcpy(ev.edge.stack, key->stack, ev.edge.nstack * sizeof(key->stack[0]));
		turn_emit(turn, &ev);
	}
}

/* How goroutines wait for their turn at a pool. */
static bool is_patient(const char *reason)
{
	return !strcmp(reason, "select") || !strncmp(reason, "chan ", 5) ||
	       !strncmp(reason, "sync.Cond", 9);
}

/* How the names of those begin that use what the pools give out at which somebody waits. */
struct pool_users {
	unsigned n;
	char begin[POOL_USERS_MAX][POOL_USER_NAME];
};

static void note_users(struct pool_users *u, const char *pool)
{
	char begin[POOL_USER_NAME];

	if (!goname_pool_users(pool, begin, sizeof(begin)))
		return;
	for (unsigned i = 0; i < u->n; i++) {
		if (!strcmp(u->begin[i], begin))
			return;
	}
	if (u->n < POOL_USERS_MAX)
		memcpy(u->begin[u->n++], begin, sizeof(begin));
}

static bool is_user(const struct pool_users *u, const char *function)
{
	for (unsigned i = 0; i < u->n; i++) {
		if (!strncmp(function, u->begin[i], strlen(u->begin[i])))
			return true;
	}
	return false;
}

static bool is_pool_name(const struct name *n, struct pool_users *u)
{
	bool is = false;

	for (unsigned k = 0; k <= n->n_outer; k++) {
		const char *function = name_code_line(n, k)->function;

		if (!goname_is_pool(function))
			continue;
		note_users(u, function);
		is = true;
	}
	return is;
}

/* A goroutine of the pool's own, which looks after it. */
static bool is_of_pool(struct turn *turn, struct watch *w, const struct pool_users *u,
		       const struct group *g)
{
	const struct name *n =
		g->key.start ? model_name(turn->model, w->image->id, NAME_OF_FUNCTION, g->key.start)
			     : NULL;

	return n && (goname_is_pool(n->at.function) || is_user(u, n->at.function));
}

/* By the names of the innermost functions; a name that is not known yet counts at the next census. */
static bool waits_for_pool(struct turn *turn, struct watch *w, const struct census_summary *s,
			   const struct group *g, struct pool_users *u)
{
	bool is = false;

	if (!census_waits(g->key.state) ||
	    !is_patient(s->reasons[g->key.reason % CENSUS_REASONS_MAX]))
		return false;
	for (unsigned i = 0; i < g->key.nstack && i < POOL_FRAMES; i++) {
		const struct name *n = model_site_name(turn->model, w->image->id, g->key.stack[i]);

		is |= n && is_pool_name(n, u);
	}
	return is && !is_of_pool(turn, w, u, g);
}

static bool uses_pool(struct turn *turn, struct watch *w, const struct group *g,
		      const struct pool_users *u)
{
	bool is = false;

	for (unsigned i = 0; i < g->key.nstack; i++) {
		const struct name *n = model_site_name(turn->model, w->image->id, g->key.stack[i]);

		for (unsigned k = 0; n && k <= n->n_outer; k++)
			is |= is_user(u, name_code_line(n, k)->function);
	}
	return is && !is_of_pool(turn, w, u, g);
}

/* Places at which goroutines stand, taken together. */
struct places {
	struct pile sum;
	uint32_t woken, gone;
	const struct group *most;
	uint32_t most_count;
};

static void add_place(struct places *p, const struct group *g, uint32_t count)
{
	p->sum.count += count;
	p->woken += g->sum.woken;
	p->gone += g->sum.gone;
	if (g->sum.oldest_ns && (!p->sum.seen_ns || g->sum.oldest_ns < p->sum.seen_ns))
		p->sum.seen_ns = g->sum.oldest_ns;
	if (count > p->most_count) {
		p->most = g;
		p->most_count = count;
	}
}

/* Those who use what they wait for: who does, and who has stood still while he does. Returns how many do. */
static uint32_t emit_users(struct turn *turn, struct watch *w, struct census *c,
			   const struct census_summary *s, struct pool_users *u)
{
	struct places held = {};
	uint32_t moving = 0;

	for (const struct group *g = census_groups(c)->by_key; g; g = g->hh.next) {
		if (waits_for_pool(turn, w, s, g, u) || !uses_pool(turn, w, g, u))
			continue;
		moving += g->sum.moving;
		add_place(&held, g, g->sum.count - g->sum.moving);
	}
	if (held.most) {
		struct event ev = pile_event(w, EVENT_HELD, s, &held.sum, held.most);

		turn_emit(turn, &ev);
	}
	return moving;
}

/* All places at which they wait for something of a pool; emitted is the one at which most do. */
static void emit_pool(struct turn *turn, struct watch *w, struct census *c,
		      const struct census_summary *s)
{
	const struct target *t = model_target(turn->model, w->id);
	struct pool_users users = {};
	struct places waiting = {};
	struct event ev;
	uint32_t moving;

	if (!t || !fdgroups_level(t->fd_groups, UINT64_MAX))
		return;
	for (const struct group *g = census_groups(c)->by_key; g; g = g->hh.next) {
		if (waits_for_pool(turn, w, s, g, &users))
			add_place(&waiting, g, g->sum.count);
	}
	if (!waiting.most)
		return;
	moving = emit_users(turn, w, c, s, &users);
	ev = pile_event(w, EVENT_POOL, s, &waiting.sum, waiting.most);
	ev.pile.woken = waiting.woken;
	ev.pile.gone = waiting.gone;
	ev.pile.moving = moving;
	turn_emit(turn, &ev);
}

/* What the runtime calls it when a goroutine waits for the network poller. */
static bool reads(const struct census_summary *s, const struct group *g)
{
	return census_waits(g->key.state) &&
	       !strcmp(s->reasons[g->key.reason % CENSUS_REASONS_MAX], "IO wait");
}

static void emit_sums(struct turn *turn, struct watch *w, struct census *c,
		      const struct census_summary *s, uint64_t cost_ns)
{
	struct event ev = {
		.type = EVENT_CENSUS,
		.target = w->id,
		.pid = w->pid,
		.time_ns = s->end_ns,
		.census = { .begin_ns = s->begin_ns,
			    .took_ns = cost_ns,
			    .bad = s->bad,
			    .inexact = s->inexact,
			    .lock_waiters = s->lock_waiters,
			    .knows_blocked = s->times_syscalls,
			    .interval_ns = turn->config->census.interval_ns },
	};
	bool named = true;

	emit_piles(turn, w, c, s, &ev.census);
	emit_deadlock(turn, w, c, s);
	emit_pool(turn, w, c, s);
	memcpy(ev.census.states, s->states, sizeof(s->states));
	for (const struct group *g = census_groups(c)->by_key; g; g = g->hh.next) {
		ev.census.readers += reads(s, g) ? g->sum.count : 0;
		if (!is_system(turn, w, g, &named))
			continue;
		ev.census.states[g->key.state] -= g->sum.count;
		ev.census.states[GOROUTINE_SYSTEM] += g->sum.count;
	}
	turn_emit(turn, &ev);
}

void goroutine_events_emit(struct turn *turn, struct watch *w, struct census *c, uint64_t cost_ns)
{
	const struct census_summary *s = census_summary(c);
	uint32_t deepest = 0;
	struct deep deep = {};

	for (const struct crew *crew = census_crews(c)->by_key; crew; crew = crew->hh.next)
		emit_crew(turn, w, s, crew);
	for (const struct group *g = census_groups(c)->by_key; g; g = g->hh.next) {
		emit_group(turn, w, s, g);
		if (g->sum.depth_max > deepest)
			deepest = g->sum.depth_max;
	}
	if (deepest >= turn->config->probes.threshold)
		census_deep(c, turn->config->probes.threshold, note_deep, &deep);
	for (unsigned i = 0; i < deep.n; i++)
		emit_deep(turn, w, c, &deep.list[i], s->end_ns);
	emit_sums(turn, w, c, s, cost_ns);
}
