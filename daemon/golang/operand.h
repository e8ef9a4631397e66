/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a function of the Go runtime refers to: addresses of the runtime's globals, which a stripped
 * program names nowhere but in its code. Pure; x86-64 only.
 */
#ifndef DEFERD_GOLANG_OPERAND_H
#define DEFERD_GOLANG_OPERAND_H

#include "golang/gobin.h"

enum operand_kind {
	OPERAND_LOAD = 0x8b,    /* mov disp(%rip),%r64 */
	OPERAND_ADDRESS = 0x8d, /* lea disp(%rip),%r64 */
};

/* The bytes of a function, as far as the file has them. 0, -ENOENT, -EBADMSG. */
int operand_code(const struct gobin *g, const char *function, struct bytes *ret_code,
		 uint64_t *ret_va);

/*
 * The operands of that kind in `code` at `va`, in the order of the code, at most `max` of them.
 * Returns how many there are, those that did not fit included.
 */
unsigned operand_find(struct bytes code, uint64_t va, enum operand_kind kind, uint64_t *ret,
		      unsigned max);

#endif
