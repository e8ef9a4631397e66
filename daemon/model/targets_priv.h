/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The model itself: model.c owns it, names.c and panics.c know their part of it. */
#ifndef DEFERD_MODEL_TARGETS_PRIV_H
#define DEFERD_MODEL_TARGETS_PRIV_H

#include "model/targets.h"

struct model {
	struct model_opts opts;
	struct target *targets;
	struct service *services;
	struct name *names;
	uint32_t service_serial;
	unsigned n_wanted;
	uint32_t scan;
	bool scanning;        /* between SCAN_BEGIN and SCAN_END */
	bool looking;         /* between LOOK_BEGIN and LOOK_END */
	uint64_t observed_ns; /* the histograms were fed last */
	uint64_t dropped;
	json_t *kept; /* of processes that have not been seen again: see kept.h; NULL: none */
};

struct target *target_find(const struct model *m, uint32_t id);
struct service *service_find(const struct model *m, const char *name);
/* The one of this name, made where there is none; NULL: out of memory. */
struct service *service_get(struct model *m, const char *name);
void counts_add(struct event_counts *sum, const struct event_counts *c);

#endif
