/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The engine's state as JSON: what the HTTP API answers, what `top`, `ps` and `--json` show. One
 * shape for all of them:
 *
 *   snapshot  { time_unix_ms, deferd{}, services[], targets[], alerts[] }
 *   target    one of targets[], with goroutines[] (deepest first), sites[] (most registrations first),
 *             groups[] of goroutines (see view_groups()), fd_groups[] and fd_sites[] (see export/fds.h), and crossing_stack[],
 *             the lines that led to the newest crossing of the threshold (innermost first)
 *             requests{} are of the service, see export/requests.h
 *
 * Names of keys are the names of metrics and columns. Addresses appear only as what goroutines
 * wait for. New objects belong to
 * the caller (json_decref); NULL: out of memory.
 */
#ifndef DEFERD_EXPORT_VIEWS_H
#define DEFERD_EXPORT_VIEWS_H

#include <jansson.h>

#include "export/show.h"

#define VIEW_GOROUTINES_MAX 256
#define VIEW_SITES_MAX      64
#define VIEW_GROUPS_MAX     64

json_t *view_snapshot(const struct show *s);
/* NULL also when no target has this pid. */
json_t *view_target(const struct show *s, uint32_t pid);

#endif
