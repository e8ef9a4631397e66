/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which probe set a process should have: what the configuration says of its service, or what was chosen for it by a
 * command. Bursts of the full set come and go by the second.
 */
#ifndef DEFERD_ENGINE_SETS_H
#define DEFERD_ENGINE_SETS_H

#include "engine/slots.h"
#include "engine/turn.h"

struct sets {
	struct slots bursts;
};

int sets_init(struct sets *s, unsigned targets_max); /* 0, or -ENOMEM */
void sets_done(struct sets *s);
/* The set and the budget that the configuration has for it, all of the set. */
void sets_configure(const struct turn *turn, struct watch *w);
/*
 * Wish for the set of that name, "default" being what the configuration says. 0, or with the reason: -EINVAL: no such
 * set; -ENOTSUP: the kernel has no uprobe_multi for the full one.
 */
int sets_choose(const struct turn *turn, struct watch *w, const char *set, struct reason *reason);
/* The configuration has changed. */
void sets_reload(const struct turn *turn);
/* Each second, after the governor: begin and end bursts. */
void sets_tick(struct sets *s, const struct turn *turn);

#endif
