// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/turn.h"

void turn_emit(struct turn *turn, const struct event *ev)
{
	model_apply(turn->model, ev);
	if (turn->opts->recorder)
		recorder_event(turn->opts->recorder, ev);
	if (turn->opts->on_event)
		turn->opts->on_event(turn->opts->arg, ev);
}

void turn_take(void *turn, const struct event *ev)
{
	turn_emit(turn, ev);
}

struct event turn_event(const struct turn *turn, const struct watch *w, enum event_type type)
{
	return (struct event){
		.type = type, .target = w->id, .pid = (uint32_t)w->pid, .time_ns = turn->now_ns
	};
}

bool turn_multi(const struct turn *turn)
{
	return turn->features->have[KERNEL_UPROBE_MULTI];
}

bool turn_has_budget(const struct turn *turn, const struct watch *w)
{
	return w->wish.budget_percent > 0 && turn->features->hit_ns[0] && !turn->opts->trace;
}

void turn_ask_census(struct watch *w)
{
	if (w)
		w->census_asked = true;
}

void turn_announce(struct turn *turn, struct watch *w)
{
	struct event ev = turn_event(turn, w, EVENT_TARGET);
	char reason[WATCH_REASON_MAX];

	w->announce = false;
	watch_event(w, turn_multi(turn), config_p95_of(turn->config, w->service), reason, &ev.info);
	turn_emit(turn, &ev);
}

void turn_mark(struct turn *turn, enum recorded_mark mark)
{
	if (turn->opts->recorder)
		recorder_mark(turn->opts->recorder, mark, turn->now_ns);
}
