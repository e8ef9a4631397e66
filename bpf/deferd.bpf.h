/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all programs share: finding the target of a hit, counting, and putting a record on the ring.
 */
#ifndef DEFERD_BPF_H
#define DEFERD_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "maps.bpf.h"
#include "kernel.bpf.h"
#if defined(__TARGET_ARCH_x86)
#include "arch_x86.bpf.h"
#else
#error "no arch_<name>.bpf.h for this architecture"
#endif

/*
 * Per-CPU does not mean alone: programs may be preempted where the kernel is, and the next task
 * counts on the same CPU.
 */
static __always_inline void count_up(__u64 *n)
{
	__sync_fetch_and_add(n, 1);
}

/*
 * n & mask, where the verifier sees it. A bound that the compiler knows of is one that it leaves out,
 * and what went through a byte on the stack has none for the verifier.
 */
static __always_inline __u32 bounded(__u32 n, __u32 mask)
{
	asm volatile("" : "+r"(n));
	return n & mask;
}

static __always_inline void lose(__u32 why)
{
	__u64 *n = bpf_map_lookup_elem(&losses, &why);

	if (n)
		count_up(n);
}

/* One more under a key of a per-CPU map; `full` is what is lost when the key finds no room. */
static __always_inline void count_key(void *map, const void *key, enum dfd_loss full)
{
	__u64 one = 1, *n = bpf_map_lookup_elem(map, key);

	if (!n && !bpf_map_update_elem(map, key, &one, BPF_NOEXIST))
		return;
	/* There already, or made by another CPU a moment ago; else the map is full. */
	if (!n)
		n = bpf_map_lookup_elem(map, key);
	if (n)
		count_up(n);
	else
		lose(full);
}

static __always_inline struct file *file_of(unsigned int fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file **table = BPF_CORE_READ(fdt, fd), *file = NULL;

	if (fd < BPF_CORE_READ(fdt, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), &table[fd]);
	return file;
}

/* The target with this id; NULL when its slot was freed or given to another process meanwhile. */
static __always_inline struct dfd_target *target_of(__u32 id)
{
	__u32 slot = DFD_TARGET_SLOT(id);
	struct dfd_target *t = bpf_map_lookup_elem(&targets, &slot);

	return t && t->id == id ? t : NULL;
}

static __always_inline struct dfd_counts *counts_of(__u32 id)
{
	__u32 slot = DFD_TARGET_SLOT(id);

	return bpf_map_lookup_elem(&counts_by_target, &slot);
}

/*
 * Room for a record of `size` bytes with its header filled, or NULL with the loss counted, for all
 * and for the target.
 */
static __always_inline void *record_reserve(__u32 target, __u16 type, __u32 size)
{
	struct dfd_rec_hdr *h = bpf_ringbuf_reserve(&ring, size, 0);
	__u64 id;

	if (!h) {
		struct dfd_counts *c = counts_of(target);

		lose(DFD_LOSS_RING);
		if (c)
			count_up(&c->lost);
		return NULL;
	}
	id = bpf_get_current_pid_tgid();
	h->type = type;
	h->size = size;
	h->target = target;
	h->time_ns = bpf_ktime_get_ns();
	h->pid = id >> 32;
	h->tid = (__u32)id;
	return h;
}

/* The reader has nothing to do and polls no more: the next record is to wake it. */
extern __u32 asleep;

/*
 * The reader polls on a timer. Waking it costs the observed thread 2-8 us a record; a record that
 * waits costs it 0.1 us.
 */
static __always_inline void record_submit(void *rec)
{
	__u64 how = BPF_RB_NO_WAKEUP;

	if (asleep) {
		asleep = 0;
		how = BPF_RB_FORCE_WAKEUP;
	}
	bpf_ringbuf_submit(rec, how);
}

/* What cannot wait for the timer: every moment costs the observed program more than the wake-up. */
static __always_inline void record_submit_now(void *rec)
{
	bpf_ringbuf_submit(rec, BPF_RB_FORCE_WAKEUP);
}

#endif
