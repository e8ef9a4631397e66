/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The condition of a rule as a person writes it:
 *
 *	defer_depth_max >= 35 and request_p95_rise_seconds > 30ms
 *	not (fd_usage_ratio{service=~"api-.*"} < 80%) or rate(open_fds, 5m) > 10/min
 *	max by (service) (open_fds) > 500
 *
 * From loosest to tightest: or; and; not; comparisons (< <= > >= == !=, one at a time); + -; * /; - of one. A name is a
 * metric of alert/metric.h. Numbers may have a unit: us ms s m h d, /s /min /h, %, KiB MiB GiB; next to a metric it is
 * converted to the metric's, and has to be of its kind. rate(m, 5m) is what m has grown by a second in that time, rise(m)
 * by how much it is more than its median of an hour; max, min and sum by (service) take all processes of a service together.
 *
 * What is not known makes a comparison unknown; `unknown and false` is false, `unknown or true` true, as in SQL. Compiled
 * once, evaluated without side effects: what rate and rise remember is the caller's. Bounds: EXPR_BYTES_MAX of text,
 * EXPR_NODES_MAX nodes, EXPR_DEPTH_MAX levels.
 */
#ifndef DEFERD_ALERT_EXPR_H
#define DEFERD_ALERT_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include "alert/metric.h"
#include "base/reason.h"

#define EXPR_BYTES_MAX   1024
#define EXPR_NODES_MAX   64
#define EXPR_DEPTH_MAX   24
#define EXPR_PATTERN_MAX 128 /* bytes of a regular expression */

struct expr;

/* What a value is remembered for. */
enum expr_history { EXPR_RATE, EXPR_RISE };

struct expr_env {
	struct metric_env of;
	/*
	 * `value` is what node number `node` is worth now: remember it, and answer the rate a second over `window_ns`, or the
	 * rise over the median; false: it is not known yet. NULL: none is ever known.
	 */
	bool (*history)(void *arg, unsigned node, enum expr_history what, uint64_t window_ns,
			double value, double *ret);
	void *arg;
};

enum expr_truth { EXPR_FALSE, EXPR_TRUE, EXPR_UNKNOWN };

/* 0; -EINVAL with "column 17: what, and what would be right"; -ENOMEM. */
int expr_compile(const char *text, struct expr **ret_x, struct reason *reason);
void expr_free(struct expr *x); /* NULL is allowed */

enum expr_truth expr_eval(const struct expr *x, const struct expr_env *env);
/* It is about services, not about their processes. */
bool expr_of_service(const struct expr *x);
/*
 * The comparisons of a metric with a number in it, from the left, at most `n`; *ret_all: it is nothing but these, all of
 * which must hold. Returns how many.
 */
unsigned expr_conditions(const struct expr *x, struct rule_condition *ret, unsigned n,
			 bool *ret_all);
/* What the metric of condition 0 is worth for it now; false: not known. */
bool expr_value(const struct expr *x, const struct expr_env *env, double *ret);

#endif
