// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Prologues, and why not to probe at the entry.
 *
 * Go checks the stack before anything else, and starts over after it has grown: a probe at the
 * first instruction counts such a call twice. The first instruction is also a dear one, a cmp that
 * the kernel must single-step.
 *
 *   go1.26 runtime.gopanic                     go1.19 runtime.gopanic
 *     lea    -0x28(%rsp),%r12                    lea    -0x38(%rsp),%r12
 *     cmp    0x10(%r14),%r12  g.stackguard0      cmp    0x10(%r14),%r12
 *     jbe    +0x33c           to morestack,    > jbe    +0x711     hits with CF or ZF are dropped
 *   > push   %rbp             then to +0         sub    $0xb8,%rsp
 *     mov    %rsp,%rbp                           mov    %rbp,0xb0(%rsp)
 *
 * What a uprobe on x86 executes itself, without a single step (arch/x86/kernel/uprobes.c):
 *   push_setup_xol_ops():   50-57 and 41 50-57, push of a register (since 4.20)
 *   branch_setup_xol_ops(): 90 nop; eb, e9 jmp; e8 call; 70-7f and 0f 80-8f jcc
 * Branches with a 66 prefix are refused there. Longer nops are emulated by new kernels only (they
 * compare with the kernel's own x86_nops table), so they count as single-stepped here. 0.5
 * against 9.5 us a hit were measured on 6.18.
 */
#include "arch/arch.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include "base/cleanup.h"

#define WALK_MAX 8 /* instructions looked at for a quiet place */

struct insn {
	uint32_t at;
	ZydisDecodedInstruction info;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
};

/* Walking a prologue: what is known of the machine before instruction `at`. */
struct walk {
	struct bytes code;
	uint32_t at;
	int64_t sp_words; /* pushed since the entry */
	const ZydisRegister *args;
	unsigned nargs;
};

static const ZydisRegister go_args[] = {
	ZYDIS_REGISTER_RAX, ZYDIS_REGISTER_RBX, ZYDIS_REGISTER_RCX,
	ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_R8,
	ZYDIS_REGISTER_R9,  ZYDIS_REGISTER_R10, ZYDIS_REGISTER_R11
};
static const ZydisRegister c_args[] = { ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_RDX,
					ZYDIS_REGISTER_RCX, ZYDIS_REGISTER_R8,  ZYDIS_REGISTER_R9 };

bool arch_supports(uint16_t elf_machine)
{
	return elf_machine == EM_X86_64;
}

static bool decode(struct bytes code, uint32_t at, struct insn *ret)
{
	struct bytes rest = bytes_from(code, at);
	ZydisDecoder d;

	ret->at = at;
	return rest.len &&
	       ZYAN_SUCCESS(
		       ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) &&
	       ZYAN_SUCCESS(ZydisDecoderDecodeFull(&d, rest.p, rest.len, &ret->info, ret->ops));
}

static uint32_t after(const struct insn *i)
{
	return i->at + i->info.length;
}

static void insn_text(const struct insn *i, char *ret, size_t size)
{
	ZydisFormatter f;

	if (ZYAN_SUCCESS(ZydisFormatterInit(&f, ZYDIS_FORMATTER_STYLE_ATT)) &&
	    ZYAN_SUCCESS(ZydisFormatterSetProperty(&f, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE,
						   ZYAN_FALSE)) &&
	    ZYAN_SUCCESS(ZydisFormatterSetProperty(&f, ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE,
						   ZYDIS_PADDING_DISABLED)) &&
	    ZYAN_SUCCESS(ZydisFormatterSetProperty(&f, ZYDIS_FORMATTER_PROP_IMM_PADDING,
						   ZYDIS_PADDING_DISABLED)) &&
	    ZYAN_SUCCESS(ZydisFormatterSetProperty(&f, ZYDIS_FORMATTER_PROP_DISP_PADDING,
						   ZYDIS_PADDING_DISABLED)) &&
	    ZYAN_SUCCESS(ZydisFormatterFormatInstruction(
		    &f, &i->info, i->ops, i->info.operand_count_visible, ret, size, i->at, NULL)))
		return;
	snprintf(ret, size, "%s", ZydisMnemonicGetString(i->info.mnemonic));
}

static bool is_push_reg(const uint8_t *p, unsigned len)
{
	if (len == 2 && p[0] == 0x41)
		p++, len--;
	return len == 1 && p[0] >= 0x50 && p[0] <= 0x57;
}

static bool is_jcc(const uint8_t *p, unsigned len)
{
	return (len == 2 && p[0] >= 0x70 && p[0] <= 0x7f) ||
	       (len == 6 && p[0] == 0x0f && p[1] >= 0x80 && p[1] <= 0x8f);
}

static bool is_jmp_or_call(const uint8_t *p, unsigned len)
{
	return (len == 2 && p[0] == 0xeb) || (len == 5 && (p[0] == 0xe9 || p[0] == 0xe8));
}

static bool is_nop(const uint8_t *p, unsigned len)
{
	return len == 1 && p[0] == 0x90;
}

/* Exact lengths leave out every prefix: those forms are not worth knowing apart. */
static bool is_emulated(const uint8_t *p, unsigned len)
{
	return is_push_reg(p, len) || is_nop(p, len) || is_jcc(p, len) || is_jmp_or_call(p, len);
}

static int give(struct bytes code, const struct insn *i, int64_t sp_words, enum arch_rule rule,
		struct arch_point *ret)
{
	*ret = (struct arch_point){
		.offset = i->at,
		.insn_len = i->info.length,
		.sp_words = (uint8_t)sp_words,
		.rule = rule,
		.emulated = is_emulated(code.p + i->at, i->info.length),
		.skip_taken = rule == ARCH_RULE_GO_CHECK,
	};
	insn_text(i, ret->insn, sizeof(ret->insn));
	return 0;
}

static bool op_is_reg(const struct insn *i, unsigned op, ZydisRegister reg)
{
	return i->info.operand_count > op && i->ops[op].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       i->ops[op].reg.value == reg;
}

static bool op_is_imm(const struct insn *i, unsigned op)
{
	return i->info.operand_count > op && i->ops[op].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
}

static bool op_is_mem(const struct insn *i, unsigned op, ZydisRegister base)
{
	return i->info.operand_count > op && i->ops[op].type == ZYDIS_OPERAND_TYPE_MEMORY &&
	       i->ops[op].mem.base == base && i->ops[op].mem.index == ZYDIS_REGISTER_NONE;
}

/* mov %rsp,%r12; lea -N(%rsp),%r12; sub $N,%r12; jb: the check of large frames works out the new
 * stack pointer first. */
static bool prepares_check(const struct insn *i)
{
	switch (i->info.mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
		return op_is_reg(i, 0, ZYDIS_REGISTER_R12) && op_is_reg(i, 1, ZYDIS_REGISTER_RSP);
	case ZYDIS_MNEMONIC_LEA:
		return op_is_reg(i, 0, ZYDIS_REGISTER_R12) && op_is_mem(i, 1, ZYDIS_REGISTER_RSP);
	case ZYDIS_MNEMONIC_SUB:
		return op_is_reg(i, 0, ZYDIS_REGISTER_R12) && op_is_imm(i, 1);
	case ZYDIS_MNEMONIC_JB:
		return i->at >
		       0; /* only behind one of the above: it is not how a function begins */
	default:
		return false;
	}
}

/* cmp stackguard0(g) or stackguard1(g): g.stackguard0 lies at 16, g.stackguard1 at 24, in every
 * release. */
static bool is_check(const struct insn *i)
{
	return i->info.mnemonic == ZYDIS_MNEMONIC_CMP &&
	       (op_is_reg(i, 0, ZYDIS_REGISTER_RSP) || op_is_reg(i, 0, ZYDIS_REGISTER_R12)) &&
	       op_is_mem(i, 1, ZYDIS_REGISTER_R14) &&
	       (i->ops[1].mem.disp.value == 0x10 || i->ops[1].mem.disp.value == 0x18);
}

/* The branch of the stack check at the start of `code`; false when there is no check. */
static bool find_check(struct bytes code, struct insn *ret_branch)
{
	struct insn i;
	uint32_t at = 0;

	for (unsigned n = 0; n < WALK_MAX && decode(code, at, &i); n++) {
		at = after(&i);
		if (is_check(&i))
			return decode(code, at, ret_branch) &&
			       ret_branch->info.mnemonic == ZYDIS_MNEMONIC_JBE;
		if (!prepares_check(&i))
			return false;
	}
	return false;
}

static bool writes_args(const struct walk *w, const struct insn *i)
{
	for (unsigned k = 0; k < i->info.operand_count; k++) {
		const ZydisDecodedOperand *op = &i->ops[k];
		ZydisRegister full;

		if (op->type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, op->reg.value);
		for (unsigned a = 0; a < w->nargs; a++)
			if (w->args[a] == full)
				return true;
	}
	return false;
}

static bool writes_sp(const struct insn *i)
{
	for (unsigned k = 0; k < i->info.operand_count; k++)
		if (op_is_reg(i, k, ZYDIS_REGISTER_RSP) &&
		    (i->ops[k].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			return true;
	return false;
}

/* By how many bytes `i` lowers the stack pointer; INT64_MIN when that cannot be told. */
static int64_t lowers_sp(const struct insn *i)
{
	bool on_sp = op_is_reg(i, 0, ZYDIS_REGISTER_RSP);

	switch (i->info.mnemonic) {
	case ZYDIS_MNEMONIC_PUSH:
		return i->info.operand_width == 64 ? 8 : INT64_MIN;
	case ZYDIS_MNEMONIC_SUB:
		return on_sp && op_is_imm(i, 1) ? i->ops[1].imm.value.s
		       : writes_sp(i)           ? INT64_MIN
						: 0;
	case ZYDIS_MNEMONIC_ADD:
		return on_sp && op_is_imm(i, 1) ? -i->ops[1].imm.value.s
		       : writes_sp(i)           ? INT64_MIN
						: 0;
	default:
		return writes_sp(i) ? INT64_MIN : 0;
	}
}

/* Step over `i`, which is no branch. False when what follows can no longer serve: nothing is known
 * there. */
static bool step(struct walk *w, const struct insn *i)
{
	int64_t lower = lowers_sp(i), words;

	if (i->info.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE ||
	    i->info.meta.category == ZYDIS_CATEGORY_RET || lower == INT64_MIN || lower % 8 ||
	    writes_args(w, i))
		return false;
	words = w->sp_words + lower / 8;
	if (words < 0 || words > UINT8_MAX)
		return false;
	w->sp_words = words;
	w->at = after(i);
	return true;
}

/*
 * Whether some branch leads back to `point` or into the way there, so that it may run more than
 * once a call. A branch to the entry itself repeats every place alike: then none is better.
 */
static bool in_loop(struct bytes code, uint32_t point)
{
	struct insn i;

	for (uint32_t at = 0; decode(code, at, &i); at = after(&i)) {
		int64_t to;

		if (!i.info.raw.imm[0].is_relative)
			continue;
		to = (int64_t)after(&i) + i.info.raw.imm[0].value.s;
		if (to > 0 && to <= (int64_t)point)
			return true;
	}
	return false;
}

/*
 * The first place from w->at that is emulated and finds arguments and stack pointer known: a push
 * if `want_push` (any other is then only remembered), else a conditional branch or a nop. False
 * when there is none within WALK_MAX.
 */
static bool find_quiet(struct walk w, bool want_push, struct insn *ret, int64_t *ret_words)
{
	bool found = false;
	struct insn i;

	for (unsigned n = 0; n < WALK_MAX && decode(w.code, w.at, &i); n++) {
		const uint8_t *p = w.code.p + i.at;
		bool push = is_push_reg(p, i.info.length);
		bool other = is_jcc(p, i.info.length) || is_nop(p, i.info.length) ||
			     (want_push && is_jmp_or_call(p, i.info.length));

		if ((push && want_push) || (other && !found)) {
			*ret = i;
			*ret_words = w.sp_words;
			found = true;
			if (push || !want_push)
				break;
		}
		if (!step(&w, &i))
			break;
	}
	return found && !in_loop(w.code, ret->at);
}

static int go_point(struct walk w, struct arch_point *ret, struct reason *reason)
{
	struct insn first, branch, i;
	int64_t words = 0;

	if (!decode(w.code, 0, &first))
		return reason_set(reason, -EBADMSG,
				  "the bytes at the function's entry are not an x86 instruction");
	if (find_check(w.code, &branch)) {
		uint32_t next = after(&branch);

		if (next < w.code.len && w.code.p[next] == 0x55 && decode(w.code, next, &i))
			return give(w.code, &i, 0, ARCH_RULE_GO_PUSH, ret);
		return give(w.code, &branch, 0, ARCH_RULE_GO_CHECK, ret);
	}
	if (w.code.p[0] == 0x55)
		return give(w.code, &first, 0, ARCH_RULE_GO_ENTRY_PUSH, ret);
	if (find_quiet(w, false, &i, &words))
		return give(w.code, &i, words, ARCH_RULE_GO_QUIET, ret);
	return give(w.code, &first, 0, ARCH_RULE_GO_QUIET, ret);
}

static int c_point(struct walk w, struct arch_point *ret, struct reason *reason)
{
	struct insn first, i;
	int64_t words = 0;

	if (!decode(w.code, 0, &first))
		return reason_set(reason, -EBADMSG,
				  "the bytes at the function's entry are not an x86 instruction");
	if (first.info.mnemonic == ZYDIS_MNEMONIC_ENDBR64)
		w.at = after(&first);
	if (find_quiet(w, true, &i, &words))
		return give(w.code, &i, words,
			    is_push_reg(w.code.p + i.at, i.info.length) ? ARCH_RULE_C_PUSH
									: ARCH_RULE_C_QUIET,
			    ret);
	return give(w.code, &first, 0, ARCH_RULE_C_ENTRY, ret);
}

int arch_find_point(struct bytes code, enum arch_abi abi, unsigned nargs, struct arch_point *ret,
		    struct reason *reason)
{
	bool go = abi == ARCH_ABI_GO;
	unsigned most = go ? ARRAY_SIZE(go_args) : ARRAY_SIZE(c_args);
	struct walk w = {
		.code = bytes_of(code.p, code.len < ARCH_CODE_MAX ? code.len : ARCH_CODE_MAX),
		.args = go ? go_args : c_args,
		.nargs = nargs < most ? nargs : most,
	};

	return go ? go_point(w, ret, reason) : c_point(w, ret, reason);
}

int arch_next_call(struct bytes code, uint64_t *at, uint64_t *ret_target)
{
	uint64_t end = code.len < ARCH_CODE_MAX ? code.len : ARCH_CODE_MAX;
	struct insn i;

	while (*at < end && decode(code, (uint32_t)*at, &i)) {
		bool call = i.info.meta.category == ZYDIS_CATEGORY_CALL;
		uint64_t target;

		*at = after(&i);
		if (i.info.meta.category == ZYDIS_CATEGORY_RET)
			return -ENOENT;
		if (!call && i.info.mnemonic != ZYDIS_MNEMONIC_JMP)
			continue;
		if (!i.info.raw.imm[0].is_relative)
			return -ENOENT;
		target = *at + (uint64_t)i.info.raw.imm[0].value.s;
		if (call || target >= code.len) {
			*ret_target = target;
			return 0;
		}
	}
	return -ENOENT;
}

#define CALL 0xe8 /* rel32 */

int arch_find_call(struct bytes code, const uint64_t *targets, unsigned n, uint64_t *at,
		   unsigned *ret_which)
{
	const uint8_t *p;

	for (; bytes_has(code, *at, ARCH_CALL_LEN); (*at)++) {
		uint64_t target;

		p = memchr(code.p + *at, CALL, code.len - *at - ARCH_CALL_LEN + 1);
		if (!p)
			return -ENOENT;
		*at = (uint64_t)(p - code.p);
		target = *at + ARCH_CALL_LEN + (uint64_t)(int64_t)arch_call_distance(p);
		for (unsigned i = 0; i < n; i++) {
			if (target != targets[i])
				continue;
			*ret_which = i;
			return 0;
		}
	}
	return -ENOENT;
}

bool arch_begins_at(struct bytes function, uint64_t at)
{
	ZydisDecodedInstruction insn;
	ZydisDecoder d;
	uint64_t i = 0;

	if (!ZYAN_SUCCESS(ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
	    !ZYAN_SUCCESS(ZydisDecoderEnableMode(&d, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE)))
		return false;
	while (i < at) {
		struct bytes rest = bytes_from(function, i);

		if (!rest.len ||
		    !ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&d, NULL, rest.p, rest.len, &insn)))
			return false;
		i += insn.length;
	}
	return i == at && i < function.len;
}

void arch_call_bytes(int32_t distance, uint8_t ret[static ARCH_CALL_LEN])
{
	uint32_t le = htole32((uint32_t)distance);

	ret[0] = CALL;
	memcpy(ret + 1, &le, sizeof(le));
}

int32_t arch_call_distance(const uint8_t call[static ARCH_CALL_LEN])
{
	return (int32_t)le32_at(call + 1);
}

const char *arch_rule_text(uint8_t rule)
{
	static const char *const text[ARCH_RULE_MAX] = {
		[ARCH_RULE_NONE] = "?",
		[ARCH_RULE_GO_PUSH] = "push behind the stack check",
		[ARCH_RULE_GO_ENTRY_PUSH] = "push at the entry",
		[ARCH_RULE_GO_CHECK] = "branch of the stack check",
		[ARCH_RULE_GO_QUIET] = "first quiet instruction",
		[ARCH_RULE_C_PUSH] = "first push",
		[ARCH_RULE_C_QUIET] = "first quiet instruction",
		[ARCH_RULE_C_ENTRY] = "entry",
	};

	return rule < ARCH_RULE_MAX ? text[rule] : "?";
}
