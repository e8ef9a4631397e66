/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Tests of rules as they stand in YAML: series of metrics, and which alerts fire when.
 *
 *	rule_files: [rules.d/shop.yml]	# relative to this file; without, the default rules
 *	tests:
 *	  - name: a leak
 *	    interval: 10s		# from one value to the next; rules are evaluated with each
 *	    series:
 *	      - { metric: open_fds, service: shop, pid: 7, values: "10x6 10+20x30 _x3" }
 *	    alerts:			# all that fire then, whatever their number
 *	      - { at: 1m, firing: [] }
 *	      - { at: 5m, firing: [{ alert: ManyFiles, service: shop }] }
 *
 * Values as promtool has them: 10x6 is 10 and six more of it, 10+20x30 is 10, 30, 50, ..., 10-1x3 the same downwards; _ is
 * none, _x3 three of it.
 */
#ifndef DEFERD_CONFIG_RULETESTS_H
#define DEFERD_CONFIG_RULETESTS_H

#include "alert/rule.h"
#include "config/yaml.h"

#define RULETEST_VALUES_MAX  10000 /* of a series */
#define RULETEST_SERIES_MAX  256
#define RULETEST_MOMENTS_MAX 256
#define RULETEST_FIRING_MAX  32

struct ruletest_series {
	const struct rule_metric *metric;
	char service[MODEL_NAME_MAX];
	uint32_t pid; /* 0: of a metric of a service */
	unsigned n;
	double *values; /* NAN: none */
};

struct ruletest_moment {
	uint64_t at_ns;
	unsigned line; /* where it stands */
	unsigned n;
	struct ruletest_firing {
		char alert[RULE_NAME_MAX], service[MODEL_NAME_MAX];
	} firing[RULETEST_FIRING_MAX];
};

struct ruletest {
	char name[128];
	uint64_t interval_ns;
	unsigned n_series;
	struct ruletest_series *series;
	unsigned n_moments;
	struct ruletest_moment *moments;
};

struct ruletests {
	struct rule_set rules;
	unsigned n;
	struct ruletest *tests;
};

/* 0; -EINVAL with one line a fault in *errors; -ENOMEM. */
int ruletests_load(const char *path, struct ruletests **ret_ts, struct buf *errors);
void ruletests_free(struct ruletests *ts);

/* "10x6 10+20x30 _x3" into at most `n` numbers. How many; -EINVAL: *ret_at is where it went wrong; -E2BIG. */
int ruletests_values(const char *text, double *ret_values, unsigned n, size_t *ret_at);

#endif
