// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The memory of real programs (tests/golden/memory) with something changed in it: chains that lead in a
 * ring or into another goroutine's, torn structs, lists that end nowhere. All that reads the memory of a
 * process does, and there is an end.
 */
#include <glob.h>

#include "census/chain.h"
#include "census/holders.h"
#include "census/piles.h"
#include "census/search.h"
#include "census/selects.h"
#include "census_check.h"
#include "memimage.h"

#define FUZZ_COST 60
#include "driver.h"

static void on_select(void *arg, const struct census_goroutine *g, uint32_t group, uint64_t channel)
{
	if (g->wait != CENSUS_WAIT_SELECT)
		abort();
}

static void on_holder(void *arg, const struct holder *h)
{
	uint32_t *n = arg;

	(*n)++;
}

static void look_at_locks(struct census *c)
{
	struct piles piles;
	uint64_t waiting = 0;
	uint32_t n = 0;

	piles_gather(c, CENSUS_WAIT_LOCK, &piles);
	for (const struct pile *p = piles.by_object; p; p = p->hh.next) {
		waiting += p->count;
		(void)holders_find(c, &p->object, 1, on_holder, &n);
	}
	if (waiting > census_summary(c)->lock_waiters)
		abort();
	piles_done(&piles);
	(void)selects_find(c, on_select, NULL);
}

static void on_goroutine(void *arg, const struct census_goroutine *g, uint32_t group)
{
	const struct census_opts *o = arg;
	struct chain chain;

	if (!chain_read(&o->mem, o->layout, g->g, &chain) && chain.depth > CHAIN_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct census_opts opts;
	struct search_where where;
	struct memimage image;
	struct reason reason;
	struct census *c;
	uint64_t slice;

	if (!memimage_parse(data, len, &image))
		return 0;
	opts = memimage_opts(&image);
	opts.quiet_ns = 10;
	c = census_new(&opts);
	if (take_census(c, 1) && take_census(c, 100)) {
		look_at_locks(c);
		census_each(c, on_goroutine, &opts);
	}
	census_free(c);
	where = (struct search_where){ opts.where.allgs_list, opts.where.allgs_list + 4096, 0 };
	(void)search_allgs(&opts.mem, &image.layout, &where, &slice, &reason);
	return 0;
}

static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size)
{
	glob_t found;
	size_t len = 0;
	uint8_t *p;

	if (glob("tests/golden/memory/go1.*.img", 0, NULL, &found))
		return 0;
	p = i < found.gl_pathc ? memimage_load(found.gl_pathv[i], &len) : NULL;
	if (p && len <= size)
		memcpy(buf, p, len);
	free(p);
	globfree(&found);
	return len <= size ? len : 0;
}
