// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/tops.h"

#include <string.h>

/* Insert into a short list that is kept sorted by `before`; the last one falls out. */
#define TOP_INSERT(list, len, max, item, before)                                                  \
	do {                                                                                      \
		unsigned at_ = (len);                                                             \
		while (at_ > 0 && before(item, (list)[at_ - 1]))                                  \
			at_--;                                                                    \
		if (at_ < (max)) {                                                                \
			unsigned keep_ = (len) < (max) ? (len) : (max)-1;                         \
			memmove((list) + at_ + 1, (list) + at_, (keep_ - at_) * sizeof(*(list))); \
			(list)[at_] = (item);                                                     \
			(len) = keep_ + 1;                                                        \
		}                                                                                 \
	} while (0)

static bool site_before(const struct site *a, const struct site *b)
{
	return a->registered > b->registered ||
	       (a->registered == b->registered && a->key.pc < b->key.pc);
}

unsigned target_top_sites(const struct target *t, const struct site **ret_sites, unsigned n)
{
	unsigned len = 0;

	for (const struct site *s = t->sites; s && n; s = s->hh.next)
		TOP_INSERT(ret_sites, len, n, s, site_before);
	return len;
}

static bool goroutine_before(const struct goroutine *a, const struct goroutine *b)
{
	if (a->depth != b->depth)
		return a->depth > b->depth;
	return a->peak > b->peak || (a->peak == b->peak && a->goid < b->goid);
}

unsigned target_top_goroutines(const struct target *t, const struct goroutine **ret_gs, unsigned n)
{
	unsigned len = 0;

	for (const struct goroutine *g = t->goroutines; g && n; g = g->hh.next)
		TOP_INSERT(ret_gs, len, n, g, goroutine_before);
	return len;
}
