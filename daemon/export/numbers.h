/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The rows of alert/metric.h as members of JSON and as gauges. */
#ifndef DEFERD_EXPORT_NUMBERS_H
#define DEFERD_EXPORT_NUMBERS_H

#include <jansson.h>

#include "alert/metric.h"
#include "export/expo.h"

/* Those of a process that are members of its object `in`; NULL: of itself. */
void numbers_add(json_t *o, const char *in, const struct metric_env *env);
/* Those of a service. */
void numbers_add_service(json_t *o, const struct metric_env *env);
/* A gauge for each row that has one, a sample for each service. */
void numbers_write_gauges(struct expo *x, const struct model *m, uint64_t now_ns);

#endif
