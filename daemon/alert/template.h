/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Texts that speak of an alert: "{{ .service }} at {{ .site }}, {{ .labels.team }}". A field is a name behind a dot and
 * nothing else, or a label of the rule; what an alert has no value for is empty. Pure.
 */
#ifndef DEFERD_ALERT_TEMPLATE_H
#define DEFERD_ALERT_TEMPLATE_H

#include "alert/alert.h"
#include "base/reason.h"

/* 0; -EINVAL with the reason: an unknown field, with those that there are, or braces without their end. */
int template_check(const char *text, struct reason *reason);

/* A text that was checked: 0; -EINVAL with the reason: it names a label that is none of these. */
int template_check_labels(const char *text, const struct rule_label *labels, unsigned n,
			  struct reason *reason);

/* A text that was checked, with the values of an alert; cut where `size` ends. */
void template_expand(const char *text, const struct alert *a, char *buf, size_t size);

#endif
