// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/holders.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "census/chain.h"
#include "census/g_priv.h"
#include "census/stack_priv.h"

#define RECORDS_MAX  64u /* deferred calls of one goroutine that are looked at */
#define RECORD_BYTES 48u

struct search {
	const struct census *c;
	const struct census_opts *o;
	const uint64_t *locks;
	unsigned n;
	void (*fn)(void *arg, const struct holder *h);
	void *arg;
	uint32_t looked;
	struct pages pages;
	uint8_t stack[STACK_BYTES];
};

static void tell(struct search *s, const struct census_goroutine *t, uint32_t group, unsigned lock,
		 enum holder_hint hint, uint64_t function)
{
	struct holder h = { .lock = lock, .hint = hint, .goid = t->goid, .group = group };

	h.function = function > s->o->bias ? function - s->o->bias : 0;
	s->fn(s->arg, &h);
}

/* The code of a Go program lies below its heap and its stacks. */
static bool may_be_code(const struct search *s, uint64_t word)
{
	return word > s->o->bias && word < s->o->where.allgs_len;
}

static void look_at_stack(struct search *s, const struct census_goroutine *t, uint32_t group,
			  const uint8_t *g)
{
	uint64_t hi = g_word(g, s->o->layout->g.stack_hi), sp = g_sp(s->o->layout, g, t->state), n;

	if (sp <= g_word(g, s->o->layout->g.stack_lo) || sp >= hi)
		return;
	n = hi - sp < STACK_BYTES ? hi - sp : STACK_BYTES;
	if (memread_at(&s->o->mem, sp, s->stack, n))
		return;
	for (uint64_t at = 0; at + 8 <= n; at += 8) {
		uint64_t word = g_word(s->stack, (unsigned)at),
			 before = at ? g_word(s->stack, (unsigned)at - 8) : 0;

		for (unsigned i = 0; i < s->n; i++) {
			if (word == s->locks[i] && may_be_code(s, before))
				tell(s, t, group, i, HOLDER_CLOSURE, before);
			else if (word == s->locks[i])
				tell(s, t, group, i, HOLDER_FRAME, 0);
		}
	}
}

static void look_at_defers(struct search *s, const struct census_goroutine *t, uint32_t group,
			   const uint8_t *g)
{
	const struct go_layout *l = s->o->layout;
	uint64_t at = g_word(g, l->g.defer);

	for (unsigned i = 0; at && i < RECORDS_MAX; i++) {
		uint8_t record[RECORD_BYTES];
		uint64_t closure[2];

		if (pages_read(&s->pages, at, record, sizeof(record)))
			return;
		at = g_word(record, l->defer.link);
		if (!g_word(record, l->defer.fn) ||
		    pages_read(&s->pages, g_word(record, l->defer.fn), closure, sizeof(closure)))
			continue;
		for (unsigned k = 0; k < s->n; k++) {
			if (closure[1] == s->locks[k])
				tell(s, t, group, k, HOLDER_DEFERRED, closure[0]);
		}
	}
}

static void on_goroutine(void *arg, const struct census_goroutine *t, uint32_t group)
{
	struct search *s = arg;
	uint8_t g[G_BYTES];

	if (t->wait == CENSUS_WAIT_LOCK || t->state == CENSUS_RUNNING ||
	    s->looked >= HOLDERS_LOOKS_MAX || memread_at(&s->o->mem, t->g, g, sizeof(g)) ||
	    g_word(g, s->o->layout->g.goid) != t->goid)
		return;
	s->looked++;
	if (t->depth)
		look_at_defers(s, t, group, g);
	look_at_stack(s, t, group, g);
}

uint32_t holders_find(const struct census *c, const uint64_t *locks, unsigned n,
		      void (*fn)(void *arg, const struct holder *h), void *arg)
{
	_cleanup_free_ struct search *s = malloc(sizeof(*s));

	if (!s || !n)
		return 0;
	s->c = c;
	s->o = census_opts(c);
	s->locks = locks;
	s->n = n;
	s->fn = fn;
	s->arg = arg;
	s->looked = 0;
	pages_init(&s->pages, &s->o->mem);
	census_deep(c, 0, on_goroutine, s);
	return s->looked;
}
