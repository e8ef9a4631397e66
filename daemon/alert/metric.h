/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The numbers that rules can compare, and a comparison. Reads the model, remembers nothing. */
#ifndef DEFERD_ALERT_METRIC_H
#define DEFERD_ALERT_METRIC_H

#include <stdbool.h>
#include <stdint.h>

#include "alert/evidence.h"
#include "model/model.h"

#define RULE_NAME_MAX 64

enum metric_scope {
	METRIC_OF_PROCESS,
	METRIC_OF_SERVICE, /* it is there also when the processes are gone */
};

/* How the numbers of a service's processes become one. */
enum metric_fold { METRIC_SUM, METRIC_MAX, METRIC_MIN };

/*
 * A number: all that is said of it anywhere. Expressions, gauges, JSON, the example configuration and the table of the manual
 * are made of these rows.
 */
struct rule_metric {
	const char *name;
	const char *unit;
	const char *doc; /* NULL: it is shown only, rules cannot ask for it */
	enum metric_scope scope;
	/* One of the two. False: there is no such number now; a condition on it is then not met. */
	bool (*read)(const struct model *m, const struct target *t, uint64_t now_ns,
		     double *ret_value);
	bool (*read_service)(const struct model *m, const struct service *s, uint64_t now_ns,
			     double *ret_value);
	enum metric_fold fold; /* with read */
	/* The gauge deferd_<name>{service}. */
	struct {
		const char *help; /* NULL: there is none */
		double otherwise; /* while there is no such number; NAN: no sample */
	} gauge;
	/* A member of targets[]. */
	struct {
		const char *key;  /* NULL: it is none */
		const char *in;   /* the object that it is a member of; NULL: the target itself */
		bool whole;       /* an integer */
		bool of_services; /* and of services[], folded */
		double otherwise; /* NAN: null; of a service it is then left out */
	} json;
	struct evidence_about about; /* what an alert on it is about */
	bool absent_is_none; /* where there is no such number, what it counts is not there */
	bool joins; /* among several conditions it is this one that says what the alert is about */
	/* In a sentence about something else, before and behind the value: "p95 is 132 ms above usual"; NULL: by its name. */
	const char *says[2];
	bool of_latency; /* while it holds, what is usual is not learned */
};

/* A value for people: "132 ms", "87 %", "47 defers", "3.2/s"; unit NULL: without one. */
void metric_print(double value, const char *unit, char *buf, size_t size);

extern const struct rule_metric rule_metrics[];
extern const unsigned rule_metrics_n;

const struct rule_metric *rule_metric_find(const char *name); /* NULL: rules know no such metric */

/* False: it is not known. `target` NULL: of the service. */
typedef bool (*metric_read_fn)(void *arg, const struct rule_metric *metric,
			       const struct service *service, const struct target *target,
			       double *ret);

/* Whose number is asked for. */
struct metric_env {
	const struct model *m;
	const struct service *service;
	const struct target *target; /* NULL: the service itself */
	uint64_t now_ns;
	/* Where numbers come from instead of the model; NULL: from there. */
	metric_read_fn read;
	void *read_arg;
};

/* What it is worth; false: it is not known. */
bool metric_value(const struct rule_metric *metric, const struct metric_env *env, double *ret);
/* Of those processes of env->service of which it is known; false: of none. */
bool metric_of_processes(const struct rule_metric *metric, enum metric_fold fold,
			 const struct metric_env *env, double *ret);
/* What it is worth for the service: as read, or folded as the row says. */
bool metric_of_service(const struct rule_metric *metric, const struct metric_env *env, double *ret);

enum rule_op { RULE_GE, RULE_GT, RULE_LE, RULE_LT };
extern const char *const rule_op_names[]; /* ">=", ">", "<=", "<", NULL */

struct rule_condition {
	const struct rule_metric *metric;
	enum rule_op op;
	double threshold;
};

bool rule_compare(enum rule_op op, double value, double threshold);

#endif
