// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/kept.h"

#include <string.h>

#include "alert/kept.h"
#include "model/kept.h"

#define MS 1000000ull

json_t *kept_document(const struct model *m, const struct alerts *as, const struct kept_moment *now,
		      bool (*is_heard)(void *arg, const struct alert *a), void *arg)
{
	json_t *model = model_keep(m), *alerts = alerts_keep(as, m, is_heard, arg);

	return json_pack("{s:s, s:I, s:I, s:{s:o, s:o}}", "boot", now->boot, "now_ns",
			 (json_int_t)now->now_ns, "unix_ms", (json_int_t)now->unix_ms, "kept",
			 "model", model, "alerts", alerts);
}

/* A wall clock that was set back says nothing of what lies between. */
static struct kept_clock clock_of(const json_t *doc, const struct kept_moment *now)
{
	const char *boot = json_string_value(json_object_get(doc, "boot")) ?: "";
	int64_t then_ms = json_integer_value(json_object_get(doc, "unix_ms"));
	struct kept_clock c = {
		.then_ns = (uint64_t)json_integer_value(json_object_get(doc, "now_ns")),
		.same_boot = *boot && !strcmp(boot, now->boot),
	};

	if (c.same_boot && c.then_ns <= now->now_ns)
		c.now_ns = c.then_ns;
	else if (then_ms < now->unix_ms)
		c.now_ns = now->now_ns - (uint64_t)(now->unix_ms - then_ms) * MS;
	else
		c.now_ns = now->now_ns;
	return c;
}

bool kept_adopt(const json_t *doc, const struct kept_moment *now, const struct rule_set *rules,
		struct model *m, struct alerts *as, struct kept_found *ret)
{
	const json_t *kept = json_object_get(doc, "kept");
	const json_t *model = json_object_get(kept, "model"),
		     *alerts = json_object_get(kept, "alerts");
	struct kept_clock clock = clock_of(doc, now);

	if (!json_is_object(model) || !json_is_array(alerts))
		return false;
	model_adopt(m, model, clock.same_boot, now->now_ns);
	*ret = (struct kept_found){
		.services = (unsigned)json_array_size(json_object_get(model, "services")),
		.processes = (unsigned)json_array_size(json_object_get(model, "processes")),
		.alerts = alerts_adopt_kept(as, rules, alerts, &clock, now->now_ns),
		.same_boot = clock.same_boot,
		.age_s = (double)(now->now_ns - clock.now_ns) / 1e9,
	};
	return true;
}
