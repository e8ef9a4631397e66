/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The pending defers of one goroutine, read from outside while the process runs: what a probe
 * cannot see, namely that a function returned. The runtime's structs are safe to read at any time
 * (a g is never freed), but not to believe: records come from pools. So every record is checked
 * against the goroutine's stack, and the goroutine is read twice.
 */
#ifndef DEFERD_CENSUS_CHAIN_H
#define DEFERD_CENSUS_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memread.h"
#include "census/pages.h"
#include "golang/layout.h"

#define CHAIN_MAX \
	(1u << 18) /* records followed; a longer chain is reported as inferred at this depth */

struct chain {
	uint64_t goid;
	uint32_t depth; /* pending records that are defers of the program */
	uint32_t reads; /* pages fetched from the process, for budgeting */
	bool exact;     /* the goroutine did not run in between, and the chain ended */
};

/* Whether records of this layout can be followed. */
bool chain_layout_fits(const struct go_layout *layout);
/*
 * The walk alone, from a g that was read (up to g.goid at least). As chain_read(), but what was
 * counted so far is told on failure, too.
 */
struct chain_walk {
	uint32_t depth; /* pending records */
	uint32_t steps; /* records looked at */
	uint64_t
		site; /* return address of the call that registered the newest; 0: none is pending */
	bool ended;   /* by the end of the chain, not by CHAIN_MAX (records may form a ring) */
};
int chain_walk(struct pages *pages, const struct go_layout *layout, const unsigned char *g,
	       struct chain_walk *ret_w);

/* Which goroutine is in g: 0 and its goid; -ESRCH: none (or the process is gone); -EFAULT. */
int chain_goid(const struct memread *m, const struct go_layout *layout, uint64_t g,
	       uint64_t *ret_goid);
/*
 * Where the newest of the pending defers was registered: a run-time return address. 0 and the goroutine
 * that is in g; -ESRCH, -EFAULT as chain_goid(); -ENOENT: none is pending.
 */
int chain_site(const struct memread *m, const struct go_layout *layout, uint64_t g,
	       uint64_t *ret_goid, uint64_t *ret_site);
/*
 * 0; -ESRCH: the goroutine is dead (or the process); -EFAULT: memory could not be read; -EBADMSG: a
 * record is not one, or they had no end while it ran (torn while it was read: try again later). *ret_c is written on 0 only.
 */
int chain_read(const struct memread *m, const struct go_layout *layout, uint64_t g,
	       struct chain *ret_c);

#endif
