// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "probe/loaded.h"
#include "probe/targets.h"

struct slot *target_slot(const struct probe *p, uint32_t id)
{
	uint32_t i = DFD_TARGET_SLOT(id);

	return id && i <= p->opts.targets_max && p->slots[i].id == id ? &p->slots[i] : NULL;
}

int target_slot_free(struct probe *p, uint32_t *ret_i)
{
	for (uint32_t i = 1; i <= p->opts.targets_max; i++) {
		if (!p->slots[i].id) {
			*ret_i = i;
			return 0;
		}
	}
	return -ENOSPC;
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

static void put_layout(struct slot *s, struct dfd_target *v, const struct go_layout *l)
{
	v->parent_off = l ? l->g.parent_goid : DFD_ABSENT;
	s->own_only = v->parent_off == DFD_ABSENT;
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
		.g_m = l->g.m,
		.m_curg = l->m.curg,
		.g_sched_sp = l->g.sched_sp,
		.g_sched_pc = l->g.sched_pc,
		.g_sched_bp = l->g.sched_bp,
	};
}

/* Types of errors: without room for one its values are not told. */
static void write_shapes(struct probe *p, struct slot *s, const struct probe_target *t)
{
	for (unsigned i = 1; t->errors && i < GOERRORS_MAX; i++) {
		struct goerror_shape from = goerror_shape((uint8_t)i);
		struct dfd_shape_key key = { .type = t->errors[i] + t->bias, .target = s->id };
		struct dfd_shape shape = { .known = (uint8_t)i,
					   .flat = goerror_is_flat((uint8_t)i),
					   .words = from.words,
					   .n_texts = from.n_texts,
					   .n_errors = from.n_errors,
					   .is_list = from.is_list };

		if (!t->errors[i])
			continue;
		memcpy(shape.texts, from.texts, sizeof(shape.texts));
		memcpy(shape.errors, from.errors, sizeof(shape.errors));
		if (!bpf_map_update_elem(bpf_map__fd(p->skel->maps.shapes), &key, &shape, BPF_ANY))
			s->errors[i] = key.type;
	}
}

static void erase_shapes(struct probe *p, const struct slot *s)
{
	for (unsigned i = 0; i < GOERRORS_MAX; i++) {
		struct dfd_shape_key key = { .type = s->errors[i], .target = s->id };

		if (key.type)
			(void)bpf_map_delete_elem(bpf_map__fd(p->skel->maps.shapes), &key);
	}
}

int target_write(struct probe *p, struct slot *s, const struct probe_target *t)
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

	if (t->runtime == RUNTIME_GO)
		put_layout(s, &v, t->layout);
	write_shapes(p, s, t);
	memset(p->counts_buf, 0, p->ncpu * sizeof(*p->counts_buf));
	if (bpf_map_update_elem(bpf_map__fd(p->skel->maps.counts_by_target), &i, p->counts_buf,
				BPF_ANY) ||
	    bpf_map_update_elem(bpf_map__fd(p->skel->maps.targets), &i, &v, BPF_ANY) ||
	    bpf_map_update_elem(bpf_map__fd(p->skel->maps.target_by_tgid), &tgid, &v.id, BPF_ANY))
		return -errno;
	return 0;
}

/* False: there is no such target any more. */
bool target_get(const struct probe *p, const struct slot *s, struct dfd_target *ret)
{
	uint32_t i;

	if (!s)
		return false;
	i = DFD_TARGET_SLOT(s->id);
	return !bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.targets), &i, ret);
}

int target_put(struct probe *p, const struct dfd_target *v, struct reason *reason)
{
	uint32_t i = DFD_TARGET_SLOT(v->id);

	if (bpf_map_update_elem(bpf_map__fd(p->skel->maps.targets), &i, v, BPF_ANY))
		return reason_set(reason, -errno, "changing the target: %s", strerror(errno));
	return 0;
}

void probe_set_layout(struct probe *p, uint32_t id, const struct go_layout *layout, bool panics)
{
	struct dfd_target v;

	if (!target_get(p, target_slot(p, id), &v))
		return;
	v.flags &= ~(DFD_TARGET_BLIND | DFD_TARGET_NO_PANICS);
	put_layout(target_slot(p, id), &v, layout);
	if (!panics)
		v.flags |= DFD_TARGET_NO_PANICS;
	(void)target_put(p, &v, NULL);
}

void probe_set_hits_max(struct probe *p, uint32_t id, uint32_t hits_max)
{
	struct dfd_target v;

	if (!target_get(p, target_slot(p, id), &v) || v.hits_max == hits_max)
		return;
	v.hits_max = hits_max;
	(void)target_put(p, &v, NULL);
}

void probe_set_fd_sites(struct probe *p, uint32_t id, bool on)
{
	struct dfd_target v;

	if (!target_get(p, target_slot(p, id), &v) || on == !!(v.flags & DFD_TARGET_FD_SITES))
		return;
	v.flags ^= DFD_TARGET_FD_SITES;
	(void)target_put(p, &v, NULL);
}

void target_erase(struct probe *p, const struct slot *s)
{
	uint32_t i = DFD_TARGET_SLOT(s->id), tgid = s->pid;
	struct dfd_target none = {};

	(void)bpf_map_update_elem(bpf_map__fd(p->skel->maps.targets), &i, &none, BPF_ANY);
	(void)bpf_map_delete_elem(bpf_map__fd(p->skel->maps.target_by_tgid), &tgid);
	erase_shapes(p, s);
	if (s->has_requests)
		(void)bpf_map_delete_elem(bpf_map__fd(p->skel->maps.requests_by_target), &s->id);
}
