/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Descriptors, counted: of each process by kind, and the connections of one by port and state. Fed by one
 * pass over them. Pure.
 */
#ifndef DEFERD_MODEL_FDTALLY_H
#define DEFERD_MODEL_FDTALLY_H

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "proc/fd.h"

struct fd_process {
	UT_hash_handle hh;
	pid_t pid;
	uint32_t open;
	uint32_t by_kind[FD_KIND_MAX];
};

/*
 * Connections of one family and state that went to one port, or came in at one that the process listens
 * at. Their other ends' ports say nothing and are not told apart.
 */
struct fd_connections {
	enum fd_kind family; /* FD_INET, FD_INET6 */
	bool incoming;       /* `port` is the process's own; else the peer's */
	uint16_t port;       /* 0: not connected */
	uint8_t state;       /* see fd_state_name() */
	uint32_t n;
};

struct fdtally;

/* Connections of `pid` are counted as well; 0: of nobody. NULL: out of memory. */
struct fdtally *fdtally_new(pid_t pid);
void fdtally_free(struct fdtally *t); /* NULL is allowed */

/* 0 or -ENOMEM. */
int fdtally_add(struct fdtally *t, const struct fd_entry *fd);

/* In descending order of their descriptors; owned by the tally. */
const struct fd_process *fdtally_processes(struct fdtally *t);
const struct fd_process *fdtally_process(const struct fdtally *t,
					 pid_t pid); /* NULL: it has none */
/* The most first. Owned by the tally, until the next descriptor. 0 or -ENOMEM. */
int fdtally_connections(struct fdtally *t, const struct fd_connections **ret, unsigned *ret_n);

#endif
