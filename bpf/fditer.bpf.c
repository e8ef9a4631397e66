// SPDX-License-Identifier: GPL-2.0
/*
 * All descriptors of all processes: an iterator that is run when somebody reads it, attached to nothing. A
 * process is walked once, not once for each of its threads: the kernel leaves out threads that share the
 * descriptors of their leader.
 */
#include <linux/magic.h>

#include "deferd.bpf.h"

/* Whether its name says what it is: "[eventfd]", "memfd:x". */
static __always_inline int is_told_by_name(const struct dfd_fd *r)
{
	return r->magic == ANON_INODE_FS_MAGIC ||
	       ((r->mode & S_IFMT) == S_IFREG &&
		(r->magic == TMPFS_MAGIC || r->magic == HUGETLBFS_MAGIC));
}

static __always_inline void name_of(struct file *file, char *to)
{
	const unsigned char *name = file->f_path.dentry->d_name.name;

	bpf_probe_read_kernel_str(to, DFD_FD_NAME_LEN, name);
}

/* include/linux/socket.h, include/uapi/linux/in.h */
#define AF_INET     2
#define AF_INET6    10
#define IPPROTO_TCP 6

static __always_inline __u32 moved_by(const struct sock *sk)
{
	const struct tcp_sock *tp = (const void *)sk;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	return BPF_CORE_READ(tp, bytes_received) + BPF_CORE_READ(tp, bytes_sent);
}

static __always_inline void describe_socket(struct file *file, struct dfd_fd *r)
{
	struct socket *s = bpf_sock_from_file(file);
	struct sock *sk = s ? s->sk : 0;

	if (!sk)
		return;
	r->family = sk->__sk_common.skc_family;
	r->sock_state = sk->__sk_common.skc_state;
	r->local_port = sk->__sk_common.skc_num;
	r->peer_port = __builtin_bswap16(sk->__sk_common.skc_dport);
	if (r->family == AF_INET || r->family == AF_INET6)
		r->moved = moved_by(sk);
}

static __always_inline __u32 ucount(const struct ucounts *u, int type)
{
	long n = 0;

	bpf_probe_read_kernel(&n, sizeof(n), (const void *)(&u->ucount[0]) + type * sizeof(n));
	return n < 0 ? 0 : n;
}

/* The kernel's own count of what the user has. */
static __always_inline void describe_inotify(struct file *file, struct dfd_fd *r)
{
	struct fsnotify_group *group = file->private_data;
	struct ucounts *u = BPF_CORE_READ(group, inotify_data.ucounts);

	if (!u)
		return;
	r->instances = ucount(u, bpf_core_enum_value(enum ucount_type, UCOUNT_INOTIFY_INSTANCES));
	r->watches = ucount(u, bpf_core_enum_value(enum ucount_type, UCOUNT_INOTIFY_WATCHES));
}

static __always_inline int is_inotify(const struct dfd_fd *r)
{
	return r->magic == ANON_INODE_FS_MAGIC && !__builtin_memcmp(r->name, "inotify", 8) &&
	       bpf_core_enum_value_exists(enum ucount_type, UCOUNT_INOTIFY_INSTANCES);
}

SEC("iter/task_file")
int iter__descriptors(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct inode *inode;
	struct dfd_fd r = {};

	if (!task || !file)
		return 0;
	inode = file->f_inode;
	r.tgid = task->tgid;
	r.fd = ctx->fd;
	r.mode = inode->i_mode;
	r.ino = inode->i_ino;
	r.dev = inode->i_sb->s_dev;
	r.magic = inode->i_sb->s_magic;
	if ((r.mode & S_IFMT) == S_IFSOCK)
		describe_socket(file, &r);
	else if (is_told_by_name(&r))
		name_of(file, r.name);
	if (is_inotify(&r))
		describe_inotify(file, &r);
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
