// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/fdopeners.h"

#include <stdlib.h>

bool fdopeners_apply(struct fdopeners *o, const struct event_fd_site *s, uint64_t census)
{
	if (o->census != census)
		o->n = 0;
	o->census = census;
	if (o->n == o->room) {
		unsigned room = o->room ? 2 * o->room : 8;
		struct event_fd_site *more = reallocarray(o->sites, room, sizeof(*more));

		if (!more)
			return false;
		o->sites = more;
		o->room = room;
	}
	o->sites[o->n++] = *s;
	return true;
}

void fdopeners_done(struct fdopeners *o)
{
	free(o->sites);
	*o = (struct fdopeners){};
}

uint64_t fdopeners_kept(const struct fdopeners *o)
{
	uint64_t kept = 0;

	for (unsigned i = 0; i < o->n; i++)
		kept += o->sites[i].kept;
	return kept;
}
