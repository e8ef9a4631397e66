/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the commands share that show a census of one process: the daemon of this host is asked for its
 * newest one; a process that it does not observe is read here and now, with nothing attached to it.
 */
#ifndef DEFERD_CMD_CENSUS_H
#define DEFERD_CMD_CENSUS_H

#include <jansson.h>

#include "cmd/cmd.h"
#include "cmd/source.h"
#include "export/show.h"

struct census_command {
	const struct command *command;
	struct source_opts *source; /* daemon_first */
	const char *page;           /* of the API, below /api/v1/ */
	/* The same document of a census of our own: `t` is NULL, nothing is known of before. */
	json_t *(*view)(struct model *m, const struct target *t, const struct show_census *sc,
			bool *ret_complete);
	int (*show)(const json_t *doc, pid_t pid); /* prints it; the exit code */
};

int cmd_census(const struct census_command *c, const char *pid);
/* Says so on stderr; EXIT_FAILED. */
int cmd_census_fail(const struct command *c, pid_t pid, const char *why);

#endif
