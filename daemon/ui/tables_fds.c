// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The tables of descriptors: by kind and port, and by the line that opened them. */
#include <stdio.h>
#include <string.h>

#include "ui/tables.h"

static void as_what(const struct column *c, const json_t *row, struct table_value *ret)
{
	char text[VALUE_MAX];

	value_descriptors(text, sizeof(text), row);
	table_value_set(ret, text);
}

static void as_verdict(const struct column *c, const json_t *row, struct table_value *ret)
{
	const char *verdict = value_string(json_object_get(row, c->key), "verdict");

	table_value_set(ret, strcmp(verdict, "too_young") ? verdict : "too young");
	if (!strcmp(verdict, "leaking") || !strcmp(verdict, "exhausted"))
		ret->style = STYLE_ALARM;
	else if (!strcmp(verdict, "unsure"))
		ret->style = STYLE_WARN;
}

/* Only growth that looks like a leak is worth a number. */
static bool leak_number(const json_t *row, const char *key, double *ret)
{
	const json_t *leak = json_object_get(row, key);

	return !strcmp(value_string(leak, "verdict"), "leaking") &&
	       value_number(leak, "per_hour", ret);
}

/* "480 established, 3 close_wait" */
static void as_states(const struct column *c, const json_t *row, struct table_value *ret)
{
	char text[VALUE_MAX] = "";
	const char *state;
	size_t len = 0;
	json_t *n;

	json_object_foreach (json_object_get(row, c->key), state, n) {
		if (len < sizeof(text))
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%lld %s",
						len ? ", " : "", (long long)json_integer_value(n),
						state);
	}
	table_value_set(ret, text);
}

static void group_id(const json_t *row, char *buf, size_t size)
{
	snprintf(buf, size, "%s %s %lld", value_string(row, "kind"), value_string(row, "direction"),
		 value_integer(row, "port"));
}

static bool group_matches(const json_t *row, const char *text)
{
	char id[TABLE_KEY_MAX];

	group_id(row, id, sizeof(id));
	return tables_has(id, text);
}

static void line_id(const json_t *row, char *buf, size_t size)
{
	const json_t *site = json_object_get(row, "site");

	snprintf(buf, size, "%s %lld %s %lld", value_string(site, "function"),
		 value_integer(site, "line"), value_string(row, "kind"),
		 value_integer(row, "port"));
}

static bool line_matches(const json_t *row, const char *text)
{
	return tables_has(value_string(json_object_get(row, "site"), "function"), text);
}

static const struct column group_columns[] = {
	TEXT("DESCRIPTORS", "kind", 12, 28, 0, as_what,
	     "kind of descriptor, or connections to or on a port"),
	NUMBER("OPEN", "open", 7, 0, as_count, "at the last census"),
	NUMBER("OLD", "kept", 7, 3, as_count, "how many of them have been open for six censuses"),
	NUMBER("OLDEST", "oldest_seconds", 7, 4, as_age, "time that the oldest has been open"),
	TEXT("VERDICT", "leak", 9, 9, 1, as_verdict,
	     "leaking, steady, too young, or unsure: growing, though not steadily"),
	{ .title = "LEAK/H",
	  .key = "leak",
	  .meaning = "descriptors leaked per hour",
	  .min = 7,
	  .max = 7,
	  .rank = 1,
	  .align = COLUMN_NUMBER,
	  .format = as_count,
	  .number = leak_number },
	TAIL("STATES", "states", 12, 80, 2, as_states, "TCP states of connections"),
	{},
};

static const struct column line_columns[] = {
	NUMBER("SHARE", "share", 6, 0, as_share, "share of all old ones"),
	NUMBER("OLD", "kept", 7, 1, as_count, "opened there, and not closed for six censuses"),
	NUMBER("OPEN", "open", 7, 3, as_count, "opened there, and not closed yet"),
	NUMBER("AGE", "median_seconds", 7, 2, as_age, "half of them are older"),
	TEXT("DESCRIPTORS", "kind", 11, 28, 4, as_what,
	     "kind of descriptor, or connections to or on a port"),
	TAIL("OPENED BY", "site", 16, 110, 0, as_place,
	     "line of the program; followed while a leak is suspected"),
	{},
};

const struct table_kind table_fd_groups = {
	.noun = "descriptors",
	.columns = group_columns,
	.sort = 1,
	.id = group_id,
	.matches = group_matches,
};
const struct table_kind table_fd_sites = {
	.noun = "openers",
	.columns = line_columns,
	.sort = 1,
	.id = line_id,
	.matches = line_matches,
};
