// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/pending.h"

#include <stdlib.h>

#include "census/g_priv.h"
#include "census/open_priv.h"
#include "census/pages.h"

#define RECORD_BYTES 48u

struct pending {
	const struct census_opts *o;
	struct pages pages;
	const struct census_goroutine *of;
	void (*fn)(void *arg, const struct census_goroutine *t, const struct pending_call *call);
	void *arg;
};

struct pending *pending_new(const struct census *c)
{
	struct pending *p = malloc(sizeof(*p));

	if (p)
		p->o = census_opts(c);
	return p;
}

static void tell(struct pending *p, uint64_t closure, uint64_t begin, uint64_t at)
{
	struct pending_call call = { .begin = begin, .at = at };
	uint64_t words[2];

	if (!closure || closure % 8 || pages_read(&p->pages, closure, words, sizeof(words)) ||
	    words[0] <= p->o->bias)
		return;
	call.function = words[0] - p->o->bias;
	call.capture = words[1];
	p->fn(p->arg, p->of, &call);
}

static void tell_records(struct pending *p, const uint8_t *g)
{
	const struct go_layout *l = p->o->layout;
	uint64_t at = g_word(g, l->g.defer);
	uint8_t record[RECORD_BYTES];

	for (unsigned i = 0; at && i < PENDING_RECORDS_MAX; i++) {
		if (pages_read(&p->pages, at, record, sizeof(record)))
			return;
		at = g_word(record, l->defer.link);
		tell(p, g_word(record, l->defer.fn), 0, 0);
	}
}

/* Those of the frame whose base pointer is bp, of a function that is at pc. */
static void tell_open(struct pending *p, uint64_t pc, uint64_t bp)
{
	const struct census_open *open = &p->o->open;
	const struct opendefer *f;
	uint64_t closure;
	uint8_t bits;

	pc -= p->o->bias + 1;
	f = pc < open->text ? NULL : opendefer_at(open->list, open->n, pc - open->text);
	if (!f || !f->closures || pages_read(&p->pages, bp - f->below, &bits, sizeof(bits)))
		return;
	for (unsigned i = 0; bits >> i; i++) {
		if (bits >> i & 1 &&
		    !pages_read(&p->pages, bp - opendefer_closure(f, i), &closure, sizeof(closure)))
			tell(p, closure, open->text + f->begin, pc + 1);
	}
}

/* By frame pointers, as stack_walk() does. */
static void tell_frames(struct pending *p, const uint8_t *g)
{
	uint64_t bp = g_word(g, p->o->layout->g.sched_bp), hi = g_word(g, p->o->layout->g.stack_hi);
	uint64_t lo = g_sp(p->o->layout, g, p->of->state), frame[2];

	for (unsigned i = 0; bp >= lo && bp < hi && i < PENDING_FRAMES_MAX; i++) {
		if (pages_read(&p->pages, bp, frame, sizeof(frame)) || (frame[0] && frame[0] <= bp))
			return;
		if (frame[0])
			tell_open(p, frame[1], frame[0]);
		bp = frame[0];
	}
}

/* Of the goroutine still, where it stood. */
static bool stands(const struct pending *p, uint8_t *g)
{
	const struct go_layout *l = p->o->layout;
	enum census_state state;

	return !memread_at(&p->o->mem, p->of->g, g, G_BYTES) &&
	       g_word(g, l->g.goid) == p->of->goid && g_state(g_status(g, l), &state) &&
	       state == p->of->state && g[l->g.tracking_seq] == p->of->tracking_seq;
}

bool pending_calls(struct pending *p, const struct census_goroutine *t,
		   void (*fn)(void *arg, const struct census_goroutine *t,
			      const struct pending_call *call),
		   void *arg)
{
	uint8_t g[G_BYTES], again[G_BYTES];

	p->of = t;
	p->fn = fn;
	p->arg = arg;
	if (t->state == CENSUS_RUNNING || !stands(p, g))
		return false;
	pages_init(&p->pages, &p->o->mem);
	tell_records(p, g);
	tell_frames(p, g);
	return stands(p, again);
}
