// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "probe/links.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/loop.h"
#include "probe/kernel.h"
#include "probe/loaded.h"

#define CHANGE_NS 2000000000ull /* a closed link is gone long before that */

void links_close(struct probe *p, struct slot *s)
{
	closer_close_fd(p->closer, s->multi_link);
	s->multi_link = -1;
	closer_close_links(p->closer, s->perf, s->n_perf);
	s->n_perf = 0;
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

	err = target_slot_free(p, &i);
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
	err = target_write(p, s, t);
	if (!err)
		err = attach_points(p, s, t, reason);
	if (err) {
		links_close(p, s);
		target_erase(p, s);
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
	struct slot *s = target_slot(p, id);

	if (!s)
		return;
	links_close(p, s);
	closer_close_fd(p->closer, s->requests_link);
	forget_new_points(p, s);
	target_erase(p, s);
	s->id = 0;
	p->stats.targets--;
	/*
	 * Entries of maps by goroutine and by site are of an id that is gone: the next scan removes
	 * them.
	 */
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
	err = target_put(p, v, reason);
	if (!err)
		err = attach_points(p, fresh, t, reason);
	if (!err)
		tell_new_points(p, fresh, t);
	if (!err) {
		v->gen = v->new_gen;
		v->hits_max = t->hits_max;
		*ret_ns = loop_now_ns();
		err = target_put(p, v, reason);
	}
	if (err) {
		forget_new_points(p, fresh);
		links_close(p, fresh);
	}
	return err;
}

int probe_set_points(struct probe *p, uint32_t id, const struct probe_target *t, uint64_t *ret_ns,
		     struct reason *reason)
{
	struct slot *s = target_slot(p, id), fresh;
	struct dfd_target v;
	int err;

	if (!target_get(p, s, &v))
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
	links_close(p, s);
	*s = fresh;
	return 0;
}

/* What was closed then is gone by now: hits need no second thought any more. */
void links_settle(struct probe *p, struct slot *s, uint64_t now_ns)
{
	struct dfd_target v;

	if (!s->changed_ns || now_ns - s->changed_ns < CHANGE_NS || !target_get(p, s, &v))
		return;
	v.changing = 0;
	s->changed_ns = 0;
	forget_new_points(p, s);
	(void)target_put(p, &v, NULL);
}

/* From `since_ns` on, CLOCK_MONOTONIC; 0: not any more. */
static int put_requests_since(struct probe *p, const struct slot *s, uint64_t since_ns,
			      struct reason *reason)
{
	struct dfd_target v;

	if (!target_get(p, s, &v))
		return reason_set(reason, -ESRCH, "the target is gone");
	v.requests_since_ns = since_ns;
	return target_put(p, &v, reason);
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
	struct slot *s = target_slot(p, id);
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
