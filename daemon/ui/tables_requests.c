// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ui/tables.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void as_request_count(const struct column *c, const json_t *row, struct table_value *ret)
{
	double n;

	table_value_set(ret, "");
	if (request_number(row, c->key, &n))
		value_count(ret->text, sizeof(ret->text), n, c->min);
}

static void as_defers(const struct column *c, const json_t *row, struct table_value *ret)
{
	double n;

	table_value_set(ret, "");
	if (request_number(row, c->key, &n))
		snprintf(ret->text, sizeof(ret->text), "%.1f", n);
}

/* Below all of them, they are a sample. */
static void as_timed(const struct column *c, const json_t *row, struct table_value *ret)
{
	double share;

	table_value_set(ret, "");
	if (!request_number(row, c->key, &share))
		return;
	if (share >= 1)
		snprintf(ret->text, sizeof(ret->text), "all");
	else if (share > 0)
		snprintf(ret->text, sizeof(ret->text), "%.1f%%", share * 100);
	else
		snprintf(ret->text, sizeof(ret->text), "none");
}

static void as_firing(const struct column *c, const json_t *row, struct table_value *ret)
{
	as_text(c, row, ret);
	ret->style = strcmp(ret->text, "no") ? STYLE_ALARM : STYLE_PLAIN;
}

static const struct column columns[] = {
	TEXT("SERVICE", "service", 14, 32, 0, as_text,
	     "systemd unit, container, or name of the program"),
	REQUEST("REQUESTS", "recent", 8, 4, as_request_count, "requests of the last 30 s"),
	REQUEST("STREAMS", "streams_open", 7, 8, as_request_count,
		"streams that are open; they have no latency"),
	REQUEST("TIMED", "timed", 6, 8, as_timed, "share of the time in which requests are timed"),
	REQUEST("DEFERS/REQ", "defers_mean", 10, 1, as_defers,
		"defers registered per request, mean"),
	REQUEST("DEFERS P95", "defers_p95", 10, 5, as_defers,
		"defers registered per request, 95th percentile"),
	REQUEST("P50", "p50_seconds", 8, 7, as_latency, "half of the requests took less"),
	REQUEST("P95", "p95_seconds", 8, 1, as_latency, "95 % of them took less"),
	REQUEST("P99", "p99_seconds", 8, 7, as_latency, "99 % of them took less"),
	REQUEST("USUAL P95", "p95_baseline_seconds", 9, 6, as_latency,
		"usual P95: median of an hour, or as configured"),
	REQUEST("P95 RISE", "p95_rise_seconds", 9, 2, as_rise, "P95 above its usual value"),
	TEXT("ALERT", "alert", 5, 120, 3, as_firing, "alert that is firing for the service"),
	{},
};

const struct table_kind table_requests = {
	.noun = "services",
	.columns = columns,
	.sort = 0,
	.ascending = true,
	.id = tables_service_id,
	.matches = tables_service_matches,
};
