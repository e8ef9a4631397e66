// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "alert/kept.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

/* NAN is none in JSON. */
static void put_real(json_t *o, const char *key, double v)
{
	if (isfinite(v))
		json_object_set_new(o, key, json_real(v));
}

static double real_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

static void put_time(json_t *o, const char *key, uint64_t ns)
{
	json_object_set_new(o, key, json_integer((json_int_t)ns));
}

static json_t *also_json(const struct alert *a)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < ARRAY_SIZE(a->also) && a->also[i].metric; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "metric", json_string(a->also[i].metric));
		put_real(o, "value", a->also[i].value);
		put_real(o, "threshold", a->also[i].threshold);
		json_array_append_new(list, o);
	}
	return list;
}

static uint64_t start_of(const struct alert *a, const struct model *m)
{
	const struct target *t = a->waits || a->key.target & ALERT_OF_SERVICE
					 ? NULL
					 : model_target(m, (uint32_t)a->key.target);

	return t ? t->start_ticks : a->start_ticks;
}

static json_t *alert_json(const struct alert *a, const struct model *m, bool heard)
{
	char text[ALERT_SAYS_MAX], says[ALERT_SAYS_MAX];
	bool of_service = a->waits ? a->of_service : a->key.target & ALERT_OF_SERVICE;
	json_t *o = json_pack("{s:s, s:s, s:b, s:I, s:I, s:s, s:i, s:i, s:b, s:b}", "rule",
			      a->key.rule, "service", a->service, "of_service", of_service, "pid",
			      (json_int_t)a->pid, "start", (json_int_t)start_of(a, m), "metric",
			      a->metric, "severity", (int)a->severity, "runtime", (int)a->runtime,
			      "announced", a->told, "heard", heard);

	put_time(o, "active_ns", a->active_ns);
	put_time(o, "fired_ns", a->fired_ns);
	put_real(o, "value", a->value);
	put_real(o, "threshold", a->threshold);
	json_object_set_new(o, "also", also_json(a));
	alert_describe(a, text, sizeof(text));
	utf8_sanitize(says, sizeof(says), text, strlen(text)); /* it may be cut in a letter */
	json_object_set_new(o, "says", json_string(says));
	utf8_sanitize(says, sizeof(says), a->site, strlen(a->site));
	json_object_set_new(o, "site", json_string(says));
	return o;
}

json_t *alerts_keep(const struct alerts *as, const struct model *m,
		    bool (*is_heard)(void *arg, const struct alert *a), void *arg)
{
	json_t *list = json_array();

	for (const struct alert *a = alerts_active(as); a; a = a->hh.next) {
		if (a->state == ALERT_FIRING && json_array_size(list) < KEPT_ALERTS_MAX)
			json_array_append_new(list,
					      alert_json(a, m, !is_heard || is_heard(arg, a)));
	}
	return list;
}

/* False: it is longer than there is room. */
static bool get_text(const json_t *o, const char *key, char *buf, size_t size)
{
	const char *text = json_string_value(json_object_get(o, key)) ?: "";
	size_t len = strlen(text);

	if (len >= size)
		return false;
	memcpy(buf, text, len + 1);
	return true;
}

static uint64_t get_number(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

static const struct rule_metric *metric_of(const json_t *o)
{
	return rule_metric_find(json_string_value(json_object_get(o, "metric")) ?: "");
}

static void read_also(struct alert *a, const json_t *list)
{
	const json_t *o;
	unsigned n = 0;
	size_t i;

	json_array_foreach (list, i, o) {
		const struct rule_metric *metric = metric_of(o);

		if (metric && n < ARRAY_SIZE(a->also))
			a->also[n++] = (struct alert_also){ metric->name, real_of(o, "value"),
							    real_of(o, "threshold") };
	}
}

static uint64_t get_time(const json_t *o, const char *key, const struct kept_clock *clock)
{
	return clock->now_ns - (clock->then_ns - get_number(o, key));
}

/* False: it is none. */
static bool read_alert(struct alert *a, const json_t *o, const struct kept_clock *clock)
{
	const struct rule_metric *metric = metric_of(o);

	memset(a, 0, sizeof(*a));
	if (!metric || !get_text(o, "rule", a->key.rule, sizeof(a->key.rule)) ||
	    !get_text(o, "service", a->service, sizeof(a->service)) || !a->key.rule[0] ||
	    !a->service[0] || !get_text(o, "site", a->site, sizeof(a->site)) ||
	    !get_text(o, "says", a->says, sizeof(a->says)) ||
	    get_number(o, "severity") >= SEVERITY_MAX || get_number(o, "runtime") > RUNTIME_C)
		return false;
	a->metric = metric->name;
	a->unit = metric->unit;
	a->value = real_of(o, "value");
	a->threshold = real_of(o, "threshold");
	a->severity = (enum rule_severity)get_number(o, "severity");
	a->runtime = (enum runtime_kind)get_number(o, "runtime");
	a->pid = (uint32_t)get_number(o, "pid");
	/* Of another boot no process has this start. */
	a->start_ticks = clock->same_boot ? get_number(o, "start") : UINT64_MAX;
	a->of_service = json_is_true(json_object_get(o, "of_service"));
	a->told = json_is_true(json_object_get(o, "announced"));
	a->heard = json_is_true(json_object_get(o, "heard"));
	a->active_ns = get_time(o, "active_ns", clock);
	a->fired_ns = get_time(o, "fired_ns", clock);
	read_also(a, json_object_get(o, "also"));
	return true;
}

unsigned alerts_adopt_kept(struct alerts *as, const struct rule_set *rules, const json_t *kept,
			   const struct kept_clock *clock, uint64_t now_ns)
{
	struct alert a;
	const json_t *o;
	unsigned n = 0;
	size_t i;

	json_array_foreach (kept, i, o) {
		if (i < KEPT_ALERTS_MAX && read_alert(&a, o, clock))
			n += alerts_adopt(as, rules, &a, now_ns);
	}
	return n;
}
