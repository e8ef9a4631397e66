// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "probe/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <deferd/record.h>

#include "base/cleanup.h"
#include "base/loop.h"
#include "deferd.skel.h"
#include "event/decode.h"
#include "probe/closer.h"
#include "probe/fdhooks.h"
#include "probe/writehooks.h"

#define SCAN_BATCH 512
#define CHANGE_NS  2000000000ull /* a closed link is gone long before that */

struct slot {
	uint32_t id; /* 0: free */
	uint16_t gen;
	pid_t pid;
	uint64_t bias;
	struct injected injected;
	uint64_t lost;
	uint8_t link_gen;    /* see struct dfd_target */
	uint64_t changed_ns; /* 0: the link before is long closed */
	unsigned n_new;      /* entries in new_points */
	uint64_t *new_ips;
	int multi_link;
	int requests_link; /* -1: they are not timed */
	bool has_requests; /* they are, or were */
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
	uint32_t purged; /* the target whose entries probe_forget_all() removes */
	event_fn fn;
	void *arg;
	bool (*keep_fd)(void *arg, const struct event *ev);
	void *keep_arg;
};

static const char *const loss_names[DFD_LOSS_MAX] = {
	[DFD_LOSS_RING] = "ring_full",
	[DFD_LOSS_STATE_MAP] = "goroutine_map_full",
	[DFD_LOSS_SITE_MAP] = "site_map_full",
	[DFD_LOSS_READ] = "target_memory_unreadable",
	[DFD_LOSS_TORN] = "defer_chain_torn",
	[DFD_LOSS_STALE] = "target_gone",
	[DFD_LOSS_PANIC_MAP] = "panic_map_full",
	[DFD_LOSS_PANIC_RATE] = "panic_rate",
	[DFD_LOSS_BUDGET] = "budget",
	[DFD_LOSS_RECOVER_MAP] = "recover_map_full",
};

_Static_assert(DFD_LOSS_MAX == sizeof(((struct probe_stats *)0)->lost) / sizeof(uint64_t),
	       "losses");

const char *probe_loss_name(unsigned loss)
{
	return loss < DFD_LOSS_MAX ? loss_names[loss] : NULL;
}

static struct slot *slot_of(const struct probe *p, uint32_t id)
{
	uint32_t i = DFD_TARGET_SLOT(id);

	return id && i <= p->opts.targets_max && p->slots[i].id == id ? &p->slots[i] : NULL;
}

static void mark_injected(const struct injected *in, struct event *ev)
{
	switch (ev->type) {
	case EVENT_DEPTH:
	case EVENT_ENDED:
	case EVENT_CALL:
		injected_mark(in, ev->call.stack, ev->call.nstack);
		break;
	case EVENT_PANIC:
		injected_mark(in, ev->panic.stack, ev->panic.nstack);
		break;
	default:
		break;
	}
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct probe *p = ctx;
	struct dfd_rec_hdr h;
	struct event ev;
	struct slot *s;

	p->stats.events++;
	if (decode_header(data, size, &h)) {
		p->stats.bad++;
		return 0;
	}
	s = slot_of(p, h.target);
	if (h.target && !s)
		return 0; /* detached while its last records were on the way */
	if (decode_record(data, size, s ? s->bias : 0, &ev)) {
		p->stats.bad++;
		return 0;
	}
	if (ev.type == EVENT_HOT && (!s || ev.hot_gen != s->link_gen))
		return 0; /* of a link that has given way to another meanwhile */
	if (s)
		mark_injected(&s->injected, &ev);
	p->fn(p->arg, &ev);
	return 0;
}

static int set_sizes(struct deferd_bpf *skel, const struct probe_opts *o)
{
	int err = 0;

	err |= bpf_map__set_max_entries(skel->maps.targets, o->targets_max + 1);
	err |= bpf_map__set_max_entries(skel->maps.seq_by_target, o->targets_max + 1);
	err |= bpf_map__set_max_entries(skel->maps.counts_by_target, o->targets_max + 1);
	err |= bpf_map__set_max_entries(skel->maps.target_by_tgid, o->targets_max + 1);
	err |= bpf_map__set_max_entries(skel->maps.defers_by_g, o->goroutines_max);
	err |= bpf_map__set_max_entries(skel->maps.requests_by_g, o->goroutines_max);
	err |= bpf_map__set_max_entries(skel->maps.requests_by_target, o->targets_max);
	err |= bpf_map__set_max_entries(skel->maps.pushes_by_site, o->sites_max);
	err |= bpf_map__set_max_entries(skel->maps.ring, o->ring_bytes);
	return err;
}

/* Leave out what the kernel cannot have, so that the rest loads. */
static void choose_programs(struct probe *p, const struct kernel_features *f)
{
	struct deferd_bpf *s = p->skel;

	p->multi = f->have[KERNEL_UPROBE_MULTI];
	if (p->multi) {
		kernel_mark_uprobe_multi(s->progs.uprobe__go);
		kernel_mark_uprobe_multi(s->progs.uprobe__c);
		kernel_mark_uprobe_multi(s->progs.uprobe__requests);
	} else {
		bpf_program__set_autoload(s->progs.uprobe__requests, false);
	}
	if (!f->have[KERNEL_TP_BTF]) {
		bpf_program__set_autoload(s->progs.tp__sched_process_exec, false);
		bpf_program__set_autoload(s->progs.tp__sched_process_exit, false);
		bpf_program__set_autoload(s->progs.tp__sched_process_fork, false);
	}
	if (!f->have[KERNEL_FENTRY]) {
		bpf_program__set_autoload(s->progs.fentry__fd_install, false);
		bpf_program__set_autoload(s->progs.fentry__filp_close, false);
		bpf_program__set_autoload(s->progs.fexit__dup2, false);
		bpf_program__set_autoload(s->progs.fexit__dup3, false);
		bpf_program__set_autoload(s->progs.fexit__close, false);
	}
	s->rodata->close_flushes = f->close_flushes;
}

static int attach_processes(struct probe *p, const struct kernel_features *f, struct reason *reason)
{
	struct deferd_bpf *s = p->skel;

	if (!f->have[KERNEL_TP_BTF])
		return 0;
	s->links.tp__sched_process_exec = bpf_program__attach(s->progs.tp__sched_process_exec);
	s->links.tp__sched_process_exit = bpf_program__attach(s->progs.tp__sched_process_exit);
	s->links.tp__sched_process_fork = bpf_program__attach(s->progs.tp__sched_process_fork);
	if (!s->links.tp__sched_process_exec || !s->links.tp__sched_process_exit ||
	    !s->links.tp__sched_process_fork)
		return reason_set(reason, -errno, "attaching to exec, exit and fork: %s",
				  strerror(errno));
	return 0;
}

static int load(struct probe *p, const struct kernel_features *f, struct reason *reason)
{
	int err;

	p->skel = deferd_bpf__open();
	if (!p->skel) {
		err = -errno;
		return reason_set(reason, err, "opening the BPF object: %s", strerror(-err));
	}
	err = set_sizes(p->skel, &p->opts);
	choose_programs(p, f);
	if (!err)
		err = deferd_bpf__load(p->skel);
	if (err)
		return reason_set(reason, err, "loading the BPF object into Linux %s: %s",
				  f->release, strerror(-err));
	p->ring = ring_buffer__new(bpf_map__fd(p->skel->maps.ring), on_record, p, NULL);
	if (!p->ring)
		return reason_set(reason, -errno, "mapping the ring buffer: %s", strerror(errno));
	return attach_processes(p, f, reason);
}

int probe_open(const struct probe_opts *opts, const struct kernel_features *features,
	       struct probe **ret_p, struct reason *reason)
{
	struct probe *p = calloc(1, sizeof(*p));
	int err = -ENOMEM, ncpu = libbpf_num_possible_cpus();

	if (!p)
		return err;
	p->opts = *opts;
	p->ncpu = ncpu > 0 ? ncpu : 1;
	p->slots = calloc(opts->targets_max + 1, sizeof(*p->slots));
	p->counts_buf = calloc(p->ncpu, sizeof(*p->counts_buf));
	p->closer = closer_new();
	if (p->slots && p->counts_buf && p->closer)
		err = load(p, features, reason);
	else
		reason_set(reason, err, "out of memory");
	if (err) {
		probe_close(p);
		return err;
	}
	*ret_p = p;
	return 0;
}

static void close_links(struct probe *p, struct slot *s)
{
	closer_close_fd(p->closer, s->multi_link);
	s->multi_link = -1;
	closer_close_links(p->closer, s->perf, s->n_perf);
	s->n_perf = 0;
}

void probe_close(struct probe *p)
{
	if (!p)
		return;
	for (uint32_t i = 1; p->slots && p->closer && i <= p->opts.targets_max; i++) {
		if (p->slots[i].id) {
			close_links(p, &p->slots[i]);
			closer_close_fd(p->closer, p->slots[i].requests_link);
		}
		free(p->slots[i].new_ips);
	}
	if (p->closer) {
		fdhooks_detach(p->hooks, p->closer);
		writehooks_detach(p->writes, p->closer);
	}
	closer_free(p->closer);
	ring_buffer__free(p->ring);
	deferd_bpf__destroy(p->skel);
	free(p->counts_buf);
	free(p->slots);
	free(p);
}

static int free_slot(struct probe *p, uint32_t *ret_i)
{
	for (uint32_t i = 1; i <= p->opts.targets_max; i++) {
		if (!p->slots[i].id) {
			*ret_i = i;
			return 0;
		}
	}
	return -ENOSPC;
}

static uint64_t cookie_of(const struct slot *s, const struct probe_point *pt)
{
	uint8_t flags = 0;

	if (pt->skip_taken)
		flags |= DFD_POINT_SKIP_TAKEN;
	if (!pt->emulated)
		flags |= DFD_POINT_STEPPED;
	if (pt->call)
		flags |= DFD_POINT_CALL;
	return dfd_cookie(s->id, pt->role, pt->sp_words, flags, s->link_gen);
}

/* The link's descriptor, or negative errno with the reason. */
static int attach_multi(const struct slot *s, const struct probe_target *t,
			struct bpf_program *prog, const char *path, struct reason *reason)
{
	uint64_t offsets[PROBE_POINTS_MAX], cookies[PROBE_POINTS_MAX];
	int link;

	for (unsigned i = 0; i < t->n; i++) {
		const struct probe_point *pt = &t->points[i];

		offsets[i] = pt->file_off;
		cookies[i] = cookie_of(s, pt);
	}
	link = kernel_link_uprobe_multi(bpf_program__fd(prog), path, offsets, cookies, t->n,
					t->pid);
	if (link < 0)
		return reason_set(reason, link, "uprobe_multi link of %u points: %s", t->n,
				  strerror(-link));
	return link;
}

static int attach_perf(struct probe *p, struct slot *s, const struct probe_target *t,
		       struct bpf_program *prog, const char *path, struct reason *reason)
{
	for (unsigned i = 0; i < t->n && s->n_perf < PROBE_PERF_POINTS_MAX; i++) {
		const struct probe_point *pt = &t->points[i];
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = cookie_of(s, pt));
		struct bpf_link *link =
			bpf_program__attach_uprobe_opts(prog, t->pid, path, pt->file_off, &opts);

		if (!link)
			return reason_set(reason, -errno, "perf event at %s+0x%x: %s", pt->function,
					  pt->offset, strerror(errno));
		s->perf[s->n_perf++] = link;
	}
	return 0;
}

/*
 * The byte that is 1 in records which are no pending defer: heads of range loops, or what the
 * runtime inserts (<= 1.21).
 */
static uint16_t uncounted_offset(const struct go_layout *l)
{
	return l->defer.rangefunc != GO_LAYOUT_ABSENT ? l->defer.rangefunc : l->defer.open_defer;
}

_Static_assert(DFD_ABSENT == GO_LAYOUT_ABSENT, "copied as they are");

static void put_layout(struct dfd_target *v, const struct go_layout *l)
{
	if (!l) {
		v->flags |= DFD_TARGET_BLIND;
		return;
	}
	if (l->unverified)
		v->flags |= DFD_TARGET_UNPROVEN;
	v->goid_off = l->g.goid;
	v->link_off = l->defer.link;
	v->uncounted_off = uncounted_offset(l);
	v->panic = (struct dfd_panic_layout){
		.link = l->panic.link,
		.recovered = l->panic.recovered,
		.goexit = l->panic.goexit,
		.arg = l->panic.arg,
		.sp = l->panic.sp,
		.start_sp = l->panic.start_sp,
		.retpc = l->panic.retpc,
		.g_sigcode0 = l->g.sigcode0,
		.g_sigcode1 = l->g.sigcode1,
		.m_curg = l->m.curg,
	};
}

static int write_target(struct probe *p, const struct slot *s, const struct probe_target *t)
{
	struct dfd_target v = {
		.id = s->id,
		.tgid = t->pid,
		.flags = t->trace ? DFD_TARGET_TRACE : 0,
		.threshold = p->opts.threshold,
		.hits_max = t->hits_max,
		.stepped_hits = t->stepped_hits,
	};
	uint32_t i = DFD_TARGET_SLOT(s->id), tgid = t->pid;
	uint64_t seq = 0;

	if (t->runtime == RUNTIME_GO)
		put_layout(&v, t->layout);
	memset(p->counts_buf, 0, p->ncpu * sizeof(*p->counts_buf));
	if (bpf_map_update_elem(bpf_map__fd(p->skel->maps.counts_by_target), &i, p->counts_buf,
				BPF_ANY) ||
	    bpf_map_update_elem(bpf_map__fd(p->skel->maps.seq_by_target), &i, &seq, BPF_ANY) ||
	    bpf_map_update_elem(bpf_map__fd(p->skel->maps.targets), &i, &v, BPF_ANY) ||
	    bpf_map_update_elem(bpf_map__fd(p->skel->maps.target_by_tgid), &tgid, &v.id, BPF_ANY))
		return -errno;
	return 0;
}

/* False: there is no such target any more. */
static bool get_target(const struct probe *p, const struct slot *s, struct dfd_target *ret)
{
	uint32_t i;

	if (!s)
		return false;
	i = DFD_TARGET_SLOT(s->id);
	return !bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.targets), &i, ret);
}

static int put_target(struct probe *p, const struct dfd_target *v, struct reason *reason)
{
	uint32_t i = DFD_TARGET_SLOT(v->id);

	if (bpf_map_update_elem(bpf_map__fd(p->skel->maps.targets), &i, v, BPF_ANY))
		return reason_set(reason, -errno, "changing the target: %s", strerror(errno));
	return 0;
}

void probe_set_layout(struct probe *p, uint32_t id, const struct go_layout *layout, bool panics)
{
	struct dfd_target v;

	if (!get_target(p, slot_of(p, id), &v))
		return;
	v.flags &= ~(DFD_TARGET_BLIND | DFD_TARGET_NO_PANICS);
	put_layout(&v, layout);
	if (!panics)
		v.flags |= DFD_TARGET_NO_PANICS;
	(void)put_target(p, &v, NULL);
}

static void erase_target(struct probe *p, const struct slot *s)
{
	uint32_t i = DFD_TARGET_SLOT(s->id), tgid = s->pid;
	struct dfd_target none = {};

	(void)bpf_map_update_elem(bpf_map__fd(p->skel->maps.targets), &i, &none, BPF_ANY);
	(void)bpf_map_delete_elem(bpf_map__fd(p->skel->maps.target_by_tgid), &tgid);
	if (s->has_requests)
		(void)bpf_map_delete_elem(bpf_map__fd(p->skel->maps.requests_by_target), &s->id);
}

#define FILE_PATH_MAX 32

/* The file we checked, not whatever lies at its path now. */
static void file_path(const struct probe_target *t, char ret_path[static FILE_PATH_MAX])
{
	snprintf(ret_path, FILE_PATH_MAX, "/proc/self/fd/%d", t->exe_fd);
}

static int attach_points(struct probe *p, struct slot *s, const struct probe_target *t,
			 struct reason *reason)
{
	struct bpf_program *prog =
		t->runtime == RUNTIME_C ? p->skel->progs.uprobe__c : p->skel->progs.uprobe__go;
	char path[FILE_PATH_MAX];

	if (!t->n)
		return 0;
	file_path(t, path);
	if (!p->multi)
		return attach_perf(p, s, t, prog, path, reason);
	s->multi_link = attach_multi(s, t, prog, path, reason);
	return s->multi_link < 0 ? s->multi_link : 0;
}

int probe_attach(struct probe *p, const struct probe_target *t, uint32_t *ret_id,
		 struct reason *reason)
{
	struct slot *s;
	uint32_t i;
	int err;

	err = free_slot(p, &i);
	if (err)
		return reason_set(reason, err,
				  "all %u target slots are taken; raise limits.targets",
				  p->opts.targets_max);
	s = &p->slots[i];
	*s = (struct slot){ .gen = s->gen + 1,
			    .pid = t->pid,
			    .bias = t->bias,
			    .injected = t->injected,
			    .multi_link = -1,
			    .requests_link = -1 };
	s->id = (uint32_t)s->gen << 16 | i;
	err = write_target(p, s, t);
	if (!err)
		err = attach_points(p, s, t, reason);
	if (err) {
		close_links(p, s);
		erase_target(p, s);
		s->id = 0;
		return err;
	}
	p->stats.targets++;
	*ret_id = s->id;
	return 0;
}

/* What is left of them from the change before goes. */
static void forget_new_points(struct probe *p, struct slot *s)
{
	for (unsigned i = 0; i < s->n_new; i++) {
		struct dfd_point_key key = { .ip = s->new_ips[i], .target = s->id };

		(void)bpf_map_delete_elem(bpf_map__fd(p->skel->maps.new_points), &key);
	}
	free(s->new_ips);
	s->new_ips = NULL;
	s->n_new = 0;
}

void probe_detach(struct probe *p, uint32_t id)
{
	struct slot *s = slot_of(p, id);

	if (!s)
		return;
	close_links(p, s);
	closer_close_fd(p->closer, s->requests_link);
	forget_new_points(p, s);
	erase_target(p, s);
	s->id = 0;
	p->stats.targets--;
	/*
	 * Entries of maps by goroutine and by site are of an id that is gone: the next scan removes
	 * them.
	 */
}

/*
 * Walk a hash map in batches. `each` gets the entry and returns true when its target is gone: the
 * entry is removed after the batch. Returns the number of entries that stay.
 */
static uint32_t walk_map(struct probe *p, int fd, size_t key_size, size_t value_size,
			 bool (*each)(struct probe *p, const void *key, const void *value,
				      uint64_t now_ns),
			 uint64_t now_ns)
{
	_cleanup_free_ char *keys = malloc(SCAN_BATCH * key_size);
	_cleanup_free_ char *values = malloc(SCAN_BATCH * value_size);
	uint32_t cursor = 0, n, live = 0;
	bool more = true, first = true;

	while (keys && values && more) {
		n = SCAN_BATCH;
		if (bpf_map_lookup_batch(fd, first ? NULL : &cursor, &cursor, keys, values, &n,
					 NULL)) {
			if (errno != ENOENT)
				break;
			more = false;
		}
		first = false;
		for (uint32_t i = 0; i < n; i++) {
			if (each(p, keys + i * key_size, values + i * value_size, now_ns))
				(void)bpf_map_delete_elem(fd, keys + i * key_size);
			else
				live++;
		}
	}
	return live;
}

static bool is_purged(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	return ((const struct dfd_g_key *)key)->target == p->purged;
}

void probe_forget_all(struct probe *p, uint32_t id)
{
	p->purged = id;
	(void)walk_map(p, bpf_map__fd(p->skel->maps.defers_by_g), sizeof(struct dfd_g_key),
		       sizeof(struct dfd_depth), is_purged, 0);
}

/* Without room for all, a hit that began before the link was there may be missed. */
static void tell_new_points(struct probe *p, struct slot *s, const struct probe_target *t)
{
	uint8_t there = 1;

	s->new_ips = calloc(t->n + 1, sizeof(*s->new_ips));
	for (unsigned i = 0; s->new_ips && i < t->n; i++) {
		struct dfd_point_key key = { .ip = t->points[i].va + t->bias, .target = s->id };

		if (!bpf_map_update_elem(bpf_map__fd(p->skel->maps.new_points), &key, &there,
					 BPF_ANY))
			s->new_ips[s->n_new++] = key.ip;
	}
}

/* The new one counts nothing until it is whole, and from the next moment on all. */
static int change_links(struct probe *p, struct slot *fresh, const struct probe_target *t,
			struct dfd_target *v, uint64_t *ret_ns, struct reason *reason)
{
	int err;

	v->new_gen = fresh->link_gen;
	v->changing = 1;
	err = put_target(p, v, reason);
	if (!err)
		err = attach_points(p, fresh, t, reason);
	if (!err)
		tell_new_points(p, fresh, t);
	if (!err) {
		v->gen = v->new_gen;
		v->hits_max = t->hits_max;
		*ret_ns = loop_now_ns();
		err = put_target(p, v, reason);
	}
	if (err) {
		forget_new_points(p, fresh);
		close_links(p, fresh);
	}
	return err;
}

int probe_set_points(struct probe *p, uint32_t id, const struct probe_target *t, uint64_t *ret_ns,
		     struct reason *reason)
{
	struct slot *s = slot_of(p, id), fresh;
	struct dfd_target v;
	int err;

	if (!get_target(p, s, &v))
		return reason_set(reason, -ESRCH, "the target is gone");
	forget_new_points(p, s);
	fresh = *s;
	fresh.link_gen = v.new_gen + 1;
	fresh.multi_link = -1;
	fresh.n_perf = 0;
	fresh.changed_ns = loop_now_ns();
	s->changed_ns = fresh.changed_ns; /* should it fail */
	err = change_links(p, &fresh, t, &v, ret_ns, reason);
	if (err)
		return err;
	close_links(p, s);
	*s = fresh;
	return 0;
}

/* What was closed then is gone by now: hits need no second thought any more. */
static void settle_links(struct probe *p, struct slot *s, uint64_t now_ns)
{
	struct dfd_target v;

	if (!s->changed_ns || now_ns - s->changed_ns < CHANGE_NS || !get_target(p, s, &v))
		return;
	v.changing = 0;
	s->changed_ns = 0;
	forget_new_points(p, s);
	(void)put_target(p, &v, NULL);
}

void probe_set_hits_max(struct probe *p, uint32_t id, uint32_t hits_max)
{
	struct dfd_target v;

	if (!get_target(p, slot_of(p, id), &v) || v.hits_max == hits_max)
		return;
	v.hits_max = hits_max;
	(void)put_target(p, &v, NULL);
}

/* From `since_ns` on, CLOCK_MONOTONIC; 0: not any more. */
static int put_requests_since(struct probe *p, const struct slot *s, uint64_t since_ns,
			      struct reason *reason)
{
	struct dfd_target v;

	if (!get_target(p, s, &v))
		return reason_set(reason, -ESRCH, "the target is gone");
	v.requests_since_ns = since_ns;
	return put_target(p, &v, reason);
}

static int stop_timing(struct probe *p, struct slot *s, struct reason *reason)
{
	int err = put_requests_since(p, s, 0, reason);

	closer_close_fd(p->closer, s->requests_link);
	s->requests_link = -1;
	return err;
}

/* Where its requests are counted, if they never were. */
static int make_room_for_requests(struct probe *p, struct slot *s, struct reason *reason)
{
	if (s->has_requests)
		return 0;
	memset(&p->requests_buf, 0, sizeof(p->requests_buf));
	if (bpf_map_update_elem(bpf_map__fd(p->skel->maps.requests_by_target), &s->id,
				&p->requests_buf, BPF_ANY))
		return reason_set(reason, -errno, "a histogram for its requests: %s",
				  strerror(errno));
	s->has_requests = true;
	return 0;
}

int probe_time_requests(struct probe *p, uint32_t id, const struct probe_target *t,
			struct reason *reason)
{
	struct slot *s = slot_of(p, id);
	char path[FILE_PATH_MAX];
	int err;

	if (!s)
		return reason_set(reason, -ESRCH, "the target is gone");
	if (!t->n)
		return stop_timing(p, s, reason);
	if (!p->multi)
		return reason_set(reason, -ENOTSUP,
				  "timing requests needs uprobe_multi (Linux 6.6)");
	if (s->requests_link >= 0)
		return 0;
	err = make_room_for_requests(p, s, reason);
	if (err)
		return err;
	file_path(t, path);
	s->requests_link = attach_multi(s, t, p->skel->progs.uprobe__requests, path, reason);
	if (s->requests_link < 0)
		return s->requests_link;
	err = put_requests_since(p, s, loop_now_ns(), reason);
	if (err)
		(void)stop_timing(p, s, NULL);
	return err;
}

void probe_set_fd_sites(struct probe *p, uint32_t id, bool on)
{
	struct dfd_target v;

	if (!get_target(p, slot_of(p, id), &v) || on == !!(v.flags & DFD_TARGET_FD_SITES))
		return;
	v.flags ^= DFD_TARGET_FD_SITES;
	(void)put_target(p, &v, NULL);
}

int probe_set_fd_hooks(struct probe *p, enum fd_hooks hooks, struct reason *reason)
{
	if (hooks == p->hooks_kind)
		return 0;
	fdhooks_detach(p->hooks, p->closer);
	p->hooks = NULL;
	p->hooks_kind = FD_HOOKS_OFF;
	if (hooks == FD_HOOKS_OFF)
		return 0;
	p->hooks = fdhooks_attach(p->skel, hooks, reason);
	if (!p->hooks)
		return -errno;
	p->hooks_kind = hooks;
	return 0;
}

enum fd_hooks probe_fd_hooks(const struct probe *p)
{
	return p->hooks_kind;
}

int probe_watch_writes(struct probe *p, bool on, struct reason *reason)
{
	if (on == (p->writes != NULL))
		return 0;
	/* Whoever panics is entered while the hooks are there, from the first to the last. */
	p->skel->bss->watch_writes = 0;
	writehooks_detach(p->writes, p->closer);
	p->writes = NULL;
	if (!on)
		return 0;
	p->writes = writehooks_attach(p->skel, p->closer, reason);
	if (!p->writes)
		return -errno;
	p->skel->bss->watch_writes = 1;
	return 0;
}

bool probe_watches_writes(const struct probe *p)
{
	return p->writes != NULL;
}

bool probe_followed(const struct probe *p, uint32_t id, uint64_t g, uint64_t panic)
{
	struct dfd_g_key key = { .g = g, .target = id };
	struct dfd_aftermath a;

	return !bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.aftermath_by_g), &key, &a) &&
	       a.panic >= panic;
}

/* Of the records, only those of record_submit_now() make it so. */
int probe_urgent_fd(const struct probe *p)
{
	return ring_buffer__epoll_fd(p->ring);
}

void probe_drain(struct probe *p, event_fn fn, void *arg)
{
	p->skel->data->clock_ns = loop_now_ns();
	p->fn = fn;
	p->arg = arg;
	(void)ring_buffer__consume(p->ring);
}

void probe_set_asleep(struct probe *p, bool asleep)
{
	p->skel->bss->asleep = asleep;
}

static void read_requests(struct probe *p, const struct slot *s, uint64_t now_ns, event_fn fn,
			  void *arg)
{
	struct event ev = {
		.type = EVENT_REQUESTS, .target = s->id, .pid = s->pid, .time_ns = now_ns
	};

	if (bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.requests_by_target), &s->id,
				&p->requests_buf))
		return;
	decode_requests(&p->requests_buf, &ev.requests);
	fn(arg, &ev);
}

/* Slot 0 counts what belongs to no target: lost exec, exit and fork records. */
static void read_counts(struct probe *p, struct slot *s, uint64_t now_ns, event_fn fn, void *arg)
{
	struct event ev = {
		.type = EVENT_COUNTS, .target = s->id, .pid = s->pid, .time_ns = now_ns
	};
	uint32_t i = DFD_TARGET_SLOT(s->id);
	uint64_t lost = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.counts_by_target), &i, p->counts_buf))
		return;
	decode_counts(p->counts_buf, p->ncpu, &ev.counts);
	if (s->id)
		fn(arg, &ev);
	if (s->has_requests)
		read_requests(p, s, now_ns, fn, arg);
	for (unsigned c = 0; c < p->ncpu; c++)
		lost += p->counts_buf[c].lost;
	if (lost > s->lost) {
		ev.type = EVENT_LOST;
		ev.lost = lost - s->lost;
		s->lost = lost;
		fn(arg, &ev);
	}
}

static void scan_counts(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	for (uint32_t i = 0; i <= p->opts.targets_max; i++) {
		if (i && p->slots[i].id)
			settle_links(p, &p->slots[i], now_ns);
		if (!i || p->slots[i].id)
			read_counts(p, &p->slots[i], now_ns, fn, arg);
	}
}

void probe_read_counts(struct probe *p, uint32_t id, uint64_t now_ns, event_fn fn, void *arg)
{
	struct slot *s = slot_of(p, id);

	if (s)
		read_counts(p, s, now_ns, fn, arg);
}

static bool scan_goroutine(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	const struct dfd_g_key *k = key;
	struct slot *s = slot_of(p, k->target);
	struct event ev = { .type = EVENT_GOROUTINE, .target = k->target, .time_ns = now_ns };

	if (!s)
		return true;
	ev.pid = s->pid;
	decode_goroutine(k, value, s->bias, p->skel->data->epoch, &ev.goroutine);
	p->fn(p->arg, &ev);
	return false;
}

/* Of a counter that has a value a CPU. */
static uint64_t sum_cpus(const struct probe *p, const uint64_t *per_cpu)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < p->ncpu; i++)
		sum += per_cpu[i];
	return sum;
}

static bool scan_site(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	const struct dfd_site_key *k = key;
	struct slot *s = slot_of(p, k->target);
	struct event ev = { .type = EVENT_SITE, .target = k->target, .time_ns = now_ns };

	if (!s)
		return true;
	ev.pid = s->pid;
	ev.site.pc = k->pc - s->bias;
	ev.site.lowering = decode_lowering(k->role);
	ev.site.registered = sum_cpus(p, value);
	p->fn(p->arg, &ev);
	return false;
}

static bool scan_recover(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	const struct dfd_recover_key *k = key;
	struct slot *s = slot_of(p, k->target);
	struct event ev = { .type = EVENT_RECOVER, .target = k->target, .time_ns = now_ns };

	if (!s)
		return true;
	ev.pid = s->pid;
	ev.recover.site = k->site - s->bias;
	ev.recover.caller = k->caller - s->bias;
	ev.recover.count = sum_cpus(p, value);
	p->fn(p->arg, &ev);
	return false;
}

static bool scan_fd(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	const struct dfd_fd_key *k = key;
	const struct dfd_fd_opened *o = value;
	struct slot *s = slot_of(p, k->target);
	struct event ev = { .type = EVENT_FD_OPENED, .target = k->target, .time_ns = now_ns };

	if (!s)
		return true;
	ev.pid = s->pid;
	decode_fd_opened(k, o, s->bias, &ev.fd_opened);
	return !p->keep_fd(p->keep_arg, &ev);
}

static bool scan_bad_close(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	const struct dfd_fd_key *k = key;
	struct slot *s = slot_of(p, k->target);
	struct event ev = { .type = EVENT_FD_BAD_CLOSE, .target = k->target, .time_ns = now_ns };

	if (!s)
		return true;
	ev.pid = s->pid;
	decode_fd_opened(k, value, s->bias, &ev.fd_opened);
	p->fn(p->arg, &ev);
	return false;
}

static void scan_bad_closes(struct probe *p, uint64_t now_ns)
{
	(void)walk_map(p, bpf_map__fd(p->skel->maps.bad_closes), sizeof(struct dfd_fd_key),
		       sizeof(struct dfd_fd_opened), scan_bad_close, now_ns);
}

void probe_read_fd_sites(struct probe *p, uint64_t now_ns,
			 bool (*keep)(void *arg, const struct event *ev), void *arg)
{
	p->keep_fd = keep;
	p->keep_arg = arg;
	(void)walk_map(p, bpf_map__fd(p->skel->maps.fds_opened), sizeof(struct dfd_fd_key),
		       sizeof(struct dfd_fd_opened), scan_fd, now_ns);
}

/* What is left of targets that are gone; nobody is told of the others. */
static bool scan_of_nobody(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	return !slot_of(p, ((const struct dfd_g_key *)key)->target);
}

/* The same, and where the map gets full what has ended: the next one makes its entry anew. */
static bool scan_request(struct probe *p, const void *key, const void *value, uint64_t now_ns)
{
	const struct dfd_request *r = value;

	return scan_of_nobody(p, key, value, now_ns) ||
	       (!r->begin_ns && p->requests > p->opts.goroutines_max / 2);
}

static void scan_recovers(struct probe *p, uint64_t now_ns)
{
	(void)walk_map(p, bpf_map__fd(p->skel->maps.recovers_by_site),
		       sizeof(struct dfd_recover_key), p->ncpu * sizeof(uint64_t), scan_recover,
		       now_ns);
}

static void scan_sites(struct probe *p, uint64_t now_ns)
{
	p->stats.sites =
		walk_map(p, bpf_map__fd(p->skel->maps.pushes_by_site), sizeof(struct dfd_site_key),
			 p->ncpu * sizeof(uint64_t), scan_site, now_ns);
}

/* May be called while the ring is drained. */
static void read_map(struct probe *p, void (*scan)(struct probe *p, uint64_t now_ns),
		     uint64_t now_ns, event_fn fn, void *arg)
{
	event_fn old_fn = p->fn;
	void *old_arg = p->arg;

	p->fn = fn;
	p->arg = arg;
	scan(p, now_ns);
	p->fn = old_fn;
	p->arg = old_arg;
}

void probe_read_bad_closes(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	read_map(p, scan_bad_closes, now_ns, fn, arg);
}

void probe_read_recovers(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	read_map(p, scan_recovers, now_ns, fn, arg);
}

void probe_read_sites(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	read_map(p, scan_sites, now_ns, fn, arg);
}

static void scan_ledger(struct probe *p, uint64_t now_ns)
{
	scan_recovers(p, now_ns);
	(void)walk_map(p, bpf_map__fd(p->skel->maps.panics_by_g), sizeof(struct dfd_g_key),
		       sizeof(struct dfd_panics), scan_of_nobody, now_ns);
	p->requests =
		walk_map(p, bpf_map__fd(p->skel->maps.requests_by_g), sizeof(struct dfd_g_key),
			 sizeof(struct dfd_request), scan_request, now_ns);
}

void probe_scan(struct probe *p, uint64_t now_ns, event_fn fn, void *arg)
{
	struct event ev = { .type = EVENT_SCAN_BEGIN, .time_ns = now_ns };

	p->fn = fn;
	p->arg = arg;
	p->skel->data->epoch++;
	fn(arg, &ev);
	scan_counts(p, now_ns, fn, arg);
	p->stats.goroutines =
		walk_map(p, bpf_map__fd(p->skel->maps.defers_by_g), sizeof(struct dfd_g_key),
			 sizeof(struct dfd_depth), scan_goroutine, now_ns);
	scan_sites(p, now_ns);
	scan_ledger(p, now_ns);
	ev.type = EVENT_SCAN_END;
	fn(arg, &ev);
}

void probe_forget(struct probe *p, uint32_t id, uint64_t g)
{
	struct dfd_g_key key = { .g = g, .target = id };

	(void)bpf_map_delete_elem(bpf_map__fd(p->skel->maps.defers_by_g), &key);
}

uint64_t probe_untracked(struct probe *p)
{
	_cleanup_free_ uint64_t *per_cpu = calloc(p->ncpu, sizeof(*per_cpu));
	uint32_t i = DFD_LOSS_STATE_MAP;

	if (!per_cpu || bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.losses), &i, per_cpu))
		return 0;
	return sum_cpus(p, per_cpu);
}

uint64_t probe_events(const struct probe *p)
{
	return p->stats.events;
}

void probe_get_stats(struct probe *p, struct probe_stats *ret_stats)
{
	_cleanup_free_ uint64_t *per_cpu = calloc(p->ncpu, sizeof(*per_cpu));

	for (uint32_t i = 0; per_cpu && i < DFD_LOSS_MAX; i++) {
		if (bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.losses), &i, per_cpu))
			continue;
		p->stats.lost[i] = sum_cpus(p, per_cpu);
	}
	p->stats.goroutines_max = p->opts.goroutines_max;
	p->stats.sites_max = p->opts.sites_max;
	p->stats.targets_max = p->opts.targets_max;
	p->stats.ring_bytes = p->opts.ring_bytes;
	*ret_stats = p->stats;
}
