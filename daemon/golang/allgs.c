// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Tracebacks walk all goroutines through runtime.forEachGRace, so it is in every program:
 *
 *   go1.26 runtime.forEachGRace
 *     mov  0x1a3b5e(%rip),%rcx     runtime.allglen
 *     mov  0x18d0af(%rip),%rdx     runtime.allgptr
 *
 * It has exactly these two loads, in this order, from 1.19 to 1.27. Built without optimisation they
 * stand in runtime.atomicAllG instead, which is inlined otherwise. runtime.allgadd, which makes the list
 * longer, takes the addresses of both to store to them; runtime.forEachG loads pointer and length of the
 * slice runtime.allgs that they are copies of.
 */
#include "golang/allgs.h"

#include <errno.h>

#include "base/cleanup.h"
#include "golang/operand.h"

#define OPERANDS_MAX 16 /* of one function */

/* Of that kind, of a function. Returns how many there is room for; -ENOENT, -EBADMSG. */
static int operands_of(const struct gobin *g, const char *function, enum arch_operand kind,
		       uint64_t ret[OPERANDS_MAX])
{
	struct bytes code;
	uint64_t va;
	unsigned n;
	int err = operand_code(g, function, &code, &va);

	if (err)
		return err;
	n = arch_find_operands(code, va, kind, ret, OPERANDS_MAX);
	return (int)(n < OPERANDS_MAX ? n : OPERANDS_MAX);
}

static int find_copies(const struct gobin *g, struct allgs *ret)
{
	static const char *const functions[] = { "runtime.forEachGRace", "runtime.atomicAllG" };
	int err = -ENOENT;

	for (unsigned i = 0; i < ARRAY_SIZE(functions); i++) {
		uint64_t at[OPERANDS_MAX];
		int n = operands_of(g, functions[i], ARCH_OPERAND_LOAD, at);

		if (n == 2 && at[0] % 8 == 0 && at[1] % 8 == 0 && at[0] != at[1]) {
			*ret = (struct allgs){ .len = at[0], .list = at[1] };
			return 0;
		}
		err = n == -ENOENT ? err : -EBADMSG;
	}
	return err;
}

static bool is_among(uint64_t what, const uint64_t *at, int n)
{
	while (n > 0 && at[n - 1] != what)
		n--;
	return n > 0;
}

int allgs_find(const struct gobin *g, struct allgs *ret)
{
	uint64_t at[OPERANDS_MAX];
	struct allgs a;
	int n, err = find_copies(g, &a);

	if (err)
		return err;
	n = operands_of(g, "runtime.allgadd", ARCH_OPERAND_ADDRESS, at);
	if (n < 0)
		return n;
	if (!is_among(a.len, at, n) || !is_among(a.list, at, n))
		return -EBADMSG;
	n = operands_of(g, "runtime.forEachG", ARCH_OPERAND_LOAD, at);
	if (n < 0)
		return n;
	if (n != 2 || at[0] % 8 || at[1] != at[0] + 8)
		return -EBADMSG;
	a.slice = at[0];
	*ret = a;
	return 0;
}
