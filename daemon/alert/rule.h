/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A rule: which numbers of a target, compared with what, for how long, mean that somebody should
 * know. Plain data; the configuration fills it, alert.c evaluates it.
 */
#ifndef DEFERD_ALERT_RULE_H
#define DEFERD_ALERT_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "alert/expr.h"
#include "alert/metric.h"

#define RULE_CONDITIONS_MAX 4
#define RULE_LABELS_MAX     8
#define RULE_LABEL_MAX      128
#define RULE_NOTES_MAX      8
#define RULE_NOTE_MAX       512

#define RULE_STORM_PER_MINUTE 60 /* of the rule PanicStorm: one a second, at one site */
/*
 * Of the rule DefersSlowRequests: so many of the slowest requests piled up defers themselves. Those that do may hold a lock for
 * which the others wait, so it is not most of them; and what one rare kind of request does is no reason why all are slow.
 */
#define RULE_SLOW_DEEP_RATIO 0.25

enum rule_severity {
	SEVERITY_INFO,
	SEVERITY_WARNING,
	SEVERITY_CRITICAL,
	SEVERITY_PAGE,
	SEVERITY_MAX
};
extern const char *const rule_severity_names[]; /* NULL terminated */

struct rule_label {
	char name[RULE_NAME_MAX];
	char value[RULE_LABEL_MAX];
};

/* A text that belongs to the alert; see alert/template.h. */
struct rule_note {
	char name[RULE_NAME_MAX];
	char text[RULE_NOTE_MAX];
};

/*
 * All conditions must hold for `for_ns` without a gap; an alert ends when one has not held for
 * `keep_ns`. With `expr`, it decides instead of them; they are the comparisons in it that an alert tells of,
 * one at least.
 */
struct rule {
	char name[RULE_NAME_MAX]; /* unique in its set */
	uint32_t hash;            /* of the name; set by rule_set_add() */
	unsigned n_conditions;
	struct rule_condition conditions[RULE_CONDITIONS_MAX];
	struct expr *expr;  /* NULL: the conditions */
	struct expr *clear; /* what ends a firing alert; NULL: that it does not hold any more */
	bool of_service;    /* it is about services rather than their processes */
	uint64_t for_ns;
	uint64_t keep_ns;
	uint64_t grace_ns; /* of a process that is younger nothing is said */
	enum rule_severity severity;
	unsigned n_labels;
	struct rule_label labels[RULE_LABELS_MAX];
	unsigned n_notes;
	struct rule_note *notes; /* NULL: none */
};

struct rule_set {
	unsigned n;
	struct rule *rules;
};

void rule_done(struct rule *r); /* what it owns */

/* The rules that are there without a file. 0 or -ENOMEM. */
int rule_set_default(struct rule_set *ret_set, uint32_t depth_threshold);
/* Another depth threshold for those of them that have one. */
void rule_set_threshold(struct rule_set *set, uint32_t depth_threshold);
/* Takes a copy, and what it owns. 0; -ENOMEM; -EEXIST when the name is taken: then *r is as it was. */
int rule_set_add(struct rule_set *set, struct rule *r);
void rule_set_done(struct rule_set *set);

#endif
