/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The metrics page: every family, its labels and its unit stand in metrics.c, in the order of the
 * page.
 */
#ifndef DEFERD_EXPORT_METRICS_H
#define DEFERD_EXPORT_METRICS_H

#include <stdbool.h>

#include "base/buf.h"
#include "export/show.h"

void metrics_write(const struct show *s, bool openmetrics, struct buf *out);

#endif
