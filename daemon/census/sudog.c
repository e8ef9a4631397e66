// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/sudog_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "census/g_priv.h"
#include "golang/semtable.h"

#define STEPS_MAX (1u << 20)
#define TREE_MAX  64 /* deeper than a treap of so many is */

/* These have never moved: sema.go, type semaRoot. */
#define ROOT_TREAP 8u
#define ROOT_NWAIT 16u

bool sudog_layout_fits(const struct go_layout *l)
{
	return l->sudog.elem + 8u <= SUDOG_BYTES && l->sudog.waitlink + 8u <= SUDOG_BYTES &&
	       l->sudog.c + 8u <= SUDOG_BYTES;
}

uint64_t sudog_object(struct pages *p, const struct go_layout *l, uint64_t waiting, uint64_t g)
{
	uint8_t sudog[SUDOG_BYTES];
	uint64_t c;

	if (!waiting || pages_read(p, waiting, sudog, sizeof(sudog)) || g_word(sudog, SUDOG_G) != g)
		return 0;
	c = g_word(sudog, l->sudog.c);
	return c ? c : g_word(sudog, l->sudog.elem);
}

bool sudog_case(const struct go_layout *l, const uint8_t *sudog, uint64_t g, uint64_t *channels,
		unsigned *n, uint64_t *ret_next)
{
	uint64_t c = g_word(sudog, l->sudog.c);

	if (g_word(sudog, SUDOG_G) != g || !c || (*n && c < channels[*n - 1]))
		return false;
	if (!*n || channels[*n - 1] != c)
		channels[(*n)++] = c;
	*ret_next = g_word(sudog, l->sudog.waitlink);
	return true;
}

struct walk {
	struct pages pages;
	const struct go_layout *l;
	void (*fn)(void *arg, uint64_t g, uint64_t word);
	void *arg;
	uint32_t steps;
	uint32_t row;
};

static int read_sudog(struct walk *w, uint64_t at, uint8_t sudog[SUDOG_BYTES])
{
	if (w->steps++ >= STEPS_MAX)
		return -ELOOP;
	return pages_read(&w->pages, at, sudog, SUDOG_BYTES);
}

/* All that wait for the word of `first`, which has been read. */
static int tell_queue(struct walk *w, const uint8_t *first, uint64_t word)
{
	uint8_t sudog[SUDOG_BYTES];
	uint64_t at = g_word(first, w->l->sudog.waitlink);

	w->fn(w->arg, g_word(first, SUDOG_G), word);
	while (at) {
		int err = read_sudog(w, at, sudog);

		if (err)
			return err;
		if (g_word(sudog, w->l->sudog.elem) != word)
			return 0; /* it has gone on meanwhile */
		w->fn(w->arg, g_word(sudog, SUDOG_G), word);
		at = g_word(sudog, w->l->sudog.waitlink);
	}
	return 0;
}

/* A word belongs to one row: the proof that this is the table. */
static int walk_row(struct walk *w, uint64_t treap)
{
	uint64_t open[TREE_MAX] = { treap };
	unsigned n = 1;

	while (n) {
		uint8_t sudog[SUDOG_BYTES];
		int err = read_sudog(w, open[--n], sudog);
		uint64_t word = g_word(sudog, w->l->sudog.elem);

		if (err)
			return err;
		if (word / 8 % SEMTABLE_ROWS != w->row)
			return -EBADMSG;
		err = tell_queue(w, sudog, word);
		if (err)
			return err;
		for (unsigned side = SUDOG_NEXT; side <= SUDOG_PREV; side += 8) {
			if (g_word(sudog, side) && n < TREE_MAX)
				open[n++] = g_word(sudog, side);
		}
	}
	return 0;
}

int sudog_semtable(const struct memread *m, const struct go_layout *l, uint64_t semtable,
		   void (*fn)(void *arg, uint64_t g, uint64_t word), void *arg)
{
	_cleanup_free_ struct walk *w = malloc(sizeof(*w));
	uint8_t table[SEMTABLE_ROWS * SEMTABLE_ROW];
	unsigned good = 0, bad = 0;
	int err;

	if (!w)
		return -ENOMEM;
	pages_init(&w->pages, m);
	w->l = l;
	w->fn = fn;
	w->arg = arg;
	w->steps = 0;
	err = memread_at(m, semtable, table, sizeof(table));
	for (w->row = 0; w->row < SEMTABLE_ROWS && !err; w->row++) {
		const uint8_t *root = table + w->row * SEMTABLE_ROW;
		uint64_t treap = g_word(root, ROOT_TREAP);

		if (!treap || !(uint32_t)g_word(root, ROOT_NWAIT))
			continue;
		if (!walk_row(w, treap))
			good++;
		else
			bad++;
	}
	/* One row may be in motion; if none is right it is no such table. */
	return err ? err : bad && !good ? -EBADMSG : 0;
}
