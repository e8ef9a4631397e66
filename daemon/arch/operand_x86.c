// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What single instructions and relocations of x86-64 say, without a decoder. */
#include "arch/arch.h"

#include <elf.h>
#include <errno.h>

#define INSN_LEN    7 /* of a load or lea with a 32-bit displacement */
#define REX_W       0x48
#define REX_WR      0x4c
#define MOV         0x8b /* mov disp(%rip),%r64 */
#define LEA         0x8d /* lea disp(%rip),%r64 */
#define MODRM_RIP   0x05 /* mod 00, rm 101; the register does not matter */
#define CMP_AL_IMM8 0x3c
#define INT3        0xcc
#define LOCK        0xf0
#define TWO_BYTES   0x0f /* the opcode's second byte follows */
#define CMPXCHG     0xb1
#define XADD        0xc1

void arch_lift_breakpoint(uint8_t *mem, const uint8_t *original)
{
	if (mem[0] == INT3)
		mem[0] = original[0];
}

/* Three bytes that look like such an instruction are one, in the short functions that are searched. */
unsigned arch_find_operands(struct bytes code, uint64_t va, enum arch_operand kind, uint64_t *ret,
			    unsigned max)
{
	uint8_t opcode = kind == ARCH_OPERAND_LOAD ? MOV : LEA;
	unsigned n = 0;

	for (uint64_t i = 0; bytes_has(code, i, INSN_LEN); i++) {
		const uint8_t *p = code.p + i;

		if ((p[0] != REX_W && p[0] != REX_WR) || p[1] != opcode ||
		    (p[2] & 0xc7) != MODRM_RIP)
			continue;
		if (n < max)
			ret[n] = va + i + INSN_LEN + (uint64_t)(int64_t)(int32_t)le32_at(p + 3);
		n++;
		i += INSN_LEN - 1;
	}
	return n;
}

unsigned arch_count_atomics(struct bytes code, enum arch_atomic kind)
{
	uint8_t opcode = kind == ARCH_ATOMIC_COMPARE ? CMPXCHG : XADD;
	unsigned n = 0;

	for (uint64_t i = 0; bytes_has(code, i, 3); i++)
		n += code.p[i] == LOCK && code.p[i + 1] == TWO_BYTES && code.p[i + 2] == opcode;
	return n;
}

int arch_compared_byte(struct bytes code)
{
	return bytes_has(code, 0, 2) && code.p[0] == CMP_AL_IMM8 ? code.p[1] : -ENOENT;
}

bool arch_is_relative(uint32_t reloc_type)
{
	return reloc_type == R_X86_64_RELATIVE;
}
