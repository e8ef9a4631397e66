// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <stddef.h>

#include "base/cleanup.h"
#include "census/g_priv.h"

bool g_layout_fits(const struct go_layout *l)
{
	const uint16_t used[] = { l->g.goid,         l->g.startpc,    l->g.gopc,
				  l->g.waitsince,    l->g.defer,      l->g.sched_bp,
				  l->g.atomicstatus, l->g.waitreason, l->g.syscallpc,
				  l->g.tracking_seq, l->g.waiting,    l->g.panic };

	for (unsigned i = 0; i < ARRAY_SIZE(used); i++) {
		if (used[i] > G_BYTES - sizeof(uint64_t))
			return false;
	}
	return l->g.parent_goid == GO_LAYOUT_ABSENT ||
	       l->g.parent_goid <= G_BYTES - sizeof(uint64_t);
}

bool g_state(uint32_t status, enum census_state *ret)
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

bool g_parse(const struct go_layout *l, const uint8_t *g, uint64_t at, struct census_goroutine *ret)
{
	uint64_t lo = g_word(g, l->g.stack_lo), hi = g_word(g, l->g.stack_hi),
		 sp = g_word(g, l->g.sched_sp);

	memset(ret, 0, offsetof(struct census_goroutine, stack));
	ret->g = at;
	ret->goid = g_word(g, l->g.goid);
	ret->tracking_seq = g[l->g.tracking_seq];
	ret->parent = field(g, l->g.parent_goid);
	/* The first one is the runtime's doing, at the start of the program. */
	ret->created_at = ret->goid == 1 ? 0 : field(g, l->g.gopc);
	ret->start = field(g, l->g.startpc);
	if (!g_state(g_status(g, l), &ret->state) || !ret->goid || lo >= hi ||
	    g_word(g, G_SCHED_G) != at)
		return false;
	if (ret->state == CENSUS_RUNNING)
		return true;
	if (census_waits(ret->state)) {
		ret->reason = g[l->g.waitreason];
		ret->waitsince_ns = g_word(g, l->g.waitsince);
	}
	return sp > lo && sp <= hi;
}

uint64_t g_sp(const struct go_layout *l, const uint8_t *g, enum census_state state)
{
	return g_word(g, state == CENSUS_SYSCALL ? l->g.syscallsp : l->g.sched_sp);
}

uint64_t g_pc(const struct go_layout *l, const uint8_t *g, enum census_state state)
{
	return g_word(g, state == CENSUS_SYSCALL ? l->g.syscallpc : l->g.sched_pc);
}

bool g_same(const struct go_layout *l, const uint8_t *a, const uint8_t *b)
{
	const uint16_t words[] = { l->g.goid,     l->g.sched_sp, l->g.syscallsp,
				   l->g.stack_lo, l->g.defer,    l->g.panic };

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (g_word(a, words[i]) != g_word(b, words[i]))
			return false;
	}
	return g_status(a, l) == g_status(b, l) && a[l->g.tracking_seq] == b[l->g.tracking_seq];
}
