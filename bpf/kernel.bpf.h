/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel structs we touch, with only the fields we read. preserve_access_index makes every
 * access a CO-RE relocation against the running kernel's BTF, so the order and the sizes here mean
 * nothing.
 */
#ifndef DEFERD_KERNEL_BPF_H
#define DEFERD_KERNEL_BPF_H

/* Of inode.i_mode, include/uapi/linux/stat.h: what is not there for whoever has a C library. */
#define S_IFMT   0170000
#define S_IFSOCK 0140000
#define S_IFREG  0100000
#define S_IFIFO  0010000

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct rlimit {
	unsigned long rlim_cur;
};

struct signal_struct {
	struct rlimit rlim[16];
	atomic_t live; /* threads that have not exited yet; 0 in the hook of the last one */
	struct mm_struct *oom_mm; /* set in one that was chosen for want of memory */
};

struct sock_common {
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned short skc_num;   /* local port */
	unsigned short skc_dport; /* of the peer, in network order */
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
};

struct tcp_sock {
	__u64 bytes_received;
	__u64 bytes_sent;
};

struct socket {
	struct sock *sk;
};

struct super_block {
	unsigned int s_dev;
	unsigned long s_magic;
};

struct inode {
	unsigned short i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

typedef struct {
	long counter;
} atomic_long_t;

enum ucount_type {
	UCOUNT_INOTIFY_INSTANCES,
	UCOUNT_INOTIFY_WATCHES,
};

struct ucounts {
	atomic_long_t ucount[16]; /* by enum ucount_type of the running kernel */
};

struct inotify_group_private_data {
	struct ucounts *ucounts;
};

struct fsnotify_group {
	struct inotify_group_private_data inotify_data;
};

struct file {
	struct inode *f_inode;
	struct path f_path;
	void *private_data; /* of a socket: its struct socket */
};

struct seq_file {
	char *buf;
};

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	unsigned int fd;
	struct file *file;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct task_struct {
	int pid;
	int tgid;
	int exit_code; /* as wait() tells it: low 7 bits are a signal */
	struct signal_struct *signal;
	struct files_struct *files;
};

#pragma clang attribute pop

/*
 * Not relocated: a tracepoint's context is part of its ABI (see
 * /sys/kernel/tracing/events/syscalls).
 */
struct sys_enter_ctx {
	__u64 common;
	int id; /* and 4 bytes that nobody has written */
	int pad;
	unsigned long args[6];
};

struct sys_exit_ctx {
	__u64 common;
	int id; /* and 4 bytes that nobody has written */
	int pad;
	long ret;
};

#endif
