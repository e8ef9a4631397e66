/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The metrics page: every family, its labels and its unit stand in metrics.c, in the order of the page. */
#ifndef DEFERD_EXPORT_METRICS_H
#define DEFERD_EXPORT_METRICS_H

#include <stdbool.h>

#include "base/buf.h"
#include "engine/engine.h"

/* What only the command that runs the engine knows. */
struct metrics_extra {
	bool last_reload_good;
	double last_reload_good_unix_s;
	double start_unix_s;
	uint64_t cpu_ns;    /* of this process */
	uint64_t rss_bytes;
	uint64_t open_fds, max_fds;
	uint64_t series_dropped; /* by earlier pages; the page adds its own */
};

void metrics_write(struct engine *e, struct metrics_extra *extra, bool openmetrics, uint64_t now_ns, struct buf *out);

#endif
