/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef DEFERD_MODEL_PANICS_PRIV_H
#define DEFERD_MODEL_PANICS_PRIV_H

#include "model/panics.h"

void panics_apply(struct model *m, struct target *t, const struct event *ev);
/* Once a second: which sites are meant to panic. */
void panics_tick(struct model *m, uint64_t now_ns);
void panics_apply_recover(struct model *m, struct target *t, const struct event_recover *in);

#endif
