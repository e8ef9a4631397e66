/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef DEFERD_MODEL_DEPTH_PRIV_H
#define DEFERD_MODEL_DEPTH_PRIV_H

#include "model/depth.h"

void depth_note_peak(struct model *m, struct target *t, const struct peak *seen);
void depth_observe(struct service *s, uint32_t depth); /* in the histogram */

#endif
