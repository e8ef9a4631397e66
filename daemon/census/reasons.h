/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Wait reasons of the Go runtime, by their texts. */
#ifndef DEFERD_CENSUS_REASONS_H
#define DEFERD_CENSUS_REASONS_H

#include <stdbool.h>

/* Whether a goroutine that waits for this reason is on a CPU in truth: the collector's and tracer's. */
bool census_reason_runs(const char *text);

#endif
