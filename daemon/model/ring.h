/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Goroutines that wait for each other's locks and will never run again, as a census has found them. Plain data. */
#ifndef DEFERD_MODEL_RING_H
#define DEFERD_MODEL_RING_H

#include "event/event.h"

struct ring {
	unsigned census; /* the number of that census */
	unsigned n;
	struct event_edge edges[EVENT_EDGES_MAX]; /* each one's holder is the next one, of the last the first */
};

#endif
