/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef DEFERD_MODEL_KEPT_PRIV_H
#define DEFERD_MODEL_KEPT_PRIV_H

#include "model/targets_priv.h"

/* A process is told of for the first time: it gets what was kept of it. */
void kept_take(struct model *m, struct target *t);
/* Goroutines of it stand at a place that is new to us: the same. */
void kept_take_group(struct target *t, struct parked *p);

#endif
