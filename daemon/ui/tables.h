/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The tables there are: their columns, and what a row is known by. The nouns are those of the
 * metrics and of the API.
 */
#ifndef DEFERD_UI_TABLES_H
#define DEFERD_UI_TABLES_H

#include "ui/cells.h"
#include "ui/table.h"

extern const struct table_kind table_services;    /* snapshot: services[] */
extern const struct table_kind table_targets;     /* snapshot: targets[] */
extern const struct table_kind table_alerts;      /* snapshot: alerts[] */
extern const struct table_kind table_goroutines;  /* target: goroutines[] of Go */
extern const struct table_kind table_threads;     /* target: goroutines[] of C */
extern const struct table_kind table_sites;       /* target: sites[] */
extern const struct table_kind table_groups;      /* target: groups[] */
extern const struct table_kind table_fd_groups;   /* target: fd_groups[] */
extern const struct table_kind table_fd_sites;    /* target: fd_sites[] */
extern const struct table_kind table_requests;    /* report: services with their requests */
extern const struct table_kind table_panics;      /* panics: panics[] */
extern const struct table_kind table_panic_sites; /* panics: sites[] */
extern const struct table_kind table_misplaced;   /* panics: misplaced[] */

/*
 * Rows say since when, as a time in the member `key`; put "age_seconds" beside it, seen from
 * `unix_ms` (milliseconds since 1970).
 */
void tables_add_ages(json_t *list, const char *key, double unix_ms);

/* What becomes of a panic, the worst first, and how it is shown. Ends with name NULL. */
struct tables_outcome {
	const char *name;
	enum style style;
};
extern const struct tables_outcome tables_outcomes[];
enum style tables_outcome_style(const char *outcome);
/* Of its value; what it was when it was no panic. Borrowed from it; "": not known. */
const char *tables_panic_type(const json_t *panic);

#endif
