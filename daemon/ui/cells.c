// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ui/cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void table_value_set(struct table_value *v, const char *text)
{
	snprintf(v->text, sizeof(v->text), "%s", text[0] ? text : "-");
}

void as_text(const struct column *c, const json_t *row, struct table_value *ret)
{
	table_value_set(ret, value_string(row, c->key));
}

void as_count(const struct column *c, const json_t *row, struct table_value *ret)
{
	double n;

	if (c->number(row, c->key, &n))
		value_count(ret->text, sizeof(ret->text), n, c->min);
	else
		table_value_set(ret, "");
}

/* Numbers that name something are never rounded. */
void as_id(const struct column *c, const json_t *row, struct table_value *ret)
{
	const json_t *v = json_object_get(row, c->key);
	double n;

	if (json_is_integer(v))
		snprintf(ret->text, sizeof(ret->text), "%lld", (long long)json_integer_value(v));
	else if (c->number(row, c->key, &n))
		snprintf(ret->text, sizeof(ret->text), "%.0f", n);
	else
		table_value_set(ret, "");
}

void as_age(const struct column *c, const json_t *row, struct table_value *ret)
{
	double s;

	if (c->number(row, c->key, &s))
		value_duration(ret->text, sizeof(ret->text), s);
	else
		table_value_set(ret, "");
}

void as_share(const struct column *c, const json_t *row, struct table_value *ret)
{
	double share;

	if (c->number(row, c->key, &share))
		snprintf(ret->text, sizeof(ret->text), "%.1f%%", share * 100);
	else
		table_value_set(ret, "");
}

static void file_line(const json_t *site, char *buf, size_t size)
{
	const char *file = value_string(site, "file");
	double line;

	buf[0] = 0;
	if (file[0] && value_number(site, "line", &line) && line > 0)
		snprintf(buf, size, "%s:%.0f", file, line);
	else if (file[0])
		snprintf(buf, size, "%s", file);
}

void tables_place(const json_t *site, char *buf, size_t size)
{
	const char *function = value_string(site, "function");
	char at[VALUE_MAX];

	file_line(site, at, sizeof(at));
	if (!function[0] && !at[0])
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%s%s%s", function, function[0] && at[0] ? " " : "", at);
}

/* Where the file is not known, the function has to do. */
void as_file_line(const struct column *c, const json_t *row, struct table_value *ret)
{
	const json_t *site = c->key[0] ? json_object_get(row, c->key) : row;
	char at[VALUE_MAX];

	file_line(site, at, sizeof(at));
	table_value_set(ret, at[0] ? at : value_string(site, "function"));
}

void as_place(const struct column *c, const json_t *row, struct table_value *ret)
{
	tables_place(json_object_get(row, c->key), ret->text, sizeof(ret->text));
}

bool request_number(const json_t *row, const char *key, double *ret)
{
	return value_number(json_object_get(row, "requests"), key, ret);
}

void as_latency(const struct column *c, const json_t *row, struct table_value *ret)
{
	double s;

	table_value_set(ret, "");
	if (request_number(row, c->key, &s))
		value_latency(ret->text, sizeof(ret->text), s, false);
}

/* What the default rule pages for, next to deep defers. */
#define RISE_ALARM_S 0.03

void as_rise(const struct column *c, const json_t *row, struct table_value *ret)
{
	double s;

	table_value_set(ret, "");
	if (!request_number(row, c->key, &s))
		return;
	value_latency(ret->text, sizeof(ret->text), s, true);
	if (s > RISE_ALARM_S)
		ret->style = STYLE_WARN;
}

void tables_service_id(const json_t *row, char *buf, size_t size)
{
	snprintf(buf, size, "%s", value_string(row, "service"));
}

void tables_number_id(const json_t *row, const char *key, char *buf, size_t size)
{
	double n = 0;

	(void)value_number(row, key, &n);
	snprintf(buf, size, "%020.0f", n);
}

bool tables_has(const char *member, const char *text)
{
	return strcasestr(member, text) != NULL;
}

bool tables_service_matches(const json_t *row, const char *text)
{
	return tables_has(value_string(row, "service"), text);
}
