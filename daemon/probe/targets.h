/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the kernel side is told of a target besides its points. Loop thread only; each does nothing for a
 * target that is gone.
 */
#ifndef DEFERD_PROBE_TARGETS_H
#define DEFERD_PROBE_TARGETS_H

#include "base/reason.h"
#include "probe/target.h"

void probe_set_hits_max(struct probe *p, uint32_t id, uint32_t hits_max);

/*
 * Another layout for a target, NULL: none; with `panics` false, one whose _panic is not to be used.
 * What was counted goes on.
 */
void probe_set_layout(struct probe *p, uint32_t id, const struct go_layout *layout, bool panics);

/*
 * Whether who opens descriptors is kept, while the descriptor hooks are attached: a stack for each that is open. What is
 * kept of a target that is not looked at any more, is forgotten.
 */
void probe_set_fd_sites(struct probe *p, uint32_t id, bool on);

#endif
