/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What is remembered of each g of a process, 120 bytes, in the order of their addresses: the order in
 * which memory is read. The runtime's list only ever grows at its end, so that the end is all that is
 * read of it again.
 */
#ifndef DEFERD_CENSUS_ROLL_PRIV_H
#define DEFERD_CENSUS_ROLL_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memread.h"
#include "census/groups.h"
#include "census/opts.h"

/* Of the goroutine that was in a g when it was last looked at. */
struct record {
	uint64_t goid;
	uint64_t parent;
	uint64_t sp, pc; /* where it stood */
	uint64_t seen_ns, waitsince_ns;
	uint64_t object;
	uint32_t group; /* or GROUP_NONE */
	uint32_t depth;
	uint16_t open_coded; /* UINT16_MAX: or more */
	uint8_t state;       /* enum census_state */
	uint8_t reason;
	uint8_t wait; /* enum census_wait */
	uint8_t tracking_seq;
	uint8_t panics;
	uint8_t wake; /* enum census_wake */
	struct crew_member member;
	bool alive : 1; /* else there was none */
	bool exact : 1;
	bool depth_exact : 1;
	bool panics_known : 1;
	bool goexit : 1;
	bool settled : 1; /* all of it is known: there is no need to look again until it has run */
	bool quiet : 1;   /* it was, at the last census */
};

struct roll {
	uint32_t listed; /* entries of the runtime's list that are in it */
	uint32_t n, room;
	uint64_t *addr; /* ascending, each once */
	struct record *rec;
};

/*
 * Take over what the runtime has added to its list. 0; -EAGAIN: the list moved meanwhile; -E2BIG;
 * -ENOMEM; -EBADMSG: it is shorter than it was; -EFAULT, -ESRCH. Nothing is changed on failure.
 */
int roll_update(struct roll *r, const struct memread *m, const struct census_where *w);
struct record *roll_find(struct roll *r, uint64_t addr); /* NULL: no such g */
void roll_done(struct roll *r);

#endif
