/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything the kernel side knows about x86-64: which register holds what at a probe point that
 * the planner chose (arguments as at entry). The other half, instructions, is daemon/arch/.
 *
 * Go's register ABI (since 1.17): integer arguments RAX, RBX, RCX, ...; current g in R14. C: RDI,
 * RSI, ...
 */
#ifndef DEFERD_ARCH_X86_BPF_H
#define DEFERD_ARCH_X86_BPF_H

#include <linux/ptrace.h>

#define ARCH_GO_G(ctx)      ((ctx)->r14)
#define ARCH_GO_ARG0(ctx)   ((ctx)->rax)
#define ARCH_GO_ARG1(ctx)   ((ctx)->rbx)
#define ARCH_GO_ARG2(ctx)   ((ctx)->rcx)
#define ARCH_C_ARG0(ctx)    ((ctx)->rdi)
#define ARCH_C_ARG1(ctx)    ((ctx)->rsi)
#define ARCH_PC(ctx)        ((ctx)->rip)
#define ARCH_SP(ctx)        ((ctx)->rsp)
#define ARCH_FP(ctx)        ((ctx)->rbp)
#define ARCH_SYS_NR(regs)   ((regs)->orig_rax)
#define ARCH_SYS_ARG0(regs) ((regs)->rdi)
#define ARCH_SYS_ARG1(regs) ((regs)->rsi)
#define ARCH_SYS_ARG2(regs) ((regs)->rdx)
#define ARCH_SYS_ARG3(regs) ((regs)->r10)

/*
 * A return address lies in a word of the stack. At a direct call: where it will lie, and what it will be; in a function
 * that keeps the frame pointer: where it lies, and what its caller keeps behind it; and the caller's stack pointer,
 * once the address in `slot` is popped.
 */
#define ARCH_CALL_LEN          5
#define ARCH_CALL_SLOT(ctx)    (ARCH_SP(ctx) - 8)
#define ARCH_CALL_RETURN(ctx)  (ARCH_PC(ctx) + ARCH_CALL_LEN)
#define ARCH_FRAME_SLOT(ctx)   (ARCH_FP(ctx) + 8)
#define ARCH_FRAME_SPILLS(ctx) (ARCH_FP(ctx) + 16)
#define ARCH_CALLER_SP(slot)   ((slot) + 8)

/* arch/x86/entry/syscalls/syscall_64.tbl */
#define ARCH_NR_WRITE      1
#define ARCH_NR_CLOSE      3
#define ARCH_NR_DUP2       33
#define ARCH_NR_SOCKETPAIR 53
#define ARCH_NR_FCNTL      72
#define ARCH_NR_SIGNALFD   282
#define ARCH_NR_SIGNALFD4  289
#define ARCH_NR_DUP3       292
#define ARCH_NR_BPF        321

#define ARCH_SYSCALL(name) "__x64_sys_" name /* the function in the kernel */

/*
 * `jbe` goes to morestack when CF (bit 0) or ZF (bit 6) is set; the function is entered again after
 * the growth.
 */
#define ARCH_BRANCH_TAKEN(ctx) (((ctx)->eflags & 0x41) != 0)

#endif
