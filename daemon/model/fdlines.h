/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The lines of code that opened what a process has open, by kind or port: stacks that lead to one line together. */
#ifndef DEFERD_MODEL_FDLINES_H
#define DEFERD_MODEL_FDLINES_H

#include "model/names.h"
#include "model/targets.h"

#define FD_LINES_MAX 32

struct fd_line {
	struct event_fd_key what;
	const struct code_line *at; /* NULL: not known (yet) */
	uint64_t open, kept;        /* see struct event_fd_site */
	uint64_t oldest_ns;
	uint64_t median_ns; /* of the stack that keeps most */
	double share;       /* of all that are kept; 0 to 1 */
};

/*
 * As of the newest census, those that keep most first; of who was looked at, which begins with the suspicion. The line is the
 * first one outside of Go's standard library, and of C the first one of the program's own file. Pointers live until the
 * model changes. Returns how many.
 */
unsigned fd_lines(struct model *m, const struct target *t, struct fd_line ret[static FD_LINES_MAX]);

#endif
