/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Whether the runtime's layout fits a process. No offset of ours is used on a process before that process has shown
 * that it fits. A release that is newer than the table, or that no file names, begins without a layout, so that only
 * calls and sites are counted, and gets the newest one when its first goroutine agrees with it. One that the table
 * knows is believed until its first goroutine, some milliseconds after the start, refutes it. Where the code does not
 * show the place of that goroutine, or shows it wrongly, the data are searched for it.
 */
#ifndef DEFERD_ENGINE_LAYOUTS_H
#define DEFERD_ENGINE_LAYOUTS_H

#include "engine/slots.h"
#include "engine/turn.h"

struct layouts {
	struct slots searches;
};

int layouts_init(struct layouts *ls, unsigned targets_max); /* 0, or -ENOMEM */
void layouts_done(struct layouts *ls);
/* A few times a second. */
void layouts_verify(struct layouts *ls, struct turn *turn);

#endif
