// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * How often the loop turns, and what deferd may cost itself.
 *
 * While anything happens the ring is drained 20 times a second: records wait there without waking
 * anybody, because a wake-up costs the observed thread more than the probe itself. After a second in
 * which nothing came and no probe was hit the loop turns once a second, and the next record, whatever it is, wakes it.
 *
 * Past its own budget deferd looks less often: at the kernel's maps, at descriptors, and at goroutines. What it
 * was told is not lost thereby, records are taken as ever and what must be known at once still is.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "engine/engine_priv.h"

#define MS       1000000ull
#define DRAIN_NS (50 * MS)
#define TICK_NS  (250 * MS)
#define SECOND   (1000 * MS)
#define EARLY_NS (20 * MS) /* timers are not that exact */

#define STAY_NS     (3 * SECOND) /* awake, after something was attached: much follows */
#define JUDGE_TURNS 10 /* own cost is judged over so many seconds: single ones differ much */
#define STEPS       4  /* 1, 2, 4, 8 times as long; see struct budget */

static void set_periods(struct engine *e, uint64_t drain_ns, uint64_t tick_ns)
{
	if (loop_set_period(e->drain_timer, drain_ns) || loop_set_period(e->tick_timer, tick_ns))
		log_error("setting timers: %s", strerror(errno));
}

static uint64_t own_cpu_ns(void)
{
	struct timespec ts = {};

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

void pace_reload(struct engine *e)
{
	budget_init(&e->pace.own, (1u << STEPS) - 1, loop_now_ns());
	e->pace.own.mark_cost_ns = own_cpu_ns();
	e->pace.unjudged = 0;
}

int pace_start(struct engine *e, loop_timer_fn on_drain, loop_timer_fn on_tick)
{
	e->drain_timer = loop_add_timer(e->loop, DRAIN_NS, on_drain, e);
	e->tick_timer = loop_add_timer(e->loop, TICK_NS, on_tick, e);
	pace_reload(e);
	return e->drain_timer && e->tick_timer ? 0 : -errno;
}

void pace_stop(struct engine *e)
{
	loop_remove(e->loop, e->drain_timer);
	loop_remove(e->loop, e->tick_timer);
}

void pace_wake(struct engine *e)
{
	if (!e->pace.asleep)
		return;
	e->pace.asleep = false;
	probe_set_asleep(e->probe, false);
	set_periods(e, DRAIN_NS, TICK_NS);
}

static uint64_t count_hits(const struct engine *e)
{
	uint64_t n = 0;

	for (const struct target *t = model_targets(e->model); t; t = t->hh.next)
		n += t->counts.hits;
	return n;
}

/* What came or was hit since the second before; who is new has all of it. */
static bool is_quiet(struct engine *e)
{
	uint64_t hits = count_hits(e), events = probe_events(e->probe);
	bool quiet = events == e->pace.events && hits == e->pace.hits;

	e->pace.events = events;
	e->pace.hits = hits;
	return quiet;
}

/* A record that came before the next one was asked to wake us must not wait. */
static void fall_asleep(struct engine *e)
{
	e->pace.asleep = true;
	probe_set_asleep(e->probe, true);
	set_periods(e, 0, SECOND);
	engine_drain(e);
}

unsigned pace_stretch(const struct engine *e)
{
	return 1u << e->pace.own.level;
}

static void log_own(const struct engine *e)
{
	log_msg(e->pace.own.level ? LOG_WARN : LOG_INFO,
		"deferd itself took %.2g%% of a core (daemon.budget_percent: %g): maps and "
		"descriptors are read every %u s",
		e->pace.own.percent, e->config->daemon.budget_percent, pace_stretch(e));
}

static void judge_own(struct engine *e)
{
	if (++e->pace.unjudged < JUDGE_TURNS)
		return;
	e->pace.unjudged = 0;
	if (budget_judge(&e->pace.own, e->config->daemon.budget_percent, own_cpu_ns(), e->now_ns))
		log_own(e);
}

bool pace_second(struct engine *e)
{
	if (e->pace.second_ns && e->now_ns - e->pace.second_ns < SECOND - EARLY_NS)
		return false;
	e->pace.second_ns = e->now_ns;
	judge_own(e);
	return true;
}

bool pace_looks(struct engine *e)
{
	return e->pace.looks++ % pace_stretch(e) == 0;
}

void pace_rest(struct engine *e, bool idle)
{
	bool quiet = is_quiet(e);

	if (!idle || !quiet || e->now_ns - e->pace.attached_ns < STAY_NS)
		pace_wake(e);
	else if (!e->pace.asleep)
		fall_asleep(e);
}
