/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where a Go program keeps the list of its goroutines: runtime.allglen and runtime.allgptr, read
 * out of the machine code of a function that loads both, since a stripped program names neither.
 * Pure; x86-64 only.
 */
#ifndef DEFERD_GOLANG_ALLGS_H
#define DEFERD_GOLANG_ALLGS_H

#include "golang/gobin.h"

/* Link-time VAs. */
struct allgs {
	uint64_t len;  /* of a word: how many */
	uint64_t list; /* of a pointer to an array of pointers to g */
};

/*
 * 0; -ENOENT: the functions are not there; -EBADMSG: they do not look as they have since Go 1.19.
 * *ret is written on success only.
 */
int allgs_find(const struct gobin *g, struct allgs *ret);

#endif
