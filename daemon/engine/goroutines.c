// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The census of each target: when, how much of it at a stretch, and what becomes of it.
 *
 * One census runs at a time, for a few milliseconds of each turn of the loop: a slow one is as true as
 * a fast one. What all of them cost together decides how often they are made. When one is complete its
 * goroutines are named (a moment, the first time), and told to the model; so is each that has many
 * defers pending: the ones of a recursion, which no probe sees, among them.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "census/chain.h"
#include "census/piles.h"
#include "engine/engine_priv.h"
#include "export/locks.h"
#include "golang/goname.h"

#define MS              1000000ull
#define STRETCH_NS      (8 * MS)     /* of each turn, 50 ms */
#define NAMES_NS        (1000 * MS)  /* to name the functions that goroutines began in */
#define ASKED_AFTER_NS  (1000 * MS)  /* from one census to one that is asked for */
#define ASKED_SHARE     20           /* and so many times what it costs */
#define FAILED_AFTER_NS (60000 * MS) /* from one that failed to the next */
#define QUIET_INTERVALS 6
#define POOL_FRAMES     10 /* of a stack, in which a pool is looked for */
#define DEEP_MAX        8  /* goroutines told for their depth, of one census */

/* The innermost function, whose frame may not be made yet. */
static int frame_at(void *arg, uint64_t pc, uint32_t *ret)
{
	const struct watch *w = arg;
	const struct name *n = model_site_name(w->engine->model, w->image->id, pc);

	if (!n || !n->has_frame)
		return -ENOENT;
	*ret = n->frame;
	return 0;
}

/* Why there can be no census; 0: there can. */
static int check(const struct watch *w, struct reason *reason)
{
	const struct image_report *r = w ? w->image->report : NULL;

	if (!w)
		return reason_set(reason, -ESRCH, "it is not observed");
	if (r->kind != IMAGE_GO)
		return reason_set(reason, -ENOTSUP, "it is no Go program");
	if (!r->has_layout)
		return reason_set(reason, -ENOTSUP, "%s", r->reason);
	if (w->layout == LAYOUT_BELIEVED)
		return reason_set(reason, -ENOTSUP,
				  "the list of goroutines was found neither in its code nor in its "
				  "data");
	if (w->layout != LAYOUT_CONFIRMED)
		return reason_set(reason, -EBADMSG,
				  "the runtime's layout was not confirmed in its memory");
	return 0;
}

/* NULL: out of memory. */
static struct census *census_of(struct watch *w)
{
	const struct image_report *r = w->image->report;
	struct census_opts opts = {
		.mem = memread_process(&w->memory),
		.layout = &r->layout,
		.where = {
			.allgs_len = w->allgs_len,
			.allgs_list = w->allgs_list,
			.wait_reasons = r->wait_reasons ? r->wait_reasons + w->bias : 0,
			.n_wait_reasons = r->n_wait_reasons,
			.semtable = r->semtable ? r->semtable + w->bias : 0,
		},
		.frames = { .frame = frame_at, .arg = w },
		.injected = r->injected,
		.open = { .list = w->image->open,
			  .n = w->image->n_open,
			  .complete = w->image->open_complete,
			  .text = r->text },
		.bias = w->bias,
		.clock_ns = w->clock_ns,
		.groups_max = GROUPS_MAX,
		.quiet_ns = QUIET_INTERVALS * w->engine->config->census.interval_ns,
	};

	if (!w->census.c)
		w->census.c = census_new(&opts);
	return w->census.c;
}

/* For a command: all of it, now */

int engine_census(struct engine *e, pid_t pid, struct show_census *ret, struct reason *reason)
{
	struct watch *w = watch_of_pid(e, pid);
	uint64_t begin_ns = loop_now_ns();
	int more = check(w, reason);
	struct census *c;

	if (more)
		return more;
	c = census_of(w);
	if (!c)
		return reason_set(reason, -ENOMEM, "out of memory");
	more = census_begin(c, begin_ns, reason) ?: 1;
	while (more > 0)
		more = census_step(c, loop_now_ns(), reason);
	if (more)
		return more;
	*ret = (struct show_census){ .census = c,
				     .image_id = w->image->id,
				     .took_ns = loop_now_ns() - begin_ns };
	return 0;
}

int engine_last_census(struct engine *e, pid_t pid, struct show_census *ret, struct reason *reason)
{
	struct watch *w = watch_of_pid(e, pid);
	int err = check(w, reason);

	if (err)
		return err;
	if (!e->config->census.enabled)
		return reason_set(reason, -ENOTSUP, "census.enabled is false");
	if (!w->census.c || !census_summary(w->census.c))
		return reason_set(reason, -EAGAIN, "there was no census yet");
	*ret = (struct show_census){ .census = w->census.c,
				     .image_id = w->image->id,
				     .took_ns = w->census.cost_ns };
	return 0;
}

/* To the model */

static bool is_system(struct watch *w, const struct group *g, bool *named)
{
	const struct name *n;

	if (!g->key.start)
		return false;
	n = model_name(w->engine->model, w->image->id, NAME_OF_FUNCTION, g->key.start);
	*named &= n != NULL;
	return n && goname_is_system(n->at.function);
}

static bool is_named(struct watch *w)
{
	bool named = true;

	for (const struct group *g = census_groups(w->census.c)->by_key; g; g = g->hh.next)
		(void)is_system(w, g, &named);
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

static void tell_group(struct watch *w, const struct census_summary *s, const struct group *g)
{
	const struct target *t = model_target(w->engine->model, w->id);
	struct event ev = {
		.type = EVENT_GROUP, .target = w->id, .pid = w->pid, .time_ns = s->end_ns
	};
	unsigned n = g->key.nstack < EVENT_STACK_MAX ? g->key.nstack : EVENT_STACK_MAX;

	/* Others are in the sums of the census. */
	if (!t || (!g->sum.quiet && !parked_find(t->parked, g->serial)))
		return;
	ev.group = (struct event_group){
		.serial = g->serial,
		.created_at = g->key.created_at,
		.start = g->key.start,
		.state = (enum goroutine_state)g->key.state,
		.reason = census_waits(g->key.state)
				  ? s->reasons[g->key.reason % CENSUS_REASONS_MAX]
				  : "",
		.count = g->sum.count,
		.quiet = g->sum.quiet,
		.woken = g->sum.woken,
		.oldest_ns = g->sum.oldest_ns,
		.nstack = n,
	};
	memcpy(ev.group.stack, g->key.stack, n * sizeof(g->key.stack[0]));
	engine_emit(w->engine, &ev);
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
static uint64_t open_site(const struct watch *w, uint32_t group)
{
	const struct group *g =
		group == GROUP_NONE ? NULL : census_groups(w->census.c)->by_id[group];
	uint64_t text = w->image->report->text;

	for (unsigned i = 0; g && i < g->key.nstack; i++) {
		const struct opendefer *o =
			opendefer_at(w->image->open, w->image->n_open, g->key.stack[i] - 1 - text);

		if (o)
			return text + o->begin + 1; /* as a return address */
	}
	return 0;
}

static void tell_deep(struct watch *w, const struct deep_one *d, uint64_t time_ns)
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
		ev.pending.site = open_site(w, d->group);
	else if (!chain_site(&mem, &w->image->report->layout, d->g, &goid, &site) &&
		 goid == d->goid)
		ev.pending.site = site - w->bias;
	engine_emit(w->engine, &ev);
}

static const struct group *largest_group(const struct watch *w, const struct pile *p)
{
	uint32_t most = 0;
	unsigned at = 0;

	for (unsigned i = 0; i < p->n_groups; i++) {
		if (p->groups[i].count <= most)
			continue;
		most = p->groups[i].count;
		at = i;
	}
	return p->n_groups ? census_groups(w->census.c)->by_id[p->groups[at].group] : NULL;
}

static struct synclock lock_of(struct watch *w, const struct group *g)
{
	bool named;

	return view_lock_of(w->engine->model, w->image->id, g, &named);
}

/* To wait for a WaitGroup or a Cond is no pile-up: that is what they are for. */
static bool is_mutex(const struct synclock *l)
{
	return l->kind == SYNCLOCK_MUTEX || l->kind == SYNCLOCK_RWMUTEX;
}

static void tell_pile(struct watch *w, enum event_type type, const struct census_summary *s,
		      const struct pile *p, uint32_t woken, const struct group *g)
{
	struct event ev = { .type = type, .target = w->id, .pid = w->pid, .time_ns = s->end_ns };
	unsigned n = g->key.nstack < EVENT_STACK_MAX ? g->key.nstack : EVENT_STACK_MAX;

	ev.pile = (struct event_pile){
		.object = p->object,
		.count = p->count,
		.woken = woken,
		.oldest_ns = p->seen_ns,
		.reason = s->reasons[g->key.reason % CENSUS_REASONS_MAX],
		.created_at = g->key.created_at,
		.nstack = n,
	};
	memcpy(ev.pile.stack, g->key.stack, n * sizeof(g->key.stack[0]));
	engine_emit(w->engine, &ev);
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

/* The Mutex or RWMutex that most wait for; and how many wait for each lock, for c. */
static void tell_piles(struct watch *w, const struct census_summary *s, struct event_census *c)
{
	struct piles piles;
	bool told = false;

	if (s->lock_waiters < 2)
		return;
	piles_gather(w->census.c, CENSUS_WAIT_LOCK, &piles);
	for (const struct pile *p = piles.by_object; p && p->count > 1; p = p->hh.next) {
		const struct group *g = largest_group(w, p);
		struct synclock l;
		bool room;

		if (!g)
			continue;
		l = lock_of(w, g);
		room = add_queue(c, p->object - l.offset, p->count);
		if (!told && is_mutex(&l)) {
			tell_pile(w, EVENT_PILE, s, p, 0, g);
			told = true;
		}
		if (told && !room)
			break;
	}
	piles_done(&piles);
}

/* How goroutines wait for their turn at a pool. */
static bool is_patient(const char *reason)
{
	return !strcmp(reason, "select") || !strncmp(reason, "chan ", 5) ||
	       !strncmp(reason, "sync.Cond", 9);
}

static bool is_pool_name(const struct name *n)
{
	bool is = goname_is_pool(n->at.function);

	for (unsigned i = 0; i < n->n_outer; i++)
		is |= goname_is_pool(n->outer[i].function);
	return is;
}

/* By the names of the innermost functions; a name that is not known yet is at the next census. */
static bool waits_for_pool(struct watch *w, const struct census_summary *s, const struct group *g)
{
	bool is = false;

	if (!census_waits(g->key.state) ||
	    !is_patient(s->reasons[g->key.reason % CENSUS_REASONS_MAX]))
		return false;
	for (unsigned i = 0; i < g->key.nstack && i < POOL_FRAMES; i++) {
		const struct name *n =
			model_site_name(w->engine->model, w->image->id, g->key.stack[i]);

		is |= n && is_pool_name(n);
	}
	return is;
}

/* All places at which they wait for something of a pool; told is the one at which most do. */
static void tell_pool(struct watch *w, const struct census_summary *s)
{
	const struct target *t = model_target(w->engine->model, w->id);
	const struct group *most = NULL;
	struct pile sum = {};
	uint32_t woken = 0;

	if (!t || !fdgroups_level(t->fd_groups, UINT64_MAX) ||
	    s->states[CENSUS_WAITING] < POOL_WAITERS_MIN)
		return;
	for (const struct group *g = census_groups(w->census.c)->by_key; g; g = g->hh.next) {
		if (!waits_for_pool(w, s, g))
			continue;
		sum.count += g->sum.count;
		woken += g->sum.woken;
		if (g->sum.oldest_ns && (!sum.seen_ns || g->sum.oldest_ns < sum.seen_ns))
			sum.seen_ns = g->sum.oldest_ns;
		if (!most || g->sum.count > most->sum.count)
			most = g;
	}
	if (most)
		tell_pile(w, EVENT_POOL, s, &sum, woken, most);
}

static void tell_sums(struct watch *w, const struct census_summary *s, uint64_t interval_ns)
{
	struct event ev = {
		.type = EVENT_CENSUS,
		.target = w->id,
		.pid = w->pid,
		.time_ns = s->end_ns,
		.census = { .begin_ns = s->begin_ns,
			    .took_ns = w->census.cost_ns,
			    .bad = s->bad,
			    .inexact = s->inexact,
			    .lock_waiters = s->lock_waiters,
			    .interval_ns = interval_ns },
	};
	bool named = true;

	tell_piles(w, s, &ev.census);
	tell_pool(w, s);
	memcpy(ev.census.states, s->states, sizeof(s->states));
	for (const struct group *g = census_groups(w->census.c)->by_key; g; g = g->hh.next) {
		if (!is_system(w, g, &named))
			continue;
		ev.census.states[g->key.state] -= g->sum.count;
		ev.census.states[GOROUTINE_SYSTEM] += g->sum.count;
	}
	engine_emit(w->engine, &ev);
}

static void tell(struct watch *w)
{
	struct engine *e = w->engine;
	const struct census_summary *s = census_summary(w->census.c);
	uint32_t deepest = 0;
	struct deep deep = {};

	for (const struct group *g = census_groups(w->census.c)->by_key; g; g = g->hh.next) {
		tell_group(w, s, g);
		if (g->sum.depth_max > deepest)
			deepest = g->sum.depth_max;
	}
	if (deepest >= e->config->probes.threshold)
		census_deep(w->census.c, e->config->probes.threshold, note_deep, &deep);
	for (unsigned i = 0; i < deep.n; i++)
		tell_deep(w, &deep.list[i], s->end_ns);
	tell_sums(w, s, e->config->census.interval_ns);
	w->census.names_until_ns = 0;
}

/* By itself, a stretch at a time */

/* So that all of them together keep to the budget. */
static uint64_t interval(const struct engine *e)
{
	double cost = 0, least = (double)e->config->census.interval_ns;

	for (const struct watch *w = e->by_pid; w; w = w->hh.next)
		cost += (double)w->census.cost_ns;
	cost *= 100 / e->config->census.budget_percent;
	return (uint64_t)(cost > least ? cost : least) * pace_stretch(e);
}

static bool is_due(const struct watch *w, uint64_t now_ns)
{
	const struct watch_census *c = &w->census;
	uint64_t pause = ASKED_SHARE * c->cost_ns;

	if (w->layout != LAYOUT_CONFIRMED || c->names_until_ns)
		return false;
	if (pause < ASKED_AFTER_NS)
		pause = ASKED_AFTER_NS;
	return now_ns >= c->due_ns || (c->asked && !c->complained && now_ns >= c->ended_ns + pause);
}

/* Who is asked for goes first, then who has waited longest. */
static struct watch *next_due(const struct engine *e)
{
	struct watch *next = NULL;

	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		if (!is_due(w, e->now_ns))
			continue;
		if (!next || (w->census.asked && !next->census.asked) ||
		    (w->census.asked == next->census.asked &&
		     w->census.due_ns < next->census.due_ns))
			next = w;
	}
	return next;
}

static void failed(struct watch *w, int err, const struct reason *reason)
{
	struct log_line l;

	census_free(w->census.c);
	w->census.c = NULL;
	w->census.due_ns = w->engine->now_ns + FAILED_AFTER_NS;
	if (err == -ESRCH)
		return; /* its exit is on its way */
	w->engine->stats.census_failures++;
	if (w->census.complained)
		return;
	w->census.complained = true;
	log_begin(&l, LOG_WARN, "no census of its goroutines; tried again each minute");
	log_u64(&l, "pid", w->pid);
	log_str(&l, "reason", reason->text);
	log_emit(&l);
}

static void completed(struct watch *w)
{
	struct watch_census *c = &w->census;
	struct engine *e = w->engine;

	c->cost_ns = c->spent_ns;
	c->ended_ns = e->now_ns;
	c->due_ns = census_summary(c->c)->begin_ns + interval(e);
	c->names_until_ns = e->now_ns + NAMES_NS;
	c->complained = false;
	e->stats.censuses++;
	e->stats.census_ns += c->spent_ns;
}

static void advance(struct watch *w)
{
	struct engine *e = w->engine;
	struct watch_census *c = &w->census;
	uint64_t begin_ns = loop_now_ns(), now_ns = begin_ns;
	struct reason reason = {};
	int more = 1;

	if (!c->c || !census_running(c->c)) {
		c->spent_ns = 0;
		c->asked = false;
		more = census_of(w) ? census_begin(c->c, begin_ns, &reason) ?: 1
				    : reason_set(&reason, -ENOMEM, "out of memory");
	}
	while (more > 0 && now_ns - begin_ns < STRETCH_NS) {
		more = census_step(c->c, now_ns, &reason);
		now_ns = loop_now_ns();
	}
	c->spent_ns += now_ns - begin_ns;
	e->counting = more > 0 ? w->id : 0;
	if (more < 0)
		failed(w, more, &reason);
	else if (!more)
		completed(w);
}

bool goroutines_tick(struct engine *e)
{
	struct watch *w, *next;
	bool more = false;

	if (!e->config->census.enabled)
		return false;
	HASH_ITER (hh, e->by_pid, w, next) {
		if (w->census.names_until_ns &&
		    (is_named(w) || e->now_ns >= w->census.names_until_ns))
			tell(w);
		more |= w->census.names_until_ns != 0;
	}
	w = e->counting ? watch_of_id(e, e->counting) : NULL;
	if (!w)
		w = next_due(e);
	if (w)
		advance(w);
	return more || w;
}

/* Back-edges */

void goroutines_ask(struct watch *w)
{
	if (w)
		w->census.asked = true;
}

void goroutines_check_map(struct engine *e)
{
	uint64_t lost = probe_untracked(e->probe);
	struct event ev = { .type = EVENT_LOST, .time_ns = e->now_ns };

	if (!e->config->census.enabled || lost <= e->untracked)
		return;
	e->untracked = lost;
	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		if (w->image->report->kind != IMAGE_GO)
			continue;
		ev.target = w->id;
		ev.pid = w->pid;
		engine_emit(e, &ev);
		goroutines_ask(w);
	}
}
