/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What happened to alerts, one line each: of record, as it happens, and of replay. */
#ifndef DEFERD_CMD_TRANSITIONS_H
#define DEFERD_CMD_TRANSITIONS_H

#include <stdbool.h>

#include "alert/alert.h"
#include "engine/engine.h"

struct transitions {
	const struct engine *engine; /* NULL until it is made */
	uint64_t begin_ns;           /* times are seconds since then; 0: the first event's */
	bool as_json;
	unsigned n; /* printed */
};

/* As event_fn and alert_fn; `arg` is a struct transitions. */
void transitions_event(void *arg, const struct event *ev);
void transitions_alert(void *arg, const struct alert *a);

#endif
