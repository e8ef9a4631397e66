/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The numbers that rules can compare, and a comparison. Reads the model, remembers nothing. */
#ifndef DEFERD_ALERT_METRIC_H
#define DEFERD_ALERT_METRIC_H

#include <stdbool.h>
#include <stdint.h>

#include "alert/evidence.h"
#include "model/model.h"

#define RULE_NAME_MAX 64

/* A number of a target that a rule can ask for. */
struct rule_metric {
	const char *name;
	const char *unit;
	const char *doc;
	/* False: the target has no such number now; a condition on it is then not met. */
	bool (*read)(const struct model *m, const struct target *t, uint64_t now_ns,
		     double *ret_value);
	struct evidence_about about; /* what an alert on it is about */
	bool of_latency;             /* while it holds, what is usual is not learned */
	/*
	 * Set instead of `read`: a number of a service, which is there also when its process is
	 * gone. Conditions of one rule are all of targets or all of services.
	 */
	bool (*read_service)(const struct model *m, const struct service *s, uint64_t now_ns,
			     double *ret_value);
};

extern const struct rule_metric rule_metrics[];
extern const unsigned rule_metrics_n;

const struct rule_metric *rule_metric_find(const char *name); /* NULL: no such metric */

enum rule_op { RULE_GE, RULE_GT, RULE_LE, RULE_LT };
extern const char *const rule_op_names[]; /* ">=", ">", "<=", "<", NULL */

struct rule_condition {
	const struct rule_metric *metric;
	enum rule_op op;
	double threshold;
};

bool rule_compare(enum rule_op op, double value, double threshold);

#endif
