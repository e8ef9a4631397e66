// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Tracebacks walk all goroutines through runtime.forEachGRace, so it is in every program:
 *
 *   go1.26 runtime.forEachGRace
 *     mov  0x1a3b5e(%rip),%rcx     runtime.allglen
 *     mov  0x18d0af(%rip),%rdx     runtime.allgptr
 *
 * It has exactly these two loads, in this order, from 1.19 to 1.27. Built without optimisation they
 * stand in runtime.atomicAllG instead, which is inlined otherwise.
 */
#include "golang/allgs.h"

#include <errno.h>

#include "golang/operand.h"

#define LOADS 2

static int loads_of(const struct gobin *g, const char *function, uint64_t *ret)
{
	struct bytes code;
	uint64_t va;
	int err = operand_code(g, function, &code, &va);

	if (err)
		return err;
	return operand_find(code, va, OPERAND_LOAD, ret, LOADS) == LOADS ? 0 : -EBADMSG;
}

int allgs_find(const struct gobin *g, struct allgs *ret)
{
	static const char *const functions[] = { "runtime.forEachGRace", "runtime.atomicAllG" };
	uint64_t at[LOADS];
	int err = -ENOENT;

	for (unsigned i = 0; i < sizeof(functions) / sizeof(*functions) && err; i++) {
		int r = loads_of(g, functions[i], at);

		if (!r || r != -ENOENT)
			err = r;
	}
	if (err)
		return err;
	if (at[0] % 8 || at[1] % 8 || at[0] == at[1])
		return -EBADMSG;
	*ret = (struct allgs){ at[0], at[1] };
	return 0;
}
