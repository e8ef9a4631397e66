/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where `top` and `ps` get their documents from: the daemon of this host over its control socket,
 * or, when none answers, an engine in this process with probes of its own. The documents have the
 * same shape (export/views.h); a snapshot has one more member, `source`, with source_name().
 */
#ifndef DEFERD_CMD_SOURCE_H
#define DEFERD_CMD_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/loop.h"
#include "base/reason.h"
#include "export/panics.h"
#include "export/views.h"

struct source_opts {
	const char *command;     /* name in messages */
	const char *config_path; /* NULL: defaults */
	const char *socket;      /* NULL: as configured */
	bool alone;              /* do not ask the daemon */
	const char *
		daemon_only; /* only a daemon ...: EXIT_FAILED, after a message, without one; NULL: no */
	bool daemon_first; /* without one there is no source either: EXIT_GOOD, *ret_s NULL */
};

struct source;

/*
 * EXIT_GOOD, or the exit code after a message on stderr: EXIT_PRIVILEGE when the socket may not be
 * used, or there is none and we may not attach; else as session_open(). *ret_s is NULL on failure.
 */
int source_open(const struct source_opts *opts, struct source **ret_s);
void source_close(struct source *s); /* NULL is allowed */

/* "daemon at PATH" or "alone". Borrowed from s. */
const char *source_name(const struct source *s);
/* To be turned by the caller: an engine of our own lives on it. */
struct loop *source_loop(struct source *s);
/* Turn it for so long. 0 or negative errno. */
int source_pause(struct source *s, unsigned ms);
/*
 * Turn it until there is something to show: alone, all processes were looked at (for a minute at
 * most) and rates are there; in any case, sites have their names and nothing is being inspected,
 * which is waited for two seconds at most. 0 or negative errno.
 */
int source_settle(struct source *s);

/*
 * The document belongs to the caller. 0, or negative errno with the reason; -ESRCH: no target has
 * this pid.
 */
int source_snapshot(struct source *s, json_t **ret_doc, struct reason *reason);
/* The panic ledger (view_panics()), once everything in it has a name, or after two seconds. */
int source_panics(struct source *s, const struct view_filter *f, json_t **ret_doc,
		  struct reason *reason);
/* The same as it is now, names or not: for who asks again. -ESRCH: the daemon keeps none. */
int source_panics_now(struct source *s, const struct view_filter *f, json_t **ret_doc,
		      struct reason *reason);
/*
 * What /api/v1/PAGE?pid=PID has of the last census of a process, once everything in it has a name, or after
 * two seconds; of a source that was opened as daemon_first. -ESRCH: the daemon does not observe the
 * process; -EPROTO: it has none.
 */
int source_census(struct source *s, const char *page, uint32_t pid, json_t **ret_doc,
		  struct reason *reason);
/* As engine_set_probes(); of a source that was opened as daemon_only. */
int source_set_probes(struct source *s, uint32_t pid, const char *set, struct reason *reason);
int source_target(struct source *s, uint32_t pid, json_t **ret_doc, struct reason *reason);

#endif
