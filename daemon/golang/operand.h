/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The code of a function of the Go runtime, to be searched for what it refers to (arch_find_operands()): the runtime's
 * globals, which a stripped program names nowhere but in its code. Pure.
 */
#ifndef DEFERD_GOLANG_OPERAND_H
#define DEFERD_GOLANG_OPERAND_H

#include "arch/arch.h"
#include "golang/gobin.h"

/* The bytes of a function, as far as the file has them. 0, -ENOENT, -EBADMSG. */
int operand_code(const struct gobin *g, const char *function, struct bytes *ret_code,
		 uint64_t *ret_va);

#endif
