/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A table on stdout, whole: as wide as the terminal; into a file or a pipe, as wide as it is. */
#ifndef DEFERD_CMD_PRINT_H
#define DEFERD_CMD_PRINT_H

#include "cmd/cmd.h"
#include "ui/tables.h"

/* EXIT_GOOD; EXIT_FAILED after a message on stderr. */
int print_table(const struct command *c, const struct table_kind *kind, const json_t *list,
		bool no_headers);

#endif
