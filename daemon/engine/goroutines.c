// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A census of one target: its memory, its layout, and its addresses as the file has them. */
#include <errno.h>
#include <string.h>

#include "engine/engine_priv.h"

struct unbiased {
	uint64_t bias;
	void (*fn)(void *arg, const struct census_goroutine *g);
	void *arg;
};

static void take_off(uint64_t *addr, uint64_t bias)
{
	if (*addr)
		*addr -= bias;
}

static void on_goroutine(void *arg, const struct census_goroutine *in)
{
	const struct unbiased *u = arg;
	struct census_goroutine g = *in;

	take_off(&g.created_at, u->bias);
	take_off(&g.start, u->bias);
	for (unsigned i = 0; i < g.nstack; i++)
		take_off(&g.stack[i], u->bias);
	u->fn(u->arg, &g);
}

struct leaf {
	struct engine *e;
	uint32_t image_id;
	uint64_t bias;
};

static int frame_at(void *arg, uint64_t pc, uint32_t *ret)
{
	const struct leaf *l = arg;
	const struct name *n = model_site_name(l->e->model, l->image_id, pc - l->bias);

	if (!n || !n->has_frame)
		return -ENOENT;
	*ret = n->frame;
	return 0;
}

/* Why there can be no census; 0: there can. */
static int check(const struct watch *w, struct reason *reason)
{
	const struct image_report *r = w ? w->image->report : NULL;

	if (!w)
		return reason_set(reason, -ESRCH, "it is not observed");
	if (r->kind != IMAGE_GO)
		return reason_set(reason, -ENOTSUP, "it is no Go program");
	if (!r->has_layout)
		return reason_set(reason, -ENOTSUP, "%s", r->reason);
	if (!r->allgs_len)
		return reason_set(reason, -ENOTSUP,
				  "the list of goroutines was not found in its code");
	if (w->layout != LAYOUT_CONFIRMED)
		return reason_set(reason, -EBADMSG,
				  "the runtime's layout was not confirmed in its memory");
	return 0;
}

int engine_goroutines(struct engine *e, pid_t pid,
		      void (*fn)(void *arg, const struct census_goroutine *g), void *arg,
		      uint32_t *ret_image_id, struct census_summary *ret, struct reason *reason)
{
	struct watch *w = watch_of_pid(e, pid);
	int err = check(w, reason);
	struct unbiased u = { .fn = fn, .arg = arg };
	struct leaf leaf = { .e = e };
	struct census_frames frames = { .frame = frame_at, .arg = &leaf };
	const struct image_report *r;
	struct census_where where;
	struct memread mem;

	if (err)
		return err;
	r = w->image->report;
	u.bias = leaf.bias = w->bias;
	leaf.image_id = w->image->id;
	where = (struct census_where){
		.allgs_len = r->allgs_len + w->bias,
		.allgs_list = r->allgs_list + w->bias,
		.wait_reasons = r->wait_reasons ? r->wait_reasons + w->bias : 0,
		.n_wait_reasons = r->n_wait_reasons,
	};
	mem = memread_fd(&w->memfd);
	memset(ret, 0, sizeof(*ret));
	*ret_image_id = w->image->id;
	ret->begin_ns = loop_now_ns();
	(void)census_reasons(&mem, &where, ret->reasons);
	err = census_read(&mem, &r->layout, &where, &frames, on_goroutine, &u, &ret->stats, reason);
	ret->took_ns = loop_now_ns() - ret->begin_ns;
	return err;
}
