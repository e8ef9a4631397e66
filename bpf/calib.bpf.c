// SPDX-License-Identifier: GPL-2.0
/*
 * Loaded first and alone: one tiny program a hook type, so that the kernel itself says what it
 * allows before anything is decided. Each counts its calls; user space attaches it to something of
 * its own, makes it happen, and looks.
 */
#include "deferd.bpf.h"

__u64 uprobe_calls, kprobe_calls, tracepoint_calls;
__u32 me; /* tgid of the caller: other processes make syscalls too */

static __always_inline int mine(void)
{
	return bpf_get_current_pid_tgid() >> 32 == me;
}

SEC("uprobe")
int uprobe__calib(struct pt_regs *ctx)
{
	if (bpf_get_attach_cookie(ctx) == 0x5afe)
		__sync_fetch_and_add(&uprobe_calls, 1);
	return 0;
}

SEC("uprobe")
int uprobe_multi__calib(struct pt_regs *ctx)
{
	return uprobe__calib(ctx);
}

SEC("kretprobe")
int kretprobe__calib(struct pt_regs *ctx)
{
	if (mine())
		__sync_fetch_and_add(&kprobe_calls, 1);
	return 0;
}

SEC("tracepoint")
int tp__calib(struct sys_exit_ctx *ctx)
{
	if (mine())
		__sync_fetch_and_add(&tracepoint_calls, 1);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(tp_btf__calib, struct task_struct *p)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
