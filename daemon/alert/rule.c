// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "alert/rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

const char *const rule_severity_names[] = { "info", "warning", "critical", "page", NULL };

void rule_done(struct rule *r)
{
	expr_free(r->expr);
	expr_free(r->clear);
	free(r->notes);
	r->expr = r->clear = NULL;
	r->notes = NULL;
}

/* FNV-1a */
static uint32_t name_hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h;
}

int rule_set_add(struct rule_set *set, struct rule *r)
{
	struct rule *rules;

	for (unsigned i = 0; i < set->n; i++) {
		if (!strcmp(set->rules[i].name, r->name))
			return -EEXIST;
	}
	rules = reallocarray(set->rules, set->n + 1, sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	set->rules = rules;
	set->rules[set->n] = *r;
	set->rules[set->n++].hash = name_hash(r->name);
	r->expr = r->clear = NULL;
	r->notes = NULL;
	return 0;
}

static int set_clear(struct rule_set *set, const char *name, const char *clear)
{
	struct reason reason = {};
	unsigned i = 0;

	while (strcmp(set->rules[i].name, name) != 0)
		i++;
	return expr_compile(clear, &set->rules[i].clear, &reason);
}

int rule_set_default(struct rule_set *ret_set, uint32_t depth_threshold)
{
	struct rule rules[] = {
		{ .name = "DeferPileUp",
		  .n_conditions = 1,
		  .conditions = { { rule_metric_find("defer_depth_max"), RULE_GE,
				    depth_threshold } },
		  .severity = SEVERITY_WARNING },
		{ .name = "DefersSlowRequests",
		  .n_conditions = 3,
		  .conditions = { { rule_metric_find("defer_depth_max"), RULE_GE, depth_threshold },
				  { rule_metric_find("request_p95_rise_seconds"), RULE_GT, 0.03 },
				  { rule_metric_find("slow_requests_deep_ratio"), RULE_GE,
				    RULE_SLOW_DEEP_RATIO } },
		  .for_ns = 60000000000ull,
		  .keep_ns = 60000000000ull,
		  .severity = SEVERITY_PAGE },
		{ .name = "DescriptorsGrowing",
		  .n_conditions = 3,
		  .conditions = { { rule_metric_find("fd_growth_low_per_second"), RULE_GT, 0 },
				  { rule_metric_find("fd_usage_ratio"), RULE_GT, 0.5 },
				  { rule_metric_find("fd_exhaustion_seconds"), RULE_LT, 7200 } },
		  .keep_ns = 60000000000ull,
		  .severity = SEVERITY_CRITICAL },
		{ .name = "DescriptorLeak",
		  .n_conditions = 1,
		  .conditions = { { rule_metric_find("fd_leak_per_hour"), RULE_GT, 0 } },
		  .keep_ns = 120000000000ull,
		  .severity = SEVERITY_WARNING },
		{ .name = "ConnectionLeak",
		  .n_conditions = 1,
		  .conditions = { { rule_metric_find("connection_leak_per_hour"), RULE_GT, 0 } },
		  .keep_ns = 120000000000ull,
		  .severity = SEVERITY_WARNING },
		{ .name = "DescriptorExhaustion",
		  .n_conditions = 1,
		  .conditions = { { rule_metric_find("fd_leak_exhaustion_seconds"), RULE_LT,
				    7200 } },
		  .keep_ns = 120000000000ull,
		  .severity = SEVERITY_CRITICAL },
		{ .name = "DescriptorsExhausted",
		  .n_conditions = 1,
		  .conditions = { { rule_metric_find("fds_left"), RULE_LE, 0 } },
		  .keep_ns = 15000000000ull,
		  .severity = SEVERITY_CRITICAL },
		{ .name = "DoubleClose",
		  .n_conditions = 1,
		  .conditions = { { rule_metric_find("double_closes"), RULE_GE, 1 } },
		  .severity = SEVERITY_WARNING },
		{ .name = "GoroutineLeak",
		  .n_conditions = 1,
		  .conditions = { { rule_metric_find("goroutine_leak_per_hour"), RULE_GT, 0 } },
		  .keep_ns = 120000000000ull,
		  .severity = SEVERITY_WARNING },
		{ .name = "LockPileUp",
		  .n_conditions = 2,
		  .conditions = { { rule_metric_find("lock_waiters_max"), RULE_GE, 10 },
				  { rule_metric_find("lock_wait_seconds"), RULE_GE, 10 } },
		  .keep_ns = 30000000000ull,
		  .severity = SEVERITY_WARNING },
		{ .name = "Deadlock",
		  .n_conditions = 1,
		  .conditions = { { rule_metric_find("deadlocked_goroutines"), RULE_GE, 1 } },
		  .keep_ns = 30000000000ull,
		  .severity = SEVERITY_CRITICAL },
		{ .name = "PoolTooSmall",
		  .n_conditions = 1,
		  .conditions = { { rule_metric_find("pool_waiters"), RULE_GE, 10 } },
		  .keep_ns = 120000000000ull,
		  .severity = SEVERITY_WARNING },
		{ .name = "PoolExhausted",
		  .n_conditions = 1,
		  .conditions = { { rule_metric_find("pool_exhausted_waiters"), RULE_GE, 1 } },
		  .keep_ns = 60000000000ull,
		  .severity = SEVERITY_PAGE },
		{ .name = "PanicOverridden",
		  .n_conditions = 1,
		  .conditions = { { rule_metric_find("panics_overridden"), RULE_GE, 1 } },
		  .severity = SEVERITY_WARNING },
		{ .name = "PanicStorm",
		  .n_conditions = 1,
		  .conditions = { { rule_metric_find("panics_recovered_per_minute"), RULE_GT,
				    RULE_STORM_PER_MINUTE } },
		  .severity = SEVERITY_WARNING },
		{ .name = "ProcessDied",
		  .n_conditions = 1,
		  .conditions = { { rule_metric_find("process_deaths"), RULE_GE, 1 } },
		  .severity = SEVERITY_CRITICAL },
	};
	struct rule_set set = {};
	int err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(rules) && !err; i++) {
		rules[i].of_service = rules[i].conditions[0].metric->scope == METRIC_OF_SERVICE;
		err = rule_set_add(&set, &rules[i]);
	}
	/* That growth stops at the limit is not its end. */
	if (!err)
		err = set_clear(&set, "DescriptorsGrowing", "fd_usage_ratio < 1");
	if (err)
		rule_set_done(&set);
	else
		*ret_set = set;
	return err;
}

void rule_set_threshold(struct rule_set *set, uint32_t depth_threshold)
{
	static const char *const names[] = { "DeferPileUp", "DefersSlowRequests" };

	for (unsigned i = 0; i < set->n; i++) {
		if (!strcmp(set->rules[i].name, names[0]) || !strcmp(set->rules[i].name, names[1]))
			set->rules[i].conditions[0].threshold = depth_threshold;
	}
}

void rule_set_done(struct rule_set *set)
{
	for (unsigned i = 0; i < set->n; i++)
		rule_done(&set->rules[i]);
	free(set->rules);
	*set = (struct rule_set){};
}
