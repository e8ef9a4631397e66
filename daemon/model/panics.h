/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the model knows of panics beyond their ledger: which are running, what they say, who asked recover() in vain, and
 * whose recoveries are to be watched.
 */
#ifndef DEFERD_MODEL_PANICS_H
#define DEFERD_MODEL_PANICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

struct aftermath;
struct lone_recover;
struct model;
struct service;
struct target;

/* Started, and not ended: of a service's living targets. */
uint64_t service_panics_running(const struct service *s);
uint64_t target_panics_running(const struct target *t);
/* recover() in a wrong frame, of a target. */
uint64_t target_misplaced(struct model *m, const struct target *t);
/*
 * Whether this recover() stood in a wrong frame, rather than in a deferred function that a function
 * called while a panic ran, and which returned normally; or in the runtime or fmt, which ask so
 * themselves. False while the names are not known.
 */
bool model_misplaced(struct model *m, const struct target *t, const struct lone_recover *r);
/* recover() in a wrong frame, of a service. */
uint64_t service_misplaced(struct model *m, const struct service *s);
/* Whether writes should be watched: some site's recoveries are not judged yet. */
bool model_wants_aftermath(const struct model *m, uint64_t now_ns);
/* Whoever watched writes stops: what was not seen to its end is forgotten. */
void model_discard_aftermaths(struct model *m, uint64_t now_ns);
/* A recovery that was watched to its end, to be closed by aftermath_close(); NULL: none. */
struct aftermath *model_complete_aftermath(struct model *m, uint64_t now_ns);
/* Sites of a service's living processes whose panics may be swallowed. */
unsigned service_swallowed(const struct model *m, const struct service *s);
/*
 * Type and message of a panic, as the runtime would print them: "*errors.errorString", "no such
 * user". Sanitized; "" when there is none; "?" for a type whose name is not known (yet). False
 * while something of it is not known.
 */
bool model_panic_type(struct model *m, uint32_t image_id, const struct event_panic *p, char *buf,
		      size_t size);
bool model_panic_message(struct model *m, uint32_t image_id, const struct event_panic *p, char *buf,
			 size_t size);

#endif
