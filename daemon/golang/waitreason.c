// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 *   go1.26 runtime.waitReason.String
 *     cmp  $0x2f,%al               the number of entries
 *     jb   1f
 *     lea  0x53826(%rip),%rax      "unknown wait reason"
 *     mov  $0x13,%ebx
 *     ret
 *  1: movzbl %al,%ecx
 *     shl  $0x4,%rcx
 *     lea  0xf98a1(%rip),%rdx      runtime.waitReasonStrings
 *
 * So from 1.19 to 1.27; the runtime is optimised in every program.
 */
#include "golang/waitreason.h"

#include <errno.h>
#include <string.h>

#include "golang/operand.h"

#define UNKNOWN "unknown wait reason"

static bool is_unknown(const struct gobin *g, uint64_t va)
{
	struct bytes b = elfimg_at(g->img, va);

	return b.len >= sizeof(UNKNOWN) - 1 && !memcmp(b.p, UNKNOWN, sizeof(UNKNOWN) - 1);
}

int waitreason_find(const struct gobin *g, struct waitreason_table *ret)
{
	uint64_t va, at[2];
	struct bytes code;
	int n, err = operand_code(g, "runtime.waitReason.String", &code, &va);

	if (err)
		return err;
	if (arch_find_operands(code, va, ARCH_OPERAND_ADDRESS, at, 2) != 2)
		return -EBADMSG;
	n = arch_compared_byte(code);
	if (n <= 0 || n > WAITREASON_MAX)
		return -EBADMSG;
	if (is_unknown(g, at[1])) {
		va = at[0];
		at[0] = at[1];
		at[1] = va;
	}
	if (!is_unknown(g, at[0]) || at[1] % 8)
		return -EBADMSG;
	*ret = (struct waitreason_table){ at[1], n };
	return 0;
}
