// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/points.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/arch.h"

_Static_assert(WISH_PERF_POINTS == PROBE_PERF_POINTS_MAX, "points that are perf events");

/* The planned bytes must stand in the file and in the process: either may have been replaced. */
static int verify(const struct watch *w, const struct probe_point *pt, struct reason *reason)
{
	uint8_t file[16], mem[16];
	size_t n = pt->insn_len;

	if (pread(w->image->exe_fd, file, n, pt->file_off) != (ssize_t)n ||
	    memcmp(file, pt->bytes, n))
		return reason_set(reason, -EBADMSG,
				  "the file changed at %s+0x%x since it was inspected",
				  pt->function, pt->offset);
	if (pread(w->memory.fd, mem, n, pt->va + w->bias) != (ssize_t)n)
		return reason_set(reason, -ESRCH, "memory at %s+0x%x cannot be read", pt->function,
				  pt->offset);
	/* Another tracer or a debugger may have its own there: the kernel copes with several. */
	arch_lift_breakpoint(mem, file);
	if (memcmp(mem, file, n))
		return reason_set(
			reason, -EBADMSG,
			"memory differs from the file at %s+0x%x: is the program patched?",
			pt->function, pt->offset);
	return 0;
}

static int points_init(struct points *p, struct reason *reason)
{
	*p = (struct points){ .list = malloc(PROBE_POINTS_MAX * sizeof(*p->list)) };
	return p->list ? 0 : reason_set(reason, -ENOMEM, "out of memory");
}

void points_done(struct points *p)
{
	free(p->list);
	*p = (struct points){};
}

static int add(const struct watch *w, struct points *p, const struct probe_point *pt,
	       struct reason *reason)
{
	int err = verify(w, pt, reason);

	if (!err)
		p->list[p->n++] = *pt;
	return err;
}

static int add_planned(const struct watch *w, const enum wish_point *decided, struct points *p,
		       struct reason *reason)
{
	const struct plan *plan = &w->image->report->plan;

	for (unsigned i = 0; i < plan->n; i++) {
		int err = 0;

		/* Those of requests have a link of their own. */
		if (!(plan->points[i].sets & (PLAN_SET_LEAN | PLAN_SET_FULL)))
			continue;
		if (decided[i] == WISH_ATTACHED)
			err = add(w, p, &plan->points[i], reason);
		if (err)
			return err;
		p->attached |=
			(uint32_t)(decided[i] == WISH_ATTACHED || decided[i] == WISH_BY_CALLS) << i;
	}
	return 0;
}

static int add_calls(const struct watch *w, const struct wish *wish, bool multi, struct points *p,
		     struct reason *reason)
{
	struct wish_image im = watch_image(w);
	int err = 0;

	for (uint32_t i = 0; i < im.n_calls && !err; i++) {
		struct probe_point pt;

		if (!wish_call(wish, &im, multi, i))
			continue;
		callsite_point(&im.calls[i], &pt);
		err = add(w, p, &pt, reason);
		p->n_calls += !err;
	}
	return err;
}

int points_choose(const struct turn *turn, const struct watch *w, const struct wish *wish,
		  struct points *ret, struct reason *reason)
{
	enum wish_point decided[PLAN_POINTS_MAX];
	struct wish_image im = watch_image(w);
	bool multi = turn_multi(turn);
	int err = points_init(ret, reason);

	if (err || w->state == TARGET_FAILED || w->image->report->error)
		return err;
	wish_points(wish, &im, multi, decided);
	err = add_planned(w, decided, ret, reason) ?: add_calls(w, wish, multi, ret, reason);
	if (err)
		points_done(ret);
	return err;
}

int points_requests(const struct watch *w, struct points *ret, struct reason *reason)
{
	const struct plan *plan = &w->image->report->plan;
	int err = points_init(ret, reason);

	for (unsigned i = 0; i < plan->n && !err; i++) {
		if (plan->points[i].sets & PLAN_SET_REQUESTS)
			err = add(w, ret, &plan->points[i], reason);
	}
	if (err)
		points_done(ret);
	return err;
}

struct probe_target points_target(const struct turn *turn, const struct watch *w,
				  const struct wish *wish, const struct points *p)
{
	const struct image_report *r = w->image->report;

	return (struct probe_target){
		.pid = w->pid,
		.runtime = watch_runtime(w),
		.exe_fd = w->image->exe_fd,
		.bias = w->bias,
		.injected = r->injected,
		.layout = r->has_layout && !r->layout.unverified ? &r->layout : NULL,
		.errors = r->kind == IMAGE_GO ? r->errors : NULL,
		.points = p->list,
		.n = p->n,
		.hits_max = wish_hits_max(wish, turn->features->hit_ns),
		.stepped_hits = wish_stepped_hits(turn->features->hit_ns),
		.trace = turn->opts->trace,
	};
}
