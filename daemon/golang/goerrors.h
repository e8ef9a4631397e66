/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Where the types of known errors (goerror.h) lie in a program. Pure, allocates nothing; any thread. */
#ifndef DEFERD_GOLANG_GOERRORS_H
#define DEFERD_GOLANG_GOERRORS_H

#include <stdint.h>

#include "golang/gobin.h"
#include "golang/goerror.h"

/* Addresses of the known types in an image, by number; 0: it has none of it. */
void goerrors_find(const struct gobin *g, uint64_t ret[GOERRORS_MAX]);

#endif
