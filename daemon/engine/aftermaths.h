/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * When it is watched what goroutines write after a recovery. The hooks tax every syscall of the host, so they are
 * attached for 10 s a minute at most, and only while a site that recovers has not been judged; less and less often where
 * that brings nothing. A host without panics, or one whose sites are all judged, pays nothing.
 */
#ifndef DEFERD_ENGINE_AFTERMATHS_H
#define DEFERD_ENGINE_AFTERMATHS_H

#include "engine/turn.h"

struct watching {
	uint64_t since_ns; /* writes are watched since then, or were; 0: never */
	uint64_t pause_ns; /* from one start to the next */
	bool failed;       /* not tried again before a reload */
};

/* Each second, after the scan: write turn->wish.writes. */
void aftermaths_tick(struct watching *w, struct turn *turn);
/* After what was wished is attached: judge the aftermaths that are complete. */
void aftermaths_judge(struct watching *w, struct turn *turn);
/* The hooks could not be attached. */
void aftermaths_refused(struct watching *w);
/* The configuration has changed. */
void aftermaths_reload(struct watching *w);

#endif
