// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/trace_view.h"

#include "export/lines.h"
#include "export/panics.h"
#include "export/words.h"

static void add_call(json_t *o, struct model *m, uint32_t image_id, enum runtime_kind runtime,
		     const struct event *ev)
{
	const struct event_call *c = &ev->call;

	set_str(o, "event", view_call_names[c->kind]);
	if (c->kind == CALL_PUSH)
		set_str(o, "lowering", view_lowering_names[c->lowering]);
	if (c->lowering != LOWERING_C)
		set_int(o, "goroutine", c->goid);
	set_int(o, "depth", c->depth);
	set(o, "exact", json_boolean(!c->inferred));
	if (c->kind == CALL_RUN)
		set_int(o, "ran", c->ran);
	if (image_id && c->fn) {
		const struct name *n = model_name(m, image_id, NAME_OF_FUNCTION, c->fn);

		set(o, "deferred", view_line(n ? &n->at : NULL));
	}
	if (image_id && c->nstack)
		set(o, "site",
		    view_line(model_user_frame(m, image_id, runtime, c->stack, c->nstack)));
	set(o, "stack", image_id ? view_stack(m, image_id, c->stack, c->nstack) : json_array());
}

static void add_panic(json_t *o, struct model *m, uint32_t image_id, enum runtime_kind runtime,
		      const struct event *ev)
{
	const struct event_panic *p = &ev->panic;
	json_t *closed = json_array();

	set_str(o, "event", view_step_names[p->step]);
	if (!p->c)
		set_int(o, "goroutine", p->goid);
	if (p->step == PANIC_STARTED)
		set_int(o, "id", p->id);
	for (unsigned i = 0; i < p->nclosed; i++) {
		json_t *c = json_object();

		set_int(c, "id", p->closed[i].id);
		set_str(c, "outcome", view_outcome_names[p->closed[i].outcome]);
		json_array_append_new(closed, c);
	}
	set(o, "closed", closed);
	if (!image_id)
		return;
	(void)view_panic_value(o, m, image_id, p);
	if (p->frame)
		set(o, "recovered_in", view_site(m, image_id, p->frame));
	if (p->nstack)
		set(o, "site",
		    view_line(model_user_frame(m, image_id, runtime, p->stack, p->nstack)));
	set(o, "stack", view_stack(m, image_id, p->stack, p->nstack));
}

json_t *view_event(struct model *m, uint32_t image_id, enum runtime_kind runtime,
		   const struct event *ev)
{
	json_t *o = json_object();

	set_int(o, "time_ns", ev->time_ns);
	set_int(o, "pid", ev->pid);
	set_int(o, "tid", ev->tid);
	switch (ev->type) {
	case EVENT_DEPTH:
		add_call(o, m, image_id, runtime, ev);
		set_str(o, "event", "crossing");
		break;
	case EVENT_PANIC:
		add_panic(o, m, image_id, runtime, ev);
		break;
	case EVENT_CALL:
		add_call(o, m, image_id, runtime, ev);
		break;
	case EVENT_FD:
		set_str(o, "event", ev->fd.closing ? "close" : "open");
		set_int(o, "syscall", ev->fd.syscall);
		set(o, "fd", json_integer(ev->fd.fd));
		set(o, "result", json_integer(ev->fd.ret));
		break;
	case EVENT_LOST:
		set_str(o, "event", "lost");
		set_int(o, "records", ev->lost);
		break;
	case EVENT_TARGET:
		set_str(o, "event", "target");
		set_str(o, "service", ev->info.service);
		set_str(o, "version", ev->info.version);
		set_str(o, "state", view_state_names[ev->info.state]);
		set_str(o, "reason", ev->info.reason);
		break;
	default:
		json_decref(o);
		return NULL;
	}
	return o;
}
