/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The loaded kernel side as its own files see it: probe.c, targets.c, links.c and scan.c. No other file includes this. */
#ifndef DEFERD_PROBE_LOADED_H
#define DEFERD_PROBE_LOADED_H

#include <bpf/libbpf.h>

#include <deferd/control.h>
#include <deferd/record.h>

#include "deferd.skel.h"
#include "golang/goerror.h"
#include "probe/closer.h"
#include "probe/fdhooks.h"
#include "probe/target.h"
#include "probe/writehooks.h"

struct slot {
	uint32_t id; /* 0: free */
	uint16_t gen;
	pid_t pid;
	uint64_t bias;
	struct injected injected;
	uint64_t errors[GOERRORS_MAX]; /* types whose values are told, in the process; 0: none */
	uint64_t lost;
	uint8_t link_gen;    /* see struct dfd_target */
	uint64_t changed_ns; /* 0: the link before is long closed */
	unsigned n_new;      /* entries in new_points */
	uint64_t *new_ips;
	int multi_link;
	int requests_link;  /* -1: they are not timed */
	bool has_requests;  /* they are, or were */
	bool own_only;      /* see struct event_requests */
	uint64_t stream_ns; /* the oldest open stream began, at the last scan; 0: none */
	unsigned n_perf;
	struct bpf_link *perf[PROBE_PERF_POINTS_MAX];
};

struct probe {
	struct probe_opts opts;
	bool multi;
	unsigned ncpu;
	struct deferd_bpf *skel;
	struct ring_buffer *ring;
	struct closer *closer;
	struct fdhooks *hooks;
	enum fd_hooks hooks_kind;
	struct writehooks *writes;     /* NULL: not attached */
	struct slot *slots;            /* slot 0 is the host */
	struct dfd_counts *counts_buf; /* one value a CPU */
	struct dfd_requests requests_buf;
	uint32_t requests; /* entries of requests_by_g at the last scan */
	struct probe_stats stats;
	event_fn fn;
	void *arg;
};

/* targets.c: what the kernel side is told of a target */
struct slot *target_slot(const struct probe *p, uint32_t id); /* NULL: no such target any more */
int target_slot_free(struct probe *p, uint32_t *ret_i);       /* 0, or -ENOSPC */
/* Enter a target, with counts of zero. 0, or negative errno. */
int target_write(struct probe *p, struct slot *s, const struct probe_target *t);
bool target_get(const struct probe *p, const struct slot *s, struct dfd_target *ret);
int target_put(struct probe *p, const struct dfd_target *v, struct reason *reason);
void target_erase(struct probe *p, const struct slot *s);

/* links.c: what is attached to a target */
void links_close(struct probe *p, struct slot *s);
/* Two seconds after a change of links their kernel side needs no second thought any more. */
void links_settle(struct probe *p, struct slot *s, uint64_t now_ns);

/* probe.c: a counter that has a value for each CPU */
uint64_t probe_sum_cpus(const struct probe *p, const uint64_t *per_cpu);

#endif
