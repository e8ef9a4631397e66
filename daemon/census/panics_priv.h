/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The panics of one goroutine whose deferred calls run now: g._panic, the newest first. Each lies in the
 * frame of the call that raised it (panic.go, gopanic and Goexit), so that older ones are further out.
 */
#ifndef DEFERD_CENSUS_PANICS_PRIV_H
#define DEFERD_CENSUS_PANICS_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "census/pages.h"
#include "golang/layout.h"

#define PANICS_MAX 255u /* of one goroutine; it has that many or more */

struct panics {
	uint32_t n;  /* not recovered, those that a newer one has overtaken included */
	bool goexit; /* it is being ended by runtime.Goexit */
};

/* Whether records of this layout can be followed. */
bool panics_layout_fits(const struct go_layout *l);
/*
 * Of a g that was read. 0; -EBADMSG: a record is none (it moved while it was read); -EFAULT, -ESRCH as
 * memread_at(). *ret is written on 0 only.
 */
int panics_walk(struct pages *p, const struct go_layout *l, const uint8_t *g, struct panics *ret);

#endif
