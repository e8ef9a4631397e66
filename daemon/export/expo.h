/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Writing metrics, in the Prometheus text format 0.0.4 or in OpenMetrics 1.0 from the same calls
 * (https://prometheus.io/docs/instrumenting/exposition_formats,
 * https://prometheus.io/docs/specs/om/open_metrics_spec). A family is opened, then its samples are
 * written; past `series_max` they are dropped and counted.
 */
#ifndef DEFERD_EXPORT_EXPO_H
#define DEFERD_EXPORT_EXPO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum expo_type { EXPO_GAUGE, EXPO_COUNTER, EXPO_HISTOGRAM, EXPO_INFO };

struct expo {
	struct buf *out;
	bool openmetrics;
	bool manual; /* the families alone, as items of a list of mdoc(7): the manual's table */
	uint32_t series_max; /* of one family */
	/* The family that is open */
	const char *name;
	enum expo_type type;
	uint32_t series;
	uint64_t dropped; /* by all families of this page */
};

/*
 * `name` without _total or _info: the writer adds what the format and the type ask for. `labels` of its samples, but
 * for a histogram's le: "service,state".
 */
void expo_family(struct expo *x, const char *name, enum expo_type type, const char *labels,
		 const char *help);
/* Labels as name, value, name, value, ..., NULL. Values are escaped here. Counters and gauges. */
void expo_sample(struct expo *x, double value, ...) __attribute__((sentinel));
/*
 * Cumulative histogram: `counts[i]` observations fell into (edges[i-1], edges[i]], counts[n] past
 * the last. One label at most.
 */
void expo_histogram(struct expo *x, const char *label, const char *label_value, const double *edges,
		    const uint64_t *counts, unsigned n, double sum);
void expo_end(struct expo *x); /* "# EOF" where the format wants it */

extern const char expo_text_type[], expo_openmetrics_type[]; /* Content-Type */

#endif
