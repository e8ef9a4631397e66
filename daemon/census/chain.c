// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/chain.h"

#include <errno.h>
#include <string.h>

#include "census/g_priv.h"

#define PAGE        4096u
#define G_HEAD      192u /* covers goid in every layout */
#define RECORD_HEAD 48u

/*
 * Records of one goroutine are neighbours in memory, so the page around a record serves the next
 * ones: 0.05 us a record instead of 1 us.
 */
struct page_cache {
	const struct memread *m;
	uint64_t base[8];
	unsigned next;
	uint32_t reads;
	unsigned char bytes[8][PAGE];
};

static int read_page(struct page_cache *pc, uint64_t base, unsigned char **ret_bytes)
{
	int err;

	for (unsigned i = 0; i < 8; i++) {
		if (pc->base[i] == base) {
			*ret_bytes = pc->bytes[i];
			return 0;
		}
	}
	pc->next = (pc->next + 1) % 8;
	pc->base[pc->next] = 0;
	pc->reads++;
	err = memread_at(pc->m, base, pc->bytes[pc->next], PAGE);
	if (err)
		return err;
	pc->base[pc->next] = base;
	*ret_bytes = pc->bytes[pc->next];
	return 0;
}

static int read_cached(struct page_cache *pc, uint64_t addr, unsigned char *dst, size_t n)
{
	while (n) {
		uint64_t base = addr & ~(uint64_t)(PAGE - 1);
		size_t off = addr - base, k = PAGE - off < n ? PAGE - off : n;
		unsigned char *bytes;
		int err = read_page(pc, base, &bytes);

		if (err)
			return err;
		memcpy(dst, bytes + off, k);
		dst += k;
		addr += k;
		n -= k;
	}
	return 0;
}

static bool counts(const unsigned char *rec, const struct go_layout *l)
{
	return !(l->defer.rangefunc != GO_LAYOUT_ABSENT && rec[l->defer.rangefunc] == 1) &&
	       !(l->defer.open_defer != GO_LAYOUT_ABSENT && rec[l->defer.open_defer] == 1);
}

/*
 * The list of a range-over-func loop hangs on *head of its frame's record; its records have no sp
 * yet. 1: closed.
 */
static int add_range_list(struct page_cache *pc, const struct go_layout *l, uint64_t head,
			  uint32_t *depth)
{
	unsigned char rec[RECORD_HEAD];
	uint64_t at = 0;
	int err = read_cached(pc, head, (unsigned char *)&at, sizeof(at));

	while (!err && at > 1 && *depth < CHAIN_MAX) {
		err = read_cached(pc, at, rec, sizeof(rec));
		(*depth)++;
		at = g_word(rec, l->defer.link);
	}
	return err;
}

/*
 * *ended: the end of the chain was met, not a bound (records that do not count may form a ring,
 * too).
 */
static int walk(struct page_cache *pc, const struct go_layout *l, const unsigned char *g,
		uint32_t *depth, bool *ended)
{
	uint64_t lo = g_word(g, l->g.stack_lo), hi = g_word(g, l->g.stack_hi),
		 at = g_word(g, l->g.defer), last_sp = lo;

	for (uint32_t seen = 0; at && seen < CHAIN_MAX && *depth < CHAIN_MAX; seen++) {
		unsigned char rec[RECORD_HEAD];
		uint64_t sp;
		int err = read_cached(pc, at, rec, sizeof(rec));

		if (err)
			return err;
		sp = g_word(rec, l->defer.sp);
		/* Outward the frames ascend; another goroutine's record fails here. */
		if (sp < last_sp || sp > hi)
			return -EBADMSG;
		last_sp = sp;
		if (counts(rec, l))
			(*depth)++;
		else if (l->defer.rangefunc != GO_LAYOUT_ABSENT && rec[l->defer.rangefunc] == 1)
			err = add_range_list(pc, l, g_word(rec, l->defer.head), depth);
		if (err)
			return err;
		at = g_word(rec, l->defer.link);
	}
	*ended = !at && *depth < CHAIN_MAX;
	return 0;
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

int chain_read(const struct memread *m, const struct go_layout *layout, uint64_t g,
	       struct chain *ret_c)
{
	unsigned char first[G_HEAD], again[G_HEAD];
	struct page_cache pc = { .m = m };
	struct chain c = {};
	bool ended = false;
	uint32_t status;
	int err;

	if (layout->g.goid + 8u > G_HEAD || layout->g.atomicstatus + 4u > G_HEAD ||
	    layout->defer.link + 8u > RECORD_HEAD)
		return -EBADMSG;
	err = memread_at(m, g, first, sizeof(first));
	if (err)
		return err;
	status = g_status(first, layout);
	c.goid = g_word(first, layout->g.goid);
	if (g_is_free(status) || !c.goid)
		return -ESRCH;
	err = walk(&pc, layout, first, &c.depth, &ended);
	if (err)
		return err;
	err = memread_at(m, g, again, sizeof(again));
	if (err)
		return err;
	c.exact = status != G_RUNNING && status != G_COPYSTACK && ended &&
		  status == g_status(again, layout) && c.goid == g_word(again, layout->g.goid) &&
		  g_word(first, layout->g.sched_sp) == g_word(again, layout->g.sched_sp) &&
		  g_word(first, layout->g.defer) == g_word(again, layout->g.defer);
	c.reads = pc.reads;
	*ret_c = c;
	return 0;
}
