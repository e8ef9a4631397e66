// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <string.h>

#include "census/open_priv.h"

void open_cache_init(struct open_cache *c)
{
	memset(c, 0, sizeof(*c));
}

uint32_t open_below(struct open_cache *c, const struct census_open *o, uint64_t pc)
{
	unsigned slot = (pc ^ pc >> 10) % OPEN_SLOTS;
	const struct opendefer *f;

	if (c->slots[slot].pc != pc) {
		f = pc < o->text ? NULL : opendefer_at(o->list, o->n, pc - o->text);
		c->slots[slot].pc = pc;
		c->slots[slot].below = f ? f->below : 0;
	}
	return c->slots[slot].below;
}
