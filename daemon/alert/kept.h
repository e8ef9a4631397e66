/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Alerts that outlive the daemon, as JSON: those that fire, with what they were told with. */
#ifndef DEFERD_ALERT_KEPT_H
#define DEFERD_ALERT_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "alert/alert.h"

#define KEPT_ALERTS_MAX 4096 /* further ones are left out */

/* How times of an earlier deferd are to be read: now_ns is when it was then, by the clock of now. */
struct kept_clock {
	uint64_t then_ns; /* its clock, when it kept them */
	uint64_t now_ns;  /* the same instant by this boot's clock; before the boot: modulo 2^64 */
	bool same_boot;
};

/*
 * An array, the caller's; NULL: out of memory. `is_heard`: whether all that are told each change once have been told of it;
 * NULL: they have.
 */
json_t *alerts_keep(const struct alerts *as, const struct model *m,
		    bool (*is_heard)(void *arg, const struct alert *a), void *arg);
/*
 * What cannot be an alert is left out, and those of processes of another boot are told as ended. Returns how many go on.
 */
unsigned alerts_adopt_kept(struct alerts *as, const struct rule_set *rules, const json_t *kept,
			   const struct kept_clock *clock, uint64_t now_ns);

#endif
