/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The engine's state as JSON: what the HTTP API answers, what `top`, `ps` and `--json` show. One
 * shape for all of them:
 *
 *   snapshot  { time_unix_ms, deferd{}, services[], targets[], alerts[] }
 *   target    one of targets[], with goroutines[] (deepest first), sites[] (most registrations first), and crossing_stack[],
 *             the lines that led to the newest crossing of the threshold (innermost first)
 *   alerts    as the API of Prometheus gives them: { status, data: { alerts: [ { labels, annotations, state, activeAt, value } ] } }
 *
 * Names of keys are the names of metrics and columns. Addresses never appear. New objects belong to
 * the caller (json_decref); NULL: out of memory.
 */
#ifndef DEFERD_EXPORT_VIEWS_H
#define DEFERD_EXPORT_VIEWS_H

#include <jansson.h>

#include "export/show.h"

#define VIEW_GOROUTINES_MAX 256
#define VIEW_SITES_MAX      64

json_t *view_snapshot(const struct show *s);
/* NULL also when no target has this pid. */
json_t *view_target(const struct show *s, uint32_t pid);
json_t *view_alerts(const struct show *s);
/* One event as `trace --json` prints it. */
json_t *view_event(struct model *m, const struct event *ev);

extern const char *const view_runtime_names[RUNTIME_MAX];
extern const char *const view_state_names[TARGET_STATE_MAX];
extern const char *const view_lowering_names[LOWERING_MAX];
extern const char *const view_call_names[CALL_MAX];

#endif
