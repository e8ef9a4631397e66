// SPDX-License-Identifier: GPL-2.0
/*
 * Processes: exec of anybody (it may be a program to watch), exit and fork of the watched ones. A
 * thread that ends takes its depth with it; a goroutine's end is not seen here, user space collects
 * those.
 */
#include "pile.bpf.h"

static __always_inline void emit_proc(__u16 type, __u32 other, __u32 signo, __u32 status, __u32 oom)
{
	struct dfd_rec_proc *r = record_reserve(0, type, sizeof(*r));

	if (!r)
		return;
	r->other_pid = other;
	r->signo = signo;
	r->status = status;
	r->oom = oom;
	record_submit(r);
}

/* A pile of a thread that nobody will scan any more. */
static __always_inline void emit_ended(__u32 id, const struct dfd_depth *st)
{
	struct dfd_rec_call *r;

	if (st->epoch != epoch || !st->peaks[0])
		return;
	r = record_reserve(id, DFD_REC_ENDED, sizeof(*r));
	if (!r)
		return;
	r->g = r->goid = 0;
	r->site = st->peak_site;
	r->fn = r->ran = 0;
	r->depth = st->peaks[0];
	r->role = DFD_ROLE_C_PUSH;
	r->flags = st->flags;
	r->nstack = 0;
	r->pad = 0;
	record_submit(r);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(tp__sched_process_exec, struct task_struct *p)
{
	emit_proc(DFD_REC_EXEC, 0, 0, 0, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(tp__sched_process_exit, struct task_struct *p)
{
	__u32 tgid = p->tgid, *id = bpf_map_lookup_elem(&target_by_tgid, &tgid);
	struct dfd_g_key key = {};
	struct dfd_depth *st;

	if (!id)
		return 0;
	key.g = p->pid;
	key.target = *id;
	st = bpf_map_lookup_elem(&defers_by_g, &key);
	if (st) {
		emit_ended(*id, st);
		bpf_map_delete_elem(&defers_by_g, &key);
	}
	if (p->signal->live.counter == 0)
		emit_proc(DFD_REC_EXIT, 0, p->exit_code & 0x7f, p->exit_code >> 8 & 0xff,
			  p->signal->oom_mm != 0);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(tp__sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid = parent->tgid;

	/* A new thread has its creator's tgid. */
	if (child->pid == child->tgid && bpf_map_lookup_elem(&target_by_tgid, &tgid))
		emit_proc(DFD_REC_FORK, child->tgid, 0, 0, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
