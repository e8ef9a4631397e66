/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Pieces of a line, left to right, two columns apart: what does not fit whole is left out, and all
 * after it. Only the first piece can be too long: it is cut, and shows it.
 */
#ifndef DEFERD_UI_LINE_H
#define DEFERD_UI_LINE_H

#include <jansson.h>

#include "ui/grid.h"

struct line {
	struct grid *g;
	unsigned row, col;
	bool full;
};

/* `name` goes before it, dim; "": nothing does. */
__attribute__((format(printf, 4, 5))) void line_put(struct line *l, const char *name,
						    enum style style, const char *fmt, ...);
/* Members of `o`; "-" when they are missing or of another type. */
void line_put_count(struct line *l, const char *name, const json_t *o, const char *key,
		    enum style style_above_zero);
void line_put_string(struct line *l, const char *name, const json_t *o, const char *key);
/* tables_place(); nothing when it is not known. */
void line_put_place(struct line *l, const char *name, const json_t *site);

#endif
