// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A step reads the g structs of its goroutines in a few runs and sorts them: no goroutine, one that
 * has not run since the last census, or one to look at. Of these it reads the stacks, all in one
 * call, and follows the defers through pages that they share; then it reads their g structs again. What
 * moved in between is looked at once more, and told as inexact when it does not stand still then
 * either: it is busy, and who is busy is no riddle.
 */
#include "census/census.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "census/chain.h"
#include "census/conds_priv.h"
#include "census/fetch_priv.h"
#include "census/g_priv.h"
#include "census/open_priv.h"
#include "census/panics_priv.h"
#include "census/reasons_priv.h"
#include "census/stack_priv.h"
#include "census/sudog_priv.h"
#include "census/roll_priv.h"
#include "census/wakes.h"

#define LIST_TRIES 4
#define LOOK_TRIES 2
#define MINUTE_NS  60000000000ull
#define CREW_NAMED 5          /* members of a crew whose lines are asked for */
#define STEP_CHAIN (1u << 16) /* defer records followed in one step: some 4 ms */

/* What a step found in a g. */
enum found {
	FOUND_NONE, /* no goroutine */
	FOUND_BAD,  /* what is no g */
	FOUND_SAME, /* the goroutine of the record, which has not run */
	FOUND_NEW,  /* looked at */
};

/* Room for one step. */
struct scratch {
	struct fetch fetches[1 + LOOK_TRIES]; /* the first look at each g, and one after each try */
	struct pages pages;
	struct open_cache open;
	enum found found[FETCH_MAX];
	const uint8_t *g[FETCH_MAX]; /* what was found in it */
	struct census_goroutine looked[FETCH_MAX];
	struct stack stacks[FETCH_MAX];
	struct memread_span spans[FETCH_MAX];
	uint8_t first[FETCH_MAX][STACK_FIRST];
	uint8_t more[STACK_BYTES];
};

struct census {
	struct census_opts opts;
	struct roll roll;
	struct groups groups;
	struct crews crews;
	struct census_summary last, next;
	uint32_t at;             /* the next one to look at */
	struct scratch *scratch; /* while a census runs */
	char reasons[CENSUS_REASONS_MAX][CENSUS_REASON_MAX];
	enum census_wait waits[CENSUS_REASONS_MAX]; /* what they mean */
	bool sleeps[CENSUS_REASONS_MAX], conds[CENSUS_REASONS_MAX];
	bool have_reasons;
};

struct census *census_new(const struct census_opts *opts)
{
	struct census *c = calloc(1, sizeof(*c));

	if (c) {
		c->opts = *opts;
		c->groups.max = opts->groups_max;
	}
	return c;
}

static void stop(struct census *c)
{
	free(c->scratch);
	c->scratch = NULL;
}

void census_free(struct census *c)
{
	if (!c)
		return;
	stop(c);
	roll_done(&c->roll);
	groups_done(&c->groups);
	crews_done(&c->crews);
	free(c);
}

const struct census_opts *census_opts(const struct census *c)
{
	return &c->opts;
}

bool census_running(const struct census *c)
{
	return c->scratch;
}

const struct census_summary *census_summary(const struct census *c)
{
	return c->last.number ? &c->last : NULL;
}

struct groups *census_groups(struct census *c)
{
	return &c->groups;
}

const struct crews *census_crews(const struct census *c)
{
	return &c->crews;
}

static int fail(int err, struct reason *reason)
{
	switch (err) {
	case -EAGAIN:
		return reason_set(reason, err,
				  "the list of goroutines grew faster than it was read");
	case -E2BIG:
		return reason_set(reason, err, "the list of goroutines is longer than %u",
				  CENSUS_GOROUTINES_MAX);
	case -EBADMSG:
		return reason_set(reason, err, "the list of goroutines is not where it should be");
	case -ESRCH:
		return reason_set(reason, err, "the process is gone");
	default:
		return reason_set(reason, err, "reading its memory: %s", strerror(-err));
	}
}

/* They are constants of the program. */
static void read_reasons(struct census *c)
{
	if (c->have_reasons || census_reasons(&c->opts.mem, &c->opts.where, c->reasons))
		return;
	c->have_reasons = true;
	for (unsigned i = 0; i < CENSUS_REASONS_MAX; i++) {
		c->waits[i] = census_wait_of(c->reasons[i]);
		c->sleeps[i] = !strcmp(c->reasons[i], "sleep");
		c->conds[i] = !strcmp(c->reasons[i], "sync.Cond.Wait");
	}
}

/* Whether the count of its runs shows that it has not run: not every release counts one syscall after another. */
static bool counts_runs(const struct census *c, enum census_state state)
{
	return census_waits(state) ||
	       (state == CENSUS_SYSCALL && c->opts.layout->fact.syscalls_counted);
}

/* Names come late, and nobody wants those of crews of a few. */
static void place_group(struct census *c, struct group *g)
{
	const struct census_places *p = &c->opts.places;
	uint64_t place;

	if (!g->crew)
		g->crew = crews_intern(&c->crews, g->key.created_at, g->key.start, 0);
	if (g->placed || !g->crew || !p->place || g->crew->sum.count < CREW_NAMED ||
	    p->place(p->arg, g->key.stack, g->key.nstack, &place, &g->direct))
		return;
	g->placed = true;
	if (place)
		g->line = crews_intern(&c->crews, g->key.created_at, g->key.start, place);
}

static void place_groups(struct census *c)
{
	for (struct group *g = c->groups.by_key; g; g = g->hh.next)
		place_group(c, g);
}

int census_begin(struct census *c, uint64_t now_ns, struct reason *reason)
{
	int err = -EAGAIN;

	stop(c);
	if (!g_layout_fits(c->opts.layout) || !chain_layout_fits(c->opts.layout) ||
	    !panics_layout_fits(c->opts.layout) || !sudog_layout_fits(c->opts.layout))
		return reason_set(reason, -EBADMSG, "the layout lacks what is needed of g");
	for (unsigned i = 0; i < LIST_TRIES && err == -EAGAIN; i++)
		err = roll_update(&c->roll, &c->opts.mem, &c->opts.where);
	if (err)
		return fail(err, reason);
	c->scratch = malloc(sizeof(*c->scratch));
	if (!c->scratch)
		return fail(-ENOMEM, reason);
	open_cache_init(&c->scratch->open);
	read_reasons(c);
	place_groups(c);
	groups_begin(&c->groups);
	crews_begin(&c->crews);
	c->next = (struct census_summary){ .begin_ns = now_ns,
					   .number = c->last.number + 1,
					   .listed = c->roll.listed,
					   .times_syscalls = counts_runs(c, CENSUS_SYSCALL) };
	c->at = 0;
	return 0;
}

/* Looking */

/* A goroutine of the record that has not run since. */
static bool is_same(const struct census *c, const struct record *r, const uint8_t *g)
{
	const struct go_layout *l = c->opts.layout;

	return r->alive && r->goid == g_word(g, l->g.goid) &&
	       r->tracking_seq == g[l->g.tracking_seq];
}

/* All that is remembered still holds. */
static bool holds(const struct census *c, const struct record *r, const uint8_t *g)
{
	const struct go_layout *l = c->opts.layout;
	enum census_state state;

	if (!r->settled || !is_same(c, r, g))
		return false;
	return g_state(g_status(g, l), &state) && state == r->state && counts_runs(c, state) &&
	       r->sp == g_sp(l, g, state) && r->pc == g_pc(l, g, state) &&
	       (r->group != GROUP_NONE || groups_full(&c->groups));
}

static enum found what_is(struct census *c, const struct record *r, const uint8_t *g, uint64_t at,
			  struct census_goroutine *ret)
{
	if (!g)
		return FOUND_BAD;
	if (g_is_free(g_status(g, c->opts.layout)))
		return FOUND_NONE;
	if (holds(c, r, g))
		return FOUND_SAME;
	return g_parse(c->opts.layout, g, at, ret) ? FOUND_NEW : FOUND_BAD;
}

static void sort_out(struct census *c, uint32_t i)
{
	struct scratch *s = c->scratch;

	s->found[i] = what_is(c, &c->roll.rec[c->at + i], s->g[i], c->roll.addr[c->at + i],
			      &s->looked[i]);
}

static struct stack_reader stack_reader(struct census *c)
{
	struct scratch *s = c->scratch;

	return (struct stack_reader){ &c->opts, &s->pages, &s->open, s->more };
}

static void read_stacks(struct census *c, const uint32_t *look, uint32_t n)
{
	struct scratch *s = c->scratch;
	struct stack_reader r = stack_reader(c);
	uint32_t n_spans = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct stack *stack = &s->stacks[look[i]];

		if (!stack_of(c->opts.layout, s->g[look[i]], s->looked[look[i]].state, stack))
			continue;
		stack->bytes = s->first[look[i]];
		s->spans[n_spans++] = (struct memread_span){ .addr = stack->sp,
							     .dst = s->first[look[i]],
							     .n = stack->have };
	}
	memread_many(&c->opts.mem, s->spans, n_spans);
	for (uint32_t i = 0, k = 0; i < n; i++) {
		struct stack *stack = &s->stacks[look[i]];

		if (!stack->sp)
			continue;
		if (s->spans[k++].err)
			stack->have = 0;
		stack_walk(&r, s->g[look[i]], stack, &s->looked[look[i]]);
	}
}

/* Returns how many records and frames were looked at. */
static uint32_t read_depth(struct census *c, const uint8_t *g, struct stack *stack,
			   struct census_goroutine *t)
{
	struct stack_reader r = stack_reader(c);
	struct chain_walk w = {};
	uint32_t frames = stack->sp ? stack_walk_rest(&r, stack, t) : 0;

	t->chain_exact = !g_word(g, c->opts.layout->g.defer);
	if (!t->chain_exact)
		t->chain_exact = !chain_walk(&c->scratch->pages, c->opts.layout, g, &w) && w.ended;
	t->depth = w.depth + t->open_coded;
	t->depth_exact = t->chain_exact && t->walked && c->opts.open.complete;
	return w.steps + frames;
}

/* Returns how many there was time for, at least one. */
static uint32_t read_depths(struct census *c, const uint32_t *look, uint32_t n)
{
	struct scratch *s = c->scratch;
	uint32_t i, steps = 0;

	for (i = 0; i < n && steps < STEP_CHAIN; i++)
		steps += read_depth(c, s->g[look[i]], &s->stacks[look[i]], &s->looked[look[i]]);
	return i;
}

static void read_panics(struct census *c, const uint32_t *look, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct census_goroutine *t = &c->scratch->looked[look[i]];
		struct panics panics = {};

		t->panics_known = !panics_walk(&c->scratch->pages, c->opts.layout,
					       c->scratch->g[look[i]], &panics);
		t->panics = (uint8_t)panics.n;
		t->goexit = panics.goexit;
	}
}

static void read_objects(struct census *c, const uint32_t *look, uint32_t n)
{
	const struct go_layout *l = c->opts.layout;

	for (uint32_t i = 0; i < n; i++) {
		struct census_goroutine *t = &c->scratch->looked[look[i]];
		uint64_t waiting = g_word(c->scratch->g[look[i]], l->g.waiting);

		if (!census_waits(t->state) || t->reason >= CENSUS_REASONS_MAX)
			continue;
		t->wait = c->waits[t->reason];
		if (c->sleeps[t->reason])
			t->wake = CENSUS_WAKE_CLOCK;
		else if (c->conds[t->reason])
			t->wake = CENSUS_WAKE_OTHERS;
		else if (t->wait == CENSUS_WAIT_CHANNEL || t->wait == CENSUS_WAIT_SELECT)
			t->wake = wakes_of(&c->scratch->pages, l, t->g, t->wait, waiting);
		if (t->wait == CENSUS_WAIT_CHANNEL ||
		    (t->wait == CENSUS_WAIT_LOCK && l->fact.lock_waiting))
			t->object = sudog_object(&c->scratch->pages, l, waiting, t->g);
	}
}

/* The look is over: what stood still in between is exact. Returns whether it is worth another. */
static bool judge(const struct census *c, struct census_goroutine *t, const uint8_t *first,
		  const uint8_t *again)
{
	t->exact = t->state != CENSUS_RUNNING && again && g_same(c->opts.layout, first, again);
	t->depth_exact &= t->exact;
	return !t->exact && again && t->state != CENSUS_RUNNING;
}

/*
 * A look at the *n of the step that `look` names. *ret_done: how many of them there was time for; what
 * moved is left in `look`, *n of them, and their newer g in s->g.
 */
static int look_once(struct census *c, uint32_t *look, uint32_t *n, struct fetch *again,
		     uint32_t *ret_done)
{
	struct scratch *s = c->scratch;
	uint64_t addr[FETCH_MAX];
	uint32_t done, got, moved = 0;
	int err;

	pages_init(&s->pages, &c->opts.mem);
	read_stacks(c, look, *n);
	done = read_depths(c, look, *n);
	read_panics(c, look, done);
	read_objects(c, look, done);
	for (uint32_t i = 0; i < done; i++)
		addr[i] = c->roll.addr[c->at + look[i]];
	err = done ? fetch_gs(&c->opts.mem, addr, done, again, &got) : 0;
	if (err)
		return err;
	for (uint32_t i = 0; i < done; i++) {
		uint32_t k = look[i];

		if (!judge(c, &s->looked[k], s->g[k], again->at[i]))
			continue;
		s->g[k] = again->at[i];
		look[moved++] = k;
	}
	*ret_done = done;
	*n = moved;
	return 0;
}

/* Sort those that moved again, by what the second look found. Returns how many are to look at. */
static uint32_t sort_again(struct census *c, uint32_t *look, uint32_t n)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < n; i++) {
		sort_out(c, look[i]);
		if (c->scratch->found[look[i]] == FOUND_NEW)
			look[left++] = look[i];
	}
	return left;
}

/* *n: of the step; on return, for how many of them there was time. */
static int look_at_new(struct census *c, uint32_t *n)
{
	struct scratch *s = c->scratch;
	uint32_t look[FETCH_MAX], n_look = 0;

	for (uint32_t i = 0; i < *n; i++) {
		if (s->found[i] == FOUND_NEW)
			look[n_look++] = i;
	}
	for (unsigned try = 0; try < LOOK_TRIES && n_look; try++) {
		uint32_t wanted, done;
		int err;

		wanted = n_look = try ? sort_again(c, look, n_look) : n_look;
		err = look_once(c, look, &n_look, &s->fetches[1 + try], &done);
		if (err)
			return err;
		/* The rest is for the next step; `look` is as it was from there on. */
		if (!try && done < wanted)
			*n = look[done];
	}
	return 0;
}

/* Taking over */

static uint64_t link_time(const struct census *c, uint64_t addr)
{
	return addr ? addr - c->opts.bias : 0;
}

static uint64_t our_time(const struct census *c, uint64_t ns)
{
	return ns ? ns - (uint64_t)c->opts.clock_ns : 0;
}

static void leave_group(struct census *c, const struct record *r)
{
	struct group *g = r->alive && r->group != GROUP_NONE ? c->groups.by_id[r->group] : NULL;

	if (!g)
		return;
	g->next.gone++;
	g->next.woken += r->quiet;
}

static void forget(struct census *c, struct record *r)
{
	leave_group(c, r);
	member_leave(&r->member);
	*r = (struct record){ .group = GROUP_NONE };
}

static void take_over(struct census *c, struct record *r, const uint8_t *g,
		      struct census_goroutine *t, uint64_t now_ns)
{
	const struct go_layout *l = c->opts.layout;
	bool waited = is_same(c, r, g) && r->state == t->state && counts_runs(c, t->state);
	struct record was;

	if (r->alive && r->goid != t->goid)
		member_leave(&r->member);
	was = *r;
	t->created_at = link_time(c, t->created_at);
	t->start = link_time(c, t->start);
	for (unsigned i = 0; i < t->nstack; i++)
		t->stack[i] = link_time(c, t->stack[i]);
	*r = (struct record){
		.goid = t->goid,
		.parent = t->parent,
		.sp = g_sp(l, g, t->state),
		.pc = g_pc(l, g, t->state),
		.seen_ns = waited ? was.seen_ns : now_ns,
		.waitsince_ns = our_time(c, t->waitsince_ns),
		.object = t->object,
		.group = groups_intern(&c->groups, t),
		.depth = t->depth,
		.state = (uint8_t)t->state,
		.reason = t->reason,
		.wait = (uint8_t)t->wait,
		.wake = (uint8_t)t->wake,
		.member = was.member,
		.tracking_seq = g[l->g.tracking_seq],
		.panics = t->panics,
		.alive = true,
		.exact = t->exact,
		.depth_exact = t->depth_exact,
		.panics_known = t->panics_known,
		.goexit = t->goexit,
		.open_coded = t->open_coded < UINT16_MAX ? (uint16_t)t->open_coded : UINT16_MAX,
		.settled = t->exact && t->chain_exact && t->panics_known &&
			   (t->whole || (census_waits(t->state) && !t->unfinished)),
		.quiet = was.quiet && was.group == r->group && was.goid == t->goid,
	};
	if (was.group != r->group || was.goid != r->goid)
		leave_group(c, &was);
}

static void count(struct census *c, struct record *r, uint64_t now_ns)
{
	uint64_t since = census_since(r->seen_ns, r->waitsince_ns);
	bool was_quiet = r->quiet;
	struct group_sum *sum;

	c->next.told++;
	c->next.states[r->state]++;
	c->next.inexact += !r->exact;
	c->next.lock_waiters += r->wait == CENSUS_WAIT_LOCK;
	if (r->group == GROUP_NONE) {
		c->next.left_out++;
		return;
	}
	sum = &c->groups.by_id[r->group]->next;
	r->quiet = c->opts.quiet_ns && counts_runs(c, r->state) &&
		   now_ns - r->seen_ns >= c->opts.quiet_ns;
	sum->count++;
	sum->inexact += !r->exact;
	sum->depth_inexact += !r->depth_exact;
	sum->quiet += r->quiet;
	sum->minute += counts_runs(c, r->state) && now_ns - r->seen_ns >= MINUTE_NS;
	sum->woken += was_quiet && !r->quiet;
	if (r->depth > sum->depth_max)
		sum->depth_max = r->depth;
	if (r->panics > sum->panics_max)
		sum->panics_max = r->panics;
	sum->goexit += r->goexit;
	if (counts_runs(c, r->state) && (!sum->oldest_ns || since < sum->oldest_ns))
		sum->oldest_ns = since;
	if (!sum->first || r->goid < sum->first)
		sum->first = r->goid;
}

/* Crews */

static enum sight sight_of(const struct group *g, const struct record *r, bool ran)
{
	if (r->state == CENSUS_SYSCALL || (census_waits(r->state) && r->wake == CENSUS_WAKE_CLOCK))
		return SIGHT_ALONE;
	if (!census_waits(r->state))
		return SIGHT_AWAKE;
	return r->wake == CENSUS_WAKE_OTHERS && g->direct && ran ? SIGHT_GIVEN : SIGHT_NOTHING;
}

/* `known`: it was at the census before; `ran`: and has run since. */
static void muster(struct census *c, struct record *r, bool known, bool ran, uint64_t now_ns)
{
	struct group *g = r->group == GROUP_NONE ? NULL : c->groups.by_id[r->group];
	struct sighting s;

	if (!g) {
		member_leave(&r->member);
		return;
	}
	if (!g->crew)
		place_group(c, g);
	g->next.moving += (!known || ran) && r->wake != CENSUS_WAKE_CLOCK;
	s = (struct sighting){ .sight = sight_of(g, r, ran),
			       .quiet = r->quiet,
			       .syscall = r->state == CENSUS_SYSCALL,
			       .waits = census_waits(r->state),
			       .line = g->line };
	member_see(&r->member, g->crew, &s, now_ns, c->opts.quiet_ns);
}

/* The census has ended: a crew that nobody is in goes, and no group may name it. */
static void end_crews(struct census *c)
{
	for (struct group *g = c->groups.by_key; g; g = g->hh.next) {
		if (!g->line || g->line->next.count)
			continue;
		g->line = NULL;
		g->placed = false;
	}
	groups_end(&c->groups);
	crews_end(&c->crews);
	for (struct group *g = c->groups.by_key; g; g = g->hh.next) {
		struct crew *of[] = { g->crew, g->line };

		for (unsigned i = 0; i < ARRAY_SIZE(of); i++) {
			if (of[i] && (!of[i]->largest || of[i]->largest->sum.count < g->sum.count))
				of[i]->largest = g;
		}
	}
}

static void settle(struct census *c, uint32_t i, uint64_t now_ns)
{
	struct scratch *s = c->scratch;
	struct record *r = &c->roll.rec[c->at + i];
	bool known = s->found[i] == FOUND_SAME ||
		     (s->found[i] == FOUND_NEW && r->alive && r->goid == s->looked[i].goid);
	bool ran = known && s->found[i] == FOUND_NEW && !is_same(c, r, s->g[i]);

	switch (s->found[i]) {
	case FOUND_BAD:
		c->next.bad++;
		forget(c, r);
		return;
	case FOUND_NONE:
		forget(c, r);
		return;
	case FOUND_NEW:
		take_over(c, r, s->g[i], &s->looked[i], now_ns);
		break;
	case FOUND_SAME:
		/* The collector tells of a wait that it has met. */
		if (census_waits(r->state))
			r->waitsince_ns = our_time(c, g_word(s->g[i], c->opts.layout->g.waitsince));
		c->next.reused++;
		break;
	}
	count(c, r, now_ns);
	muster(c, r, known, ran, now_ns);
}

/* A waiter of the table of semaphores, or of a condition. */
static void on_waiter(void *arg, uint64_t g, uint64_t word)
{
	struct census *c = arg;
	struct record *r = roll_find(&c->roll, g);

	if (r && r->alive && r->wait == CENSUS_WAIT_LOCK)
		r->object = word;
}

static bool waits_for_cond(const struct census *c, const struct record *r)
{
	return r->alive && r->wait == CENSUS_WAIT_LOCK && r->reason < CENSUS_REASONS_MAX &&
	       c->conds[r->reason];
}

static void read_semtable(struct census *c)
{
	for (uint32_t i = 0; i < c->roll.n; i++) {
		struct record *r = &c->roll.rec[i];

		if (r->wait == CENSUS_WAIT_LOCK && !waits_for_cond(c, r))
			r->object = 0;
	}
	(void)sudog_semtable(&c->opts.mem, c->opts.layout, c->opts.where.semtable, on_waiter, c);
}

/* Who has not run since waits for the same as before. */
static void read_conds(struct census *c)
{
	struct conds *conds = NULL;

	for (uint32_t i = 0; i < c->roll.n; i++) {
		struct record *r = &c->roll.rec[i];

		if (r->object || !waits_for_cond(c, r))
			continue;
		conds = conds ?: conds_new(&c->opts.mem, on_waiter, c);
		if (conds)
			(void)conds_find(conds, c->roll.addr[i], r->sp);
	}
	free(conds);
}

static void locate(struct census *c)
{
	if (!c->next.lock_waiters)
		return;
	if (!c->opts.layout->fact.lock_waiting) {
		if (c->opts.where.semtable)
			read_semtable(c);
		read_conds(c);
	}
	for (uint32_t i = 0; i < c->roll.n; i++) {
		const struct record *r = &c->roll.rec[i];

		c->next.not_located += r->alive && r->wait == CENSUS_WAIT_LOCK && !r->object;
	}
}

static void finish(struct census *c, uint64_t now_ns)
{
	locate(c);
	c->next.end_ns = now_ns;
	memcpy(c->next.reasons, c->reasons, sizeof(c->reasons));
	c->last = c->next;
	end_crews(c);
	stop(c);
}

int census_step(struct census *c, uint64_t now_ns, struct reason *reason)
{
	struct scratch *s = c->scratch;
	uint32_t n = 0;
	int err = 0;

	if (c->at < c->roll.n)
		err = fetch_gs(&c->opts.mem, c->roll.addr + c->at, c->roll.n - c->at,
			       &s->fetches[0], &n);
	for (uint32_t i = 0; i < n && !err; i++) {
		s->g[i] = s->fetches[0].at[i];
		sort_out(c, i);
	}
	if (!err)
		err = look_at_new(c, &n);
	if (err) {
		stop(c);
		return fail(err, reason);
	}
	for (uint32_t i = 0; i < n; i++)
		settle(c, i, now_ns);
	c->at += n;
	if (c->at < c->roll.n)
		return 1;
	finish(c, now_ns);
	return 0;
}

/* All but the stack. */
static void recall(const struct census *c, uint32_t i, struct census_goroutine *ret)
{
	const struct record *r = &c->roll.rec[i];
	const struct group *group = r->group == GROUP_NONE ? NULL : c->groups.by_id[r->group];

	memset(ret, 0, offsetof(struct census_goroutine, stack));
	ret->g = c->roll.addr[i];
	ret->goid = r->goid;
	ret->parent = r->parent;
	if (counts_runs(c, r->state)) {
		ret->seen_ns = r->seen_ns;
		ret->waitsince_ns = r->waitsince_ns;
	}
	ret->tracking_seq = r->tracking_seq;
	ret->state = r->state;
	ret->reason = r->reason;
	ret->exact = r->exact;
	ret->wait = r->wait;
	ret->object = r->object;
	ret->depth = r->depth;
	ret->open_coded = r->open_coded;
	ret->depth_exact = r->depth_exact;
	ret->panics_known = r->panics_known;
	ret->panics = r->panics;
	ret->goexit = r->goexit;
	if (group) {
		ret->whole = group->whole;
		ret->created_at = group->key.created_at;
		ret->start = group->key.start;
	}
}

void census_each(const struct census *c,
		 void (*fn)(void *arg, const struct census_goroutine *g, uint32_t group), void *arg)
{
	for (uint32_t i = 0; i < c->roll.n; i++) {
		uint32_t id = c->roll.rec[i].group;
		struct census_goroutine g;

		if (!c->roll.rec[i].alive)
			continue;
		recall(c, i, &g);
		if (id != GROUP_NONE) {
			g.nstack = c->groups.by_id[id]->key.nstack;
			memcpy(g.stack, c->groups.by_id[id]->key.stack,
			       g.nstack * sizeof(g.stack[0]));
		}
		fn(arg, &g, id);
	}
}

void census_deep(const struct census *c, uint32_t depth,
		 void (*fn)(void *arg, const struct census_goroutine *g, uint32_t group), void *arg)
{
	for (uint32_t i = 0; i < c->roll.n; i++) {
		struct census_goroutine g;

		if (!c->roll.rec[i].alive || c->roll.rec[i].depth < depth)
			continue;
		recall(c, i, &g);
		fn(arg, &g, c->roll.rec[i].group);
	}
}

void census_waiters(const struct census *c,
		    void (*fn)(void *arg, const struct census_goroutine *g, uint32_t group),
		    void *arg)
{
	for (uint32_t i = 0; i < c->roll.n; i++) {
		struct census_goroutine g;

		if (!c->roll.rec[i].alive || !c->roll.rec[i].object)
			continue;
		recall(c, i, &g);
		fn(arg, &g, c->roll.rec[i].group);
	}
}

int census_memory(const struct census *c, uint64_t addr, void *dst, size_t n)
{
	return memread_at(&c->opts.mem, addr, dst, n);
}
