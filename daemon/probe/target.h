/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the kernel side is loaded with and attached to: the types that probe.h, links.h, targets.h and scan.h share. */
#ifndef DEFERD_PROBE_TARGET_H
#define DEFERD_PROBE_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "event/event.h"
#include "golang/injected.h"
#include "golang/layout.h"
#include "probe/callsites.h"
#include "probe/plan.h"

/* Sizes are written before load and are fixed then. */
struct probe_opts {
	uint32_t targets_max; /* 1 .. 4095 */
	uint32_t
		goroutines_max; /* goroutines and threads with pending defers, all targets together */
	uint32_t sites_max;
	uint32_t ring_bytes; /* power of two, multiple of the page size */
	uint32_t threshold;  /* depth of the first DEPTH event */
};

#define PROBE_OPTS_DEFAULT                                                      \
	{                                                                       \
		.targets_max = 512, .goroutines_max = 16384, .sites_max = 4096, \
		.ring_bytes = 1 << 20, .threshold = 35                          \
	}

/* perf events detach in 0.1 s each, serially in the kernel. */
#define PROBE_PERF_POINTS_MAX 5
#define PROBE_POINTS_MAX      (PLAN_POINTS_MAX + CALLSITES_MAX) /* of one target */

struct probe_target {
	pid_t pid;
	enum runtime_kind runtime;
	int exe_fd;                     /* the file, borrowed for the call */
	uint64_t bias;                  /* run-time address minus link-time address */
	struct injected injected;       /* Go: else none */
	const struct go_layout *layout; /* Go: NULL: not known, nothing that needs it is read */
	const struct probe_point *points;
	unsigned n;
	const uint64_t *errors; /* Go: see goerrors_find(), borrowed for the call; else NULL */
	uint32_t hits_max; /* looked at in a second, on each CPU: EVENT_HOT comes past it; 0: any */
	uint16_t stepped_hits; /* a single-stepped hit counts for so many of them */
	bool trace;            /* an event for every hit */
};

enum fd_hooks { FD_HOOKS_OFF, FD_HOOKS_FENTRY, FD_HOOKS_KPROBE, FD_HOOKS_TRACEPOINT, FD_HOOKS_MAX };

struct probe_stats {
	uint64_t events;     /* records taken from the ring */
	uint64_t bad;        /* records refused by the decoder */
	uint64_t lost[10];   /* by enum dfd_loss, see probe_loss_name() */
	uint32_t goroutines; /* entries of defers_by_g at the last scan */
	uint32_t goroutines_max;
	uint32_t sites;
	uint32_t sites_max;
	uint32_t targets;
	uint32_t targets_max;
	uint64_t ring_bytes;
};

struct probe;

#endif
