// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/chain.h"

#include <errno.h>
#include <string.h>

#include "census/g_priv.h"

#define G_HEAD      192u /* covers goid in every layout */
#define RECORD_HEAD 48u

static bool counts(const unsigned char *rec, const struct go_layout *l)
{
	return !(l->defer.rangefunc != GO_LAYOUT_ABSENT && rec[l->defer.rangefunc] == 1) &&
	       !(l->defer.open_defer != GO_LAYOUT_ABSENT && rec[l->defer.open_defer] == 1);
}

static bool has_room(const struct chain_walk *w)
{
	return w->steps < CHAIN_MAX && w->depth < CHAIN_MAX;
}

static int read_record(struct pages *p, uint64_t at, unsigned char rec[RECORD_HEAD],
		       struct chain_walk *w)
{
	w->steps++;
	return pages_read(p, at, rec, RECORD_HEAD);
}

/*
 * The list of a range-over-func loop hangs on *head of its frame's record; its records have no sp
 * yet. 1: closed.
 */
static int add_range_list(struct pages *p, const struct go_layout *l, uint64_t head,
			  struct chain_walk *w)
{
	unsigned char rec[RECORD_HEAD];
	uint64_t at = 0;
	int err = pages_read(p, head, &at, sizeof(at));

	while (!err && at > 1 && has_room(w)) {
		err = read_record(p, at, rec, w);
		w->depth++;
		at = g_word(rec, l->defer.link);
	}
	return err;
}

int chain_walk(struct pages *p, const struct go_layout *l, const unsigned char *g,
	       struct chain_walk *ret_w)
{
	uint64_t lo = g_word(g, l->g.stack_lo), hi = g_word(g, l->g.stack_hi),
		 at = g_word(g, l->g.defer), last_sp = lo;
	struct chain_walk *w = ret_w;

	*w = (struct chain_walk){};
	while (at && has_room(w)) {
		unsigned char rec[RECORD_HEAD];
		uint64_t sp;
		int err = read_record(p, at, rec, w);

		if (err)
			return err;
		sp = g_word(rec, l->defer.sp);
		/* Outward the frames ascend; another goroutine's record fails here. */
		if (sp < last_sp || sp > hi)
			return -EBADMSG;
		last_sp = sp;
		if (counts(rec, l))
			w->depth++;
		else if (l->defer.rangefunc != GO_LAYOUT_ABSENT && rec[l->defer.rangefunc] == 1)
			err = add_range_list(p, l, g_word(rec, l->defer.head), w);
		if (err)
			return err;
		at = g_word(rec, l->defer.link);
	}
	w->ended = !at && has_room(w);
	return 0;
}

bool chain_layout_fits(const struct go_layout *l)
{
	return l->defer.link + 8u <= RECORD_HEAD && l->defer.sp + 8u <= RECORD_HEAD &&
	       l->defer.pc + 8u <= RECORD_HEAD &&
	       (l->defer.head == GO_LAYOUT_ABSENT || l->defer.head + 8u <= RECORD_HEAD);
}

int chain_goid(const struct memread *m, const struct go_layout *layout, uint64_t g,
	       uint64_t *ret_goid)
{
	unsigned char head[G_HEAD];
	int err;

	if (layout->g.goid + 8u > G_HEAD || layout->g.atomicstatus + 4u > G_HEAD)
		return -EBADMSG;
	err = memread_at(m, g, head, sizeof(head));
	if (err)
		return err;
	*ret_goid = g_word(head, layout->g.goid);
	return g_is_free(g_status(head, layout)) || !*ret_goid ? -ESRCH : 0;
}

int chain_site(const struct memread *m, const struct go_layout *layout, uint64_t g,
	       uint64_t *ret_goid, uint64_t *ret_site)
{
	unsigned char head[G_HEAD], rec[RECORD_HEAD];
	int err;

	if (!chain_layout_fits(layout))
		return -EBADMSG;
	err = chain_goid(m, layout, g, ret_goid);
	if (!err)
		err = memread_at(m, g, head, sizeof(head));
	if (!err && !g_word(head, layout->g.defer))
		err = -ENOENT;
	if (!err)
		err = memread_at(m, g_word(head, layout->g.defer), rec, sizeof(rec));
	if (!err)
		*ret_site = g_word(rec, layout->defer.pc);
	return err;
}

/* It did not run from one look to the other. */
static bool is_same(const struct go_layout *l, const unsigned char *first,
		    const unsigned char *again)
{
	return g_status(first, l) == g_status(again, l) &&
	       g_word(first, l->g.goid) == g_word(again, l->g.goid) &&
	       g_word(first, l->g.sched_sp) == g_word(again, l->g.sched_sp) &&
	       g_word(first, l->g.defer) == g_word(again, l->g.defer);
}

int chain_read(const struct memread *m, const struct go_layout *layout, uint64_t g,
	       struct chain *ret_c)
{
	unsigned char first[G_HEAD], again[G_HEAD];
	struct pages pages;
	struct chain c = {};
	struct chain_walk w;
	uint32_t status;
	bool rested;
	int err;

	if (layout->g.goid + 8u > G_HEAD || layout->g.atomicstatus + 4u > G_HEAD ||
	    !chain_layout_fits(layout))
		return -EBADMSG;
	err = memread_at(m, g, first, sizeof(first));
	if (err)
		return err;
	status = g_status(first, layout);
	c.goid = g_word(first, layout->g.goid);
	if (g_is_free(status) || !c.goid)
		return -ESRCH;
	pages_init(&pages, m);
	err = chain_walk(&pages, layout, first, &w);
	if (err)
		return err;
	err = memread_at(m, g, again, sizeof(again));
	if (err)
		return err;
	rested = status != G_RUNNING && status != G_COPYSTACK && is_same(layout, first, again);
	/* While it runs, records are used again, and may form a ring. */
	if (!w.ended && !rested)
		return -EBADMSG;
	c.exact = w.ended && rested;
	c.depth = w.depth;
	c.reads = pages.reads;
	*ret_c = c;
	return 0;
}
