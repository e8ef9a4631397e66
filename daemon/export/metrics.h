/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The metrics page: every family and its labels stand in metrics.c, in the order of the page.
 */
#ifndef DEFERD_EXPORT_METRICS_H
#define DEFERD_EXPORT_METRICS_H

#include <stdbool.h>

#include "base/buf.h"
#include "export/show.h"

void metrics_write(const struct show *s, bool openmetrics, struct buf *out);
/* Every family as an item of deferd-metrics(7), in the order of the page. */
void metrics_write_manual(const struct show *s, struct buf *out);

#endif
