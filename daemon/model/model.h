/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What we believe of each target, and how it moves. Events go in, and nothing else: the model never
 * asks the kernel, the clock or a process. It does not judge either; that is the rules' business.
 * One owner, the loop's thread.
 *
 * Readers above get const pointers into it that live until the next model_apply() or model_tick().
 */
#ifndef DEFERD_MODEL_MODEL_H
#define DEFERD_MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "model/depth.h"
#include "model/fdfull.h"
#include "model/names.h"
#include "model/targets.h"
#include "model/tops.h"

struct model *model_new(const struct model_opts *opts); /* NULL: out of memory */
void model_free(struct model *m);

/*
 * Out of memory loses this one event and counts it (model_dropped()). Unknown targets are ignored.
 */
void model_apply(struct model *m, const struct event *ev);
/* Once a second: trends, and services that nobody needs any more. */
void model_tick(struct model *m, uint64_t now_ns);
uint64_t model_dropped(const struct model *m);

/* Nothing of the target's state is inferred and no detail was lost since the last whole scan. */
bool target_exact(const struct target *t);
bool service_exact(const struct service *s); /* that holds for all of its processes */
uint64_t counts_registered(const struct event_counts *c);
/* Of a service's targets, the living and the gone: never goes back. */
void service_counts(const struct service *s, struct event_counts *ret_counts);
void service_living_counts(const struct service *s, struct event_counts *ret_counts);
/* For how long stack defers and runs were seen, of all processes of a service. */
uint64_t service_full_ns(const struct service *s, uint64_t now_ns);
/*
 * The usual 95th percentile of its requests, seconds, and by how much that of the last 30 s is more (negative: less); false
 * while it is not known.
 */
bool service_p95_baseline(const struct service *s, double *ret_seconds);
bool service_p95_rise(const struct service *s, double *ret_seconds);
/* What happens until then is not what is usual for the service. */
void model_hold_baseline(struct model *m, const char *service, uint64_t until_ns);

/* The deadlock that the newest census has found; NULL: none. */
const struct ring *target_ring(const struct target *t);
/* The lock that most waited for at the newest census; NULL: nobody, or one goroutine only. */
const struct event_pile *target_pile(const struct target *t);
/*
 * Ever more goroutines wait for a connection of a pool, in which there are no more than before: it is too small. `in_use`:
 * the connections, as many as there are of no other port whose number does not change.
 */
struct pool_shortage {
	const struct event_pile *waiters; /* at the newest census */
	double per_hour;
	const struct fdgroup *in_use;
};
/*
 * All connections of a pool are in use, and stay so: somebody waits for one at each census, their number is the same, and none has
 * carried anything since the first of these; of connections that never do, nobody's wait has ended. For half a minute at least.
 */
struct pool_exhaustion {
	const struct fdgroup *in_use;
	const struct event_pile *waiters;
	const struct event_pile *holders; /* NULL: nobody is seen in a call that uses one */
	uint64_t since_ns;
};
bool target_pool_exhaustion(const struct target *t, struct pool_exhaustion *ret);
bool target_pool_shortage(const struct target *t, struct pool_shortage *ret);
/* Goroutines at the newest census, but for those of the runtime itself. */
uint64_t census_goroutines(const struct event_census *c);

/* A target, or an entry of a ledger, is of this image: names may be asked for. */
bool model_uses_image(const struct model *m, uint32_t image_id);

#endif
