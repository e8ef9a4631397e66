// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors: what the watched processes open and close. There are two ways to see it.
 *
 *   - Functions: fd_install(), through which every new descriptor goes but those of dup2 and dup3, and filp_close(),
 *     through which every one goes that leaves a table: by close_range, close-on-exec, dup2 onto it, io_uring.
 *     close() itself does on some kernels (before 6.6) and not on others; the calibration has tried. Each body has a
 *     shim by fentry and one by kprobe; whoever else makes the same call pays some nanoseconds. By kprobe there are
 *     entries only, and what a close or dup2 is going to return is told by the table: of return probes the kernel has but ten at a
 *     time, and of 64 threads' closes a fifth was missed.
 *   - System calls, at their exit, when the result is known. The tracepoint is there where neither of the others is, and
 *     while one is attached every syscall of the host takes the slow path (about 40 ns each), so user space attaches it only
 *     while somebody is under suspicion. It does not see what comes by SCM_RIGHTS or io_uring, nor how many
 *     close_range, close-on-exec and dup2 close.
 */
#include "deferd.bpf.h"
#include "sweep.h"

#define EBADF  9
#define ENOSPC 28
#define ENFILE 23 /* of all descriptors of the host */
#define EMFILE 24 /* of those of the process, or of another limit of its user */

volatile const __u8 close_flushes; /* close() calls filp_close() */
__u8 fd_functions;                 /* the first way is attached */

#define F_DUPFD         0
#define F_DUPFD_CLOEXEC 1030
#define O_CLOEXEC       02000000
#define RLIMIT_NOFILE   7

static __always_inline __u32 watched(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32,
	      *id = bpf_map_lookup_elem(&target_by_tgid, &tgid);

	return id ? *id : 0;
}

static __always_inline struct pt_regs *syscall_regs(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

static __always_inline long syscall_nr(void)
{
	struct pt_regs *regs = syscall_regs();
	long nr = -1;

	bpf_probe_read_kernel(&nr, sizeof(nr), &ARCH_SYS_NR(regs));
	return nr;
}

/*
 * An argument of the syscall that is about to return; the entry code keeps it in the task's
 * registers.
 */
static __always_inline long syscall_arg(int i)
{
	struct pt_regs *regs = syscall_regs();
	long arg = -1;

	if (i == 0)
		bpf_probe_read_kernel(&arg, sizeof(arg), &ARCH_SYS_ARG0(regs));
	else if (i == 2)
		bpf_probe_read_kernel(&arg, sizeof(arg), &ARCH_SYS_ARG2(regs));
	else if (i == 3)
		bpf_probe_read_kernel(&arg, sizeof(arg), &ARCH_SYS_ARG3(regs));
	else
		bpf_probe_read_kernel(&arg, sizeof(arg), &ARCH_SYS_ARG1(regs));
	return arg;
}

/* Commands of bpf() that make a descriptor, by bit: maps, programs, links, what is looked up by path or number, iterators. */
#define BPF_OPENS                                                                                \
	(1ull << BPF_MAP_CREATE | 1ull << BPF_PROG_LOAD | 1ull << BPF_OBJ_GET |                  \
	 1ull << BPF_PROG_GET_FD_BY_ID | 1ull << BPF_MAP_GET_FD_BY_ID |                          \
	 1ull << BPF_RAW_TRACEPOINT_OPEN | 1ull << BPF_BTF_LOAD | 1ull << BPF_BTF_GET_FD_BY_ID | \
	 1ull << BPF_LINK_CREATE | 1ull << BPF_LINK_GET_FD_BY_ID | 1ull << BPF_ENABLE_STATS |    \
	 1ull << BPF_ITER_CREATE)

/* Calls that make a descriptor with some arguments only. */
static __always_inline int makes_one(long nr, long ret)
{
	int cmd;

	if (nr == ARCH_NR_FCNTL) {
		cmd = syscall_arg(1);
		return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC;
	}
	if (nr == ARCH_NR_BPF) {
		cmd = syscall_arg(0);
		return cmd >= 0 && cmd < 64 && BPF_OPENS >> cmd & 1;
	}
	if (nr == ARCH_NR_SIGNALFD || nr == ARCH_NR_SIGNALFD4)
		return (int)syscall_arg(0) == -1; /* else it changes the mask of an old one */
	if (nr == ARCH_NR_DUP2)
		return ret < 0 || (int)syscall_arg(0) != ret; /* else it does nothing */
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

static __always_inline void take_stack(void *ctx, struct dfd_fd_opened *o)
{
	long n = bpf_get_stack(ctx, o->stack, sizeof(o->stack), BPF_F_USER_STACK);

	o->nstack = n > 0 ? n / sizeof(o->stack[0]) : 0;
}

static __always_inline void keep_opener(void *ctx, __u32 id, struct dfd_counts *c, int fd)
{
	struct dfd_fd_key key = { .target = id, .fd = fd };
	struct dfd_fd_opened o = { .time_ns = bpf_ktime_get_ns() };

	take_stack(ctx, &o);
	if (bpf_map_update_elem(&fds_opened, &key, &o, BPF_ANY))
		count_up(&c->fd_unsited);
}

/* Once a second is enough: whoever does it does it again. */
static __always_inline void keep_fault(void *ctx, __u32 id, enum dfd_fd_fault what, __u16 nr,
				       __u16 error)
{
	struct dfd_fd_key key = { .target = id, .fd = what };
	struct dfd_fd_opened o = { .time_ns = bpf_ktime_get_ns(), .syscall = nr, .error = error },
			     *old = bpf_map_lookup_elem(&fd_faults, &key);

	if (old && o.time_ns - old->time_ns < 1000000000)
		return;
	take_stack(ctx, &o);
	bpf_map_update_elem(&fd_faults, &key, &o, BPF_ANY);
}

/* NULL: none of its neighbours was open, or there is no room. */
static __always_inline __u64 *word_of(__u32 id, int fd, int make)
{
	struct dfd_fd_key key = { .target = id, .fd = (__u32)fd / DFD_FD_CHUNK };
	struct dfd_fd_chunk none = {}, *c = bpf_map_lookup_elem(&fds_had, &key);

	if (!c && make) {
		bpf_map_update_elem(&fds_had, &key, &none, BPF_NOEXIST);
		c = bpf_map_lookup_elem(&fds_had, &key);
	}
	return c ? &c->bits[bounded((__u32)fd / 64, DFD_FD_CHUNK / 64 - 1)] : 0;
}

static __always_inline void note_had(__u32 id, int fd)
{
	__u64 *word = fd < 0 ? 0 : word_of(id, fd, 1), bit = 1ull << (fd & 63);

	if (word && !(*word & bit))
		__sync_fetch_and_or(word, bit);
}

static __always_inline int had(__u32 id, int fd)
{
	__u64 *word = word_of(id, fd, 0);

	return word && *word >> (fd & 63) & 1;
}

static __always_inline struct dfd_sweep *sweep_of_thread(void)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct dfd_sweep none = {}, *s = bpf_map_lookup_elem(&sweeps_by_tid, &tid);

	if (s)
		return s;
	bpf_map_update_elem(&sweeps_by_tid, &tid, &none, BPF_ANY);
	return bpf_map_lookup_elem(&sweeps_by_tid, &tid);
}

/* A close of a number that is not open: -1 is none. */
static __always_inline void close_again(void *ctx, __u32 id, int fd)
{
	struct dfd_sweep *s = fd < 0 ? 0 : sweep_of_thread();
	struct dfd_counts *c = counts_of(id);
	int more;

	if (!s || !c)
		return;
	more = sweep_close(s, fd, had(id, fd), bpf_ktime_get_ns());
	__sync_fetch_and_add(&c->fd_ebadf, (__s64)more);
	if (more > 0)
		keep_fault(ctx, id, DFD_FAULT_CLOSE, ARCH_NR_CLOSE, EBADF);
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

static __always_inline void count_opened(void *ctx, __u32 id, long nr, long ret, int n)
{
	struct dfd_counts *c = counts_of(id);

	if (!c)
		return;
	__sync_fetch_and_add(&c->fd_opened, n);
	if (!keeps_openers(id))
		return;
	if (!may_look(c))
		count_up(&c->fd_unsited);
	else if (n == 1)
		keep_opener(ctx, id, c, ret);
	else
		keep_opener_of_pair(ctx, id, c, nr);
}

static __always_inline void count_refused(void *ctx, __u32 id, long nr, long ret)
{
	struct dfd_counts *c = counts_of(id);

	if (!c)
		return;
	count_up(&c->fd_refused);
	keep_fault(ctx, id, DFD_FAULT_REFUSED, nr, -ret);
}

static __always_inline void refused(void *ctx, __u32 id, long nr, long ret)
{
	if (ret == -EMFILE || ret == -ENFILE)
		count_refused(ctx, id, nr, ret);
}

/* Watches of inotify are no descriptors, and have a limit of their own. Of anything else ENOSPC is a full disk. */
static __always_inline int watched_files(void *ctx, long nr, long ret)
{
	__u32 id = ret == -ENOSPC ? watched() : 0;

	if (id)
		count_refused(ctx, id, nr, ret);
	return 0;
}

/* `n` descriptors came into being if the call succeeded: 1, or 2 for pipes and socket pairs. */
static __always_inline int opened(void *ctx, long nr, long ret, int n)
{
	__u32 id = watched();

	if (!id || !makes_one(nr, ret))
		return 0;
	if (ret >= 0)
		count_opened(ctx, id, nr, ret, n);
	else
		refused(ctx, id, nr, ret);
	emit_fd(id, nr, ret, n == 1 ? ret : -1, 0);
	return 0;
}

/* The number means the file from now on. */
static __always_inline int installed(void *ctx, int fd)
{
	__u32 id = watched();

	if (!id)
		return 0;
	count_opened(ctx, id, -1, fd, 1);
	emit_fd(id, syscall_nr(), fd, fd, 0);
	return 0;
}

/* A file leaves a table, or is closed by the kernel for itself: then it is no table of ours. */
static __always_inline int flushed(const void *owner)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct dfd_counts *c;
	__u32 id = watched();

	c = id && owner && task->files == owner ? counts_of(id) : 0;
	if (c)
		count_up(&c->fd_closed);
	return 0;
}

/* Of a number that is not open nothing is kept: who opens it next overwrites what was. */
static __always_inline void forget_opener(__u32 id, int fd)
{
	struct dfd_fd_key key = { .target = id, .fd = fd };

	bpf_map_delete_elem(&fds_opened, &key);
}

/* Linux frees the number even when close reports an error of the file. */
static __always_inline void closed_one(__u32 id, int fd)
{
	struct dfd_counts *c = counts_of(id);

	if (c && !(fd_functions && close_flushes))
		count_up(&c->fd_closed);
	note_had(id, fd);
	if (keeps_openers(id))
		forget_opener(id, fd);
}

static __always_inline int closed(void *ctx, long nr, long ret)
{
	__u32 id = watched();
	int fd;

	if (!id)
		return 0;
	fd = syscall_arg(0);
	if (ret == -EBADF)
		close_again(ctx, id, fd);
	else
		closed_one(id, fd);
	emit_fd(id, nr, ret, fd, 1);
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
int tp__watch_exit(struct sys_exit_ctx *ctx)
{
	return watched_files(ctx, ctx->id, ctx->ret);
}

SEC("tracepoint")
int tp__close_exit(struct sys_exit_ctx *ctx)
{
	return closed(ctx, ctx->id, ctx->ret);
}

/* What dup2 and dup3 are about to return; do_dup2() and ksys_dup3() in the kernel's fs/file.c. */
static __always_inline long dup_result(int old, unsigned int new, int flags)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (flags & ~O_CLOEXEC ||
	    new >= BPF_CORE_READ(task, signal, rlim[RLIMIT_NOFILE].rlim_cur) || !file_of(old))
		return -EBADF; /* or another reason not to */
	return new;
}

SEC("kprobe")
int kprobe__dup2(struct pt_regs *ctx)
{
	int old = syscall_arg(0), new = syscall_arg(1);

	return opened(ctx, ARCH_NR_DUP2, dup_result(old, new, 0), 1);
}

SEC("kprobe")
int kprobe__dup3(struct pt_regs *ctx)
{
	int old = syscall_arg(0), new = syscall_arg(1);

	return old == new ? 0 : opened(ctx, ARCH_NR_DUP3, dup_result(old, new, syscall_arg(2)), 1);
}

SEC("kprobe")
int kprobe__close(struct pt_regs *ctx)
{
	return closed(ctx, ARCH_NR_CLOSE, file_of(syscall_arg(0)) ? 0 : -EBADF);
}

SEC("kprobe")
int kprobe__fd_install(struct pt_regs *ctx)
{
	return installed(ctx, ARCH_C_ARG0(ctx));
}

SEC("kprobe")
int kprobe__filp_close(struct pt_regs *ctx)
{
	return flushed((const void *)ARCH_C_ARG1(ctx));
}

SEC("fentry/fd_install")
int BPF_PROG(fentry__fd_install, unsigned int fd)
{
	return installed(ctx, fd);
}

SEC("fentry/filp_close")
int BPF_PROG(fentry__filp_close, void *file, void *owner)
{
	return flushed(owner);
}

/* Most calls that make a descriptor take its number here first. */
SEC("fexit/get_unused_fd_flags")
int BPF_PROG(fexit__get_unused_fd_flags, unsigned int flags, int ret)
{
	__u32 id = ret < 0 ? watched() : 0;

	if (id)
		refused(ctx, id, syscall_nr(), ret);
	return 0;
}

SEC("fexit/" ARCH_SYSCALL("dup2"))
int BPF_PROG(fexit__dup2, void *regs, long ret)
{
	return opened(ctx, ARCH_NR_DUP2, (int)ret, 1);
}

SEC("fexit/" ARCH_SYSCALL("dup3"))
int BPF_PROG(fexit__dup3, void *regs, long ret)
{
	return opened(ctx, ARCH_NR_DUP3, (int)ret, 1);
}

SEC("fexit/" ARCH_SYSCALL("inotify_add_watch"))
int BPF_PROG(fexit__inotify_add_watch, void *regs, long ret)
{
	return watched_files(ctx, syscall_nr(), ret);
}

SEC("fexit/" ARCH_SYSCALL("close"))
int BPF_PROG(fexit__close, void *regs, long ret)
{
	return closed(ctx, ARCH_NR_CLOSE, (int)ret);
}

char LICENSE[] SEC("license") = "GPL";
