/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A census as a profile of pprof (github.com/google/pprof, proto/profile.proto): one sample a group,
 * with the number of its goroutines, as /debug/pprof/goroutine gives it. Each line of a stack is a
 * location of its own, so that inlined functions need no addresses.
 */
#ifndef DEFERD_EXPORT_PPROF_H
#define DEFERD_EXPORT_PPROF_H

#include <jansson.h>

#include "base/buf.h"

/* `doc` as view_goroutines() gives it. Appends the message, not compressed; b->failed: no memory. */
void pprof_write(const json_t *doc, bool with_system, int64_t unix_ns, struct buf *b);

#endif
