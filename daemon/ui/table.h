/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A table over a list of JSON objects: filtered, sorted, with one row selected. The selection is of
 * a thing, not of a place: it follows its row when the order changes, and stays at its place when
 * the thing is gone. Columns that do not fit are left out by their rank, and no line is ever longer
 * than the grid.
 */
#ifndef DEFERD_UI_TABLE_H
#define DEFERD_UI_TABLE_H

#include <stdbool.h>

#include <jansson.h>

#include "ui/grid.h"
#include "ui/value.h"

#define TABLE_KEY_MAX    512
#define TABLE_FILTER_MAX 64
#define TABLE_COLUMNS    20

struct table_value {
	char text[VALUE_MAX];
	enum style style;
};

struct column {
	const char *title;
	const char *key;     /* member of the row's object that it shows */
	const char *meaning; /* for the help page */
	unsigned min, max;   /* width; between them it follows its content */
	unsigned
		rank; /* columns of the highest rank are left out first, of equals the right one; 0: never */
	enum { COLUMN_TEXT, COLUMN_TAIL, COLUMN_NUMBER } align; /* tail: text whose end matters */
	void (*format)(const struct column *c, const json_t *row, struct table_value *ret);
	bool rare; /* left out while no row has a value */
	/* What it is sorted by, as value_number(); NULL: by its text. */
	bool (*number)(const json_t *row, const char *key, double *ret);
};

struct table_kind {
	const char *noun;             /* of its rows, plural: "services" */
	const struct column *columns; /* ends with title NULL */
	unsigned sort;                /* column at the start */
	bool ascending;
	bool listed; /* rows of one value stay in the order of the list; else they go by id */
	/* What a row is known by. */
	void (*id)(const json_t *row, char *buf, size_t size);
	/* Whether a filter leaves it in. */
	bool (*matches)(const json_t *row, const char *text);
};

struct table_row {
	const json_t *o; /* borrowed from the list of the last table_fill() */
	size_t place;    /* there */
	char id[TABLE_KEY_MAX];
};

struct table {
	const struct table_kind *kind;
	unsigned sort;
	bool descending;
	char filter[TABLE_FILTER_MAX];
	char selected[TABLE_KEY_MAX]; /* id, "" none */
	unsigned index;               /* of the selected row */
	unsigned top;                 /* first row shown */
	struct table_row *rows;
	unsigned n, total; /* after and before the filter */
};

void table_init(struct table *t, const struct table_kind *kind);
void table_done(struct table *t);

/*
 * New content; `list` must live until the next call. Anything but an array is an empty one. 0 or
 * -ENOMEM (now empty).
 */
int table_fill(struct table *t, const json_t *list);
/* NULL: the table is empty. */
const json_t *table_selected(const struct table *t);

/* Each of these needs a table_fill() afterwards. */
void table_sort_by(struct table *t, int step); /* the next column, or the one before */
void table_filter_add(struct table *t, uint32_t ch);
void table_filter_cut(struct table *t); /* its last character */

void table_move(struct table *t, int rows); /* stops at the ends */

/* The head in `row`, then at most `n` rows, scrolled so that the selected one is seen. */
void table_draw(struct table *t, struct grid *g, unsigned row, unsigned n, bool cursor);
/* Columns that the widest form takes: with a grid of it nothing is left out. */
unsigned table_width(const struct table *t);

#endif
