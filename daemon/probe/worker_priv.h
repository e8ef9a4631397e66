/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the two sides of the worker's socket agree on. They are the same executable, so structs go
 * as they are. */
#ifndef DEFERD_PROBE_WORKER_PRIV_H
#define DEFERD_PROBE_WORKER_PRIV_H

#include <stddef.h>

#include "probe/worker.h"

#define WORKER_IMAGE_FD  3
#define WORKER_SOCKET_FD 4

struct worker_profile {
	char name[32];
	char push[PLAN_FUNCTION_MAX];
	char run[PLAN_FUNCTION_MAX];
	char panic[PLAN_FUNCTION_MAX];
	char recover[PLAN_FUNCTION_MAX];
};

struct worker_request {
	uint32_t version;
	uint32_t kind;
	uint32_t nprofiles;
	uint32_t nasks;
	struct image_ask asks[INSPECT_ASKS_MAX];
	struct worker_profile profiles[INSPECT_PROFILES_MAX];
};

struct worker_reply {
	size_t got; /* the reader's; what follows goes through the socket */
	uint32_t version;
	int32_t error; /* the job could not be done at all */
	uint32_t nplaces;
	char reason[REASON_MAX];
	union {
		struct {
			struct image_report report;
			struct image_lists lists;
		};
		struct image_place places[INSPECT_PLACES_MAX];
	} u;
};

#define WORKER_REPLY_AT    offsetof(struct worker_reply, version)
#define WORKER_REPLY_BYTES (sizeof(struct worker_reply) - WORKER_REPLY_AT)

/*
 * Worker side: give up privileges, resources and system calls, for good. Before it the process may
 * do anything, after it little more than read what is open. 0, or negative errno: then nothing of a
 * stranger's may be touched.
 */
int worker_give_up(struct reason *reason);

#endif
