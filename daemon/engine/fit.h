/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The fitter: makes what a process has what is wished of it. It alone changes what is attached, restores the wish
 * where that failed, logs the step once, and announces the result once. Loop thread only.
 */
#ifndef DEFERD_ENGINE_FIT_H
#define DEFERD_ENGINE_FIT_H

#include "engine/turn.h"

/*
 * 0: the process has what was wished. Else negative errno with the reason: what it had it still has, and the part of
 * the wish that was refused is back to that. -ESRCH: the process ends; nothing is logged.
 */
int fit_watch(struct turn *turn, struct watch *w, struct reason *reason);
/*
 * Hits were missed: what is known of the goroutines of the process is void until a census.
 */
void fit_missed(struct turn *turn, struct watch *w);
/* Hooks of the whole host: see turn->wish. The wish is what is attached, then. 0, or negative errno, logged. */
int fit_fd_hooks(struct turn *turn);

/*
 * The same for the hooks on writes. What is on the ring when they go still belongs to what was watched.
 */
int fit_watch_writes(struct turn *turn);

#endif
