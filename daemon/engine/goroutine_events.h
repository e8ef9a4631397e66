/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A complete census as events for the model: its groups, the lock that most wait for, those that wait for a pool, and
 * each goroutine that has many defers pending, the ones of a recursion, which no probe sees, among them. Loop thread only.
 */
#ifndef DEFERD_ENGINE_GOROUTINE_EVENTS_H
#define DEFERD_ENGINE_GOROUTINE_EVENTS_H

#include "census/census.h"
#include "engine/turn.h"
#include "export/show.h"

/* Whether the functions that its goroutines began in have names; those that have none are asked for. */
bool goroutine_events_named(struct turn *turn, struct watch *w, struct census *c);
/* `cost_ns`: CPU time that the census took. */
void goroutine_events_emit(struct turn *turn, struct watch *w, struct census *c, uint64_t cost_ns);

/* As struct show_census has it. */
struct lock_survey *goroutine_events_survey(struct model *m, const struct show_census *sc);

#endif
