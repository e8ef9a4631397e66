/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Closing links takes the kernel 30 ms (uprobe_multi) to 100 ms (each perf event): a grace period.
 * It happens on threads of this module, so that the loop never waits. Thread safe: the queue is a
 * pipe.
 */
#ifndef DEFERD_PROBE_CLOSER_H
#define DEFERD_PROBE_CLOSER_H

struct closer;
struct bpf_link;

struct closer *closer_new(void); /* NULL with errno set */
/* Take over a link. Falls back to closing in place when the queue cannot take it. */
void closer_close_fd(struct closer *c, int fd);
void closer_close_links(struct closer *c, struct bpf_link **links, unsigned n);
/* Wait until all that was handed over is closed, then free. */
void closer_free(struct closer *c);

#endif
