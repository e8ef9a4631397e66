/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Goroutines that stand at one place, some of which have not run for long: followed from census to
 * census, so that those that become ever more are told.
 */
#ifndef DEFERD_MODEL_PARKED_H
#define DEFERD_MODEL_PARKED_H

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "event/event.h"
#include "model/leak.h"

#define PARKED_MAX  512 /* of one target */
#define PARKED_BACK 12  /* censuses after which everybody who had not run is known again */

struct parked {
	UT_hash_handle hh;       /* by what.serial */
	struct event_group what; /* of the newest census; what.reason is: */
	char reason[EVENT_REASON_MAX];
	uint64_t census; /* the number of that census */
	/* The series is of an earlier deferd and was taken up at that census; 0: it is not. Who has not run for long is not known yet. */
	uint64_t back_since;
	struct leak_series series;
	struct leak leak;
};

/*
 * A group of census number `census`. One without quiet or blocked members is not followed, nor is there room for
 * more than PARKED_MAX. Returns it if it is followed from now on, else NULL. False in *ret_good: out of memory.
 */
struct parked *parked_apply(struct parked **ps, const struct event_group *in, uint64_t census,
			    bool *ret_good);
/* That census has ended: judge those it told of, forget the others. */
void parked_end(struct parked **ps, uint64_t census, const struct event_census *c, uint64_t now_ns);
void parked_free(struct parked **ps); /* all of them */

const struct parked *parked_find(const struct parked *ps, uint64_t serial); /* NULL: none */
/* Of two that grow as a leak does; of equally fast ones the older. */
bool parked_is_faster(const struct parked *a, const struct parked *b);

#endif
