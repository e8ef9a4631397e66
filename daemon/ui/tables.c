// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ui/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Formats */

static void as_rate(const struct column *c, const json_t *row, struct table_value *ret)
{
	double n;

	if (c->number(row, c->key, &n))
		value_rate(ret->text, sizeof(ret->text), n, c->min, false);
	else
		table_value_set(ret, "");
}

/* What only probes know: of a process without any, 0 would be a wrong number. */
static bool probed_number(const json_t *row, const char *key, double *ret)
{
	return strcmp(value_string(row, "state"), "failed") && value_number(row, key, ret);
}

/* Growth is worth a look only when it is certain: then there is a time to exhaustion, too. */
static void as_growth(const struct column *c, const json_t *row, struct table_value *ret)
{
	double n, full;

	table_value_set(ret, "");
	if (!c->number(row, c->key, &n))
		return;
	value_rate(ret->text, sizeof(ret->text), n, c->min, true);
	if (value_number(row, "fd_exhaustion_seconds", &full))
		ret->style = STYLE_WARN;
}

static void as_time_left(const struct column *c, const json_t *row, struct table_value *ret)
{
	double s;

	table_value_set(ret, "");
	if (!c->number(row, c->key, &s))
		return;
	if (s > 0)
		value_duration(ret->text, sizeof(ret->text), s);
	else
		table_value_set(ret, "now");
	ret->style = s < 3600 ? STYLE_ALARM : STYLE_WARN;
}

static void as_idle(const struct column *c, const json_t *row, struct table_value *ret)
{
	double ms;

	if (!c->number(row, c->key, &ms))
		table_value_set(ret, "");
	else if (ms < 1000)
		snprintf(ret->text, sizeof(ret->text), "%.0fms", ms);
	else
		value_duration(ret->text, sizeof(ret->text), ms / 1e3);
}

static void as_exact(const struct column *c, const json_t *row, struct table_value *ret)
{
	const json_t *exact = json_object_get(row, c->key);

	table_value_set(ret, json_is_true(exact) ? "yes" : json_is_false(exact) ? "no" : "");
	if (json_is_false(exact))
		ret->style = STYLE_WARN;
}

static void as_alerts(const struct column *c, const json_t *row, struct table_value *ret)
{
	double n;

	as_count(c, row, ret);
	if (c->number(row, c->key, &n))
		ret->style = n > 0 ? STYLE_ALARM : STYLE_DIM;
}

static enum style style_of_state(const json_t *row)
{
	const char *state = value_string(row, "state");

	return !strcmp(state, "failed")    ? STYLE_ALARM
	       : !strcmp(state, "limited") ? STYLE_WARN
					   : STYLE_PLAIN;
}

static void as_service(const struct column *c, const json_t *row, struct table_value *ret)
{
	as_text(c, row, ret);
	ret->style = style_of_state(row) == STYLE_PLAIN ? STYLE_STRONG : style_of_state(row);
}

static void as_state(const struct column *c, const json_t *row, struct table_value *ret)
{
	as_text(c, row, ret);
	ret->style = style_of_state(row);
}

static void as_runtime(const struct column *c, const json_t *row, struct table_value *ret)
{
	const char *version = value_string(row, "version");

	table_value_set(ret, version[0] ? version : value_string(row, c->key));
}

static void as_pids(const struct column *c, const json_t *row, struct table_value *ret)
{
	size_t n = json_array_size(json_object_get(row, c->key));
	double first;

	if (!c->number(row, c->key, &first))
		table_value_set(ret, "");
	else if (n > 1)
		snprintf(ret->text, sizeof(ret->text), "%.0f+%zu", first, n - 1);
	else
		snprintf(ret->text, sizeof(ret->text), "%.0f", first);
}

static bool first_of(const json_t *row, const char *key, double *ret)
{
	const json_t *first = json_array_get(json_object_get(row, key), 0);

	if (!json_is_number(first))
		return false;
	*ret = json_number_value(first);
	return true;
}

/* Of a group of goroutines: only growth that looks like a leak is worth a number. */
static bool leak_number(const json_t *row, const char *key, double *ret)
{
	const json_t *leak = json_object_get(row, key);

	return !strcmp(value_string(leak, "verdict"), "leaking") &&
	       value_number(leak, "per_hour", ret);
}

static void as_leak(const struct column *c, const json_t *row, struct table_value *ret)
{
	as_count(c, row, ret);
	if (strcmp(ret->text, "-"))
		ret->style = STYLE_ALARM;
}

/* Places */

/* Alerts */

static const char *label(const json_t *row, const char *name)
{
	return value_string(json_object_get(row, "labels"), name);
}

static void as_label(const struct column *c, const json_t *row, struct table_value *ret)
{
	table_value_set(ret, label(row, c->key));
}

/* With its unit, where the daemon is new enough to tell that. */
static void as_value(const struct column *c, const json_t *row, struct table_value *ret)
{
	const char *text = value_string(row, "display");

	table_value_set(ret, text[0] ? text : value_string(row, c->key));
}

static void as_severity(const struct column *c, const json_t *row, struct table_value *ret)
{
	double n;

	as_label(c, row, ret);
	if (!strcmp(value_string(row, "state"), "firing") && c->number(row, c->key, &n))
		ret->style = n >= 2 ? STYLE_ALARM : STYLE_WARN;
}

static bool severity_number(const json_t *row, const char *key, double *ret)
{
	static const char *const names[] = { "info", "warning", "critical", "page" };

	for (unsigned i = 0; i < 4; i++) {
		if (strcmp(label(row, key), names[i]))
			continue;
		*ret = i;
		return true;
	}
	return false;
}

static bool label_number(const json_t *row, const char *key, double *ret)
{
	const char *text = label(row, key);
	char *end;
	double n = strtod(text, &end);

	if (end == text)
		return false;
	*ret = n;
	return true;
}

static bool number_in_string(const json_t *row, const char *key, double *ret)
{
	const char *text = value_string(row, key);
	char *end;
	double n = strtod(text, &end);

	if (end == text)
		return false;
	*ret = n;
	return true;
}

/* What is told to nobody is said: by whom that is so. */
static void as_alert_state(const struct column *c, const json_t *row, struct table_value *ret)
{
	as_text(c, row, ret);
	if (strcmp(ret->text, "firing"))
		return;
	if (json_is_object(json_object_get(row, "silence")))
		table_value_set(ret, "silenced");
	else if (json_is_true(json_object_get(row, "inhibited")))
		table_value_set(ret, "inhibited");
	else
		ret->style = STYLE_ALARM;
}

/* "until 11-27 20:15 UTC by maria: the disk is being replaced" */
static void as_silence(const struct column *c, const json_t *row, struct table_value *ret)
{
	const json_t *silence = json_object_get(row, c->key);
	const char *ends = value_string(silence, "ends_at");

	table_value_set(ret, "");
	if (!json_is_object(silence))
		return;
	if (strlen(ends) < strlen("2026-11-27T20:15"))
		table_value_set(ret, value_string(silence, "id"));
	else
		snprintf(ret->text, sizeof(ret->text), "until %.5s %.5s UTC by %s: %s", ends + 5,
			 ends + 11, value_string(silence, "created_by"),
			 value_string(silence, "comment"));
}

void tables_add_ages(json_t *list, const char *key, double unix_ms)
{
	double since;
	json_t *a;
	size_t i;

	json_array_foreach (list, i, a) {
		if (value_time_ms(value_string(a, key), &since))
			(void)json_object_set_new(a, "age_seconds",
						  json_real((unix_ms - since) / 1e3));
	}
}

/* What rows are known by */

static void target_id(const json_t *row, char *buf, size_t size)
{
	tables_number_id(row, "pid", buf, size);
}

static void goroutine_id(const json_t *row, char *buf, size_t size)
{
	tables_number_id(row, json_object_get(row, "thread") ? "thread" : "goroutine", buf, size);
}

static void site_id(const json_t *row, char *buf, size_t size)
{
	char place[VALUE_MAX];

	tables_place(row, place, sizeof(place));
	snprintf(buf, size, "%s %s", place, value_string(row, "lowering"));
}

static void alert_id(const json_t *row, char *buf, size_t size)
{
	snprintf(buf, size, "%s %s %s", label(row, "alertname"), label(row, "service"),
		 label(row, "pid"));
}

static bool alert_matches(const json_t *row, const char *text)
{
	return tables_has(label(row, "service"), text);
}

static bool goroutine_matches(const json_t *row, const char *text)
{
	return tables_has(value_string(json_object_get(row, "site"), "function"), text);
}

static void group_id(const json_t *row, char *buf, size_t size)
{
	tables_number_id(row, "serial", buf, size);
}

static bool group_matches(const json_t *row, const char *text)
{
	return tables_has(value_string(json_object_get(row, "site"), "function"), text) ||
	       tables_has(value_string(row, "reason"), text);
}

static bool site_matches(const json_t *row, const char *text)
{
	return tables_has(value_string(row, "function"), text);
}

/* Tables */

#define PROBED(title_, key_, width_, rank_, format_, meaning_)                                    \
	{                                                                                         \
		.title = title_, .key = key_, .meaning = meaning_, .min = width_, .max = width_,  \
		.rank = rank_, .align = COLUMN_NUMBER, .format = format_, .number = probed_number \
	}

static const struct column service_columns[] = {
	TEXT("SERVICE", "service", 14, 32, 0, as_service,
	     "systemd unit, container, or name of the program"),
	{ .title = "PID",
	  .key = "pids",
	  .meaning = "process; +N: and N more, see its detail",
	  .min = 8,
	  .max = 12,
	  .rank = 6,
	  .align = COLUMN_NUMBER,
	  .format = as_pids,
	  .number = first_of },
	TEXT("RUNTIME", "runtime", 8, 14, 10, as_runtime, "Go release, or the C defer runtime"),
	PROBED("DEPTH", "defer_depth_max", 6, 1, as_count,
	       "most defers pending on one goroutine or thread, last minute"),
	PROBED("DEFERS/S", "defers_registered_per_second", 8, 7, as_rate,
	       "defers registered per second"),
	PROBED("REGISTERED", "defers_registered", 10, 11, as_count,
	       "defers registered since deferd observes it"),
	PROBED("PANICS", "panics_started", 7, 4, as_count, "panics started"),
	PROBED("PANICS/S", "panics_per_second", 8, 13, as_rate, "panics started per second"),
	NUMBER("GOROUT", "goroutine_count", 7, 6, as_count,
	       "the program's goroutines, by the last census"),
	NUMBER("LEAKS", "goroutine_leaks", 5, 9, as_alerts,
	       "places in the program where goroutines leak"),
	NUMBER("FDS", "open_fds", 6, 3, as_count, "open descriptors"),
	NUMBER("LIMIT", "max_fds", 7, 12, as_count, "descriptors that each process may open"),
	NUMBER("FD/S", "fd_growth_per_second", 7, 8, as_growth,
	       "open descriptors gained per second"),
	NUMBER("FULL IN", "fd_exhaustion_seconds", 7, 5, as_time_left,
	       "time until the limit is reached, at the earliest"),
	REQUEST("P95", "p95_seconds", 7, 11, as_latency, "95 % of requests took less, last 30 s"),
	REQUEST("RISE", "p95_rise_seconds", 7, 10, as_rise, "P95 above its usual value"),
	TEXT("EXACT", "exact", 5, 5, 14, as_exact,
	     "no: events were lost, or the depth is inferred"),
	NUMBER("ALERTS", "alerts_firing", 6, 2, as_alerts, "alerts firing"),
	TAIL("SITE", "deepest_site", 16, 90, 9, as_place,
	     "where the deepest goroutine registered last"),
	{},
};

static const struct column target_columns[] = {
	ID("PID", "pid", 8, 8, 0, "process"),
	TEXT("SERVICE", "service", 14, 32, 0, as_service,
	     "systemd unit, container, or name of the program"),
	TEXT("RUNTIME", "runtime", 8, 14, 7, as_runtime, "Go release, or the C defer runtime"),
	TEXT("STATE", "state", 8, 8, 2, as_state, "observed, limited or failed"),
	PROBED("DEPTH", "defer_depth_max", 6, 1, as_count,
	       "most defers pending on one goroutine or thread, last minute"),
	PROBED("REGISTERED", "defers_registered", 10, 8, as_count,
	       "defers registered since deferd observes it"),
	PROBED("PANICS", "panics_started", 7, 5, as_count, "panics started"),
	NUMBER("FDS", "open_fds", 6, 4, as_count, "open descriptors"),
	NUMBER("FD/S", "fd_growth_per_second", 7, 6, as_growth,
	       "open descriptors gained per second"),
	NUMBER("ALERTS", "alerts_firing", 6, 3, as_alerts, "alerts firing"),
	TAIL("SITE", "deepest_site", 16, 90, 9, as_place,
	     "where the deepest goroutine registered last"),
	{},
};

#define GOROUTINE_COLUMNS(title_, key_, meaning_)                                                 \
	{                                                                                         \
		ID(title_, key_, 10, 20, 0, meaning_),                                            \
			NUMBER("DEPTH", "depth", 6, 1, as_count, "defers pending now"),           \
			NUMBER("PEAK", "peak", 6, 2, as_count,                                    \
			       "most defers pending since it was first seen"),                    \
			NUMBER("REGISTERED", "registered", 10, 4, as_count, "defers registered"), \
			NUMBER("IDLE", "idle_ms", 7, 3, as_idle,                                  \
			       "time since it last registered or ran one"),                       \
			TEXT("EXACT", "exact", 5, 5, 6, as_exact, "no: its depth is inferred"),   \
			TAIL("SITE", "site", 16, 110, 5, as_place, "where it registered last"),   \
		{                                                                                 \
		}                                                                                 \
	}
static const struct column goroutine_columns[] =
	GOROUTINE_COLUMNS("GOROUTINE", "goroutine", "its number (goid)");
static const struct column thread_columns[] =
	GOROUTINE_COLUMNS("THREAD", "thread", "its number (tid)");

static const struct column site_columns[] = {
	NUMBER("SHARE", "share", 6, 0, as_share, "share of the process's defers"),
	NUMBER("REGISTERED", "registered", 10, 1, as_count, "defers registered here"),
	TEXT("LOWERING", "lowering", 8, 8, 3, as_text,
	     "how it is compiled: heap (in a loop), stack, range, c"),
	TEXT("FUNCTION", "function", 16, 48, 0, as_text, "function that registers"),
	TAIL("FILE:LINE", "", 12, 80, 2, as_file_line, "line of the defer statement"),
	{},
};

static const struct column group_columns[] = {
	NUMBER("COUNT", "count", 7, 0, as_count, "goroutines at this place"),
	TEXT("STATE", "state", 9, 9, 3, as_text, "state that the Go runtime gives them"),
	TEXT("WAITS FOR", "reason", 14, 26, 1, as_text, "the Go runtime's wait reason"),
	NUMBER("QUIET", "quiet", 7, 4, as_count, "how many of them have not run for six censuses"),
	NUMBER("OLDEST", "since_seconds", 7, 5, as_age,
	       "longest time that one of them has not run, about"),
	{ .title = "LEAK/H",
	  .key = "leak",
	  .meaning = "goroutines leaked per hour",
	  .min = 7,
	  .max = 7,
	  .rank = 1,
	  .align = COLUMN_NUMBER,
	  .format = as_leak,
	  .number = leak_number },
	TAIL("SITE", "site", 16, 110, 2, as_place, "line of the program where they are"),
	{},
};

static const struct column alert_columns[] = {
	{ .title = "SEVERITY",
	  .key = "severity",
	  .meaning = "page, critical, warning or info",
	  .min = 8,
	  .max = 8,
	  .rank = 2,
	  .align = COLUMN_TEXT,
	  .format = as_severity,
	  .number = severity_number },
	TEXT("STATE", "state", 8, 9, 1, as_alert_state,
	     "firing; pending: has not held long enough; silenced in Alertmanager; inhibited by "
	     "another one"),
	TEXT("ALERT", "alertname", 14, 32, 0, as_label, "name of the rule"),
	TEXT("SERVICE", "service", 14, 32, 0, as_label, "service it is about"),
	{ .title = "PID",
	  .key = "pid",
	  .meaning = "process it is about",
	  .min = 8,
	  .max = 8,
	  .rank = 5,
	  .align = COLUMN_NUMBER,
	  .format = as_label,
	  .number = label_number },
	{ .title = "VALUE",
	  .key = "value",
	  .meaning = "value of the rule's first condition, with its unit",
	  .min = 8,
	  .max = 16,
	  .rank = 4,
	  .align = COLUMN_NUMBER,
	  .format = as_value,
	  .number = number_in_string },
	NUMBER("SINCE", "age_seconds", 7, 3, as_age, "how long its condition has held"),
	TAIL("SITE", "site", 16, 80, 6, as_place, "where the deepest goroutine registered last"),
	{ .title = "SILENCE",
	  .key = "silence",
	  .meaning = "until when, by whom, and why",
	  .min = 12,
	  .max = 80,
	  .rank = 7,
	  .rare = true,
	  .align = COLUMN_TEXT,
	  .format = as_silence },
	{},
};

const struct table_kind table_services = {
	.noun = "services",
	.columns = service_columns,
	.sort = 3,
	.id = tables_service_id,
	.matches = tables_service_matches,
};
const struct table_kind table_targets = {
	.noun = "processes",
	.columns = target_columns,
	.sort = 0,
	.ascending = true,
	.id = target_id,
	.matches = tables_service_matches,
};
const struct table_kind table_alerts = {
	.noun = "alerts",
	.columns = alert_columns,
	.sort = 0,
	.id = alert_id,
	.matches = alert_matches,
};
const struct table_kind table_goroutines = {
	.noun = "goroutines",
	.columns = goroutine_columns,
	.sort = 1,
	.id = goroutine_id,
	.matches = goroutine_matches,
};
const struct table_kind table_threads = {
	.noun = "threads",
	.columns = thread_columns,
	.sort = 1,
	.id = goroutine_id,
	.matches = goroutine_matches,
};
const struct table_kind table_sites = {
	.noun = "sites",
	.columns = site_columns,
	.sort = 0,
	.id = site_id,
	.matches = site_matches,
};
const struct table_kind table_groups = {
	.noun = "groups",
	.columns = group_columns,
	.sort = 0,
	.id = group_id,
	.matches = group_matches,
};
