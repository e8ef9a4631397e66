/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What GODEBUG sets for a program: the file's default, which follows from the go line and the
 * //go:debug lines of its main module, and the environment, which comes after it. Pure.
 */
#ifndef DEFERD_GOLANG_GODEBUG_H
#define DEFERD_GOLANG_GODEBUG_H

#include <stdbool.h>
#include <stddef.h>

#include "elf/elfimg.h"

/* Whether a list "a=1,b=0" of `len` bytes sets `key` to 1: *ret. False: it does not say. The last one counts. */
bool godebug_is_one(const char *list, size_t len, const char *key, bool *ret);

/* The DefaultGODEBUG of the build information; empty: it has none. Borrowed from the image. */
struct bytes godebug_default(const struct elfimg *img);

#endif
