// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "cmd/transitions.h"

#include <stdio.h>

#include <jansson.h>

#include "event/fields.h"

void transitions_event(void *arg, const struct event *ev)
{
	struct transitions *t = arg;

	/* An exec or a fork is in no recording: times are the same with and without. */
	if (!t->begin_ns && event_fields[ev->type].name)
		t->begin_ns = ev->time_ns;
}

static void print_json(const struct alert *a, double at_s, const char *state, const char *text)
{
	json_t *o = json_pack("{s:f, s:s, s:s, s:s, s:s, s:i, s:f, s:s}", "seconds", at_s, "state",
			      state, "alert", a->key.rule, "severity",
			      rule_severity_names[a->severity], "service", a->service, "pid",
			      (int)a->pid, "value", a->value, "text", text);

	json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(10));
	putchar('\n');
	json_decref(o);
}

void transitions_alert(void *arg, const struct alert *a)
{
	const char *state = a->state == ALERT_FIRING ? "firing" : "resolved";
	struct transitions *t = arg;
	uint64_t now_ns = t->engine ? engine_now_ns(t->engine) : t->begin_ns;
	double at_s = now_ns > t->begin_ns ? (double)(now_ns - t->begin_ns) / 1e9 : 0;
	char text[1024];

	t->n++;
	alert_describe(a, text, sizeof(text));
	if (t->as_json)
		print_json(a, at_s, state, text);
	else
		printf("%10.3f  %-8s  %-8s  %-22s  %s\n", at_s, state,
		       rule_severity_names[a->severity], a->key.rule, text);
	fflush(stdout);
}
