// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/arch.h"
#include "base/cleanup.h"

#define CODE(s) s, sizeof(s) - 1

struct x86_case {
	const char *what;
	const char *code;
	size_t len;
	unsigned nargs;
	uint32_t offset;
	uint8_t insn_len, sp_words, rule;
	bool emulated, skip_taken;
	const char *insn;
};

static void check(const struct x86_case *c, enum arch_abi abi)
{
	struct arch_point p;
	struct reason why = { 0 };

	if (arch_find_point(bytes_of(c->code, c->len), abi, c->nargs, &p, &why) < 0)
		fail_msg("%s: %s", c->what, why.text);
	if (p.offset != c->offset || p.insn_len != c->insn_len || p.sp_words != c->sp_words ||
	    p.rule != c->rule || p.emulated != c->emulated || p.skip_taken != c->skip_taken ||
	    strcmp(p.insn, c->insn) != 0)
		fail_msg("%s: +%#x, %u bytes, %u words, rule %u (%s), emulated %d, skip %d, \"%s\"",
			 c->what, p.offset, p.insn_len, p.sp_words, p.rule, arch_rule_text(p.rule),
			 p.emulated, p.skip_taken, p.insn);
}

/* Real prologues; the release is where they were taken from. */
static const struct x86_case go_cases[] = {
	{ "1.26 deferproc: check, push",
	  CODE("\x49\x3b\x66\x10\x0f\x86\xad\x00\x00\x00\x55\x48\x89\xe5"), 1, 10, 1, 0,
	  ARCH_RULE_GO_PUSH, true, false, "push %rbp" },
	{ "1.26 gopanic: lea, check, wide jbe, push",
	  CODE("\x4c\x8d\x64\x24\xd8\x4d\x3b\x66\x10\x0f\x86\x2d\x03\x00\x00\x55\x48\x89\xe5"), 2,
	  15, 1, 0, ARCH_RULE_GO_PUSH, true, false, "push %rbp" },
	{ "large frame: mov, sub, jb, check, push",
	  CODE("\x49\x89\xe4\x49\x81\xec\x00\x20\x00\x00\x72\x20\x4d\x3b\x66\x10\x76\x1a\x55\x48"
	       "\x89\xe5"),
	  9, 18, 1, 0, ARCH_RULE_GO_PUSH, true, false, "push %rbp" },
	{ "system stack: check against 0x18", CODE("\x49\x3b\x66\x18\x76\x10\x55\x48\x89\xe5"), 9,
	  6, 1, 0, ARCH_RULE_GO_PUSH, true, false, "push %rbp" },
	{ "1.26 deferprocStack: nosplit, push", CODE("\x55\x48\x89\xe5\x48\x83\xec\x10"), 1, 0, 1,
	  0, ARCH_RULE_GO_ENTRY_PUSH, true, false, "push %rbp" },
	{ "1.19 gopanic: check, no push",
	  CODE("\x4c\x8d\x64\x24\xc8\x4d\x3b\x66\x10\x0f\x86\x02\x07\x00\x00\x48\x81\xec\xb8\x00"
	       "\x00\x00"),
	  2, 9, 6, 0, ARCH_RULE_GO_CHECK, true, true, "jbe 0x711" },
	{ "1.19 short jbe", CODE("\x49\x3b\x66\x10\x76\x10\x48\x83\xec\x20"), 1, 4, 2, 0,
	  ARCH_RULE_GO_CHECK, true, true, "jbe 0x16" },
	{ "1.19 deferprocStack: a jne behind three words of frame",
	  CODE("\x48\x83\xec\x18\x48\x89\x6c\x24\x10\x48\x8d\x6c\x24\x10\x49\x8b\x4e\x30\x4c\x89"
	       "\xf2\x48\x39\x91\xc0\x00"
	       "\x00\x00\x75\x58\x66\xc7\x00\x00\x00"),
	  1, 0x1c, 2, 3, ARCH_RULE_GO_QUIET, true, false, "jnz 0x76" },
	{ "the same, were RCX an argument",
	  CODE("\x48\x83\xec\x18\x48\x89\x6c\x24\x10\x48\x8d\x6c\x24\x10\x49\x8b\x4e\x30\x4c\x89"
	       "\xf2\x48\x39\x91\xc0\x00"
	       "\x00\x00\x75\x58\x66\xc7\x00\x00\x00"),
	  3, 0, 4, 0, ARCH_RULE_GO_QUIET, false, false, "sub $0x18, %rsp" },
	{ "1.19 gorecover: leaf, je",
	  CODE("\x49\x8b\x4e\x20\x48\x85\xc9\x74\x21\x80\x79\x32\x00\x75\x1b"), 1, 7, 2, 0,
	  ARCH_RULE_GO_QUIET, true, false, "jz 0x2a" },
	{ "1.19 casgstatus: a nop eight words down",
	  CODE("\x48\x83\xec\x40\x48\x89\x6c\x24\x38\x48\x8d\x6c\x24\x38\x48\x89\x44\x24\x48\x89"
	       "\x5c\x24\x50\x89\x4c\x24"
	       "\x54\x0f\xba\xe3\x0c\x90\x72\x0a"),
	  3, 0x1f, 1, 8, ARCH_RULE_GO_QUIET, true, false, "nop" },
	{ "1.19 fatalpanic: nothing cheap within reach",
	  CODE("\x48\x83\xec\x48\x48\x89\x6c\x24\x40\x48\x8d\x6c\x24\x40\xc6\x44\x24\x0f\x00\x44"
	       "\x0f\x11\x7c\x24\x10\x44"
	       "\x0f\x11\x7c\x24\x20\x44\x0f\x11\x7c\x24\x30\x48\x8d\x0d\x94\x00\x00\x00\x75\x10"),
	  1, 0, 4, 0, ARCH_RULE_GO_QUIET, false, false, "sub $0x48, %rsp" },
	{ "a check whose branch is no jbe is none", CODE("\x49\x3b\x66\x10\x74\x10\x55"), 0, 4, 2,
	  0, ARCH_RULE_GO_QUIET, true, false, "jz 0x16" },
	{ "a jcc in a loop", CODE("\x48\xff\xc2\x48\x39\xca\x75\xf8\xc3"), 1, 6, 2, 0,
	  ARCH_RULE_GO_QUIET, true, false, "jnz 0x0" },
	{ "a jcc in a loop that does not begin at the entry",
	  CODE("\x31\xd2\x48\xff\xc2\x48\x39\xca\x75\xf8\xc3"), 1, 0, 2, 0, ARCH_RULE_GO_QUIET,
	  false, false, "xor %edx, %edx" },
	{ "cut behind the check's branch", CODE("\x49\x3b\x66\x10\x76\x10"), 0, 4, 2, 0,
	  ARCH_RULE_GO_CHECK, true, true, "jbe 0x16" },
	{ "cut within it", CODE("\x49\x3b\x66\x10\x0f\x86"), 0, 0, 4, 0, ARCH_RULE_GO_QUIET, false,
	  false, "cmp 0x10(%r14), %rsp" },
};

static const struct x86_case c_cases[] = {
	{ "endbr64, push", CODE("\xf3\x0f\x1e\xfa\x55\x48\x89\xe5"), 6, 4, 1, 0, ARCH_RULE_C_PUSH,
	  true, false, "push %rbp" },
	{ "endbr64, push %r12", CODE("\xf3\x0f\x1e\xfa\x41\x54\x55\x53"), 6, 4, 2, 0,
	  ARCH_RULE_C_PUSH, true, false, "push %r12" },
	{ "push at +0", CODE("\x53\x48\x89\xfb"), 6, 0, 1, 0, ARCH_RULE_C_PUSH, true, false,
	  "push %rbx" },
	{ "push behind a sub: two words", CODE("\x48\x83\xec\x10\x53\xc3"), 6, 4, 1, 2,
	  ARCH_RULE_C_PUSH, true, false, "push %rbx" },
	{ "push behind a mov that keeps arguments", CODE("\x48\x89\xf8\x53\xc3"), 6, 3, 1, 0,
	  ARCH_RULE_C_PUSH, true, false, "push %rbx" },
	{ "push behind a nop", CODE("\x90\x53\xc3"), 6, 1, 1, 0, ARCH_RULE_C_PUSH, true, false,
	  "push %rbx" },
	{ "push behind a lost argument", CODE("\x48\x89\xfe\x53\xc3"), 6, 0, 3, 0,
	  ARCH_RULE_C_ENTRY, false, false, "mov %rdi, %rsi" },
	{ "the same where only one argument counts", CODE("\x48\x89\xfe\x53\xc3"), 1, 3, 1, 0,
	  ARCH_RULE_C_PUSH, true, false, "push %rbx" },
	{ "push behind a realigned stack", CODE("\x48\x83\xe4\xf0\x53\xc3"), 6, 0, 4, 0,
	  ARCH_RULE_C_ENTRY, false, false, "and $-0x10, %rsp" },
	{ "push only behind a branch: the branch", CODE("\x48\x85\xff\x74\x02\x53\x5b\xc3"), 6, 3,
	  2, 0, ARCH_RULE_C_QUIET, true, false, "jz 0x7" },
	{ "tail call", CODE("\xf3\x0f\x1e\xfa\xe9\x00\x01\x00\x00"), 6, 4, 5, 0, ARCH_RULE_C_QUIET,
	  true, false, "jmp 0x109" },
	{ "call with a word of alignment", CODE("\x48\x83\xec\x08\xe8\x00\x01\x00\x00"), 6, 4, 5, 1,
	  ARCH_RULE_C_QUIET, true, false, "call 0x109" },
	{ "nothing before ret", CODE("\x48\x89\xf8\xc3"), 6, 0, 3, 0, ARCH_RULE_C_ENTRY, false,
	  false, "mov %rdi, %rax" },
	{ "endbr64 and nothing", CODE("\xf3\x0f\x1e\xfa\x48\x89\xf8\xc3"), 6, 0, 4, 0,
	  ARCH_RULE_C_ENTRY, false, false, "endbr64" },
	{ "push in a loop", CODE("\x31\xc0\x53\x5b\x48\xff\xc0\xeb\xf9"), 6, 0, 2, 0,
	  ARCH_RULE_C_ENTRY, false, false, "xor %eax, %eax" },
	{ "push of a constant is single-stepped", CODE("\x6a\x01\xc3"), 6, 0, 2, 0,
	  ARCH_RULE_C_ENTRY, false, false, "push $0x1" },
	{ "16-bit push", CODE("\x66\x50\xc3"), 6, 0, 2, 0, ARCH_RULE_C_ENTRY, false, false,
	  "push %ax" },
	{ "long nop is no cheap one on every kernel", CODE("\x66\x90\x48\x89\xfe\xc3"), 6, 0, 2, 0,
	  ARCH_RULE_C_ENTRY, false, false, "nop" },
};

static void go_prologues(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(go_cases); i++)
		check(&go_cases[i], ARCH_ABI_GO);
}

static void c_prologues(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(c_cases); i++)
		check(&c_cases[i], ARCH_ABI_C);
}

static void no_instructions(void **state)
{
	static const struct {
		const char *code;
		size_t len;
	} cases[] = {
		{ CODE("") },
		{ CODE("\x06") }, /* not in 64-bit mode */
		{ CODE("\x0f") }, /* cut */
		{ CODE("\x49\x3b\x66") },
		{ CODE("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90") },
		{ CODE("\x0f\x04") },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		for (unsigned abi = ARCH_ABI_GO; abi <= ARCH_ABI_C; abi++) {
			struct arch_point p = { .offset = 77 };
			struct reason why = { 0 };

			assert_int_equal(arch_find_point(bytes_of(cases[i].code, cases[i].len), abi,
							 6, &p, &why),
					 -EBADMSG);
			assert_true(strlen(why.text) > 0);
			assert_int_equal(p.offset, 77);
		}
}

/* Any bytes: an error, or a place within them. xorshift with a fixed seed. */
static void any_bytes(void **state)
{
	uint64_t x = 0x9e3779b97f4a7c15;

	for (unsigned round = 0; round < 40000; round++) {
		size_t len = round % 48;
		_cleanup_free_ uint8_t *code = malloc(len ? len : 1);
		struct arch_point p;

		for (size_t i = 0; i < len; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			code[i] = (uint8_t)x;
		}
		/* half of them begin like something */
		if (round & 1 && len >= 6)
			memcpy(code, "\x49\x3b\x66\x10\x76", 5);
		if (arch_find_point(bytes_of(code, len), round & 2 ? ARCH_ABI_C : ARCH_ABI_GO,
				    round % 11, &p, NULL) < 0)
			continue;
		assert_true(p.offset + p.insn_len <= len && p.insn_len >= 1 &&
			    p.insn_len <= ARCH_INSN_MAX);
		assert_true(p.rule > ARCH_RULE_NONE && p.rule < ARCH_RULE_MAX);
		assert_true(strlen(p.insn) > 0 && strlen(p.insn) < ARCH_TEXT_MAX);
	}
}

/* A megabyte of nops and a branch at its end: only ARCH_CODE_MAX of it is looked at. */
static void long_function(void **state)
{
	size_t len = 1 << 20;
	_cleanup_free_ uint8_t *code = malloc(len);
	struct arch_point p;

	memset(code, 0x90, len);
	memcpy(code + len - 5, "\xe9\xfc\xff\xef\xff", 5); /* back to +1 */
	assert_int_equal(arch_find_point(bytes_of(code, len), ARCH_ABI_C, 6, &p, NULL), 0);
	assert_int_equal(p.offset, 0);
	assert_true(p.emulated);
}

static void next_calls(void **state)
{
	static const struct {
		const char *what;
		const char *code;
		size_t len;
		int want;
		uint64_t at, target;
	} cases[] = {
		{ "1.26 deferwrap: check, push, mov, call",
		  CODE("\x49\x3b\x66\x10\x76\x16\x55\x48\x89\xe5\x48\x8b\x42\x08\xe8\x40\x00\x00"
		       "\x00"
		       "\x5d\xc3\xe8\x20\x00\x00\x00"),
		  0, 19, 0x53 },
		{ "up", CODE("\x90\xe8\xf0\xff\xff\xff"), 0, 6, (uint64_t)-10 },
		{ "jump away: a tail call", CODE("\x48\x8b\x00\xe9\x40\x00\x00\x00"), 0, 8, 72 },
		{ "jump within, then a call", CODE("\xeb\x01\xf4\xe8\x00\x10\x00\x00"), 0, 8,
		  0x1008 },
		{ "through a register", CODE("\xff\xd0\xe8\x00\x10\x00\x00"), -ENOENT, 0, 0 },
		{ "of an interface", CODE("\xff\x50\x18\xe8\x00\x10\x00\x00"), -ENOENT, 0, 0 },
		{ "jump through a register", CODE("\xff\xe0\xe8\x00\x10\x00\x00"), -ENOENT, 0, 0 },
		{ "behind the return", CODE("\x90\xc3\xe8\x00\x10\x00\x00"), -ENOENT, 0, 0 },
		{ "call cut off", CODE("\x90\xe8\x00\x10"), -ENOENT, 0, 0 },
		{ "no instruction", CODE("\x06\xe8\x00\x10\x00\x00"), -ENOENT, 0, 0 },
		{ "nothing", CODE(""), -ENOENT, 0, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t at = 0, target = 0;
		int r = arch_next_call(bytes_of(cases[i].code, cases[i].len), &at, &target);

		if (r != cases[i].want ||
		    (r == 0 && (at != cases[i].at || target != cases[i].target)))
			fail_msg("%s: %d, %#llx to %#llx", cases[i].what, r, (unsigned long long)at,
				 (unsigned long long)target);
	}
}

static void finds_calls(void **state)
{
	/* nop; call 16; mov of a constant with the bytes of a call of 16; call 16; call 17; call, cut off */
	static const char code[] = "\x90\xe8\x0a\x00\x00\x00\x48\xb8\xe8\x03\x00\x00\x00\x00"
				   "\x00\x00\xe8\xfb\xff\xff\xff\xe8\xf7\xff\xff\xff\xe8\x01"
				   "\x02";
	static const uint64_t targets[] = { 17, 16 };
	static const struct {
		uint64_t at;
		unsigned which;
		bool begins;
	} want[] = { { 1, 1, true }, { 8, 1, false }, { 16, 1, true }, { 21, 0, true } };
	struct bytes b = bytes_of(code, sizeof(code) - 1);
	uint64_t at = 0;
	unsigned which = 9;

	for (unsigned i = 0; i < ARRAY_SIZE(want); i++, at++) {
		assert_int_equal(arch_find_call(b, targets, 2, &at, &which), 0);
		assert_int_equal(at, want[i].at);
		assert_int_equal(which, want[i].which);
		assert_int_equal(arch_begins_at(b, at), want[i].begins);
	}
	assert_int_equal(arch_find_call(b, targets, 2, &at, &which), -ENOENT);
	at = 2;
	assert_int_equal(arch_find_call(b, targets, 0, &at, &which), -ENOENT);
	at = UINT64_MAX;
	assert_int_equal(arch_find_call(b, targets, 2, &at, &which), -ENOENT);
	assert_false(arch_begins_at(b, b.len));
	assert_false(arch_begins_at(bytes_of("\x06\x90", 2), 1)); /* no instruction */
	assert_false(arch_begins_at(bytes_of(NULL, 0), 0));
}

static void call_bytes(void **state)
{
	uint8_t b[ARCH_CALL_LEN];

	arch_call_bytes(-2, b);
	assert_memory_equal(b, "\xe8\xfe\xff\xff\xff", sizeof(b));
	assert_int_equal(arch_call_distance(b), -2);
}

static void breakpoints(void **state)
{
	uint8_t mem[] = { 0xcc, 0x48, 0x89 }, other[] = { 0x90, 0x48, 0x89 };

	arch_lift_breakpoint(mem, (const uint8_t *)"\x55\x01\x02");
	assert_memory_equal(mem, "\x55\x48\x89", 3); /* what it does not cover stays */
	arch_lift_breakpoint(other, (const uint8_t *)"\x55\x01\x02");
	assert_memory_equal(other, "\x90\x48\x89", 3);
}

static void compared_bytes(void **state)
{
	assert_int_equal(arch_compared_byte(bytes_of("\x3c\x2f\x72", 3)), 0x2f); /* cmp $0x2f,%al */
	assert_int_equal(arch_compared_byte(bytes_of("\x3c", 1)), -ENOENT);
	assert_int_equal(arch_compared_byte(bytes_of("\x90\x2f", 2)), -ENOENT);
	assert_int_equal(arch_compared_byte(bytes_of(NULL, 0)), -ENOENT);
}

static void atomics(void **state)
{
	/* lock cmpxchg %ecx,(%rax); lock xadd %edx,(%rax); the same without lock, and cut off */
	static const uint8_t code[] = {
		0xf0, 0x0f, 0xb1, 0x08, 0xf0, 0x0f, 0xc1, 0x10, 0xf0, 0x0f,
		0xb1, 0x0a, 0x0f, 0xb1, 0x08, 0x0f, 0xc1, 0x10, 0xf0, 0x0f
	};

	assert_int_equal(arch_count_atomics(bytes_of(code, sizeof(code)), ARCH_ATOMIC_COMPARE), 2);
	assert_int_equal(arch_count_atomics(bytes_of(code, sizeof(code)), ARCH_ATOMIC_ADD), 1);
	assert_int_equal(arch_count_atomics(bytes_of(code, 2), ARCH_ATOMIC_COMPARE), 0);
	assert_int_equal(arch_count_atomics(bytes_of(NULL, 0), ARCH_ATOMIC_ADD), 0);
}

static void machines(void **state)
{
	assert_true(arch_supports(62));
	assert_false(arch_supports(183));
	assert_false(arch_supports(0));
	assert_true(arch_is_relative(8));     /* R_X86_64_RELATIVE */
	assert_false(arch_is_relative(1027)); /* R_AARCH64_RELATIVE */
	assert_string_equal(arch_rule_text(255), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_prologues),    cmocka_unit_test(c_prologues),
		cmocka_unit_test(no_instructions), cmocka_unit_test(any_bytes),
		cmocka_unit_test(long_function),   cmocka_unit_test(next_calls),
		cmocka_unit_test(finds_calls),     cmocka_unit_test(call_bytes),
		cmocka_unit_test(breakpoints),     cmocka_unit_test(compared_bytes),
		cmocka_unit_test(atomics),         cmocka_unit_test(machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
