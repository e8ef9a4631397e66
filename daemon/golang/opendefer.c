// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "golang/opendefer.h"

#include <errno.h>

void opendefer_find(const struct gobin *g, struct opendefer_list *ret)
{
	struct bytes data = elfimg_at(g->img, g->moduledata.gofunc);

	ret->n = 0;
	ret->complete = g->moduledata.gofunc && data.len;
	for (uint32_t i = 0; i < g->tab.nfunc && ret->complete; i++) {
		struct go_func f;
		uint32_t below, closures;
		int r = pclntab_func(&g->tab, i, &f);

		if (!r)
			r = pclntab_open_defers(&g->tab, &f, data, &below, &closures);
		if (r == -ENOENT)
			continue;
		ret->complete = !r && ret->n < OPENDEFER_MAX;
		if (ret->complete)
			ret->list[ret->n++] = (struct opendefer){ f.entry, f.end, below, closures };
	}
	if (!opendefer_check(ret))
		*ret = (struct opendefer_list){};
}

bool opendefer_check(const struct opendefer_list *l)
{
	if (l->n > OPENDEFER_MAX)
		return false;
	for (uint32_t i = 0; i < l->n; i++) {
		const struct opendefer *o = &l->list[i];

		if (o->begin >= o->end || (i && o->begin < l->list[i - 1].end) || !o->below ||
		    o->below > PCLNTAB_FRAME_MAX || o->closures % 8 > PCLNTAB_CLOSURES_DOWN ||
		    o->closures > PCLNTAB_FRAME_MAX)
			return false;
	}
	return true;
}

const struct opendefer *opendefer_at(const struct opendefer *list, uint32_t n, uint64_t at)
{
	while (n) {
		const struct opendefer *middle = &list[n / 2];

		if (at >= middle->begin && at < middle->end)
			return middle;
		if (at >= middle->end) {
			list = middle + 1;
			n -= n / 2 + 1;
		} else {
			n /= 2;
		}
	}
	return NULL;
}
