/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What of the model outlives the daemon, as JSON: of services what is usual for their requests and how many panics there were;
 * of processes these counts, the sites of panics, and the series that leaks are judged by. A process is known again by pid,
 * start and executable, and only in the boot in which it was kept; a service by its name.
 */
#ifndef DEFERD_MODEL_KEPT_H
#define DEFERD_MODEL_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "model/targets.h"

#define KEPT_SERVICES_MAX 4096 /* further ones are left out */
#define KEPT_GROUPS_MAX   32   /* of a process: goroutines; descriptors the same */

/* { services: [...], processes: [...] }, the caller's; NULL: out of memory. Not while something waits: see below. */
json_t *model_keep(const struct model *m);
/*
 * Before the first event. Services are there at once, processes get theirs when they are told of; what does not fit is left
 * out, whatever stands in it. `same_boot`: the clock goes on, and pids are what they were.
 */
void model_adopt(struct model *m, const json_t *kept, bool same_boot, uint64_t now_ns);
/* Who has not been told of by now is gone: its counts stay with its service. */
void model_forget_kept(struct model *m);

#endif
