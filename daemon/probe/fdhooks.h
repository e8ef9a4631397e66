/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The hooks on descriptors, and the links on them; bpf/fd.bpf.c tells what each kind sees. The
 * descriptor count itself does not depend on any of this.
 */
#ifndef DEFERD_PROBE_FDHOOKS_H
#define DEFERD_PROBE_FDHOOKS_H

#include "base/reason.h"
#include "probe/target.h"

struct deferd_bpf;
struct fdhooks;
struct closer;

/*
 * `kind` is not FD_HOOKS_OFF. NULL, and the reason, when not even one syscall could be hooked, or not all of the
 * functions; then none is.
 */
struct fdhooks *fdhooks_attach(struct deferd_bpf *skel, enum fd_hooks kind, struct reason *reason);
void fdhooks_detach(struct fdhooks *h, struct closer *closer);

#endif
