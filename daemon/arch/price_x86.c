// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Functions of our own to be probed at their first instruction: one of each kind. */
#include "arch/arch.h"

#if !defined(__x86_64__)
#error "what to probe of our own to know what a hit costs"
#endif

__asm__(".pushsection .text\n"
	".p2align 4\n"
	".globl arch_price_emulated\n"
	".hidden arch_price_emulated\n"
	".type arch_price_emulated, @function\n"
	"arch_price_emulated:\n"
	"	push %rbp\n"
	"	pop %rbp\n"
	"	ret\n"
	".size arch_price_emulated, . - arch_price_emulated\n"
	".p2align 4\n"
	".globl arch_price_stepped\n"
	".hidden arch_price_stepped\n"
	".type arch_price_stepped, @function\n"
	"arch_price_stepped:\n"
	"	sub $8, %rsp\n"
	"	add $8, %rsp\n"
	"	ret\n"
	".size arch_price_stepped, . - arch_price_stepped\n"
	".popsection\n");
