// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A read of memory costs by the call, not by the byte, and g structs lie side by side: so addresses
 * are sorted, and neighbours are read in one run, with the gaps between them.
 */
#include "census/census.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "census/chain.h"
#include "census/g_priv.h"

#define G_BYTES     384u /* covers every field that is looked at, in every layout */
#define GAP_MAX     1024u
#define RUN_MAX     65536u
#define STACK_FIRST 2048u  /* bytes of a stack that are read first; most need no more */
#define STACK_BYTES 16384u /* and at most: 64 frames are seldom larger */
#define LIST_TRIES  4

struct reader {
	const struct memread *m;
	const struct go_layout *layout;
	const struct census_frames *frames; /* NULL: none */
	void (*fn)(void *arg, const struct census_goroutine *g);
	void *arg;
	struct census_stats stats;
	uint8_t run[RUN_MAX];
	uint8_t stack[STACK_BYTES];
};

/* The list */

/*
 * The length is read first, as the runtime writes it last: an array then has at least that many. One
 * that grew has been copied to another place, and the old one may be freed: look again.
 */
static int read_list(struct reader *r, const struct census_where *w, uint64_t **ret_list,
		     uint32_t *ret_n)
{
	_cleanup_free_ uint64_t *list = NULL;
	uint64_t n, at, again;
	int err = memread_at(r->m, w->allgs_len, &n, sizeof(n));

	if (!err)
		err = memread_at(r->m, w->allgs_list, &at, sizeof(at));
	if (err)
		return err;
	if (n > CENSUS_GOROUTINES_MAX)
		return -E2BIG;
	list = malloc((n + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	err = n ? memread_at(r->m, at, list, n * sizeof(*list)) : 0;
	if (!err)
		err = memread_at(r->m, w->allgs_list, &again, sizeof(again));
	if (err)
		return err;
	if (again != at)
		return -EAGAIN;
	*ret_list = TAKE_PTR(list);
	*ret_n = (uint32_t)n;
	return 0;
}

static int compare_addresses(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Stacks */

struct walk {
	uint64_t sp, hi; /* what is used of the stack */
	size_t have;     /* bytes of it in the reader's buffer, from sp on */
};

/* A word of the stack, fetching more of it when it lies further out. */
static bool stack_word(struct reader *r, struct walk *w, uint64_t at, uint64_t *ret)
{
	uint64_t off = at - w->sp, want = w->hi - w->sp;

	if (at < w->sp || at % 8 || off >= want || want - off < 8 || off > STACK_BYTES - 8)
		return false;
	if (off + 8 > w->have) {
		if (want > STACK_BYTES)
			want = STACK_BYTES;
		if (memread_at(r->m, w->sp, r->stack, want))
			return false;
		w->have = want;
	}
	*ret = g_word(r->stack, (unsigned)off);
	return true;
}

/* By frame pointers: [bp] is the caller's, [bp + 8] the return address into it; 0 ends them. */
static void walk_frames(struct reader *r, struct walk *w, uint64_t bp, struct census_goroutine *ret)
{
	uint64_t pc, next;

	while (bp && ret->nstack < CENSUS_STACK_MAX) {
		if (!stack_word(r, w, bp + 8, &pc) || !stack_word(r, w, bp, &next))
			return;
		ret->stack[ret->nstack++] = pc;
		if (next && next <= bp)
			return; /* frames ascend */
		bp = next;
	}
	ret->whole = !bp;
}

/*
 * Who has not parked itself may stand in a function that has not made its frame yet, and before Go
 * 1.23 a syscall does not keep the frame pointer: the function table tells the way to the caller.
 */
static void walk_out_of_leaf(struct reader *r, struct walk *w, uint64_t bp,
			     struct census_goroutine *ret)
{
	uint32_t frame;
	uint64_t pc;

	if (r->frames->frame(r->frames->arg, ret->stack[0], &frame))
		return;
	if (!stack_word(r, w, w->sp + frame, &pc) ||
	    (frame && !stack_word(r, w, w->sp + frame - 8, &bp)))
		return;
	ret->stack[ret->nstack++] = pc;
	walk_frames(r, w, bp, ret);
}

static void read_stack(struct reader *r, const uint8_t *g, struct census_goroutine *ret)
{
	const struct go_layout *l = r->layout;
	bool syscall = ret->state == CENSUS_SYSCALL;
	bool waits = census_waits(ret->state);
	struct walk w = { .hi = g_word(g, l->g.stack_hi) };
	uint64_t bp = g_word(g, l->g.sched_bp), room;

	if (ret->state == CENSUS_RUNNING)
		return;
	w.sp = g_word(g, syscall ? l->g.syscallsp : l->g.sched_sp);
	if (w.sp <= g_word(g, l->g.stack_lo) || w.sp > w.hi)
		return;
	ret->stack[ret->nstack++] =
		syscall ? g_word(g, l->g.syscallpc) : g_word(g, l->g.sched_pc) + !waits;
	room = w.hi - w.sp;
	w.have = room < STACK_FIRST ? room : STACK_FIRST;
	if (memread_at(r->m, w.sp, r->stack, w.have))
		return;
	if (waits)
		walk_frames(r, &w, bp, ret);
	else if (r->frames)
		walk_out_of_leaf(r, &w, bp, ret);
}

/* Goroutines */

static bool state_of(uint32_t status, enum census_state *ret)
{
	switch (status) {
	case G_RUNNABLE:
		*ret = CENSUS_RUNNABLE;
		return true;
	case G_RUNNING:
	case G_COPYSTACK:
		*ret = CENSUS_RUNNING;
		return true;
	case G_SYSCALL:
		*ret = CENSUS_SYSCALL;
		return true;
	case G_WAITING:
		*ret = CENSUS_WAITING;
		return true;
	case G_PREEMPTED:
		*ret = CENSUS_PREEMPTED;
		return true;
	case G_LEAKED:
		*ret = CENSUS_LEAKED;
		return true;
	default:
		return false;
	}
}

static uint64_t field(const uint8_t *g, uint16_t off)
{
	return off == GO_LAYOUT_ABSENT ? 0 : g_word(g, off);
}

/* What does not tear. False: it is none. */
static bool parse(const struct go_layout *l, const uint8_t *g, uint64_t at,
		  struct census_goroutine *ret)
{
	uint64_t lo = g_word(g, l->g.stack_lo), hi = g_word(g, l->g.stack_hi),
		 sp = g_word(g, l->g.sched_sp);

	memset(ret, 0, offsetof(struct census_goroutine, stack));
	ret->g = at;
	ret->goid = g_word(g, l->g.goid);
	ret->parent = field(g, l->g.parent_goid);
	/* The first one is the runtime's doing, at the start of the program. */
	ret->created_at = ret->goid == 1 ? 0 : field(g, l->g.gopc);
	ret->start = field(g, l->g.startpc);
	if (!state_of(g_status(g, l), &ret->state) || !ret->goid || lo >= hi ||
	    g_word(g, G_SCHED_G) != at)
		return false;
	if (ret->state == CENSUS_RUNNING)
		return true;
	if (census_waits(ret->state)) {
		ret->reason = g[l->g.waitreason];
		ret->since_ns = g_word(g, l->g.waitsince);
	}
	return sp > lo && sp <= hi;
}

static bool same(const struct go_layout *l, const uint8_t *a, const uint8_t *b)
{
	const uint16_t words[] = { l->g.goid, l->g.sched_sp, l->g.syscallsp, l->g.stack_lo,
				   l->g.defer };

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (g_word(a, words[i]) != g_word(b, words[i]))
			return false;
	}
	return g_status(a, l) == g_status(b, l) && a[l->g.tracking_seq] == b[l->g.tracking_seq];
}

static void read_depth(struct reader *r, const uint8_t *g, struct census_goroutine *ret)
{
	struct chain c;

	ret->depth_exact = !g_word(g, r->layout->g.defer);
	if (ret->depth_exact || chain_read(r->m, r->layout, ret->g, &c))
		return;
	ret->depth = c.depth;
	ret->depth_exact = c.exact && c.goid == ret->goid;
}

static void tell(struct reader *r, const uint8_t *g, uint64_t at)
{
	struct census_goroutine t;
	uint8_t again[G_BYTES];

	if (g_is_free(g_status(g, r->layout)))
		return;
	if (!parse(r->layout, g, at, &t)) {
		r->stats.bad++;
		return;
	}
	read_stack(r, g, &t);
	read_depth(r, g, &t);
	t.exact = t.state != CENSUS_RUNNING && !memread_at(r->m, at, again, sizeof(again)) &&
		  same(r->layout, g, again);
	t.depth_exact &= t.exact;
	r->stats.told++;
	r->stats.inexact += !t.exact;
	r->fn(r->arg, &t);
}

/* How many of the addresses lie so near to each other that one read is cheaper. */
static uint32_t run_length(const uint64_t *list, uint32_t n)
{
	uint32_t i = 1;

	while (i < n && list[i] - list[i - 1] <= G_BYTES + GAP_MAX &&
	       list[i] - list[0] <= RUN_MAX - G_BYTES)
		i++;
	return i;
}

static int read_run(struct reader *r, const uint64_t *list, uint32_t n)
{
	int err = memread_at(r->m, list[0], r->run, list[n - 1] - list[0] + G_BYTES);

	for (uint32_t i = 0; i < n && !err; i++) {
		if (!i || list[i] != list[i - 1])
			tell(r, r->run + (list[i] - list[0]), list[i]);
	}
	/* A hole between two of them. */
	if (err == -EFAULT && n > 1) {
		err = 0;
		for (uint32_t i = 0; i < n && !err; i++)
			err = read_run(r, list + i, 1);
	} else if (err == -EFAULT) {
		r->stats.bad++;
		err = 0;
	}
	return err;
}

static bool layout_fits(const struct go_layout *l)
{
	const uint16_t used[] = { l->g.goid,         l->g.startpc,    l->g.gopc,
				  l->g.waitsince,    l->g.defer,      l->g.sched_bp,
				  l->g.atomicstatus, l->g.waitreason, l->g.syscallpc,
				  l->g.tracking_seq };

	for (unsigned i = 0; i < ARRAY_SIZE(used); i++) {
		if (used[i] > G_BYTES - sizeof(uint64_t))
			return false;
	}
	return l->g.parent_goid == GO_LAYOUT_ABSENT ||
	       l->g.parent_goid <= G_BYTES - sizeof(uint64_t);
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
	case -ESRCH:
		return reason_set(reason, err, "the process is gone");
	default:
		return reason_set(reason, err, "reading its memory: %s", strerror(-err));
	}
}

int census_read(const struct memread *m, const struct go_layout *layout,
		const struct census_where *where, const struct census_frames *frames,
		void (*fn)(void *arg, const struct census_goroutine *g), void *arg,
		struct census_stats *ret_stats, struct reason *reason)
{
	_cleanup_free_ struct reader *r = malloc(sizeof(*r));
	_cleanup_free_ uint64_t *list = NULL;
	uint32_t n = 0, len;
	int err = -EAGAIN;

	if (!r)
		return fail(-ENOMEM, reason);
	if (!layout_fits(layout))
		return reason_set(reason, -EBADMSG, "the layout lacks what is needed of g");
	*r = (struct reader){ .m = m, .layout = layout, .frames = frames, .fn = fn, .arg = arg };
	for (unsigned i = 0; i < LIST_TRIES && err == -EAGAIN; i++)
		err = read_list(r, where, &list, &n);
	if (!err && n)
		qsort(list, n, sizeof(*list), compare_addresses);
	r->stats.listed = n;
	for (uint32_t i = 0; i < n && !err; i += len) {
		len = run_length(list + i, n - i);
		err = read_run(r, list + i, len);
	}
	*ret_stats = r->stats;
	return err ? fail(err, reason) : 0;
}

/* Wait reasons */

int census_reasons(const struct memread *m, const struct census_where *where,
		   char ret_texts[CENSUS_REASONS_MAX][CENSUS_REASON_MAX])
{
	struct {
		uint64_t at, len;
	} strings[CENSUS_REASONS_MAX];
	char text[CENSUS_REASON_MAX];
	unsigned n = where->n_wait_reasons;
	int err;

	memset(ret_texts, 0, CENSUS_REASONS_MAX * sizeof(*ret_texts));
	if (!where->wait_reasons || n > CENSUS_REASONS_MAX)
		return -ENOENT;
	err = memread_at(m, where->wait_reasons, strings, n * sizeof(*strings));
	for (unsigned i = 0; i < n && !err; i++) {
		if (strings[i].len >= sizeof(text))
			return -EBADMSG;
		err = strings[i].len ? memread_at(m, strings[i].at, text, strings[i].len) : 0;
		utf8_sanitize(ret_texts[i], sizeof(*ret_texts), text, err ? 0 : strings[i].len);
	}
	return err;
}

bool census_reason_runs(const char *text)
{
	static const char *const runs[] = {
		"GC assist marking",    "garbage collection",     "garbage collection scan",
		"GC worker (active)",   "GC mark termination",    "stopping the world",
		"flushing proc caches", "trace goroutine status", "trace proc status",
		"page trace flush",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(runs); i++) {
		if (!strcmp(text, runs[i]))
			return true;
	}
	return false;
}
