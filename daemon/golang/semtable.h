/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where a Go program keeps who waits for a semaphore, and so for a mutex, an RWMutex, a WaitGroup:
 * runtime.semtable, read out of the machine code of a function that looks into it, since a stripped
 * program does not name it. Pure.
 */
#ifndef DEFERD_GOLANG_SEMTABLE_H
#define DEFERD_GOLANG_SEMTABLE_H

#include "golang/gobin.h"

#define SEMTABLE_ROWS 251u /* sema.go: semTabSize */
#define SEMTABLE_ROW  64u  /* bytes: a cache line of amd64 */

/*
 * 0 and its link-time VA; -ENOENT: the function is not there; -EBADMSG: it does not look as it has since
 * Go 1.19. Whoever reads the table has a proof: each waiter is in the row that its address belongs to.
 */
int semtable_find(const struct gobin *g, uint64_t *ret_va);

#endif
