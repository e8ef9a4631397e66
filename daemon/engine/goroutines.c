// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The census of a target: its memory, its layout, and its addresses as the file has them. */
#include <errno.h>

#include "engine/engine_priv.h"

/* The innermost function, whose frame may not be made yet. */
static int frame_at(void *arg, uint64_t pc, uint32_t *ret)
{
	const struct watch *w = arg;
	const struct name *n = model_site_name(w->engine->model, w->image->id, pc);

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

static struct census *new_census(struct watch *w)
{
	const struct image_report *r = w->image->report;
	struct census_opts opts = {
		.mem = memread_process(&w->memory),
		.layout = &r->layout,
		.where = {
			.allgs_len = r->allgs_len + w->bias,
			.allgs_list = r->allgs_list + w->bias,
			.wait_reasons = r->wait_reasons ? r->wait_reasons + w->bias : 0,
			.n_wait_reasons = r->n_wait_reasons,
		},
		.frames = { .frame = frame_at, .arg = w },
		.bias = w->bias,
		.groups_max = GROUPS_MAX,
	};

	return census_new(&opts);
}

static int take_all(struct watch *w, struct reason *reason)
{
	int more = census_begin(w->census, loop_now_ns(), reason);

	if (!more) {
		do
			more = census_step(w->census, loop_now_ns(), reason);
		while (more > 0);
	}
	return more;
}

int engine_census(struct engine *e, pid_t pid, struct engine_census *ret, struct reason *reason)
{
	struct watch *w = watch_of_pid(e, pid);
	uint64_t begin_ns = loop_now_ns();
	int err = check(w, reason);

	if (err)
		return err;
	if (!w->census)
		w->census = new_census(w);
	if (!w->census)
		return reason_set(reason, -ENOMEM, "out of memory");
	err = take_all(w, reason);
	if (err)
		return err;
	*ret = (struct engine_census){ .census = w->census,
				       .image_id = w->image->id,
				       .took_ns = loop_now_ns() - begin_ns };
	return 0;
}
