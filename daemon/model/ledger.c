// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/ledger.h"

#include <stdlib.h>
#include <string.h>

#define BUCKET_NS 10000000000ull

struct ledger *ledger_new(void)
{
	return calloc(1, sizeof(struct ledger));
}

void ledger_free(struct ledger *l)
{
	struct ledger_site *s, *next;

	if (!l)
		return;
	for (unsigned i = 0; i < LEDGER_ENTRIES_MAX; i++)
		free(l->entries[i]);
	HASH_ITER (hh, l->sites, s, next) {
		HASH_DEL(l->sites, s);
		free(s);
	}
	free(l);
}

const struct ledger_entry *ledger_entry(const struct ledger *l, unsigned age)
{
	if (age >= LEDGER_ENTRIES_MAX)
		return NULL;
	return l->entries[(l->next + LEDGER_ENTRIES_MAX - 1 - age) % LEDGER_ENTRIES_MAX];
}

const struct ledger_entry *ledger_newest_panic(const struct ledger *l, uint32_t target)
{
	const struct ledger_entry *e;

	for (unsigned age = 0; (e = ledger_entry(l, age)); age++) {
		if (e->target == target && e->kind == LEDGER_PANIC)
			return e;
	}
	return NULL;
}

static struct ledger_entry *find(struct ledger *l, uint64_t id)
{
	for (unsigned i = 0; i < LEDGER_ENTRIES_MAX; i++) {
		if (l->entries[i] && l->entries[i]->id == id)
			return l->entries[i];
	}
	return NULL;
}

static struct ledger_entry *enter(struct ledger *l, const struct event *ev, uint32_t image_id,
				  enum runtime_kind runtime)
{
	struct ledger_entry **place = &l->entries[l->next], *e = *place;

	if (!e)
		e = *place = malloc(sizeof(*e));
	if (!e)
		return NULL;
	l->next = (l->next + 1) % LEDGER_ENTRIES_MAX;
	*e = (struct ledger_entry){
		.id = ev->panic.id,
		.target = ev->target,
		.pid = ev->pid,
		.tid = ev->tid,
		.image_id = image_id,
		.runtime = runtime,
		.began_ns = ev->time_ns,
		.what = ev->panic,
	};
	return e;
}

/* The one that has not panicked for the longest time, as of a process that is gone. */
static void forget_oldest(struct ledger *l)
{
	struct ledger_site *oldest = l->sites;

	for (struct ledger_site *s = l->sites; s; s = s->hh.next) {
		if (s->last_ns < oldest->last_ns)
			oldest = s;
	}
	aftermaths_forget(&l->aftermaths, &oldest->aftermath);
	HASH_DEL(l->sites, oldest);
	free(oldest);
}

static struct ledger_site_key key_of(const struct ledger_entry *e)
{
	struct ledger_site_key key;

	memset(&key, 0, sizeof(key));
	key.type = e->what.type;
	key.target = e->target;
	key.kind = e->kind;
	key.aborts = e->what.aborts;
	for (unsigned i = 0; i < LEDGER_SITE_FRAMES && i < e->what.nstack; i++)
		key.frames[i] = e->what.stack[i];
	return key;
}

const struct ledger_site *ledger_site_of(const struct ledger *l, const struct ledger_entry *e)
{
	struct ledger_site_key key = key_of(e);
	struct ledger_site *s;

	HASH_FIND(hh, l->sites, &key, sizeof(key), s);
	return s;
}

static struct ledger_site *site_of(struct ledger *l, const struct ledger_entry *e, bool create)
{
	struct ledger_site_key key = key_of(e);
	struct ledger_site *s;

	HASH_FIND(hh, l->sites, &key, sizeof(key), s);
	if (s || !create)
		return s;
	if (HASH_COUNT(l->sites) >= LEDGER_SITES_MAX)
		forget_oldest(l);
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->key = key;
	s->image_id = e->image_id;
	s->pid = e->pid;
	s->runtime = e->runtime;
	s->go_minor = e->what.go_minor;
	s->nil_stays = e->what.nil_stays;
	s->design = key.aborts                 ? DESIGN_ABORT
		    : e->runtime == RUNTIME_GO ? DESIGN_UNKNOWN
					       : DESIGN_NONE;
	HASH_ADD(hh, l->sites, key, sizeof(s->key), s);
	return s;
}

bool ledger_take_site(struct ledger *l, const struct ledger_site *site)
{
	struct ledger_site *s;

	HASH_FIND(hh, l->sites, &site->key, sizeof(site->key), s);
	if (s || HASH_COUNT(l->sites) >= LEDGER_SITES_MAX)
		return true;
	s = malloc(sizeof(*s));
	if (!s)
		return false;
	*s = *site;
	HASH_ADD(hh, l->sites, key, sizeof(s->key), s);
	return true;
}

/* NULL: out of memory. */
static struct ledger_site *count_started(struct ledger *l, const struct ledger_entry *e)
{
	struct ledger_site *s = site_of(l, e, true);

	if (s) {
		s->started++;
		s->last_ns = e->began_ns;
		s->nstack = e->what.nstack;
		memcpy(s->stack, e->what.stack, sizeof(s->stack));
		s->norigin = e->norigin;
		memcpy(s->origin, e->origin, sizeof(s->origin));
	}
	return s;
}

static void count_ended(struct ledger *l, const struct ledger_entry *e)
{
	struct ledger_site *s = site_of(l, e, false);
	uint64_t bucket = e->ended_ns / BUCKET_NS;
	unsigned i = bucket % LEDGER_MINUTE;

	if (!s)
		return;
	s->outcomes[e->outcome]++;
	if (e->outcome != OUTCOME_RECOVERED)
		return;
	if (s->minute_of[i] != bucket) {
		s->minute_of[i] = bucket;
		s->recovered_at[i] = 0;
	}
	s->recovered_at[i]++;
	s->frame = e->frame;
}

/*
 * The runtime prints its own: what it had when it died is a string where it began as another type,
 * whose Error() or String() has been called.
 */
static void keep_printed(struct ledger_entry *e, const struct event_panic *p)
{
	if (p->step != PANIC_FATAL || !p->type || p->type == e->what.type || !p->text_len)
		return;
	e->what.said = p->value[2] ? PANIC_SAID_BEFORE : PANIC_SAID;
	e->what.said_len = p->text_len;
	memcpy(e->what.said_text, p->text, p->text_len);
}

static void close_panics(struct ledger *l, const struct event *ev)
{
	const struct event_panic *p = &ev->panic;
	uint64_t newer = 0; /* closed by the same step */

	for (unsigned i = 0; i < p->nclosed; i++) {
		struct ledger_entry *e = find(l, p->closed[i].id);
		enum panic_outcome o = p->closed[i].outcome;

		if (e && e->outcome == OUTCOME_RUNNING) {
			e->outcome = o;
			e->ended_ns = ev->time_ns;
			if (o == OUTCOME_RECOVERED) {
				e->frame = p->frame;
				e->recover_site = p->recover_site;
			}
			if (o == OUTCOME_OVERRIDDEN || o == OUTCOME_REPANICKED)
				e->replaced_by = newer;
			if (o == OUTCOME_FATAL)
				keep_printed(e, p);
			count_ended(l, e);
		}
		newer = p->closed[i].id;
	}
}

/* Go's heap begins there; below lie a program's own constants and variables, which many may raise. */
#define GO_HEAP 0xc000000000ull

/* Memory is used again, by what has other words. */
static bool same_value(const struct event_panic *p, const struct event_panic *older)
{
	return p->data == older->data && p->type == older->type && p->value[0] == older->value[0] &&
	       p->text_len == older->text_len && !memcmp(p->text, older->text, p->text_len);
}

/*
 * An interface at that word of the value, with what `older` has panicked with: at its address lies the same still. A value
 * whose size is not known may end before.
 */
static bool has_inside(const struct event_panic *p, unsigned word, const struct event_panic *older)
{
	const uint64_t *there = p->inner + word;

	return p->value_size >= (word + 2) * 8 && p->value[word] &&
	       p->value[word + 1] == older->data && there[0] == older->value[0] &&
	       (older->value_size < 16 || there[1] == older->value[1]);
}

/* A recovered value, or one that was put into a struct with the stack, or behind a message. */
static bool holds(const struct event_panic *p, const struct event_panic *older)
{
	if (older->data < 4096)
		return false;
	return same_value(p, older) || has_inside(p, 0, older) || has_inside(p, 2, older);
}

/*
 * Whoever waits for a goroutine may take its panic along and raise it again in its own: net/http's
 * TimeoutHandler, errgroup, singleflight. A value that is the same at one line only is not that.
 */
static bool raises(const struct ledger_entry *e, const struct ledger_entry *older)
{
	uint64_t most = older->what.data < GO_HEAP ? LEDGER_AGAIN_STATIC_NS : LEDGER_AGAIN_NS;

	/* Who raises again is no first one: memory is used again, by an error of the same text as well. */
	return older != e && !older->raises && older->target == e->target && !older->what.c &&
	       !older->kind && older->what.goid != e->what.goid && older->what.nstack &&
	       e->what.nstack && older->what.stack[0] != e->what.stack[0] &&
	       (older->outcome == OUTCOME_RECOVERED || older->outcome == OUTCOME_RUNNING) &&
	       e->began_ns - older->began_ns <= most && holds(&e->what, &older->what);
}

const uint64_t *ledger_first_stack(const struct ledger_entry *e, unsigned *ret_n)
{
	*ret_n = e->norigin ? e->norigin : e->what.nstack;
	return e->norigin ? e->origin : e->what.stack;
}

static void find_first(struct ledger *l, struct ledger_entry *e)
{
	struct ledger_entry *newest = NULL;
	struct ledger_site *s;
	const uint64_t *stack;

	for (unsigned i = 0; i < LEDGER_ENTRIES_MAX; i++) {
		struct ledger_entry *older = l->entries[i];

		if (older && raises(e, older) && (!newest || older->began_ns > newest->began_ns))
			newest = older;
	}
	if (!newest)
		return;
	e->raises = newest->id;
	newest->raised_by = e->id;
	stack = ledger_first_stack(newest, &e->norigin);
	memcpy(e->origin, stack, e->norigin * sizeof(*stack));
	s = site_of(l, newest, false);
	if (s)
		s->aftermath.raised++;
}

static bool is_overflow(const struct event_panic *p)
{
	static const char text[] = "stack overflow";

	return p->step == PANIC_THROW && p->text_len == sizeof(text) - 1 &&
	       !memcmp(p->text, text, sizeof(text) - 1);
}

/* Where the stack was full is chance: what filled it is the innermost call that stands in it again and again. */
static void find_recursion(struct ledger_entry *e)
{
	const struct event_panic *p = &e->what;

	for (unsigned i = 0; i < p->nstack; i++) {
		for (unsigned k = i + 1; k < p->nstack; k++) {
			if (p->stack[i] != p->stack[k])
				continue;
			e->norigin = p->nstack - i;
			memcpy(e->origin, p->stack + i, e->norigin * sizeof(p->stack[0]));
			return;
		}
	}
}

#define DEATH_ID (1ull << 62) /* ids of panics are small, and all fit into a signed number */

/* The process dies without a panic to blame. */
static bool enter_death(struct ledger *l, const struct event *ev, uint32_t image_id,
			enum runtime_kind runtime, enum ledger_kind kind)
{
	const struct ledger_entry *last = ledger_newest_panic(l, ev->target);
	uint64_t last_id = last ? last->id : 0;
	struct ledger_entry *e = enter(l, ev, image_id, runtime); /* perhaps in the place of that */

	if (!e)
		return false;
	e->id = ev->time_ns | DEATH_ID;
	e->last = last_id;
	e->kind = kind;
	e->outcome = OUTCOME_FATAL;
	e->ended_ns = ev->time_ns;
	if (is_overflow(&e->what))
		find_recursion(e);
	if (!count_started(l, e))
		return false;
	count_ended(l, e);
	return true;
}

bool ledger_apply(struct ledger *l, const struct event *ev, uint32_t image_id,
		  enum runtime_kind runtime, bool died)
{
	struct ledger_site *s = NULL;
	struct ledger_entry *e;

	close_panics(l, ev);
	if (ev->panic.step == PANIC_STARTED) {
		e = enter(l, ev, image_id, runtime);
		if (e && !ev->panic.c)
			find_first(l, e);
		s = e ? count_started(l, e) : NULL;
	}
	aftermaths_panic(&l->aftermaths, ev, s ? &s->aftermath : NULL);
	switch (ev->panic.step) {
	case PANIC_STARTED:
		return s != NULL;
	case PANIC_THROW:
		return died || enter_death(l, ev, image_id, runtime, LEDGER_THROW);
	case PANIC_DYING:
		return died || enter_death(l, ev, image_id, runtime,
					   ev->panic.from_exit && !ev->panic.signo ? LEDGER_EXIT
										   : LEDGER_SIGNAL);
	default:
		return true;
	}
}

void ledger_say(struct ledger *l, const struct event_panic_text *in)
{
	struct ledger_entry *e = find(l, in->panic);

	if (!e || e->what.said != PANIC_UNSAID)
		return;
	e->what.said = PANIC_SAID;
	e->what.said_len = in->len;
	memcpy(e->what.said_text, in->text, in->len);
}

bool ledger_uses_image(const struct ledger *l, uint32_t image_id)
{
	for (unsigned i = 0; i < LEDGER_ENTRIES_MAX; i++) {
		if (l->entries[i] && l->entries[i]->image_id == image_id)
			return true;
	}
	for (const struct ledger_site *s = l->sites; s; s = s->hh.next) {
		if (s->image_id == image_id)
			return true;
	}
	return false;
}

static uint64_t recovered_per_minute(const struct ledger_site *s, uint64_t now_ns)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < LEDGER_MINUTE; i++) {
		if (s->minute_of[i] + LEDGER_MINUTE > now_ns / BUCKET_NS)
			n += s->recovered_at[i];
	}
	return n;
}

bool ledger_wants_aftermath(const struct ledger *l, uint64_t now_ns)
{
	for (const struct ledger_site *s = l->sites; s; s = s->hh.next) {
		if (s->design == DESIGN_NONE && s->aftermath.watched < AFTERMATH_ENOUGH &&
		    recovered_per_minute(s, now_ns))
			return true;
	}
	return false;
}

const struct ledger_site *ledger_busiest(const struct ledger *l, uint64_t now_ns,
					 uint64_t *ret_per_minute)
{
	const struct ledger_site *busiest = NULL;
	uint64_t most = 0;

	for (const struct ledger_site *s = l->sites; s; s = s->hh.next) {
		uint64_t n = recovered_per_minute(s, now_ns);

		if (n > most && s->design == DESIGN_NONE) {
			most = n;
			busiest = s;
		}
	}
	*ret_per_minute = most;
	return busiest;
}
