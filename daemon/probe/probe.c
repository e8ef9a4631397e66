// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "probe/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/loop.h"
#include "event/decode.h"
#include "probe/loaded.h"

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
	s = target_slot(p, h.target);
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
	err |= bpf_map__set_max_entries(skel->maps.counts_by_target, o->targets_max + 1);
	err |= bpf_map__set_max_entries(skel->maps.target_by_tgid, o->targets_max + 1);
	err |= bpf_map__set_max_entries(skel->maps.defers_by_g, o->goroutines_max);
	err |= bpf_map__set_max_entries(skel->maps.requests_by_g, o->goroutines_max);
	err |= bpf_map__set_max_entries(skel->maps.requests_by_goid, o->goroutines_max);
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
		bpf_program__set_autoload(s->progs.fexit__get_unused_fd_flags, false);
		bpf_program__set_autoload(s->progs.fexit__dup2, false);
		bpf_program__set_autoload(s->progs.fexit__dup3, false);
		bpf_program__set_autoload(s->progs.fexit__inotify_add_watch, false);
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

void probe_close(struct probe *p)
{
	if (!p)
		return;
	for (uint32_t i = 1; p->slots && p->closer && i <= p->opts.targets_max; i++) {
		if (p->slots[i].id) {
			links_close(p, &p->slots[i]);
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

/* Of a counter that has a value a CPU. */
uint64_t probe_sum_cpus(const struct probe *p, const uint64_t *per_cpu)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < p->ncpu; i++)
		sum += per_cpu[i];
	return sum;
}

uint64_t probe_untracked(struct probe *p)
{
	_cleanup_free_ uint64_t *per_cpu = calloc(p->ncpu, sizeof(*per_cpu));
	uint32_t i = DFD_LOSS_STATE_MAP;

	if (!per_cpu || bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.losses), &i, per_cpu))
		return 0;
	return probe_sum_cpus(p, per_cpu);
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
		p->stats.lost[i] = probe_sum_cpus(p, per_cpu);
	}
	p->stats.goroutines_max = p->opts.goroutines_max;
	p->stats.sites_max = p->opts.sites_max;
	p->stats.targets_max = p->opts.targets_max;
	p->stats.ring_bytes = p->opts.ring_bytes;
	*ret_stats = p->stats;
}
