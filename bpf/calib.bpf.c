// SPDX-License-Identifier: GPL-2.0
/*
 * Loaded first and alone: one tiny program a hook type, so that the kernel itself says what it
 * allows before anything is decided. Each counts its calls; user space attaches it to something of
 * its own, makes it happen, and looks.
 */
#include "deferd.bpf.h"

__u64 uprobe_calls, tracepoint_calls, flush_calls;
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

/* What a push costs: the lookups, the reads and the state of one; see pile.bpf.h and godepth.h. */
static __always_inline int price(struct pt_regs *ctx)
{
	__u64 sp = ARCH_SP(ctx), cookie = bpf_get_attach_cookie(ctx);
	struct dfd_site_key site_key = { .pc = 1 };
	struct dfd_g_key key = { .g = 1 };
	struct dfd_target *t = target_of((__u32)cookie);
	struct dfd_counts *c = counts_of((__u32)cookie);
	struct dfd_depth *st, none = {};
	char record[40], head[48];

	if (!t || !c)
		return 0;
	count_up(&c->hits);
	count_up(&c->calls[1]);
	count_key(&pushes_by_site, &site_key, DFD_LOSS_SITE_MAP);
	bpf_probe_read_user(head, sizeof(head), (const void *)sp);
	bpf_probe_read_user(record, sizeof(record), (const void *)sp);
	st = bpf_map_lookup_elem(&defers_by_g, &key);
	if (!st) {
		bpf_map_update_elem(&defers_by_g, &key, &none, BPF_NOEXIST);
		return 0;
	}
	st->registered++;
	st->site = ARCH_CALL_RETURN(ctx);
	return 0;
}

SEC("uprobe")
int uprobe__price(struct pt_regs *ctx)
{
	return price(ctx);
}

SEC("uprobe")
int uprobe_multi__price(struct pt_regs *ctx)
{
	return price(ctx);
}

static __always_inline int flush(void)
{
	if (mine())
		__sync_fetch_and_add(&flush_calls, 1);
	return 0;
}

SEC("fentry/filp_close")
int BPF_PROG(fentry__flush)
{
	return flush();
}

SEC("kprobe")
int kprobe__flush(struct pt_regs *ctx)
{
	return flush();
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
