// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A length decoder is not needed: three bytes that look like such an instruction are one, in the
 * short functions of the runtime that are asked for. Whoever asks requires more than one witness. */
#include "golang/operand.h"

#define CODE_MAX  1024 /* bytes of a function that are looked at */
#define INSN_LEN  7
#define REX_W     0x48
#define REX_WR    0x4c
#define MODRM_RIP 0x05 /* mod 00, rm 101; the register does not matter */

int operand_code(const struct gobin *g, const char *function, struct bytes *ret_code,
		 uint64_t *ret_va)
{
	struct gobin_func f;
	struct bytes code;
	int err = gobin_function(g, function, &f);

	if (err)
		return err;
	code = elfimg_at(g->img, f.va);
	if (code.len > f.size)
		code.len = f.size;
	if (code.len > CODE_MAX)
		code.len = CODE_MAX;
	*ret_code = code;
	*ret_va = f.va;
	return 0;
}

static bool is_insn(const uint8_t *p, enum operand_kind kind)
{
	return (p[0] == REX_W || p[0] == REX_WR) && p[1] == kind && (p[2] & 0xc7) == MODRM_RIP;
}

unsigned operand_find(struct bytes code, uint64_t va, enum operand_kind kind, uint64_t *ret,
		      unsigned max)
{
	unsigned n = 0;

	for (uint64_t i = 0; bytes_has(code, i, INSN_LEN); i++) {
		if (!is_insn(code.p + i, kind))
			continue;
		if (n < max)
			ret[n] = va + i + INSN_LEN +
				 (uint64_t)(int64_t)(int32_t)le32_at(code.p + i + 3);
		n++;
		i += INSN_LEN - 1;
	}
	return n;
}
