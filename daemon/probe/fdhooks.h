/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The syscalls that make and close descriptors, and the links on them. Not covered: close_range,
 * passing by SCM_RIGHTS, io_uring; a dup2 or dup3 onto an open number counts as opened but not as
 * closed. The descriptor count itself does not depend on any of this.
 */
#ifndef DEFERD_PROBE_FDHOOKS_H
#define DEFERD_PROBE_FDHOOKS_H

#include "base/reason.h"

struct deferd_bpf;
struct fdhooks;
struct closer;

/*
 * `kprobe`: on the syscalls' functions; else syscall tracepoints. NULL, and the reason, when not
 * even one attached.
 */
struct fdhooks *fdhooks_attach(struct deferd_bpf *skel, int kprobe, struct reason *reason);
void fdhooks_detach(struct fdhooks *h, struct closer *closer);

#endif
