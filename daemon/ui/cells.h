/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What tables are made of: how a member is shown, and how a column is written. */
#ifndef DEFERD_UI_CELLS_H
#define DEFERD_UI_CELLS_H

#include "ui/table.h"
#include "ui/value.h"

void table_value_set(struct table_value *v, const char *text); /* "" shows as "-" */

/* Formats of a column; "-" for whatever is of another type. */
void as_text(const struct column *c, const json_t *row, struct table_value *ret);
void as_count(const struct column *c, const json_t *row, struct table_value *ret);
void as_id(const struct column *c, const json_t *row, struct table_value *ret);
void as_age(const struct column *c, const json_t *row, struct table_value *ret);
void as_share(const struct column *c, const json_t *row,
	      struct table_value *ret); /* 0 to 1, as percent */
void as_place(const struct column *c, const json_t *row, struct table_value *ret);
void as_file_line(const struct column *c, const json_t *row,
		  struct table_value *ret); /* of as_place */

/* Of the member `requests`: see export/requests.h. */
bool request_number(const json_t *row, const char *key, double *ret);
void as_latency(const struct column *c, const json_t *row, struct table_value *ret);
void as_rise(const struct column *c, const json_t *row, struct table_value *ret);

/* "function file:line" of a site object, as much as is known; "-" for null. */
void tables_place(const json_t *site, char *buf, size_t size);

/* What a filter asks, in either case of letters. */
bool tables_has(const char *member, const char *text);

/* A row that is known by its service. */
void tables_service_id(const json_t *row, char *buf, size_t size);
bool tables_service_matches(const json_t *row, const char *text);

/* A row that is known by a number; sorts as text. */
void tables_number_id(const json_t *row, const char *key, char *buf, size_t size);

#define NUMBER(title_, key_, width_, rank_, format_, meaning_)                                   \
	{                                                                                        \
		.title = title_, .key = key_, .meaning = meaning_, .min = width_, .max = width_, \
		.rank = rank_, .align = COLUMN_NUMBER, .format = format_, .number = value_number \
	}
#define REQUEST(title_, key_, width_, rank_, format_, meaning_)                                    \
	{                                                                                          \
		.title = title_, .key = key_, .meaning = meaning_, .min = width_, .max = width_,   \
		.rank = rank_, .align = COLUMN_NUMBER, .format = format_, .number = request_number \
	}
#define ID(title_, key_, min_, max_, rank_, meaning_)                                          \
	{                                                                                      \
		.title = title_, .key = key_, .meaning = meaning_, .min = min_, .max = max_,   \
		.rank = rank_, .align = COLUMN_NUMBER, .format = as_id, .number = value_number \
	}
#define TEXT(title_, key_, min_, max_, rank_, format_, meaning_)                             \
	{                                                                                    \
		.title = title_, .key = key_, .meaning = meaning_, .min = min_, .max = max_, \
		.rank = rank_, .align = COLUMN_TEXT, .format = format_                       \
	}
#define TAIL(title_, key_, min_, max_, rank_, format_, meaning_)                             \
	{                                                                                    \
		.title = title_, .key = key_, .meaning = meaning_, .min = min_, .max = max_, \
		.rank = rank_, .align = COLUMN_TAIL, .format = format_                       \
	}

#endif
