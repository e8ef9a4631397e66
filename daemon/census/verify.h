/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Does this layout fit that process? Looked at in its memory before anything is read by it: the
 * first goroutine of every Go program has number 1 and began in runtime.main, and every g says where
 * it lies itself.
 */
#ifndef DEFERD_CENSUS_VERIFY_H
#define DEFERD_CENSUS_VERIFY_H

#include "base/memread.h"
#include "base/reason.h"
#include "golang/layout.h"

/* Run-time addresses. */
struct verify_where {
	uint64_t allgs_len;    /* of runtime.allglen */
	uint64_t allgs_list;   /* of runtime.allgptr */
	uint64_t runtime_main; /* entry; 0: not known, and not looked at */
};

/*
 * 0: it fits. -EAGAIN: there is no goroutine yet, ask again. -EBADMSG: it does not, and the reason
 * says which field. -EFAULT: memory cannot be read.
 */
int verify_layout(const struct memread *m, const struct go_layout *l, const struct verify_where *w,
		  struct reason *reason);

#endif
