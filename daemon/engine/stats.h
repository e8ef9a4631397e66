/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the engine counts of itself, and what its callers may ask of it. */
#ifndef DEFERD_ENGINE_STATS_H
#define DEFERD_ENGINE_STATS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "alert/alert.h"
#include "event/event.h"
#include "event/recording.h"
#include "probe/kernel.h"
#include "probe/probe.h"

enum attach_failure {
	ATTACH_EXITED,  /* the process ended meanwhile: normal */
	ATTACH_IMAGE,   /* its file could not be read: see the target's reason */
	ATTACH_VERSION, /* a Go release whose layout is not known */
	ATTACH_LAYOUT,  /* the runtime's layout does not fit the process */
	ATTACH_BYTES,   /* memory differs from the file */
	ATTACH_DENIED,  /* its memory may not be read */
	ATTACH_LIBRARY, /* a Go runtime in a shared library, which is not read */
	ATTACH_KERNEL,  /* the kernel refused the link */
	ATTACH_SLOTS,   /* limits.targets */
	ATTACH_WORKER,  /* the image worker failed or was killed */
	ATTACH_FAILURE_MAX,
};
extern const char *const attach_failure_names[ATTACH_FAILURE_MAX];

/* Where events come from: a live kernel, or a file of recorded ones, which is played by engine_play(). */
struct engine_source {
	int procfd;                             /* live: /proc */
	const struct kernel_features *features; /* live: what the kernel can; borrowed */
	struct recording *recording;            /* NULL: live; borrowed */
};

struct engine_opts {
	pid_t only_pid;    /* observe this process alone; 0: all that the configuration wants */
	bool trace;        /* an event for every hit; with only_pid */
	bool fd_hooks;     /* descriptor hooks from the start, whatever the kernel has */
	event_fn on_event; /* sees every event after the model; may be NULL */
	alert_fn on_alert; /* sees every transition; may be NULL */
	bool (*is_silenced)(void *arg, const struct alert *a); /* by who is told; NULL: none is */
	struct recorder
		*recorder; /* all that the model is given goes there, too; may be NULL; borrowed */
	const json_t *
		kept; /* by engine_keep() of an earlier deferd; NULL: nothing; borrowed by engine_new() */
	/* Whether all that are told each change of an alert once have been told of this one; NULL: they have. */
	bool (*is_heard)(void *arg, const struct alert *a);
	void *arg;
};

struct engine_stats {
	struct probe_stats probe;
	uint64_t failures[ATTACH_FAILURE_MAX];
	unsigned images;
	unsigned jobs;
	uint64_t chains_read;  /* goroutines settled by reading their memory */
	uint64_t last_scan_ns; /* duration of the newest scan */
	uint64_t censuses;     /* that were completed */
	uint64_t census_ns;    /* CPU time they took */
	uint64_t census_failures;
	uint64_t last_tick_ns; /* monotonic time of the newest tick: stale means stuck */
};

#endif
