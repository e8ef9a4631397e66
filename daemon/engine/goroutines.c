// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/goroutines.h"

#include <errno.h>

#include "base/log.h"
#include "base/loop.h"
#include "census/census.h"
#include "engine/goroutine_events.h"
#include "engine/schedule.h"

#define MS              1000000ull
#define STRETCH_NS      (8 * MS)    /* of each turn, 50 ms */
#define NAMES_NS        (1000 * MS) /* to name the functions that goroutines began in */
#define QUIET_INTERVALS 6

/* What is remembered of one process. */
struct count {
	struct turn *turn;
	struct watch *watch;
	struct census *c; /* NULL before the first */
	struct schedule schedule;
	uint64_t spent_ns; /* by the one that runs */
	uint64_t
		names_until_ns; /* it is complete, and its functions are being named; 0: it is not */
};

static void count_clear(void *entry)
{
	census_free(((struct count *)entry)->c);
}

int goroutines_init(struct censuses *cs, unsigned targets_max)
{
	*cs = (struct censuses){};
	return slots_init(&cs->processes, sizeof(struct count), targets_max, count_clear);
}

void goroutines_done(struct censuses *cs)
{
	slots_done(&cs->processes);
}

static struct count *count_of(struct censuses *cs, struct turn *turn, struct watch *w)
{
	struct count *m = slots_of(&cs->processes, w->id);

	m->turn = turn;
	m->watch = w;
	return m;
}

/* The innermost function, whose frame may not be made yet. */
static int frame_at(void *arg, uint64_t pc, uint32_t *ret)
{
	const struct count *m = arg;
	const struct name *n = model_site_name(m->turn->model, m->watch->image->id, pc);

	if (!n || !n->has_frame)
		return -ENOENT;
	*ret = n->frame;
	return 0;
}

static int place_of(void *arg, const uint64_t *stack, unsigned n, uint64_t *ret_place,
		    bool *ret_direct)
{
	const struct count *m = arg;
	bool known = model_own_place(m->turn->model, m->watch->image->id, stack, n, ret_place,
				     ret_direct);

	return known ? 0 : -ENOENT;
}

/* Why there can be no census; 0: there can. */
static int check_watch(const struct watch *w, struct reason *reason)
{
	const struct image_report *r = w ? w->image->report : NULL;

	if (!w)
		return reason_set(reason, -ESRCH, "the process is not observed");
	if (r->kind != IMAGE_GO)
		return reason_set(reason, -ENOTSUP, "the process is not a Go program");
	if (!r->has_layout)
		return reason_set(reason, -ENOTSUP, "%s", r->reason);
	if (w->layout == LAYOUT_BELIEVED)
		return reason_set(reason, -ENOTSUP,
				  "the list of goroutines was found neither in its code nor in its "
				  "data");
	if (w->layout != LAYOUT_CONFIRMED)
		return reason_set(reason, -EBADMSG,
				  "the runtime's layout was not confirmed in its memory");
	return 0;
}

/* NULL: out of memory. */
static struct census *census_of(struct count *m)
{
	struct watch *w = m->watch;
	const struct image_report *r = w->image->report;
	struct census_opts opts = {
		.mem = memread_process(&w->memory),
		.layout = &r->layout,
		.where = {
			.allgs_len = w->allgs_len,
			.allgs_list = w->allgs_list,
			.wait_reasons = r->wait_reasons ? r->wait_reasons + w->bias : 0,
			.n_wait_reasons = r->n_wait_reasons,
			.semtable = r->semtable ? r->semtable + w->bias : 0,
		},
		.frames = { .frame = frame_at, .arg = m },
		.places = { .place = place_of, .arg = m },
		.injected = r->injected,
		.open = { .list = w->image->open,
			  .n = w->image->n_open,
			  .complete = w->image->open_complete,
			  .text = r->text },
		.bias = w->bias,
		.clock_ns = w->clock_ns,
		.groups_max = GROUPS_MAX,
		.quiet_ns = QUIET_INTERVALS * m->turn->config->census.interval_ns,
	};

	if (!m->c)
		m->c = census_new(&opts);
	return m->c;
}

/* For a command: all of it, now */

int goroutines_count(struct censuses *cs, struct turn *turn, struct watch *w,
		     struct show_census *ret, struct reason *reason)
{
	uint64_t begin_ns = loop_now_ns();
	int more = check_watch(w, reason);
	struct census *c;

	if (more)
		return more;
	c = census_of(count_of(cs, turn, w));
	if (!c)
		return reason_set(reason, -ENOMEM, "out of memory");
	more = census_begin(c, begin_ns, reason) ?: 1;
	while (more > 0)
		more = census_step(c, loop_now_ns(), reason);
	if (more)
		return more;
	*ret = (struct show_census){ .census = c,
				     .image_id = w->image->id,
				     .survey = goroutine_events_survey,
				     .took_ns = loop_now_ns() - begin_ns };
	return 0;
}

int goroutines_last(struct censuses *cs, struct turn *turn, struct watch *w,
		    struct show_census *ret, struct reason *reason)
{
	int err = check_watch(w, reason);
	struct count *m;

	if (err)
		return err;
	if (!turn->config->census.enabled)
		return reason_set(reason, -ENOTSUP, "census.enabled is false");
	m = count_of(cs, turn, w);
	if (!m->c || !census_summary(m->c))
		return reason_set(reason, -EAGAIN, "no census yet");
	*ret = (struct show_census){ .census = m->c,
				     .image_id = w->image->id,
				     .survey = goroutine_events_survey,
				     .took_ns = m->schedule.cost_ns };
	return 0;
}

/* By itself, a stretch at a time */

/* So that all of them together keep to the budget. */
static uint64_t interval(struct censuses *cs, struct turn *turn)
{
	uint64_t cost_ns = 0;

	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next)
		cost_ns += count_of(cs, turn, w)->schedule.cost_ns;
	return schedule_interval(cost_ns, turn->config->census.budget_percent,
				 turn->config->census.interval_ns, turn->stretch);
}

static struct count *next_due(struct censuses *cs, struct turn *turn)
{
	struct count *next = NULL;

	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next) {
		struct count *m = count_of(cs, turn, w);

		if (w->layout != LAYOUT_CONFIRMED || m->names_until_ns ||
		    !schedule_is_due(&m->schedule, w->census_asked, turn->now_ns))
			continue;
		if (!next || schedule_before(&m->schedule, w->census_asked, &next->schedule,
					     next->watch->census_asked))
			next = m;
	}
	return next;
}

static void fail_census(struct count *m, int err, const struct reason *reason)
{
	bool news = err != -ESRCH; /* else its exit is on its way */
	struct log_line l;

	census_free(m->c);
	m->c = NULL;
	m->turn->stats.census_failures += news;
	news &= schedule_failed(&m->schedule, m->turn->now_ns);
	if (!news)
		return;
	watch_log_begin(&l, LOG_WARN, "the census of its goroutines failed; next try in a minute",
			m->watch);
	log_str(&l, "reason", reason->text);
	log_emit(&l);
}

static void complete_census(struct censuses *cs, struct count *m)
{
	struct turn *turn = m->turn;

	m->schedule.cost_ns = m->spent_ns;
	schedule_completed(&m->schedule, census_summary(m->c)->begin_ns, m->spent_ns,
			   interval(cs, turn), turn->now_ns);
	m->names_until_ns = turn->now_ns + NAMES_NS;
	turn->stats.censuses++;
	turn->stats.census_ns += m->spent_ns;
}

static int begin_census(struct count *m, uint64_t now_ns, struct reason *reason)
{
	m->spent_ns = 0;
	m->watch->census_asked = false;
	if (!census_of(m))
		return reason_set(reason, -ENOMEM, "out of memory");
	return census_begin(m->c, now_ns, reason) ?: 1;
}

static void advance(struct censuses *cs, struct count *m)
{
	uint64_t begin_ns = loop_now_ns(), now_ns = begin_ns;
	struct reason reason = {};
	int more = 1;

	if (!m->c || !census_running(m->c))
		more = begin_census(m, begin_ns, &reason);
	while (more > 0 && now_ns - begin_ns < STRETCH_NS) {
		more = census_step(m->c, now_ns, &reason);
		now_ns = loop_now_ns();
	}
	m->spent_ns += now_ns - begin_ns;
	cs->running = more > 0 ? m->watch->id : 0;
	if (more < 0)
		fail_census(m, more, &reason);
	else if (!more)
		complete_census(cs, m);
}

/* Whether it waits for names still. */
static bool emit_when_named(struct count *m)
{
	struct turn *turn = m->turn;

	if (m->names_until_ns &&
	    (goroutine_events_named(turn, m->watch, m->c) || turn->now_ns >= m->names_until_ns)) {
		goroutine_events_emit(turn, m->watch, m->c, m->schedule.cost_ns);
		m->names_until_ns = 0;
	}
	return m->names_until_ns != 0;
}

bool goroutines_tick(struct censuses *cs, struct turn *turn)
{
	struct watch *w, *next;
	bool more = false;
	struct count *m;

	if (!turn->config->census.enabled)
		return false;
	HASH_ITER (hh, turn->watches.by_pid, w, next)
		more |= emit_when_named(count_of(cs, turn, w));
	w = cs->running ? watch_by_id(&turn->watches, cs->running) : NULL;
	m = w ? count_of(cs, turn, w) : next_due(cs, turn);
	if (m)
		advance(cs, m);
	return more || m;
}

/* Back-edges */

void goroutines_check_map(struct censuses *cs, struct turn *turn)
{
	uint64_t lost = probe_untracked(turn->probe);

	if (!turn->config->census.enabled || lost <= cs->untracked)
		return;
	cs->untracked = lost;
	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next) {
		struct event ev = turn_event(turn, w, EVENT_LOST);

		if (watch_runtime(w) != RUNTIME_GO)
			continue;
		turn_emit(turn, &ev);
		turn_ask_census(w);
	}
}
