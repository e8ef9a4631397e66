/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The list of goroutines found in a process's data alone: for a program whose code does not tell where
 * it is, or tells it wrongly. runtime.allgs is a slice whose first element is the first goroutine for
 * as long as the program lives: it has number 1, and its g points to itself.
 */
#ifndef DEFERD_CENSUS_SEARCH_H
#define DEFERD_CENSUS_SEARCH_H

#include "base/memread.h"
#include "base/reason.h"
#include "golang/layout.h"

#define SEARCH_BYTES_MAX (64u << 20) /* of data that are looked at */

/* Run-time addresses. */
struct search_where {
	uint64_t begin, end;   /* of the data: what is written to, of the program's file */
	uint64_t runtime_main; /* entry; 0: not known */
};

/*
 * 0 and the address of the slice (pointer, length, capacity). -ENOENT: there is none (yet), or it
 * cannot be told from a copy (now); -EBADMSG: there are several, of more than one Go runtime; -ESRCH: the
 * process is gone; -ENOMEM; with the reason.
 */
int search_allgs(const struct memread *m, const struct go_layout *l, const struct search_where *w,
		 uint64_t *ret_slice, struct reason *reason);

#endif
