/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where a Go program keeps the texts of its wait reasons ("chan receive", "select"), whose numbers
 * change from release to release: runtime.waitReasonStrings. Pure.
 */
#ifndef DEFERD_GOLANG_WAITREASON_H
#define DEFERD_GOLANG_WAITREASON_H

#include "golang/gobin.h"

#define WAITREASON_MAX 64 /* there were 47 in Go 1.27 */

struct waitreason_table {
	uint64_t va; /* of an array of strings (pointer, length) */
	unsigned n;  /* entries */
};

/* 0; -ENOENT: the function is not there; -EBADMSG: it does not look as it has since Go 1.19. */
int waitreason_find(const struct gobin *g, struct waitreason_table *ret);

#endif
