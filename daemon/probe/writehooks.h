/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The syscalls that loggers write by (write, writev, sendto, sendmsg), and the links on them. They
 * cost every syscall of the host about 40 ns while they are attached. Not covered: io_uring, shared
 * memory, pwrite, sendmmsg; a logger that writes on a goroutine or thread of its own, that keeps lines in
 * a buffer, or that a Go program calls in C.
 */
#ifndef DEFERD_PROBE_WRITEHOOKS_H
#define DEFERD_PROBE_WRITEHOOKS_H

#include "base/reason.h"

struct deferd_bpf;
struct writehooks;
struct closer;

/* NULL, errno and the reason, when one of them could not be attached: a part would tell lies. */
struct writehooks *writehooks_attach(struct deferd_bpf *skel, struct closer *closer,
				     struct reason *reason);
void writehooks_detach(struct writehooks *h, struct closer *closer); /* NULL is allowed */

#endif
