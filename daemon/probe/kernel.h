/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What this kernel allows, found by trying: each hook type is attached to something of our own,
 * made to happen, and counted. Nothing is concluded from a version number. The result is a table
 * that the planner reads and `doctor` prints.
 */
#ifndef DEFERD_PROBE_KERNEL_H
#define DEFERD_PROBE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"

enum kernel_feature {
	KERNEL_PRIVILEGE, /* capabilities for BPF and for reading other processes */
	KERNEL_BTF,
	KERNEL_RINGBUF,
	KERNEL_UPROBE,       /* perf event, one a point */
	KERNEL_UPROBE_MULTI, /* one link for all points of a process */
	KERNEL_FENTRY,       /* on functions, and at their ends */
	KERNEL_KPROBE,       /* on functions */
	KERNEL_TRACEPOINT,   /* syscalls:sys_exit_* */
	KERNEL_TP_BTF,       /* sched: exec, exit, fork */
	KERNEL_FD_SIZE,      /* st_size of /proc/PID/fd is the number of descriptors */
	KERNEL_FD_ITER,      /* all descriptors of all processes in one pass */
	KERNEL_PID_NS,       /* pids in BPF are the pids of our /proc */
	KERNEL_FEATURE_MAX,
};

/* What a feature is for and what to do when it is missing; constant text, indexed by feature. */
struct kernel_feature_doc {
	const char *name;
	const char *purpose;
	const char *without; /* what deferd does then */
	const char *remedy;
	bool required; /* nothing is observed without it (uprobe and uprobe_multi: one of them) */
};

struct kernel_features {
	char release[65];
	bool have[KERNEL_FEATURE_MAX];
	struct reason why[KERNEL_FEATURE_MAX]; /* why not; empty when it works */
	/*
	 * Price of one hit of a push, CPU time of the thread, what the program does included: at an
	 * instruction that the kernel emulates, at one that it single-steps. 0: not measured.
	 */
	uint64_t hit_ns[2];
	bool close_flushes; /* close() calls filp_close(); known where FENTRY or KPROBE is there */
};

extern const struct kernel_feature_doc kernel_feature_docs[KERNEL_FEATURE_MAX];

/*
 * Ask the kernel, and silence libbpf from then on. Always fills all of *ret_f: a failing test is a
 * result. Needs about 100 ms; leaves nothing attached.
 */
void kernel_probe_features(int procfd, struct kernel_features *ret_f);

enum kernel_verdict { KERNEL_GOOD, KERNEL_CANNOT, KERNEL_UNPRIVILEGED };

/* Can anything be observed? Pure. The reason names what is missing and the remedy. */
enum kernel_verdict kernel_verdict(const struct kernel_features *f, struct reason *reason);

/* Arrange for a program of a skeleton that is not loaded yet to be attached by uprobe_multi. */
struct bpf_program;
int kernel_mark_uprobe_multi(struct bpf_program *prog);

/*
 * One uprobe_multi link for `n` file offsets of `path` in process `pid`; libbpf 1.1 has no call for
 * it. The link's descriptor, or negative errno. One bad offset fails all.
 */
int kernel_link_uprobe_multi(int prog_fd, const char *path, const uint64_t *offsets,
			     const uint64_t *cookies, uint32_t n, uint32_t pid);

#endif
