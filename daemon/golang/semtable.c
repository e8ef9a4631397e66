// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 *   go1.26 runtime.semrelease1
 *     lea  0xd8a75(%rip),%rdx      runtime.semtable
 *     lea  (%rsi,%rdx,1),%r8       + addr / 8 % 251 * 64
 *
 * Its first address of a global, from 1.19 to 1.27.
 */
#include "golang/semtable.h"

#include <elf.h>
#include <errno.h>

#include "golang/operand.h"

/* In memory that is written to, which the file need not have. */
static bool is_variable(const struct elfimg *img, uint64_t va, uint64_t size)
{
	for (unsigned i = 0; i < img->nloads; i++) {
		const struct elfimg_load *l = &img->loads[i];

		if ((l->flags & PF_W) && va >= l->va && va - l->va <= l->memsz &&
		    l->memsz - (va - l->va) >= size)
			return true;
	}
	return false;
}

int semtable_find(const struct gobin *g, uint64_t *ret_va)
{
	struct bytes code;
	uint64_t va, at;
	int err = operand_code(g, "runtime.semrelease1", &code, &va);

	if (err)
		return err;
	if (!arch_find_operands(code, va, ARCH_OPERAND_ADDRESS, &at, 1) || at % 8 ||
	    !is_variable(g->img, at, SEMTABLE_ROWS * SEMTABLE_ROW))
		return -EBADMSG;
	*ret_va = at;
	return 0;
}
