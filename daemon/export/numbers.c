// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/numbers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "export/lines.h"

#define WHOLE_MAX 9e18 /* what an integer of JSON can hold, nearly */

static json_t *number_json(const struct rule_metric *r, double v)
{
	if (!isfinite(v))
		return json_null();
	return r->json.whole ? json_integer((json_int_t)fmin(v, WHOLE_MAX)) : json_real(v);
}

void numbers_add(json_t *o, const char *in, const struct metric_env *env)
{
	for (unsigned i = 0; i < rule_metrics_n; i++) {
		const struct rule_metric *r = &rule_metrics[i];
		double v;

		if (!r->json.key || !in != !r->json.in || (in && strcmp(in, r->json.in)))
			continue;
		if (!metric_value(r, env, &v))
			v = r->json.otherwise;
		set(o, r->json.key, number_json(r, v));
	}
}

void numbers_add_service(json_t *o, const struct metric_env *env)
{
	for (unsigned i = 0; i < rule_metrics_n; i++) {
		const struct rule_metric *r = &rule_metrics[i];
		double v;

		if (!r->json.of_services)
			continue;
		if (!metric_of_service(r, env, &v))
			v = r->json.otherwise;
		if (isfinite(v))
			set(o, r->json.key, number_json(r, v));
	}
}

static void write_gauge(struct expo *x, const struct rule_metric *r, const struct model *m,
			uint64_t now_ns)
{
	char name[2 * RULE_NAME_MAX];

	snprintf(name, sizeof(name), "deferd_%s", r->name);
	expo_family(x, name, EXPO_GAUGE, "service", r->gauge.help);
	for (const struct service *s = model_services(m); s; s = s->hh.next) {
		struct metric_env env = { .m = m, .service = s, .now_ns = now_ns };
		double v;

		if (!metric_of_service(r, &env, &v))
			v = r->gauge.otherwise;
		if (!isnan(v))
			expo_sample(x, v, "service", s->name, NULL);
	}
}

void numbers_write_gauges(struct expo *x, const struct model *m, uint64_t now_ns)
{
	for (unsigned i = 0; i < rule_metrics_n; i++) {
		if (rule_metrics[i].gauge.help)
			write_gauge(x, &rule_metrics[i], m, now_ns);
	}
}
