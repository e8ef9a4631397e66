/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Alerts as JSON; as the API of Prometheus gives them, and more. Objects are the caller's; NULL: out of memory. */
#ifndef DEFERD_EXPORT_ALERTS_H
#define DEFERD_EXPORT_ALERTS_H

#include <jansson.h>

#include "export/show.h"

/* { status, data: { alerts: [ { labels, annotations, state, activeAt, value } ] } } */
json_t *view_alerts(const struct show *s);
json_t *view_alert_list(const struct show *s); /* the array in it */

#endif
