/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Reading the kernel side's maps into events, and forgetting entries. Loop thread only.
 */
#ifndef DEFERD_PROBE_SCAN_H
#define DEFERD_PROBE_SCAN_H

#include "probe/target.h"

/*
 * Read the maps: SCAN_BEGIN, a COUNTS for each target, REQUESTS for those that were ever timed, GOROUTINE, SITE and RECOVER for each entry, LOST for
 * targets that lost records since the scan before, SCAN_END. Ends the window that
 * EVENT_GOROUTINE.window_peak speaks of.
 */
void probe_scan(struct probe *p, uint64_t now_ns, event_fn fn, void *arg);

/*
 * Read what pages show, and change nothing by it: LOOK_BEGIN, a COUNTS for each target, REQUESTS, SITE and RECOVER as
 * probe_scan() has them, LOOK_END. Depths and losses are those of the newest scan.
 */
void probe_look(struct probe *p, uint64_t now_ns, event_fn fn, void *arg);

/* RECOVER of all targets, now. */
void probe_read_recovers(struct probe *p, uint64_t now_ns, event_fn fn, void *arg);

/* SITE of all targets, now. */
void probe_read_sites(struct probe *p, uint64_t now_ns, event_fn fn, void *arg);

/*
 * FD_OPENED for each that is kept, of all targets. `keep` says whether it is still wanted; what is not is forgotten.
 */
void probe_read_fd_sites(struct probe *p, uint64_t now_ns,
			 bool (*keep)(void *arg, const struct event *ev), void *arg);

/* FD_BAD_CLOSE and FD_REFUSED of each target that has one. */
void probe_read_fd_faults(struct probe *p, uint64_t now_ns, event_fn fn, void *arg);

/* COUNTS and REQUESTS of one target, now: its last ones before it goes. */
void probe_read_counts(struct probe *p, uint32_t id, uint64_t now_ns, event_fn fn, void *arg);

/* The goroutine is dead or holds nothing: its entry makes room. The next push makes a new one. */
void probe_forget(struct probe *p, uint32_t id, uint64_t g);

/* All of a target. */
void probe_forget_all(struct probe *p, uint32_t id);

#endif
