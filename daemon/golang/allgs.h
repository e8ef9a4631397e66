/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where a Go program keeps the list of its goroutines: runtime.allglen and runtime.allgptr, read
 * out of the machine code of the functions that use them, since a stripped program names neither. Three
 * must agree. Pure.
 */
#ifndef DEFERD_GOLANG_ALLGS_H
#define DEFERD_GOLANG_ALLGS_H

#include "golang/gobin.h"

/* Link-time VAs. */
struct allgs {
	uint64_t len;   /* of a word: how many */
	uint64_t list;  /* of a pointer to an array of pointers to g */
	uint64_t slice; /* of runtime.allgs, which both are copies of: pointer, length, capacity */
};

/*
 * 0; -ENOENT: a function is not there; -EBADMSG: they do not look as they have since Go 1.19, or do
 * not agree.
 * *ret is written on success only.
 */
int allgs_find(const struct gobin *g, struct allgs *ret);

#endif
