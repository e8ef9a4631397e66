// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/alerts.h"

#include <math.h>
#include <stdio.h>

#include "alert/template.h"
#include "base/cleanup.h"
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

static json_t *site_json(const struct code_line *at, double share)
{
	json_t *o = view_line(at);

	if (!isnan(share))
		set_real(o, "share", share);
	return o;
}

static json_t *part_json(const struct evidence_part *p)
{
	json_t *list;

	switch (p->type) {
	case EVIDENCE_COUNT:
		return json_integer((json_int_t)p->count);
	case EVIDENCE_REAL:
		return isfinite(p->real.value) ? json_real(p->real.value) : json_null();
	case EVIDENCE_TEXT:
		return json_string(p->text);
	case EVIDENCE_TRUTH:
		return json_boolean(p->truth.value);
	case EVIDENCE_SITE:
		return p->site.may_be_no && !p->site.at->function[0]
			       ? json_null()
			       : site_json(p->site.at, p->site.share);
	case EVIDENCE_SITES:
		list = json_array();
		for (unsigned i = 0; i < p->sites.n; i++)
			json_array_append_new(
				list, site_json(&p->sites.list[i].at, p->sites.list[i].share));
		return list;
	}
	return NULL;
}

/* A member of the alert, or of an object in it. */
static void add_part(void *alert, const struct evidence_part *p)
{
	json_t *o = alert;

	if (p->in) {
		if (!json_object_get(o, p->in))
			set(o, p->in, json_object());
		o = json_object_get(o, p->in);
	}
	set(o, p->key, part_json(p));
}

static json_t *alert_json(const struct show *sh, const struct alert *a)
{
	json_t *o = json_object(), *labels = json_object(), *notes = json_object();
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
	set_str(o, "unit", a->unit);
	metric_print(a->value, a->unit, text, sizeof(text));
	set_str(o, "display", text);
	set(o, "also", also_json(a));
	set(o, "known", json_boolean(!a->unknown));
	set(o, "inhibited", json_boolean(a->inhibited));
	set(o, "silence", silence ? json_deep_copy(silence) : json_null());
	evidence_visit(&a->evidence, add_part, o);
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
