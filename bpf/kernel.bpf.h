/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel structs we touch, with only the fields we read. preserve_access_index makes every
 * access a CO-RE relocation against the running kernel's BTF, so the order and the sizes here mean
 * nothing.
 */
#ifndef DEFERD_KERNEL_BPF_H
#define DEFERD_KERNEL_BPF_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live; /* threads that have not exited yet; 0 in the hook of the last one */
};

struct task_struct {
	int pid;
	int tgid;
	struct signal_struct *signal;
	char comm[16];
};

#pragma clang attribute pop

/*
 * Not relocated: a tracepoint's context is part of its ABI (see
 * /sys/kernel/tracing/events/syscalls).
 */
struct sys_exit_ctx {
	__u64 common;
	long id;
	long ret;
};

#endif
