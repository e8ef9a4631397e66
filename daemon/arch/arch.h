/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Everything about machine instructions: where in a function a probe belongs. Given the first bytes
 * of a function it picks the place that runs exactly once a call, with the arguments still in their
 * registers and the return address at a known distance from the stack pointer, and that costs least
 * there. Pure; allocates nothing; any thread.
 *
 * Implemented for x86-64 (arch_x86.c). The bytes are a stranger's: any bytes give a place within
 * them or an error.
 */
#ifndef DEFERD_ARCH_ARCH_H
#define DEFERD_ARCH_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"
#include "elf/bytes.h"

/* Bytes of a function that are looked at: its prologue, and further for branches back into it. */
#define ARCH_CODE_MAX 16384
#define ARCH_INSN_MAX 15 /* bytes of one instruction, on any machine we know */
#define ARCH_TEXT_MAX 64 /* an instruction as text, NUL included; longer ones are cut */

/* Who compiled the function: decides argument registers and what a prologue looks like. */
enum arch_abi {
	ARCH_ABI_GO,
	ARCH_ABI_C,
};

/* Why the probe stands where it does. */
enum arch_rule {
	ARCH_RULE_NONE = 0,
	ARCH_RULE_GO_PUSH,       /* the push %rbp behind the stack check */
	ARCH_RULE_GO_ENTRY_PUSH, /* no stack check; the first instruction is push %rbp */
	ARCH_RULE_GO_CHECK, /* the stack check's branch itself: hits that take it must be dropped */
	ARCH_RULE_GO_QUIET, /* neither: the first cheap instruction that finds the arguments intact,
			       else +0 */
	ARCH_RULE_C_PUSH,   /* the first push */
	ARCH_RULE_C_QUIET,  /* no push: another cheap instruction before the arguments change */
	ARCH_RULE_C_ENTRY,  /* none: the entry */
	ARCH_RULE_MAX,
};

struct arch_point {
	uint32_t offset;  /* from the function's first byte */
	uint8_t insn_len; /* of the probed instruction */
	uint8_t sp_words; /* 8-byte words from the stack pointer up to the slot of the return
			     address */
	uint8_t rule;     /* enum arch_rule */
	bool emulated;    /* the kernel emulates it: one trap; else it is single-stepped: two */
	bool skip_taken;  /* hits whose flags say "branch taken" restart the function: drop them */
	char insn[ARCH_TEXT_MAX]; /* "push %rbp"; branch targets count from the function's first
				     byte */
};

/* Whether code of this ELF machine (EM_*) can be read. */
bool arch_supports(uint16_t elf_machine);

/*
 * Find the probe point of the function whose bytes are `code` (from its entry to its end, or as
 * much as there is). The first `nargs` integer argument registers of `abi` must be intact there;
 * more than there are counts as all. Returns 0, or -EBADMSG when the bytes at the entry are no
 * instructions. *ret is written on success only.
 */
int arch_find_point(struct bytes code, enum arch_abi abi, unsigned nargs, struct arch_point *ret,
		    struct reason *reason);

/*
 * The next call, or jump out of `code`, straight down from *at. *ret_target counts from the code's
 * first byte and may lie anywhere, modulo 2^64; *at moves behind the instruction. 0; -ENOENT when a
 * call through a register or memory comes first, a return, the end, or bytes that are no
 * instruction. At most ARCH_CODE_MAX bytes are looked at.
 */
int arch_next_call(struct bytes code, uint64_t *at, uint64_t *ret_target);

#define ARCH_CALL_LEN 5 /* bytes of a direct call */

/*
 * The next direct call at or behind *at whose target, from the code's first byte, is one of `n`. Bytes are
 * compared only: whether an instruction begins there, arch_begins_at() tells. 0 with *at at it and which target it is;
 * -ENOENT.
 */
int arch_find_call(struct bytes code, const uint64_t *targets, unsigned n, uint64_t *at,
		   unsigned *ret_which);
/* Whether an instruction begins at `at`, decoding from the first byte of a function on. */
bool arch_begins_at(struct bytes function, uint64_t at);
/* The bytes of a direct call whose target lies so far behind its end. */
void arch_call_bytes(int32_t distance, uint8_t ret[static ARCH_CALL_LEN]);

/* How far behind its end the target of a direct call lies. */
int32_t arch_call_distance(const uint8_t call[static ARCH_CALL_LEN]);

/* Where `mem` begins with the breakpoint that the kernel writes for a uprobe: the bytes of `original` that it covers. */
void arch_lift_breakpoint(uint8_t *mem, const uint8_t *original);

/* How an instruction refers to a global. */
enum arch_operand {
	ARCH_OPERAND_LOAD,    /* loads a word from it */
	ARCH_OPERAND_ADDRESS, /* takes its address */
};

/*
 * The globals that `code` at `va` refers to in that way, in the order of the code, at most `max` of them. Bytes are
 * compared only: code is searched for more than one witness. Returns how many there are, those that did not fit
 * included.
 */
unsigned arch_find_operands(struct bytes code, uint64_t va, enum arch_operand kind, uint64_t *ret,
			    unsigned max);
/* How a word that several threads use is changed. */
enum arch_atomic {
	ARCH_ATOMIC_COMPARE, /* exchanged, if it is what it is compared with */
	ARCH_ATOMIC_ADD,
};

/* How many times `code` does so with 32 bits. Bytes are compared only. */
unsigned arch_count_atomics(struct bytes code, enum arch_atomic kind);
/* The byte that a function compares its first argument with, as its first instruction; -ENOENT. */
int arch_compared_byte(struct bytes code);

/* Whether a relocation of this type (ELF64_R_TYPE) writes the load bias plus its addend. */
bool arch_is_relative(uint32_t reloc_type);

/* The kernel's function for a system call, "close". */
#define ARCH_SYSCALL(name) "__x64_sys_" name

/* To be probed at their first instruction, to learn what a hit costs: one that is emulated, and one that is stepped. */
void arch_price_emulated(void);
void arch_price_stepped(void);

const char *arch_rule_text(uint8_t rule); /* a short phrase for people; "?" when out of range */

#endif
