/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The first few of a target's sites and goroutines. */
#ifndef DEFERD_MODEL_TOPS_H
#define DEFERD_MODEL_TOPS_H

#include "model/targets.h"

/* Fills at most n pointers, most registrations first; returns how many. */
unsigned target_top_sites(const struct target *t, const struct site **ret_sites, unsigned n);
/* The same for goroutines: deepest pending first, then highest peak. */
unsigned target_top_goroutines(const struct target *t, const struct goroutine **ret_gs, unsigned n);

#endif
