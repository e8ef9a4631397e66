/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How deep the goroutines and threads of a target were lately, and of a service ever. */
#ifndef DEFERD_MODEL_DEPTH_H
#define DEFERD_MODEL_DEPTH_H

#include "model/targets.h"

extern const double model_depth_edges[MODEL_DEPTH_EDGES];

/* The deepest in the depth window; NULL when nothing was registered in it. */
const struct peak *target_deepest(const struct model *m, const struct target *t, uint64_t now_ns);

#endif
