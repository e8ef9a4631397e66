/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Events as JSON. */
#ifndef DEFERD_EXPORT_TRACE_VIEW_H
#define DEFERD_EXPORT_TRACE_VIEW_H

#include <jansson.h>

#include "model/model.h"

/*
 * One event as `trace --json` prints it. The image it is about is passed along, since the target
 * may be gone when names are known; 0: not known.
 */
json_t *view_event(struct model *m, uint32_t image_id, enum runtime_kind runtime,
		   const struct event *ev);

#endif
