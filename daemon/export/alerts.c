// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/alerts.h"

#include <stdio.h>

#include "alert/template.h"
#include "base/cleanup.h"
#include "export/fds.h"
#include "export/lines.h"

/* What the other conditions compared. */
static json_t *also_json(const struct alert *a)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < ARRAY_SIZE(a->also) && a->also[i].metric; i++) {
		json_t *c = json_object();

		set_str(c, "metric", a->also[i].metric);
		set_real(c, "value", a->also[i].value);
		set_real(c, "threshold", a->also[i].threshold);
		json_array_append_new(list, c);
	}
	return list;
}

static void add_waiters(json_t *o, const struct alert *a)
{
	set_int(o, "goroutines", a->count);
	set_str(o, "reason", a->doing);
	set(o, "site", view_alert_site(&a->site, false));
	set(o, "created_by",
	    a->created.function[0] ? view_alert_site(&a->created, false) : json_null());
}

static json_t *alert_json(const struct show *sh, const struct alert *a)
{
	json_t *o = json_object(), *labels = json_object(), *notes = json_object(),
	       *top = json_array();
	const json_t *silence = receivers_silence(sh->receivers, a);
	char text[1024];

	set_str(labels, "alertname", a->key.rule);
	set_str(labels, "severity", rule_severity_names[a->severity]);
	set_str(labels, "service", a->service);
	snprintf(text, sizeof(text), "%u", a->pid);
	set_str(labels, "pid", text);
	for (unsigned i = 0; i < a->n_labels; i++)
		set_str(labels, a->labels[i].name, a->labels[i].value);
	alert_describe(a, text, sizeof(text));
	set_str(notes, "summary", text);
	for (unsigned i = 0; i < a->n_notes; i++) {
		template_expand(a->notes[i].text, a, text, sizeof(text));
		set_str(notes, a->notes[i].name, text);
	}
	set(o, "labels", labels);
	set(o, "annotations", notes);
	set_str(o, "state",
		a->state == ALERT_FIRING    ? "firing"
		: a->state == ALERT_PENDING ? "pending"
					    : "resolved");
	view_time(o, "activeAt", show_unix_ms(sh, a->active_ns));
	snprintf(text, sizeof(text), "%g", a->value);
	set_str(o, "value", text);
	set(o, "also", also_json(a));
	set(o, "known", json_boolean(!a->unknown));
	set(o, "inhibited", json_boolean(a->inhibited));
	set(o, "silence", silence ? json_deep_copy(silence) : json_null());
	if (a->of_panic) {
		set_str(o, "panic", a->panic);
		set(o, "site", view_alert_site(&a->site, false));
	}
	if (a->of_leak || a->of_pile || a->of_pool)
		add_waiters(o, a);
	if (a->of_pool)
		set(o, "pool", view_alert_pool(&a->fds));
	if (a->of_bad_close)
		set(o, "site", view_alert_site(&a->site, false));
	if (a->of_fds)
		set(o, "descriptors", view_alert_fds(&a->fds));
	if (!a->of_depth) {
		json_decref(top);
		return o;
	}
	set_int(o, a->runtime == RUNTIME_C ? "thread" : "goroutine", a->goid);
	set_int(o, "depth", (uint64_t)a->value);
	set(o, "exact", json_boolean(a->exact));
	set(o, "site", view_alert_site(&a->site, false));
	for (unsigned i = 0; i < a->n_top; i++)
		json_array_append_new(top, view_alert_site(&a->top[i], true));
	set(o, "top_sites", top);
	return o;
}

json_t *view_alert_list(const struct show *s)
{
	json_t *list = json_array();

	for (const struct alert *a = alerts_active(s->alerts); a; a = a->hh.next)
		json_array_append_new(list, alert_json(s, a));
	return list;
}

json_t *view_alerts(const struct show *s)
{
	json_t *o = json_object(), *data = json_object();

	set(data, "alerts", view_alert_list(s));
	set_str(o, "status", "success");
	set(o, "data", data);
	return o;
}
