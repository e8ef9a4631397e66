// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/fdlines.h"

#include <stdlib.h>
#include <string.h>

static bool same_line(const struct code_line *a, const struct code_line *b)
{
	if (!a || !b)
		return a == b;
	return a->line == b->line && !strcmp(a->function, b->function) && !strcmp(a->file, b->file);
}

static int most_kept(const void *a, const void *b)
{
	const struct fd_line *x = a, *y = b;

	return (x->kept < y->kept) - (x->kept > y->kept)
		       ?: (x->open < y->open) - (x->open > y->open);
}

unsigned fd_lines(struct model *m, const struct target *t, struct fd_line ret[static FD_LINES_MAX])
{
	uint64_t all = fdopeners_kept(&t->fd_openers);
	unsigned n = 0, k;

	if (t->fd_openers.census != t->n_fd_censuses)
		return 0;
	for (unsigned i = 0; i < t->fd_openers.n; i++) {
		const struct event_fd_site *s = &t->fd_openers.sites[i];
		const struct code_line *at =
			model_opener_frame(m, t->image_id, t->runtime, s->stack, s->nstack);

		for (k = 0; k < n && (memcmp(&ret[k].what, &s->key, sizeof(s->key)) ||
				      !same_line(ret[k].at, at));
		     k++)
			;
		if (k == FD_LINES_MAX)
			continue;
		if (k == n)
			ret[n++] = (struct fd_line){ .what = s->key,
						     .at = at,
						     .oldest_ns = s->oldest_ns,
						     .median_ns = s->median_ns };
		ret[k].open += s->open;
		ret[k].kept += s->kept;
		if (s->oldest_ns < ret[k].oldest_ns)
			ret[k].oldest_ns = s->oldest_ns;
	}
	for (k = 0; k < n; k++)
		ret[k].share = all ? (double)ret[k].kept / (double)all : 0;
	qsort(ret, n, sizeof(*ret), most_kept);
	return n;
}
