/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The panic ledger as JSON. */
#ifndef DEFERD_EXPORT_PANICS_H
#define DEFERD_EXPORT_PANICS_H

#include <jansson.h>

#include "export/show.h"

#define VIEW_PANICS_MAX 512 /* of all services */

/* Which panics: all members that are set must fit. */
struct view_filter {
	const char *service; /* a pattern as of fnmatch(3); NULL: any */
	uint32_t pid;        /* 0: any; may be of a process that is gone */
	unsigned limit;      /* at most so many panics; 0: VIEW_PANICS_MAX */
};

/*
 * The panic ledger.
 *
 *   panics[]     { id, service, pid, goroutine | thread, time, kind: panic | throw | signal | exit (these with last_panic: id | null and age_seconds: of the process), outcome, ended (or null), type,
 *                  message, site{}, stack[], recovered_in{} | null: the function that returned normally, recover_site{} | null:
 *                  where recover() was called, replaced_by: id | null, raises: id | null: of the panic of
 *                  another goroutine whose value it raises again, at raised_again_at{}; `site` is that one's then; raised_again_by }
 *   sites[]      { service, pid, kind, site{}, type, told, outcomes{}: of those that were told,
 *                  by_design: abort_handler | control_flow | null, raised_again }
 *   misplaced[]  { service, pid, site{}, caller{}, count }: recover() that returned nil although a panic ran, because it stood in
 *                  a wrong frame
 *   totals[]     { service, started, outcomes{}: exact, running, untold: counted without details, misplaced }; of a process that is gone, what was
 *                  told of it
 *   limited[]    { service, pid, reason }: not all panics of these processes are seen
 *   known        false: no process or service of the filter is observed, or was
 *   complete     false: names are still being looked up; ask again
 */
json_t *view_panics(const struct show *s, const struct view_filter *f);

/* Members `type` and `message`. False while something of them is not known. */
bool view_panic_value(json_t *o, struct model *m, uint32_t image_id, const struct event_panic *p);

#endif
