/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The loaded kernel side: targets come and go, records and counts come out as events. It carries
 * out plans and decides nothing. One thread, the loop's; closing links is handed to threads of its
 * own.
 */
#ifndef DEFERD_PROBE_PROBE_H
#define DEFERD_PROBE_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/reason.h"
#include "event/event.h"
#include "golang/injected.h"
#include "golang/layout.h"
#include "probe/callsites.h"
#include "probe/kernel.h"
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

/* Load. The features say which attach type to load for. 0, or negative errno with the reason. */
int probe_open(const struct probe_opts *opts, const struct kernel_features *features,
	       struct probe **ret_p, struct reason *reason);
void probe_close(struct probe *p); /* waits for links to be closed; NULL is allowed */

/*
 * Attach to a process. *ret_id is its target id, in events from now on. -ENOSPC: no slot; -ESRCH:
 * the process is gone; else what the kernel said.
 */
int probe_attach(struct probe *p, const struct probe_target *t, uint32_t *ret_id,
		 struct reason *reason);
/*
 * Other points, maybe none, and another hits_max, from one moment to the next: no hit is seen twice, and
 * none that both have is missed; *ret_ns is that moment, CLOCK_MONOTONIC. On failure all is as it was.
 */
int probe_set_points(struct probe *p, uint32_t id, const struct probe_target *t, uint64_t *ret_ns,
		     struct reason *reason);
void probe_set_hits_max(struct probe *p, uint32_t id, uint32_t hits_max);
/* Detach and forget what the maps hold of it. A process that is gone needs this too. */
void probe_detach(struct probe *p, uint32_t id);
/*
 * Another layout for a target, NULL: none; with `panics` false, one whose _panic is not to be used.
 * What was counted goes on.
 */
void probe_set_layout(struct probe *p, uint32_t id, const struct go_layout *layout, bool panics);

/*
 * The requests of a target's servers are timed from now on, by its points of PLAN_SET_REQUESTS; with none, not any more. What
 * was counted goes on. 0, or negative errno with the reason; then they are not timed. Needs uprobe_multi: -ENOTSUP.
 */
int probe_time_requests(struct probe *p, uint32_t id, const struct probe_target *t,
			struct reason *reason);

/* Attach or detach the descriptor hooks. 0, or negative errno when none could be attached. */
int probe_set_fd_hooks(struct probe *p, enum fd_hooks hooks, struct reason *reason);
enum fd_hooks probe_fd_hooks(const struct probe *p);

/*
 * Attach or detach the hooks on writes: while they are there, EVENT_WRITE tells what those write to
 * who panicked. 0, or negative errno with the reason; then none is attached.
 */
int probe_watch_writes(struct probe *p, bool on, struct reason *reason);
bool probe_watches_writes(const struct probe *p);
/*
 * Whether everything written after panic `panic` could be told: its entry in the kernel's map is
 * there, or has given way to a newer panic of the same goroutine (C: `g` is the thread id).
 */
bool probe_followed(const struct probe *p, uint32_t id, uint64_t g, uint64_t panic);

/*
 * Readable when there is something on the ring that should not wait for the next time; see
 * probe_set_asleep().
 */
int probe_urgent_fd(const struct probe *p);
/* Take what is on the ring. Never waits. */
void probe_drain(struct probe *p, event_fn fn, void *arg);
/* Whether the next record makes it readable, whatever it is; once. What was on the ring before does not. */
void probe_set_asleep(struct probe *p, bool asleep);

/*
 * Read the maps: SCAN_BEGIN, a COUNTS for each target, REQUESTS for those that were ever timed, GOROUTINE, SITE and RECOVER for each entry, LOST for
 * targets that lost records since the scan before, SCAN_END. Ends the window that
 * EVENT_GOROUTINE.window_peak speaks of.
 */
void probe_scan(struct probe *p, uint64_t now_ns, event_fn fn, void *arg);

/* RECOVER of all targets, now. */
void probe_read_recovers(struct probe *p, uint64_t now_ns, event_fn fn, void *arg);

/* SITE of all targets, now. */
void probe_read_sites(struct probe *p, uint64_t now_ns, event_fn fn, void *arg);

/*
 * Whether who opens descriptors is kept, while the descriptor hooks are attached: a stack for each that is open. What is
 * kept of a target that is not looked at any more, is forgotten.
 */
void probe_set_fd_sites(struct probe *p, uint32_t id, bool on);
/*
 * FD_OPENED for each that is kept, of all targets. `keep` says whether it is still wanted; what is not is forgotten.
 */
void probe_read_fd_sites(struct probe *p, uint64_t now_ns,
			 bool (*keep)(void *arg, const struct event *ev), void *arg);

/* FD_BAD_CLOSE of each target that has one. */
void probe_read_bad_closes(struct probe *p, uint64_t now_ns, event_fn fn, void *arg);

/* COUNTS and REQUESTS of one target, now: its last ones before it goes. */
void probe_read_counts(struct probe *p, uint32_t id, uint64_t now_ns, event_fn fn, void *arg);

/* The goroutine is dead or holds nothing: its entry makes room. The next push makes a new one. */
void probe_forget(struct probe *p, uint32_t id, uint64_t g);

/* All of a target. */
void probe_forget_all(struct probe *p, uint32_t id);

/* Records taken from the ring, since the start. */
uint64_t probe_events(const struct probe *p);
/* Goroutines and threads that found no room in the kernel's map, since the start; 0: not known. */
uint64_t probe_untracked(struct probe *p);
void probe_get_stats(struct probe *p, struct probe_stats *ret_stats);
const char *probe_loss_name(unsigned loss); /* label value; NULL past the last */

#endif
