// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/panics_priv.h"

#include <errno.h>

#include "census/g_priv.h"

#define RECORD 104u /* the largest of all releases */

bool panics_layout_fits(const struct go_layout *l)
{
	return l->panic.size <= RECORD && l->panic.link + 8u <= l->panic.size &&
	       l->panic.recovered < l->panic.size && l->panic.goexit < l->panic.size;
}

int panics_walk(struct pages *p, const struct go_layout *l, const uint8_t *g, struct panics *ret)
{
	uint64_t at = g_word(g, l->g.panic), least = g_word(g, l->g.stack_lo),
		 hi = g_word(g, l->g.stack_hi);
	struct panics found = {};

	while (at && found.n < PANICS_MAX) {
		uint8_t record[RECORD];
		int err;

		if (at < least || at >= hi || hi - at < l->panic.size)
			return -EBADMSG;
		err = pages_read(p, at, record, l->panic.size);
		if (err)
			return err;
		if (record[l->panic.goexit] > 1 || record[l->panic.recovered] > 1)
			return -EBADMSG;
		if (record[l->panic.goexit])
			found.goexit = true;
		else
			found.n += !record[l->panic.recovered];
		least = at + l->panic.size;
		at = g_word(record, l->panic.link);
	}
	*ret = found;
	return 0;
}
