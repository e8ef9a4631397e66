/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Descriptors of observed processes as JSON and as metrics.
 *
 *   fd_groups[]  { kind, direction: in | out | null, port | null, open, kept: are at least 6 intervals old, oldest_seconds:
 *                at least, states{} | null: connections by state, leak{} }, the most first
 *   fd_sites[]   { kind, direction, port: as above, site{} | null, open, kept, share: of all that are kept (0 to 1), oldest_seconds, median_seconds }: the lines that
 *                opened what is open, those that keep most first; since the process is under suspicion
 *   pool         null, or, when it is too small: { what: "connections to port 5432", open, waiting: goroutines, per_hour: by which
 *                they become more, oldest_seconds | null, site{} | null: where most wait }
 *   leak         { verdict: too_young | steady | unsure | leaking, per_hour, low_per_hour, high_per_hour: 95 % interval, seconds:
 *                over which that was seen; the interval of `leaking` only }
 */
#ifndef DEFERD_EXPORT_FDS_H
#define DEFERD_EXPORT_FDS_H

#include <jansson.h>

#include "export/expo.h"
#include "model/model.h"

/*
 * Members of a target beside its numbers (see export/numbers.h): fd_growth_high_per_second, fd_exhaustion_high_seconds, fd_limit{ name, used, max },
 * fd_leak{}. Null where something is not known (yet).
 */
void view_add_fds(json_t *o, const struct target *t);
/* As of the newest census; [] before the first. */
json_t *view_fd_groups(const struct target *t, uint64_t now_ns);
json_t *view_fd_sites(struct model *m, const struct target *t, uint64_t now_ns);
/* Of a target: see `pool`. */
json_t *view_pool(struct model *m, const struct target *t, uint64_t now_ns);

/* Families by kind, of connections and of verdicts. */
void fds_write_metrics(struct expo *x, const struct model *m);

#endif
