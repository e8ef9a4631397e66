/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The engine's state as JSON: what the HTTP API answers, what `top`, `ps` and `--json` show. One
 * shape for all of them:
 *
 *   snapshot  { time_unix_ms, deferd{}, services[], targets[], alerts[] }
 *   target    one of targets[], with goroutines[] (deepest first), sites[] (most registrations first),
 *             groups[] of goroutines (see view_groups()), fd_groups[] and fd_sites[] (see export/fds.h), and crossing_stack[],
 *             the lines that led to the newest crossing of the threshold (innermost first)
 *   panics    { panics[] (newest first), sites[] (most panics first), misplaced[], totals[] }, see
 *             view_panics()
 *             requests{} are of the service, see export/requests.h
 *   alerts    as the API of Prometheus gives them: { status, data: { alerts: [ { labels, annotations, state, activeAt, value } ] } }
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
#define VIEW_STACK_MAX      48  /* functions of one stack, what is inlined included */
#define VIEW_PANICS_MAX     512 /* of all services */

json_t *view_snapshot(const struct show *s);
/* NULL also when no target has this pid. */
json_t *view_target(const struct show *s, uint32_t pid);
json_t *view_alerts(const struct show *s);

/* Which panics: all members that are set must fit. */
struct view_filter {
	const char *service; /* a pattern as of fnmatch(3); NULL: any */
	uint32_t pid;        /* 0: any; may be of a process that is gone */
	unsigned limit;      /* at most so many panics; 0: VIEW_PANICS_MAX */
};

/*
 * The panic ledger.
 *
 *   panics[]     { id, service, pid, goroutine | thread, time, kind: panic | throw | signal, outcome, ended (or null), type,
 *                  message, site{}, stack[], recovered_in{} | null: the function that returned normally, recover_site{} | null:
 *                  where recover() was called, replaced_by: id | null }
 *   sites[]      { service, pid, kind, site{}, type, told, outcomes{}: of those that were told }
 *   misplaced[]  { service, pid, site{}, caller{}, count }: recover() that returned nil although a panic ran, because it stood in
 *                  a wrong frame
 *   totals[]     { service, started, outcomes{}: exact, running, untold: counted without details, misplaced }
 *   complete     false: names are still being looked up; ask again
 */
json_t *view_panics(const struct show *s, const struct view_filter *f);
/*
 * One event as `trace --json` prints it. The image it is about is passed along, since the target
 * may be gone when names are known; 0: not known.
 */
json_t *view_event(struct model *m, uint32_t image_id, enum runtime_kind runtime,
		   const struct event *ev);

extern const char *const view_runtime_names[RUNTIME_MAX];
extern const char *const view_state_names[TARGET_STATE_MAX];
extern const char *const view_goroutine_names[GOROUTINE_STATE_MAX];
extern const char *const view_lowering_names[LOWERING_MAX];
extern const char *const view_call_names[CALL_MAX];
extern const char *const view_step_names[PANIC_STEP_MAX];
extern const char *const view_outcome_names[OUTCOME_MAX];
extern const char *const view_ledger_kind_names[LEDGER_KIND_MAX];

#endif
