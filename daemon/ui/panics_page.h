/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The page of `top` for the panic ledger: three tables over one document (view_panics()), and one
 * panic opened, with its stack. A part of struct screen, which owns keys and the grid; an opened
 * panic stays when the ledger forgets it.
 */
#ifndef DEFERD_UI_PANICS_PAGE_H
#define DEFERD_UI_PANICS_PAGE_H

#include "ui/line.h"
#include "ui/table.h"

enum panics_tab { PANICS_EACH, PANICS_SITES, PANICS_MISPLACED, PANICS_TAB_MAX };

struct panics_page {
	char service[TABLE_KEY_MAX]; /* whose panics; "": of all */
	enum panics_tab tab;
	json_t *doc;       /* NULL: not there yet */
	json_t *opened;    /* a panic; NULL: the tables are shown */
	unsigned top;      /* first line of it that is shown */
	char trouble[256]; /* why the document is old, or missing */
	struct table tables[PANICS_TAB_MAX];
};

void panics_page_init(struct panics_page *p, const char *service);
void panics_page_done(struct panics_page *p);

/* The document is taken; it is as old as `unix_ms` (0: not known). 0 or -ENOMEM. */
int panics_page_set(struct panics_page *p, json_t *doc, double unix_ms);

struct table *panics_page_table(struct panics_page *p);
const json_t *panics_page_list(const struct panics_page *p);

/* The selected panic; only the table of panics has any. */
void panics_page_open(struct panics_page *p);
void panics_page_close(struct panics_page *p);
void panics_page_scroll(struct panics_page *p, int lines);

void panics_page_draw_title(const struct panics_page *p, struct grid *g, unsigned row);
/* `n` rows of the opened panic. */
void panics_page_draw_opened(struct panics_page *p, struct grid *g, unsigned row, unsigned n);
/* What is said of the selected row beside its columns. */
void panics_page_put_selected(struct panics_page *p, struct line *l);
const char *panics_page_why_empty(const struct panics_page *p);

#endif
