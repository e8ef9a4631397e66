/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A rectangle of character cells, each with a style: what a screen is before anybody knows which
 * terminal shows it. Text that is put on it may come from observed programs: control bytes, invalid
 * sequences, characters of no width and those the locale cannot show never get through, and nothing
 * is written past an edge. Widths are those of wcwidth(3), so the caller sets LC_CTYPE first.
 */
#ifndef DEFERD_UI_GRID_H
#define DEFERD_UI_GRID_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* What a text means; how that looks is the terminal's business. */
enum style {
	STYLE_PLAIN,
	STYLE_DIM, /* there, but not to be looked at */
	STYLE_STRONG,
	STYLE_TITLE,  /* head of a table */
	STYLE_SORTED, /* head of the column that it is sorted by */
	STYLE_KEY,
	STYLE_GOOD,
	STYLE_WARN,
	STYLE_ALARM,
	STYLE_MAX,
};
#define STYLE_SELECTED 0x80 /* a bit on top of the above: the row under the cursor */

struct cell {
	uint32_t ch; /* code point; 0: the right half of the wide character before it */
	uint8_t style;
};

struct grid {
	unsigned rows, cols;
	struct cell *cells; /* row by row */
};

/* Blank. 0 or -ENOMEM. */
int grid_init(struct grid *g, unsigned rows, unsigned cols);
void grid_done(struct grid *g);

/*
 * Put text at a place, at most `width` columns of it; returns how many it took. What lies outside
 * is cut off.
 */
unsigned grid_put(struct grid *g, unsigned row, unsigned col, unsigned width, enum style style,
		  const char *text);
/* The same, flush right in `width`. */
void grid_put_right(struct grid *g, unsigned row, unsigned col, unsigned width, enum style style,
		    const char *text);
/* The same as grid_put() for text whose end matters: cut on the left, marked by "..". */
void grid_put_tail(struct grid *g, unsigned row, unsigned col, unsigned width, enum style style,
		   const char *text);
void grid_fill(struct grid *g, unsigned row, enum style style);
void grid_select(struct grid *g, unsigned row);

/* Columns that a text takes. */
unsigned grid_width(const char *text);
/* Bytes of its beginning that fit in `width` columns; of one character at least, unless it is "". */
size_t grid_fit(const char *text, unsigned width);

/* The first `rows` rows as lines, without blanks at their ends. */
void grid_text(const struct grid *g, unsigned rows, struct buf *b);
/* A letter for each cell's style, in the same way ('.' plain; upper case: selected). */
void grid_styles(const struct grid *g, unsigned rows, struct buf *b);

/* The first line shown of a text, moved by `rows`; grid_scroll_end() knows where it ends. */
unsigned grid_scroll(unsigned top, int rows);
/* The same, but so that `n` rows show the end of `all` lines at the furthest. */
unsigned grid_scroll_end(unsigned top, unsigned n, unsigned all);

#endif
