// SPDX-License-Identifier: GPL-2.0
/*
 * What a goroutine (C: thread) writes from its panic on until shortly after the recovery: whoever
 * swallows a panic leaves no word of it. The hooks are on the calls that loggers use, at their
 * entry. While one is attached every syscall of the host takes the slow path (about 40 ns each), so
 * user space attaches them for seconds at a time, and only while there is a recovery whose aftermath
 * nobody knows.
 */
#include "deferd.bpf.h"

#define AF_UNIX 1

static __always_inline __u32 kind_of_socket(struct file *file)
{
	struct socket *socket = BPF_CORE_READ(file, private_data);

	return BPF_CORE_READ(socket, sk, __sk_common.skc_family) == AF_UNIX ? DFD_WRITE_LOCAL
									    : DFD_WRITE_NETWORK;
}

/* DFD_WRITE_MAX: of no interest, as an event counter, a terminal or a device. */
static __always_inline __u32 kind_of(const struct sys_enter_ctx *ctx)
{
	unsigned int fd = ctx->args[0];
	struct file *file;

	if (fd == 2)
		return DFD_WRITE_STDERR;
	if (fd == 1)
		return DFD_WRITE_STDOUT;
	file = file_of(fd);
	switch (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) {
	case S_IFREG:
		return DFD_WRITE_FILE;
	case S_IFIFO:
		/* A byte is a call to wake up (the Go runtime's own, to its poller), no message. */
		return ctx->id == ARCH_NR_WRITE && ctx->args[2] < 2 ? DFD_WRITE_MAX
								    : DFD_WRITE_PIPE;
	case S_IFSOCK:
		return kind_of_socket(file);
	default:
		return DFD_WRITE_MAX;
	}
}

static __always_inline void tell(struct dfd_aftermath *a, __u32 target, __u32 kind)
{
	struct dfd_rec_write *r;

	if (kind >= DFD_WRITE_MAX || a->told & 1u << kind)
		return;
	a->told |= 1u << kind;
	r = record_reserve(target, DFD_REC_WRITE, sizeof(*r));
	if (!r)
		return;
	r->id = a->panic;
	r->kind = kind;
	r->pad = 0;
	record_submit(r);
}

/*
 * Go's syscalls are made with g in its register, whatever thread runs the goroutine; no thread id is
 * an address of a g.
 */
static __always_inline __u64 current_g(void)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	__u64 g = 0;

	bpf_probe_read_kernel(&g, sizeof(g), &ARCH_GO_G(regs));
	return g;
}

/* A g is used again as soon as its goroutine has ended. */
static __always_inline int is_another(const struct dfd_aftermath *a, const struct dfd_g_key *key)
{
	struct dfd_target *t = target_of(key->target);
	__u64 goid = 0;

	if (!a->goid || !t)
		return 0;
	bpf_probe_read_user(&goid, sizeof(goid), (const void *)(key->g + t->goid_off));
	return goid != a->goid;
}

SEC("tracepoint")
int tp__write_enter(struct sys_enter_ctx *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tgid = id >> 32, *target = bpf_map_lookup_elem(&target_by_tgid, &tgid);
	struct dfd_g_key key = {};
	struct dfd_aftermath *a;

	if (!target)
		return 0;
	key.target = *target;
	key.g = current_g();
	a = bpf_map_lookup_elem(&aftermath_by_g, &key);
	if (!a) {
		key.g = (__u32)id; /* C */
		a = bpf_map_lookup_elem(&aftermath_by_g, &key);
	}
	/* What is over stays until the map needs the room: user space asks whether it was there. */
	if (!a || (a->until_ns && bpf_ktime_get_ns() > a->until_ns) || is_another(a, &key))
		return 0;
	tell(a, *target, kind_of(ctx));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
