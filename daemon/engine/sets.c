// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/sets.h"

#include <errno.h>
#include <string.h>

#include <deferd/control.h>

#define SECOND 1000000000ull

/* Of a process with CONFIG_PROBES_BURST. */
struct burst {
	bool on;          /* as it was wished last */
	uint64_t turn_ns; /* when that changes; 0: not known yet */
};

int sets_init(struct sets *s, unsigned targets_max)
{
	return slots_init(&s->bursts, sizeof(struct burst), targets_max, NULL);
}

void sets_done(struct sets *s)
{
	slots_done(&s->bursts);
}

/* All of the new set, whatever the budget had left of the old one. */
static void wish_for_set(struct watch *w, int set, bool chosen)
{
	struct wish *to = &w->wish;

	to->chosen = chosen;
	if (to->set == set)
		return;
	to->set = set;
	to->burst = false;
	to->level = BUDGET_WHOLE;
}

static void wish_for_budget(const struct turn *turn, struct watch *w, double percent)
{
	w->wish.budget_percent = turn->opts->trace ? 0 : percent;
}

void sets_configure(const struct turn *turn, struct watch *w)
{
	struct config_probes p = config_probes_of(turn->config, w->service);

	wish_for_set(w, p.set, false);
	wish_for_budget(turn, w, p.budget_percent);
}

int sets_choose(const struct turn *turn, struct watch *w, const char *set, struct reason *reason)
{
	struct config_probes p = config_probes_of(turn->config, w->service);
	bool chosen = strcmp(set, "default") != 0;
	int to = chosen ? config_probe_set_of(set) : p.set;

	if (to < 0)
		return reason_set(reason, -EINVAL,
				  "'%s' is not a probe set: off, lean, full, burst or default",
				  set);
	if ((to == CONFIG_PROBES_FULL || to == CONFIG_PROBES_BURST) && !turn_multi(turn))
		return reason_set(
			reason, -ENOTSUP,
			"the full set needs uprobe_multi (Linux 6.6): the lean set stays");
	wish_for_set(w, to, chosen);
	return 0;
}

void sets_reload(const struct turn *turn)
{
	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next) {
		struct config_probes p = config_probes_of(turn->config, w->service);

		if (!w->wish.chosen)
			wish_for_set(w, p.set, false);
		wish_for_budget(turn, w, p.budget_percent);
	}
}

/* Not all at the same time; one that was chosen by a command, at once. */
static uint64_t first_turn(const struct turn *turn, const struct watch *w)
{
	unsigned wait = w->wish.chosen ? 0 : DFD_TARGET_SLOT(w->id) % WISH_BURST_EVERY_S;

	return turn->now_ns + wait * SECOND;
}

/* Half a second early, for the tick of the second that is due. */
static uint64_t next_turn(const struct turn *turn, bool on)
{
	return turn->now_ns + (on ? SECOND : (WISH_BURST_EVERY_S - 1) * SECOND) - SECOND / 2;
}

static void turn_burst(struct burst *b, const struct turn *turn, struct watch *w)
{
	if (!b->turn_ns)
		b->turn_ns = first_turn(turn, w);
	/* It was refused, or the budget has ended it. */
	if (b->on != w->wish.burst)
		b->turn_ns = next_turn(turn, w->wish.burst);
	if (turn->now_ns >= b->turn_ns) {
		w->wish.burst = !w->wish.burst;
		b->turn_ns = next_turn(turn, w->wish.burst);
	}
	b->on = w->wish.burst;
}

void sets_tick(struct sets *s, const struct turn *turn)
{
	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next) {
		if (w->wish.set == CONFIG_PROBES_BURST && w->wish.level == BUDGET_WHOLE &&
		    turn_multi(turn))
			turn_burst(slots_of(&s->bursts, w->id), turn, w);
	}
}
