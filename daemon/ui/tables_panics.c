// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The tables of the panic ledger. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/tables.h"

/* The worst first: what does not fit on a line is at its end. */
const struct tables_outcome tables_outcomes[] = {
	{ "fatal", STYLE_ALARM },     { "overridden", STYLE_WARN },
	{ "repanicked", STYLE_WARN }, { "unknown", STYLE_WARN },
	{ "goexit", STYLE_PLAIN },    { "recovered", STYLE_PLAIN },
	{ "running", STYLE_STRONG },  {},
};

enum style tables_outcome_style(const char *outcome)
{
	for (const struct tables_outcome *o = tables_outcomes; o->name; o++) {
		if (!strcmp(o->name, outcome))
			return o->style;
	}
	return STYLE_PLAIN;
}

const char *tables_panic_type(const json_t *panic)
{
	const char *type = value_string(panic, "type"), *kind = value_string(panic, "kind");

	return !type[0] && strcmp(kind, "panic") ? kind : type;
}

static void as_outcome(const struct column *c, const json_t *row, struct table_value *ret)
{
	as_text(c, row, ret);
	ret->style = tables_outcome_style(ret->text);
}

static void as_type(const struct column *c, const json_t *row, struct table_value *ret)
{
	table_value_set(ret, tables_panic_type(row));
}

static bool goroutine_or_thread(const json_t *row, const char *key, double *ret)
{
	return value_number(row, key, ret) || value_number(row, "thread", ret);
}

static void as_goroutine(const struct column *c, const json_t *row, struct table_value *ret)
{
	struct column thread = *c;

	as_id(c, row, ret);
	if (strcmp(ret->text, "-"))
		return;
	thread.key = "thread";
	as_id(&thread, row, ret);
}

static void as_function(const struct column *c, const json_t *row, struct table_value *ret)
{
	table_value_set(ret, value_string(json_object_get(row, c->key), "function"));
}

/* "1 fatal, 3 recovered", in the colour of the worst. */
static void as_outcomes(const struct column *c, const json_t *row, struct table_value *ret)
{
	const json_t *counts = json_object_get(row, c->key);
	size_t len = 0;
	double n;

	table_value_set(ret, "");
	for (const struct tables_outcome *o = tables_outcomes; o->name; o++) {
		char count[VALUE_MAX];

		if (!value_number(counts, o->name, &n) || n <= 0)
			continue;
		value_count(count, sizeof(count), n, 7);
		if (!len)
			ret->style = o->style;
		len += (size_t)snprintf(ret->text + len, sizeof(ret->text) - len, "%s%.20s %s",
					len ? ", " : "", count, o->name);
	}
}

/* Of a panic in Go's library, the line of the program that called it. */
static void as_own_place(const struct column *c, const json_t *row, struct table_value *ret)
{
	struct column own = *c;

	if (json_is_object(json_object_get(row, "called_by")))
		own.key = "called_by";
	as_place(&own, row, ret);
}

/* Of a site: "suspected", "no", "unsure"; "-": nothing was recovered there. */
static void as_swallowed(const struct column *c, const json_t *row, struct table_value *ret)
{
	const char *verdict = value_string(json_object_get(row, c->key), "verdict");

	table_value_set(ret, verdict);
	if (!strcmp(verdict, "suspected"))
		ret->style = STYLE_WARN;
}

static void panic_id(const json_t *row, char *buf, size_t size)
{
	tables_number_id(row, "id", buf, size);
}

static void panic_site_id(const json_t *row, char *buf, size_t size)
{
	char place[VALUE_MAX], pid[40];

	tables_place(json_object_get(row, "site"), place, sizeof(place));
	tables_number_id(row, "pid", pid, sizeof(pid));
	snprintf(buf, size, "%s %s %s", place, pid, tables_panic_type(row));
}

static void misplaced_id(const json_t *row, char *buf, size_t size)
{
	char site[VALUE_MAX], pid[40];

	tables_place(json_object_get(row, "site"), site, sizeof(site));
	tables_number_id(row, "pid", pid, sizeof(pid));
	snprintf(buf, size, "%.220s %s %.220s", site, pid,
		 value_string(json_object_get(row, "caller"), "function"));
}

static bool panic_matches(const json_t *row, const char *text)
{
	return tables_has(value_string(row, "service"), text) ||
	       tables_has(tables_panic_type(row), text) ||
	       tables_has(value_string(row, "outcome"), text) ||
	       tables_has(value_string(row, "message"), text) ||
	       tables_has(value_string(json_object_get(row, "site"), "function"), text);
}

static bool misplaced_matches(const json_t *row, const char *text)
{
	return tables_has(value_string(row, "service"), text) ||
	       tables_has(value_string(json_object_get(row, "site"), "function"), text) ||
	       tables_has(value_string(json_object_get(row, "caller"), "function"), text);
}

static const struct column panic_columns[] = {
	NUMBER("AGE", "age_seconds", 6, 0, as_age, "time since it began"),
	TEXT("SERVICE", "service", 10, 32, 0, as_text,
	     "systemd unit, container, or name of the program"),
	ID("PID", "pid", 8, 8, 4, "process"),
	{ .title = "GOROUTINE",
	  .key = "goroutine",
	  .meaning = "goroutine, or thread of C, that panicked",
	  .min = 10,
	  .max = 20,
	  .rank = 5,
	  .align = COLUMN_NUMBER,
	  .format = as_goroutine,
	  .number = goroutine_or_thread },
	TEXT("OUTCOME", "outcome", 10, 10, 0, as_outcome,
	     "recovered, overridden, repanicked, goexit, fatal, running, unknown"),
	TEXT("TYPE", "type", 12, 28, 3, as_type,
	     "type of the value; throw and signal are not panics"),
	TEXT("MESSAGE", "message", 20, 60, 1, as_text, "the value's text, or its beginning"),
	TAIL("SITE", "site", 24, 90, 2, as_own_place,
	     "where it was raised; inside Go's library, the caller"),
	TEXT("RECOVERED IN", "recovered_in", 20, 48, 6, as_function,
	     "function that returned normally after recover()"),
	{},
};

static const struct column panic_site_columns[] = {
	NUMBER("TOLD", "told", 7, 0, as_count, "panics here with known details"),
	TEXT("SERVICE", "service", 10, 32, 3, as_text,
	     "systemd unit, container, or name of the program"),
	ID("PID", "pid", 8, 8, 6, "process"),
	NUMBER("LAST", "age_seconds", 6, 5, as_age, "time since the last one"),
	TEXT("TYPE", "type", 12, 28, 4, as_type,
	     "type of the value; throw and signal are not panics"),
	TEXT("OUTCOMES", "outcomes", 28, 60, 1, as_outcomes, "what became of them"),
	TEXT("SWALLOWED", "swallowed", 9, 9, 4, as_swallowed,
	     "suspected: recovered, and neither logged nor raised again"),
	TAIL("SITE", "site", 14, 90, 0, as_own_place,
	     "where they were raised; inside Go's library, the caller"),
	{},
};

static const struct column misplaced_columns[] = {
	NUMBER("COUNT", "count", 7, 0, as_count,
	       "calls to recover() that returned nil during a panic"),
	TEXT("SERVICE", "service", 10, 32, 2, as_text,
	     "systemd unit, container, or name of the program"),
	ID("PID", "pid", 8, 8, 3, "process"),
	TAIL("SITE", "site", 16, 90, 0, as_place, "where recover() stands"),
	TAIL("CALLER", "caller", 16, 90, 1, as_place, "its caller"),
	{},
};

const struct table_kind table_panics = {
	.noun = "panics",
	.columns = panic_columns,
	.sort = 0,
	.ascending = true,
	.listed = true, /* the newest first, also of those that began in one millisecond */
	.id = panic_id,
	.matches = panic_matches,
};
const struct table_kind table_panic_sites = {
	.noun = "sites",
	.columns = panic_site_columns,
	.sort = 0,
	.id = panic_site_id,
	.matches = panic_matches,
};
const struct table_kind table_misplaced = {
	.noun = "misplaced",
	.columns = misplaced_columns,
	.sort = 0,
	.id = misplaced_id,
	.matches = misplaced_matches,
};
