/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What outlives the daemon, as one document: of model and alerts, with the moment at which it was made. What a process had is
 * of use only in the boot in which it was kept; what a service had, and what is told as ended, always. Pure.
 */
#ifndef DEFERD_ENGINE_KEPT_H
#define DEFERD_ENGINE_KEPT_H

#include <jansson.h>

#include "alert/alert.h"
#include "model/model.h"
#include "proc/procfs.h"

struct kept_moment {
	char boot[PROC_BOOT_MAX]; /* "": not known, and no boot is the same */
	uint64_t now_ns;          /* monotonic, and the same instant */
	int64_t unix_ms;          /* on the wall */
};

struct kept_found {
	unsigned services, processes, alerts;
	bool same_boot;
	double age_s;
};

/* The caller's; NULL: out of memory. `is_heard`: see alert/kept.h. */
json_t *kept_document(const struct model *m, const struct alerts *as, const struct kept_moment *now,
		      bool (*is_heard)(void *arg, const struct alert *a), void *arg);
/* Before the first event. False: it is no such document, and nothing has happened. */
bool kept_adopt(const json_t *doc, const struct kept_moment *now, const struct rule_set *rules,
		struct model *m, struct alerts *as, struct kept_found *ret);

#endif
