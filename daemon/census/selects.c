// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Some goroutines at a time: their g structs, then the first case of each, the second, and so on, each in
 * one call of the kernel; then their g structs again.
 */
#include "census/selects.h"

#include "census/g_priv.h"
#include "census/sudog_priv.h"

#define BATCH 16u

struct selecting {
	struct census_goroutine goroutine;
	uint32_t group;
	bool good;
	uint8_t g[G_BYTES], again[G_BYTES];
	uint64_t next; /* sudog */
	uint8_t sudog[SUDOG_BYTES];
	uint64_t channels[SELECT_CASES_MAX];
	unsigned n_channels;
};

struct search {
	const struct census_opts *o;
	void (*fn)(void *arg, const struct census_goroutine *g, uint32_t group, uint64_t channel);
	void *arg;
	uint32_t looked, unknown;
	unsigned n;
	struct selecting batch[BATCH];
};

/* It waits in the same select, or in another one. */
static bool still_selects(const struct search *s, const struct selecting *w)
{
	const struct go_layout *l = s->o->layout;
	enum census_state state;

	return g_word(w->g, l->g.goid) == w->goroutine.goid && g_state(g_status(w->g, l), &state) &&
	       census_waits(state) && w->g[l->g.waitreason] == w->goroutine.reason;
}

/* Their g structs, for the first time or again. */
static void read_gs(struct search *s, struct memread_span spans[BATCH], bool again)
{
	for (unsigned i = 0; i < s->n; i++) {
		struct selecting *w = &s->batch[i];

		spans[i] = (struct memread_span){ .addr = w->goroutine.g,
						  .dst = again ? w->again : w->g,
						  .n = G_BYTES };
	}
	memread_many(&s->o->mem, spans, s->n);
}

static void look(struct search *s)
{
	struct memread_span spans[BATCH];

	read_gs(s, spans, false);
	for (unsigned i = 0; i < s->n; i++) {
		struct selecting *w = &s->batch[i];

		w->good = !spans[i].err && still_selects(s, w);
		w->next = w->good ? g_word(w->g, s->o->layout->g.waiting) : 0;
		w->n_channels = 0;
	}
}

/* One more case of each that has one; false: none has. */
static bool read_cases(struct search *s)
{
	struct memread_span spans[BATCH];
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++) {
		if (s->batch[i].next)
			spans[n++] = (struct memread_span){ .addr = s->batch[i].next,
							    .dst = s->batch[i].sudog,
							    .n = SUDOG_BYTES };
	}
	memread_many(&s->o->mem, spans, n);
	for (unsigned i = 0, k = 0; i < s->n; i++) {
		struct selecting *w = &s->batch[i];

		if (!w->next)
			continue;
		w->good = !spans[k++].err && sudog_case(s->o->layout, w->sudog, w->goroutine.g,
							w->channels, &w->n_channels, &w->next);
		if (!w->good)
			w->next = 0;
	}
	return n;
}

static void look_again(struct search *s)
{
	struct memread_span spans[BATCH];

	read_gs(s, spans, true);
	for (unsigned i = 0; i < s->n; i++) {
		struct selecting *w = &s->batch[i];

		w->good = w->good && w->n_channels && !spans[i].err &&
			  g_same(s->o->layout, w->g, w->again);
	}
}

static void finish(struct search *s)
{
	look(s);
	for (unsigned i = 0; i < SELECT_CASES_MAX && read_cases(s); i++)
		;
	look_again(s);
	for (unsigned i = 0; i < s->n; i++) {
		const struct selecting *w = &s->batch[i];

		s->unknown += !w->good;
		for (unsigned k = 0; w->good && k < w->n_channels; k++)
			s->fn(s->arg, &w->goroutine, w->group, w->channels[k]);
	}
	s->n = 0;
}

static void on_goroutine(void *arg, const struct census_goroutine *t, uint32_t group)
{
	struct search *s = arg;

	if (t->wait != CENSUS_WAIT_SELECT)
		return;
	if (s->looked == SELECTS_MAX) {
		s->unknown++;
		return;
	}
	s->looked++;
	s->batch[s->n].goroutine = *t;
	s->batch[s->n++].group = group;
	if (s->n == BATCH)
		finish(s);
}

uint32_t selects_find(const struct census *c,
		      void (*fn)(void *arg, const struct census_goroutine *g, uint32_t group,
				 uint64_t channel),
		      void *arg)
{
	struct search s;

	s.o = census_opts(c);
	s.fn = fn;
	s.arg = arg;
	s.looked = s.unknown = s.n = 0;
	census_deep(c, 0, on_goroutine, &s);
	finish(&s);
	return s.unknown;
}
