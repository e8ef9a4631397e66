// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/selects.h"

#include "census/g_priv.h"
#include "census/sudog_priv.h"

struct search {
	const struct census_opts *o;
	void (*fn)(void *arg, const struct census_goroutine *g, uint32_t group, uint64_t channel);
	void *arg;
	uint32_t looked, unknown;
};

/* It waits in the same select, or in another one. */
static bool still_selects(const struct search *s, const struct census_goroutine *t,
			  const uint8_t *g)
{
	const struct go_layout *l = s->o->layout;
	enum census_state state;

	return g_word(g, l->g.goid) == t->goid && g_state(g_status(g, l), &state) &&
	       census_waits(state) && g[l->g.waitreason] == t->reason;
}

static unsigned read_channels(struct search *s, const struct census_goroutine *t,
			      uint64_t channels[SELECT_CASES_MAX])
{
	const struct go_layout *l = s->o->layout;
	uint8_t g[G_BYTES], again[G_BYTES];
	unsigned n;

	if (memread_at(&s->o->mem, t->g, g, sizeof(g)) || !still_selects(s, t, g))
		return 0;
	n = sudog_channels(&s->o->mem, l, g_word(g, l->g.waiting), t->g, channels,
			   SELECT_CASES_MAX);
	if (memread_at(&s->o->mem, t->g, again, sizeof(again)) || !g_same(l, g, again))
		return 0;
	return n;
}

static void on_goroutine(void *arg, const struct census_goroutine *t, uint32_t group)
{
	uint64_t channels[SELECT_CASES_MAX];
	struct search *s = arg;
	unsigned n = 0;

	if (t->wait != CENSUS_WAIT_SELECT)
		return;
	if (s->looked++ < SELECTS_MAX)
		n = read_channels(s, t, channels);
	s->unknown += !n;
	for (unsigned i = 0; i < n; i++)
		s->fn(s->arg, t, group, channels[i]);
}

uint32_t selects_find(const struct census *c,
		      void (*fn)(void *arg, const struct census_goroutine *g, uint32_t group,
				 uint64_t channel),
		      void *arg)
{
	struct search s = { .o = census_opts(c), .fn = fn, .arg = arg };

	census_deep(c, 0, on_goroutine, &s);
	return s.unknown;
}
