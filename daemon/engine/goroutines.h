/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The census of each process's goroutines: one runs at a time, for a few milliseconds of each turn of the loop, since a
 * slow one is as true as a fast one. When one is complete its functions are named (a moment, the first time) and its
 * events are emitted.
 */
#ifndef DEFERD_ENGINE_GOROUTINES_H
#define DEFERD_ENGINE_GOROUTINES_H

#include "engine/slots.h"
#include "engine/turn.h"
#include "export/show.h"

struct censuses {
	struct slots processes;
	uint32_t running;   /* id of the target whose census runs; 0: none does */
	uint64_t untracked; /* goroutines that found no room in the kernel's map */
};

int goroutines_init(struct censuses *cs, unsigned targets_max); /* 0, or -ENOMEM */
void goroutines_done(struct censuses *cs);
/* 20 times a second: a stretch of work. Whether there is more to do. */
bool goroutines_tick(struct censuses *cs, struct turn *turn);
/*
 * Once a second: goroutines that found no room in the kernel's map may be of any process, so each is asked for a census.
 */
void goroutines_check_map(struct censuses *cs, struct turn *turn);
/* See engine_census() and engine_last_census(); `w` may be NULL. */
int goroutines_count(struct censuses *cs, struct turn *turn, struct watch *w,
		     struct show_census *ret, struct reason *reason);
int goroutines_last(struct censuses *cs, struct turn *turn, struct watch *w,
		    struct show_census *ret, struct reason *reason);

#endif
