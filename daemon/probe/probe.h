/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The loaded kernel side: targets come and go, records and counts come out as events. It carries
 * out plans and decides nothing. One thread, the loop's; closing links is handed to threads of its
 * own.
 */
#ifndef DEFERD_PROBE_PROBE_H
#define DEFERD_PROBE_PROBE_H

#include "probe/kernel.h"
#include "probe/target.h"

/* Load. The features say which attach type to load for. 0, or negative errno with the reason. */
int probe_open(const struct probe_opts *opts, const struct kernel_features *features,
	       struct probe **ret_p, struct reason *reason);
void probe_close(struct probe *p); /* waits for links to be closed; NULL is allowed */

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

/* Records taken from the ring, since the start. */
uint64_t probe_events(const struct probe *p);
/* Goroutines and threads that found no room in the kernel's map, since the start; 0: not known. */
uint64_t probe_untracked(struct probe *p);
void probe_get_stats(struct probe *p, struct probe_stats *ret_stats);
const char *probe_loss_name(unsigned loss); /* label value; NULL past the last */

#endif
