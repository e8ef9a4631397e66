/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Descriptors of one kind, or of connections to one port, followed from census to census: whether they leak, and how
 * fast. Pure.
 */
#ifndef DEFERD_MODEL_FDGROUPS_H
#define DEFERD_MODEL_FDGROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "event/event.h"
#include "model/leak.h"

struct fdgroup {
	UT_hash_handle hh;          /* by what.key */
	struct event_fd_group what; /* at the newest census */
	uint64_t census;            /* the number of that one */
	uint32_t level;             /* that were open ... */
	uint64_t level_ns;          /* ... at each census since then */
	bool followed[EVENT_FD_AGES];
	uint32_t
		least[EVENT_FD_AGES]; /* that were kept since then, as long as there is no series */
	struct leak_series *series;   /* NULL: they never became more */
	struct leak leak;
	struct {
		bool leaks;        /* since a verdict said so */
		uint32_t from, to; /* that were open before, and at most since */
		uint64_t grew_ns;  /* they became more last, or could not for want of room */
	} held;
};

/* Of a process at a census of its descriptors. */
struct fdgroups_state {
	bool full;            /* it can open none */
	bool knows_readers;   /* goroutines were counted: */
	uint32_t readers;     /* they wait for a descriptor to be ready */
	uint64_t readers_age; /* nanoseconds since then */
};

/* A group of census number `census`. False: out of memory. */
bool fdgroups_apply(struct fdgroup **gs, const struct event_fd_group *in, uint64_t census);
/*
 * That census has ended: judge those it told of, forget the others. False: out of memory, and one is not judged.
 *
 * Connections that come in and stay are what a server is for: as long as their peers are there and as many goroutines wait to
 * read, their growth is load. Those that the peer has closed and the process has not are none.
 *
 * That it does not grow is no end of a leak: what was not closed is still open. The verdict stays, with the rates that
 * were, until half of what had come is closed; or, where no limit stopped it, for FDGROUPS_HELD intervals without growth.
 */
#define FDGROUPS_HELD 360
bool fdgroups_end(struct fdgroup **gs, uint64_t census, const struct event_fd_census *c,
		  const struct fdgroups_state *state, uint64_t now_ns);
/* A copy of a group as an earlier deferd knew it, before the first census; `g->hh` and `g->series` do not matter. False: out of memory. */
bool fdgroups_take(struct fdgroup **gs, const struct fdgroup *g, const struct leak_series *series);
void fdgroups_free(struct fdgroup **gs); /* all of them */

/* "connections to port 5432", "connections at port 8080", "descriptors of kind pipe" */
void fdgroup_name(const struct event_fd_key *key, char *buf, size_t size);

enum fd_scope { FDS_ALL, FDS_CONNECTIONS /* with a port */, FDS_OTHERS, FD_SCOPE_MAX };

/*
 * Of several groups together. LEAKING: of those that leak, the sum of their rates and of their intervals' ends, and the
 * longest time that this was seen; of those that grow, if any does; else no rates.
 */
void fdgroups_verdict(const struct fdgroup *gs, enum fd_scope scope, struct leak *ret);
/* The most connections to a port whose number has not changed for as long as `since_ns`; NULL: there are none. */
const struct fdgroup *fdgroups_level(const struct fdgroup *gs, uint64_t since_ns);
/* The one that grows fastest; NULL: none leaks. */
const struct fdgroup *fdgroups_fastest(const struct fdgroup *gs, enum fd_scope scope);

#endif
