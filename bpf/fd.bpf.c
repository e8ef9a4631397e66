// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors: what the watched processes open and close, at the exit of the syscall, when the
 * result is known. Each body has two shims. The kretprobe sits on the syscall's own function and
 * costs nobody else anything; the tracepoint is there where kprobes are not, and while one is
 * attached every syscall of the host takes the slow path (about 40 ns each), so user space attaches
 * it only while somebody is under suspicion.
 */
#include "deferd.bpf.h"

#define EBADF           9
#define F_DUPFD         0
#define F_DUPFD_CLOEXEC 1030

static __always_inline __u32 watched(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32,
	      *id = bpf_map_lookup_elem(&target_by_tgid, &tgid);

	return id ? *id : 0;
}

/*
 * An argument of the syscall that is about to return; the entry code keeps it in the task's
 * registers.
 */
static __always_inline long syscall_arg(int i)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	long arg = -1;

	if (i == 0)
		bpf_probe_read_kernel(&arg, sizeof(arg), &ARCH_SYS_ARG0(regs));
	else if (i == 3)
		bpf_probe_read_kernel(&arg, sizeof(arg), &ARCH_SYS_ARG3(regs));
	else
		bpf_probe_read_kernel(&arg, sizeof(arg), &ARCH_SYS_ARG1(regs));
	return arg;
}

/* Calls that make a descriptor with some arguments only. */
static __always_inline int makes_one(long nr)
{
	int cmd;

	if (nr == ARCH_NR_FCNTL) {
		cmd = syscall_arg(1);
		return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC;
	}
	if (nr == ARCH_NR_SIGNALFD || nr == ARCH_NR_SIGNALFD4)
		return (int)syscall_arg(0) == -1; /* else it changes the mask of an old one */
	return 1;
}

static __always_inline void emit_fd(__u32 id, long nr, long ret, int fd, __u32 closing)
{
	struct dfd_target *t = target_of(id);
	struct dfd_rec_fd *r;

	if (!t || !(t->flags & DFD_TARGET_TRACE))
		return;
	r = record_reserve(id, DFD_REC_FD, sizeof(*r));
	if (!r)
		return;
	r->syscall = nr;
	r->ret = ret;
	r->fd = fd;
	r->closing = closing;
	record_submit(r);
}

/* Of the second that runs, on this CPU. */
static __always_inline int may_look(struct dfd_counts *c)
{
	__u64 now = bpf_ktime_get_ns();

	if (now - c->fd_sites_ns > 1000000000) {
		c->fd_sites_ns = now;
		c->fd_sites = 0;
	}
	return c->fd_sites++ < DFD_FD_SITES_MAX;
}

static __always_inline void keep_opener(void *ctx, __u32 id, struct dfd_counts *c, int fd)
{
	struct dfd_fd_key key = { .target = id, .fd = fd };
	struct dfd_fd_opened o = { .time_ns = bpf_ktime_get_ns() };
	long n = bpf_get_stack(ctx, o.stack, sizeof(o.stack), BPF_F_USER_STACK);

	o.nstack = n > 0 ? n / sizeof(o.stack[0]) : 0;
	if (bpf_map_update_elem(&fds_opened, &key, &o, BPF_ANY))
		count_up(&c->fd_unsited);
}

/* Where pipe and socketpair have put the two numbers. */
static __always_inline void keep_opener_of_pair(void *ctx, __u32 id, struct dfd_counts *c, long nr)
{
	int fds[2];

	if (bpf_probe_read_user(fds, sizeof(fds),
				(void *)syscall_arg(nr == ARCH_NR_SOCKETPAIR ? 3 : 0)))
		return;
	keep_opener(ctx, id, c, fds[0]);
	keep_opener(ctx, id, c, fds[1]);
}

static __always_inline int keeps_openers(__u32 id)
{
	struct dfd_target *t = target_of(id);

	return t && t->flags & DFD_TARGET_FD_SITES;
}

/* `n` descriptors came into being if the call succeeded: 1, or 2 for pipes and socket pairs. */
static __always_inline int opened(void *ctx, long nr, long ret, int n)
{
	__u32 id = watched();
	struct dfd_counts *c;

	if (!id || !makes_one(nr))
		return 0;
	c = counts_of(id);
	if (c && ret >= 0) {
		__sync_fetch_and_add(&c->fd_opened, n);
		if (!keeps_openers(id))
			;
		else if (!may_look(c))
			count_up(&c->fd_unsited);
		else if (n == 1)
			keep_opener(ctx, id, c, ret);
		else
			keep_opener_of_pair(ctx, id, c, nr);
	}
	emit_fd(id, nr, ret, n == 1 ? ret : -1, 0);
	return 0;
}

/* Of a number that is not open nothing is kept: who opens it next overwrites what was. */
static __always_inline void forget_opener(__u32 id, int fd)
{
	struct dfd_fd_key key = { .target = id, .fd = fd };

	bpf_map_delete_elem(&fds_opened, &key);
}

static __always_inline int closed(long nr, long ret)
{
	__u32 id = watched();
	struct dfd_counts *c;

	if (!id)
		return 0;
	c = counts_of(id);
	if (c && ret == -EBADF)
		count_up(&c->fd_ebadf);
	else if (c)
		count_up(
			&c->fd_closed); /* Linux frees the number even when close reports an error of the file */
	if (ret != -EBADF && keeps_openers(id))
		forget_opener(id, syscall_arg(0));
	emit_fd(id, nr, ret, syscall_arg(0), 1);
	return 0;
}

SEC("tracepoint")
int tp__open_exit(struct sys_exit_ctx *ctx)
{
	return opened(ctx, ctx->id, ctx->ret, 1);
}

SEC("tracepoint")
int tp__pair_exit(struct sys_exit_ctx *ctx)
{
	return opened(ctx, ctx->id, ctx->ret, 2);
}

SEC("tracepoint")
int tp__close_exit(struct sys_exit_ctx *ctx)
{
	return closed(ctx->id, ctx->ret);
}

SEC("kretprobe")
int kretprobe__open(struct pt_regs *ctx)
{
	return opened(ctx, bpf_get_attach_cookie(ctx), (int)ARCH_RET(ctx), 1);
}

SEC("kretprobe")
int kretprobe__pair(struct pt_regs *ctx)
{
	return opened(ctx, bpf_get_attach_cookie(ctx), (int)ARCH_RET(ctx), 2);
}

SEC("kretprobe")
int kretprobe__close(struct pt_regs *ctx)
{
	return closed(bpf_get_attach_cookie(ctx), (int)ARCH_RET(ctx));
}

char LICENSE[] SEC("license") = "GPL";
