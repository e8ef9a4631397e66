// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/aftermaths.h"
#include "engine/descriptors.h"
#include "engine/discover.h"
#include "engine/fit.h"
#include "engine/goroutines.h"
#include "engine/governor.h"
#include "engine/hooks.h"
#include "engine/kept.h"
#include "engine/layouts.h"
#include "engine/naming.h"
#include "engine/pace.h"
#include "engine/sets.h"
#include "engine/settle.h"
#include "engine/timing.h"
#include "engine/turn.h"
#include "model/kept.h"
#include "model/panics.h"
#include "model/signals.h"
#include "probe/scan.h"
#include "proc/procfs.h"

#define MS 1000000ull

#define CHAIN_READS_SCAN 2000 /* pages of target memory read in one scan: about 2 ms */
#define REFRESH_AFTER_NS (200 * MS)
#define STALL_NS         (2000 * MS)
#define ADOPT_MAX_NS     (60000 * MS) /* where programs start all the time, the first look has no end */

struct engine {
	struct recording *recording; /* NULL: the kernel is live */
	struct loop *loop;
	struct engine_opts opts;
	struct turn turn;
	struct alerts *alerts;
	struct discover discover;
	struct loop_source *drain_timer, *tick_timer, *urgent_source;
	/* What the policies remember. */
	struct pace pace;
	struct layouts layouts;
	struct settle settle;
	struct fdcounts fdcounts;
	struct hooks hooks;
	struct governor governor;
	struct timing timing;
	struct sets sets;
	struct watching watching;
	struct censuses censuses;
	uint64_t looked_ns; /* at everything, last; 0: not yet */
	bool counts;        /* goroutines of some process, now or at once */
	bool urgent;        /* a goroutine crossed the threshold: do not wait for the second */
	bool resync;        /* an exec or exit was lost: look at /proc again */
	unsigned swept;     /* watches that were removed when slots were swept last */
	uint64_t refreshed_ns;
	uint64_t judged_ns; /* the rules were evaluated then */
	uint64_t
		adopted_ns; /* what an earlier deferd kept was taken then, and not all of it has been found; 0: no */
};

/* Events, and the back-edges that answer them */

/* Since it began, by the clock of the host, which counts ticks. */
static uint64_t age_ns(const struct watch *w, uint64_t now_ns)
{
	uint64_t began_ns = proc_ticks_ns(w->start_ticks);

	return began_ns && began_ns < now_ns ? now_ns - began_ns : 0;
}

static void log_death(struct turn *turn, const struct watch *w, const struct event_panic *p,
		      const char *how)
{
	const struct target *t = model_target(turn->model, w->id);
	const struct ledger *ledger = t ? t->service->ledger : NULL;
	const struct ledger_entry *last = ledger ? ledger_newest_panic(ledger, w->id) : NULL;
	char type[MODEL_FUNC_MAX] = "", text[MODEL_FUNC_MAX] = "";
	struct log_line l;

	watch_log_begin(&l, LOG_WARN, "process ended", w);
	log_str(&l, "cause", how);
	log_fmt(&l, "age", "%.1f s", (double)p->age_ns / 1e9);
	if (last) {
		(void)model_panic_type(turn->model, last->image_id, &last->what, type,
				       sizeof(type));
		(void)model_panic_message(turn->model, last->image_id, &last->what, text,
					  sizeof(text));
		log_fmt(&l, "last_panic", "#%llu %s%s%s", (unsigned long long)last->id, type,
			text[0] ? ": " : "", text);
	}
	log_emit(&l);
}

/* A Go program that could say what it died of has done so already. */
static void emit_death(struct turn *turn, const struct event *exit)
{
	const struct event_exit *x = &exit->exit;
	struct watch *w = watch_at(&turn->watches, exit->pid, exit->time_ns);
	const struct target *t = w ? model_target(turn->model, w->id) : NULL;
	struct event ev = { .type = EVENT_PANIC,
			    .pid = exit->pid,
			    .tid = exit->pid,
			    .time_ns = exit->time_ns,
			    .panic = { .step = PANIC_DYING,
				       .signo = x->signo,
				       .status = x->status,
				       .oom = x->oom,
				       .from_exit = true } };
	char how[128];

	if (!w || !signals_end(x->signo, x->status, x->oom, how, sizeof(how)))
		return;
	ev.target = w->id;
	ev.panic.c = watch_runtime(w) == RUNTIME_C;
	ev.panic.age_ns = age_ns(w, exit->time_ns);
	if (!t || !t->died)
		log_death(turn, w, &ev.panic, how);
	turn_emit(turn, &ev);
}

/* A pile-up that is news is not kept waiting for the second. */
static bool is_news(const struct turn *turn, const struct event *ev)
{
	const struct target *t = model_target(turn->model, ev->target);
	const struct peak *p = t ? target_deepest(turn->model, t, ev->time_ns) : NULL;

	return ev->call.depth >= turn->config->probes.threshold &&
	       (!p || p->depth < turn->config->probes.threshold);
}

/* What the program's Go makes of it. */
static void add_go(const struct watch *w, struct event_panic *p)
{
	if (!w || watch_runtime(w) != RUNTIME_GO)
		return;
	p->go_minor = (uint8_t)w->image->report->go.minor;
	p->nil_stays = w->nil_stays;
}

/* Texts of the runtime's own stay: no value of the program is in them. */
static void withhold(struct event_panic *p)
{
	if (p->step != PANIC_STARTED && p->step != PANIC_FATAL)
		return;
	p->said = PANIC_WITHHELD;
	p->text_len = 0;
	memset(p->value, 0, sizeof(p->value));
}

static void on_event(void *arg, const struct event *in)
{
	struct engine *e = arg;
	struct turn *turn = &e->turn;
	struct event ev = *in;

	switch (ev.type) {
	case EVENT_EXEC:
		discover_exec(&e->discover, (pid_t)ev.pid, ev.time_ns);
		break;
	case EVENT_FORK:
		discover_pid(&e->discover, (pid_t)ev.child_pid);
		break;
	case EVENT_EXIT:
		emit_death(turn, &ev);
		discover_gone(&e->discover, (pid_t)ev.pid, ev.time_ns);
		break;
	case EVENT_DEPTH:
	case EVENT_ENDED:
		e->urgent |= is_news(turn, &ev);
		break;
	case EVENT_HOT:
		governor_hot(&e->governor, turn, &ev);
		break;
	case EVENT_LOST:
		e->resync |= !ev.target;
		turn_ask_census(watch_by_id(&turn->watches, ev.target));
		break;
	case EVENT_GOROUTINE:
		if (!settle_goroutine(&e->settle, turn, &ev))
			return;
		break;
	case EVENT_PANIC:
		add_go(watch_by_id(&turn->watches, ev.target), &ev.panic);
		if (!turn->config->probes.panic_messages)
			withhold(&ev.panic);
		break;
	case EVENT_PANIC_TEXT:
		if (!turn->config->probes.panic_messages)
			return;
		break;
	default:
		break;
	}
	turn_emit(turn, &ev);
}

/* What was wished is attached; the next level down where one was refused. */
static void fit_all(struct engine *e)
{
	struct turn *turn = &e->turn;

	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next) {
		struct reason reason = {};

		if (fit_watch(turn, w, &reason) && governor_refused(&e->governor, turn, w))
			(void)fit_watch(turn, w, &reason);
	}
}

static void drain(struct engine *e)
{
	probe_drain(e->turn.probe, on_event, e);
	if (governor_cool(&e->governor, &e->turn))
		fit_all(e);
}

/* What is on the ring when watching ends belongs to what was watched. */
static void fit_writes(struct engine *e)
{
	struct turn *turn = &e->turn;

	if (turn->wish.writes == probe_watches_writes(turn->probe))
		return;
	if (fit_watch_writes(turn))
		aftermaths_refused(&e->watching);
	if (turn->wish.writes)
		return;
	drain(e);
	model_discard_aftermaths(turn->model, turn->now_ns);
	turn_mark(turn, MARK_AFTERMATHS_OVER);
}

/* The clock */

static void set_periods(struct engine *e, uint64_t drain_ns, uint64_t tick_ns)
{
	if (loop_set_period(e->drain_timer, drain_ns) || loop_set_period(e->tick_timer, tick_ns))
		log_error("setting timers: %s", strerror(errno));
}

static void wake(struct engine *e)
{
	if (!e->pace.asleep)
		return;
	e->pace.asleep = false;
	probe_set_asleep(e->turn.probe, false);
	set_periods(e, PACE_DRAIN_NS, PACE_TICK_NS);
}

/* A record that came before the next one was asked to wake the loop must not wait. */
static void fall_asleep(struct engine *e)
{
	if (e->pace.asleep)
		return;
	e->pace.asleep = true;
	probe_set_asleep(e->turn.probe, true);
	set_periods(e, 0, 1000 * MS);
	drain(e);
}

static uint64_t own_cpu_ns(void)
{
	struct timespec ts = {};

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t count_hits(const struct model *m)
{
	uint64_t n = 0;

	for (const struct target *t = model_targets(m); t; t = t->hh.next)
		n += t->counts.hits;
	return n;
}

static void judge_own_cost(struct engine *e)
{
	double percent = e->turn.config->daemon.budget_percent;

	if (!pace_judge(&e->pace, percent, own_cpu_ns(), e->turn.now_ns))
		return;
	e->turn.stretch = pace_stretch(&e->pace);
	log_msg(e->pace.own.level ? LOG_WARN : LOG_INFO,
		"deferd itself used %.2g%% of a core (daemon.budget_percent: %g): maps and "
		"descriptors are read every %u s",
		e->pace.own.percent, percent, e->turn.stretch);
}

static void rest(struct engine *e)
{
	struct turn *turn = &e->turn;
	bool busy = e->counts || jobs_pending(turn->jobs);

	if (pace_rests(&e->pace, probe_events(turn->probe), count_hits(turn->model), busy,
		       turn->attached_ns, turn->now_ns))
		fall_asleep(e);
	else
		wake(e);
}

static void on_urgent(void *arg, uint32_t events)
{
	struct engine *e = arg;

	e->turn.now_ns = loop_now_ns();
	wake(e);
	drain(e);
}

static void on_drain(void *arg, uint64_t now_ns)
{
	struct engine *e = arg;

	e->turn.now_ns = now_ns;
	drain(e);
	e->counts = goroutines_tick(&e->censuses, &e->turn);
}

/* Read the maps; ends the window that peaks and prunings are of. */
static void scan(struct engine *e)
{
	struct turn *turn = &e->turn;
	uint64_t begin_ns = loop_now_ns();

	settle_begin(&e->settle, CHAIN_READS_SCAN);
	drain(e);
	probe_scan(turn->probe, turn->now_ns, on_event, e);
	e->refreshed_ns = turn->now_ns;
	turn->stats.last_scan_ns = loop_now_ns() - begin_ns;
}

void engine_refresh(struct engine *e, uint64_t now_ns)
{
	if (e->recording || now_ns - e->refreshed_ns < REFRESH_AFTER_NS)
		return;
	e->refreshed_ns = now_ns;
	probe_look(e->turn.probe, now_ns, turn_take, &e->turn);
}

/* A process that is gone may have left records, and its exit is the last of them. */
static void sweep(struct engine *e)
{
	drain(e);
	discover_sweep(&e->discover);
}

static void resync(struct engine *e)
{
	e->resync = false;
	sweep(e);
	discover_all(&e->discover);
}

static bool is_watched(void *arg, uint32_t id)
{
	return watch_by_id(&((const struct turn *)arg)->watches, id) != NULL;
}

/* What policies remember of processes that are gone. */
static void sweep_slots(struct engine *e)
{
	struct slots *all[] = {
		&e->layouts.searches, &e->fdcounts.processes, &e->governor.ladders,
		&e->timing.turns,     &e->sets.bursts,        &e->censuses.processes
	};

	if (e->swept == e->turn.watches.removed)
		return;
	e->swept = e->turn.watches.removed;
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		slots_sweep(all[i], is_watched, &e->turn);
}

/* The steps of a second: see `second` */

static void read_fds(struct engine *e)
{
	if (fdcounts_read(&e->fdcounts, &e->turn))
		sweep(e);
}

static void tick_model(struct engine *e)
{
	model_tick(e->turn.model, e->turn.now_ns);
	turn_mark(&e->turn, MARK_TICK);
}

static void close_files(struct engine *e)
{
	naming_close_images(&e->turn);
}

static void retry_files(struct engine *e)
{
	discover_retry(&e->discover);
}

static void find_libraries(struct engine *e)
{
	if (e->looked_ns)
		discover_libraries(&e->discover);
}

static void count_fds(struct engine *e)
{
	fdcounts_tick(&e->fdcounts, &e->turn);
}

static void read_fd_faults(struct engine *e)
{
	if (probe_fd_hooks(e->turn.probe) != FD_HOOKS_OFF)
		probe_read_fd_faults(e->turn.probe, e->turn.now_ns, turn_take, &e->turn);
}

static void choose_hooks(struct engine *e)
{
	hooks_tick(&e->hooks, &e->turn);
	if (fit_fd_hooks(&e->turn))
		hooks_refused(&e->hooks);
}

static void govern(struct engine *e)
{
	governor_tick(&e->governor, &e->turn);
}

static void choose_timing(struct engine *e)
{
	timing_tick(&e->timing, &e->turn);
}

static void note_look(struct engine *e)
{
	e->looked_ns = e->turn.now_ns;
}

static void choose_bursts(struct engine *e)
{
	sets_tick(&e->sets, &e->turn);
}

static void judge_aftermaths(struct engine *e)
{
	aftermaths_tick(&e->watching, &e->turn);
	fit_writes(e);
	aftermaths_judge(&e->watching, &e->turn);
}

static void check_map(struct engine *e)
{
	goroutines_check_map(&e->censuses, &e->turn);
}

/*
 * In their order. WHEN_LOOKING: in seconds in which maps and descriptors are read, all of them unless deferd is past its own
 * budget.
 */
static const struct step {
	void (*run)(struct engine *e);
	enum { EACH_SECOND, WHEN_LOOKING, WHEN_LOOKING_OR_URGENT } when;
} second[] = {
	{ read_fds, WHEN_LOOKING },   /* first: a process found gone is in no later step */
	{ tick_model, EACH_SECOND },  /* trends, of the counts just read */
	{ close_files, EACH_SECOND }, /* of what the model has dropped */
	{ retry_files, EACH_SECOND },
	{ find_libraries, WHEN_LOOKING },
	{ count_fds, WHEN_LOOKING },
	{ read_fd_faults, WHEN_LOOKING },
	{ choose_hooks, WHEN_LOOKING }, /* by the verdicts on descriptors */
	{ scan, WHEN_LOOKING_OR_URGENT },
	{ govern, WHEN_LOOKING },        /* by the hits of the scan */
	{ choose_timing, WHEN_LOOKING }, /* with what the governor has left of the budget */
	{ note_look, WHEN_LOOKING },
	{ choose_bursts, EACH_SECOND },    /* none for what the governor has just cut */
	{ judge_aftermaths, EACH_SECOND }, /* after the scan, which has the newest recoveries */
	{ check_map, EACH_SECOND },
};

static void on_second(struct engine *e)
{
	bool looks;

	judge_own_cost(e);
	looks = pace_looks(&e->pace);
	if (e->resync || (looks && !e->turn.features->have[KERNEL_TP_BTF]))
		resync(e);
	for (unsigned i = 0; i < ARRAY_SIZE(second); i++) {
		if (looks || second[i].when == EACH_SECOND ||
		    (e->urgent && second[i].when == WHEN_LOOKING_OR_URGENT))
			second[i].run(e);
	}
}

/* What outlives the daemon */

static struct kept_moment moment_of(const struct engine *e)
{
	struct kept_moment now = { .now_ns = loop_now_ns() };
	struct timespec ts = {};

	clock_gettime(CLOCK_REALTIME, &ts);
	now.unix_ms = ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
	(void)proc_boot(e->turn.procfd, now.boot);
	return now;
}

json_t *engine_keep(const struct engine *e)
{
	struct kept_moment now = moment_of(e);

	if (e->adopted_ns)
		return NULL;
	return kept_document(e->turn.model, e->alerts, &now, e->opts.is_heard, e->opts.arg);
}

static void adopt(struct engine *e, const json_t *kept)
{
	struct kept_moment now = moment_of(e);
	struct kept_found found;

	if (!kept_adopt(kept, &now, &e->turn.config->rules, e->turn.model, e->alerts, &found)) {
		log_warn("what an earlier deferd kept is of another form: ignored");
		return;
	}
	e->adopted_ns = now.now_ns;
	log_info("kept by an earlier deferd %.0f s ago: %u services, %u processes, %u alerts%s",
		 found.age_s, found.services, found.processes, found.alerts,
		 found.same_boot ? "" : "; of another boot or host: its processes are left out");
}

static bool lives(void *arg, uint32_t pid, uint64_t start_ticks)
{
	return proc_is_same(((const struct turn *)arg)->procfd, (pid_t)pid, start_ticks);
}

static void end_adopting(struct engine *e)
{
	struct turn *turn = &e->turn;

	if (!e->adopted_ns || (!engine_settled(e) && turn->now_ns < e->adopted_ns + ADOPT_MAX_NS))
		return;
	e->adopted_ns = 0;
	model_forget_kept(turn->model);
	alerts_end_waiting(e->alerts, turn->now_ns, lives, turn, e->opts.on_alert, e->opts.arg);
}

static void judge_rules(struct engine *e)
{
	struct turn *turn = &e->turn;

	turn_mark(turn, MARK_JUDGE);
	alerts_eval(e->alerts, &turn->config->rules, turn->model, turn->now_ns, e->opts.on_alert,
		    e->opts.arg);
	end_adopting(e);
	e->judged_ns = turn->now_ns;
	for (const struct alert *a = alerts_active(e->alerts); a; a = a->hh.next) {
		if (a->on_latency)
			model_hold_baseline(turn->model, a->service,
					    turn->now_ns + REQUESTS_SLOT_NS);
	}
}

static void note_stall(struct turn *turn)
{
	uint64_t last_ns = turn->stats.last_tick_ns;

	if (last_ns && turn->now_ns - last_ns > STALL_NS)
		log_warn("the event loop was blocked for %.1f s: is the machine overloaded?",
			 (double)(turn->now_ns - last_ns) / 1e9);
	turn->stats.last_tick_ns = turn->now_ns;
}

static void on_tick(void *arg, uint64_t now_ns)
{
	struct engine *e = arg;
	struct turn *turn = &e->turn;
	bool is_second;

	turn->now_ns = now_ns;
	if (e->pace.asleep)
		on_drain(e, now_ns);
	jobs_tick(turn->jobs, now_ns);
	layouts_verify(&e->layouts, turn);
	is_second = pace_second(&e->pace, now_ns);
	if (is_second)
		on_second(e);
	else if (e->urgent)
		scan(e);
	e->urgent = false;
	fit_all(e);
	sweep_slots(e);
	naming_ask(turn);
	judge_rules(e);
	note_stall(turn);
	if (is_second)
		rest(e);
}

/* Life cycle */

static void on_job(void *arg, uint32_t image_id, int err, const struct worker_result *result,
		   const struct image_ask *asks, unsigned nasks, const struct reason *reason)
{
	struct engine *e = arg;
	struct image *im = images_by_id(e->turn.images, image_id);

	if (nasks) {
		if (err)
			log_debug("naming %u sites failed: %s", nasks, reason->text);
		naming_answer(&e->turn, image_id, result, asks, nasks);
	} else if (im) {
		discover_report(&e->discover, im, err, result, reason);
	}
}

static void no_alert(void *arg, const struct alert *a)
{
}

static int init_policies(struct engine *e, unsigned targets_max)
{
	pace_reload(&e->pace, own_cpu_ns(), loop_now_ns());
	e->turn.stretch = pace_stretch(&e->pace);
	return layouts_init(&e->layouts, targets_max) ?:
	       fdcounts_init(&e->fdcounts, targets_max) ?:
	       governor_init(&e->governor, targets_max) ?:
	       timing_init(&e->timing, targets_max) ?:
	       sets_init(&e->sets, targets_max) ?:
	       goroutines_init(&e->censuses, targets_max);
}

static int start_clock(struct engine *e)
{
	e->drain_timer = loop_add_timer(e->loop, PACE_DRAIN_NS, on_drain, e);
	e->tick_timer = loop_add_timer(e->loop, PACE_TICK_NS, on_tick, e);
	e->urgent_source =
		loop_add_fd(e->loop, probe_urgent_fd(e->turn.probe), EPOLLIN, on_urgent, e);
	return e->drain_timer && e->tick_timer && e->urgent_source ? 0 : -errno;
}

static int start(struct engine *e, struct reason *reason)
{
	const struct config *config = e->turn.config;
	struct probe_opts opts = {
		.targets_max = config->limits.targets,
		.goroutines_max = config->limits.goroutines,
		.sites_max = config->limits.sites,
		.ring_bytes = config->limits.ring_bytes,
		.threshold = config->probes.threshold,
	};
	int err = probe_open(&opts, e->turn.features, &e->turn.probe, reason);

	if (err)
		return err;
	if (init_policies(e, opts.targets_max))
		return reason_set(reason, -ENOMEM, "out of memory");
	err = discover_start(&e->discover, &e->turn, e->loop) ?: start_clock(e);
	if (err)
		return reason_set(reason, err, "setting up timers: %s", strerror(-err));
	e->turn.now_ns = loop_now_ns();
	if (e->opts.only_pid)
		discover_pid(&e->discover, e->opts.only_pid);
	else
		discover_all(&e->discover);
	choose_hooks(e);
	return 0;
}

static int start_live(struct engine *e, struct reason *reason)
{
	e->turn.images = images_new();
	e->turn.jobs = jobs_new(e->loop, on_job, e);
	if (!e->turn.images || !e->turn.jobs)
		return reason_set(reason, -ENOMEM, "out of memory");
	(void)proc_clock_offset(e->turn.procfd, getpid(), &e->turn.clock_ns);
	return start(e, reason);
}

int engine_new(struct loop *loop, const struct engine_source *source, const struct config *config,
	       const struct engine_opts *opts, struct engine **ret_e, struct reason *reason)
{
	static const struct kernel_features none;
	struct model_opts mo = MODEL_OPTS_DEFAULT;
	struct engine *e = calloc(1, sizeof(*e));
	int err = 0;

	if (!e)
		return -ENOMEM;
	mo.fd_window_ns = config->descriptors.window_ns;
	mo.keep_names = opts->trace; /* its last events are printed when the process is gone */
	e->loop = loop;
	e->recording = source->recording;
	e->opts = *opts;
	if (!e->opts.on_alert)
		e->opts.on_alert = no_alert;
	e->alerts = alerts_new();
	e->turn = (struct turn){
		.procfd = source->procfd,
		.config = config,
		.features = source->recording ? &none : source->features,
		.opts = &e->opts,
		.model = model_new(&mo),
	};
	if (e->alerts)
		alerts_set_silences(e->alerts, opts->is_silenced, opts->arg);
	if (e->turn.model && e->alerts && opts->kept)
		adopt(e, opts->kept);
	e->opts.kept = NULL;
	if (!e->turn.model || !e->alerts)
		err = reason_set(reason, -ENOMEM, "out of memory");
	else if (!e->recording)
		err = start_live(e, reason);
	if (err) {
		engine_free(e);
		return err;
	}
	*ret_e = e;
	return 0;
}

/* A recording */

static void play_mark(struct engine *e, enum recorded_mark mark)
{
	struct model *m = e->turn.model;
	struct aftermath *a = NULL;

	switch (mark) {
	case MARK_TICK:
		model_tick(m, e->turn.now_ns);
		return;
	case MARK_JUDGE:
		naming_skip(&e->turn);
		judge_rules(e);
		return;
	case MARK_AFTERMATHS_OVER:
		model_discard_aftermaths(m, e->turn.now_ns);
		return;
	default:
		a = model_complete_aftermath(m, e->turn.now_ns);
		break;
	}
	if (a && mark == MARK_AFTERMATH_DROPPED)
		aftermath_discard(a);
	else if (a)
		aftermath_close(a, mark == MARK_AFTERMATH_WENT_ON);
}

int engine_play(struct engine *e, struct reason *reason)
{
	struct recorded r;
	int more = recording_next(e->recording, &r, reason);

	if (more <= 0)
		return more;
	switch (r.what) {
	case RECORDED_EVENT:
		turn_emit(&e->turn, &r.ev);
		break;
	case RECORDED_NAME:
		naming_play(&e->turn, &r.name);
		break;
	default:
		e->turn.now_ns = r.now_ns;
		play_mark(e, r.mark);
	}
	return 1;
}

uint64_t engine_now_ns(const struct engine *e)
{
	return e->turn.now_ns;
}

static void free_policies(struct engine *e)
{
	layouts_done(&e->layouts);
	fdcounts_done(&e->fdcounts);
	governor_done(&e->governor);
	timing_done(&e->timing);
	sets_done(&e->sets);
	goroutines_done(&e->censuses);
}

void engine_free(struct engine *e)
{
	struct watch *w, *next;

	if (!e)
		return;
	loop_remove(e->loop, e->drain_timer);
	loop_remove(e->loop, e->tick_timer);
	loop_remove(e->loop, e->urgent_source);
	discover_stop(&e->discover);
	jobs_free(e->turn.jobs);
	free_policies(e);
	HASH_ITER (hh, e->turn.watches.by_pid, w, next) {
		watch_remove(&e->turn.watches, w);
		watch_free(w);
	}
	probe_close(e->turn.probe);
	images_free(e->turn.images);
	alerts_free(e->alerts);
	model_free(e->turn.model);
	free(e);
}

void engine_reload(struct engine *e, const struct config *config)
{
	struct turn *turn = &e->turn;

	turn->config = config;
	hooks_reload(&e->hooks);
	aftermaths_reload(&e->watching);
	discover_profiles(&e->discover);
	images_forget_empty(turn->images);
	discover_refilter(&e->discover);
	pace_reload(&e->pace, own_cpu_ns(), loop_now_ns());
	turn->stretch = pace_stretch(&e->pace);
	sets_reload(turn);
	governor_reload(&e->governor, turn);
	timing_reload(turn);
	fit_all(e);
}

int engine_set_probes(struct engine *e, pid_t pid, const char *set, struct reason *reason)
{
	struct turn *turn = &e->turn;
	struct watch *w = watch_by_pid(&turn->watches, pid);
	int err;

	if (!w)
		return reason_set(reason, -ESRCH, "no observed process has this pid");
	err = sets_choose(turn, w, set, reason);
	if (err)
		return err;
	turn->now_ns = loop_now_ns();
	return fit_watch(turn, w, reason);
}

/* What there is to see */

const struct alerts *engine_alerts(const struct engine *e)
{
	return e->alerts;
}

struct model *engine_model(struct engine *e)
{
	return e->turn.model;
}

void engine_get_stats(struct engine *e, struct engine_stats *ret_stats)
{
	struct engine_stats *s = &e->turn.stats;

	if (!e->recording) {
		probe_get_stats(e->turn.probe, &s->probe);
		s->images = images_count(e->turn.images);
		s->jobs = jobs_pending(e->turn.jobs);
	}
	*ret_stats = *s;
}

int engine_census(struct engine *e, pid_t pid, struct show_census *ret, struct reason *reason)
{
	return goroutines_count(&e->censuses, &e->turn, watch_by_pid(&e->turn.watches, pid), ret,
				reason);
}

int engine_last_census(struct engine *e, pid_t pid, struct show_census *ret, struct reason *reason)
{
	return goroutines_last(&e->censuses, &e->turn, watch_by_pid(&e->turn.watches, pid), ret,
			       reason);
}

static int show_census(void *arg, uint32_t pid, struct show_census *ret, struct reason *reason)
{
	return engine_last_census(arg, (pid_t)pid, ret, reason);
}

void engine_show(struct engine *e, struct show *ret_show)
{
	struct engine_stats st;

	engine_get_stats(e, &st);
	*ret_show = (struct show){
		.model = e->turn.model,
		.alerts = e->alerts,
		.rules = &e->turn.config->rules,
		.judged_ns = e->judged_ns,
		.features = e->turn.features,
		.probe = st.probe,
		.probe_set = config_probe_set_names[e->turn.config->probes.all.set],
		.fd_hooks = e->turn.wish.fd_hooks,
		.watches_writes = e->turn.wish.writes,
		.n_failures = ATTACH_FAILURE_MAX,
		.failure_names = attach_failure_names,
		.failures = e->turn.stats.failures,
		.images = st.images,
		.chains_read = st.chains_read,
		.last_scan_ns = st.last_scan_ns,
		.censuses = st.censuses,
		.census_ns = st.census_ns,
		.census_failures = st.census_failures,
		.look_every_s = e->turn.stretch,
		.own_percent = e->pace.own.percent,
		.census = show_census,
		.arg = e,
		.settled = engine_settled(e),
		.series_max = e->turn.config->web.series_max,
	};
}

bool engine_settled(const struct engine *e)
{
	return e->recording || (e->looked_ns && !discover_waiting(&e->discover) &&
				!jobs_pending(e->turn.jobs) && !discover_postponed(&e->discover));
}

bool engine_steady(const struct engine *e)
{
	return engine_settled(e) && e->looked_ns > e->turn.attached_ns;
}

bool engine_multi(const struct engine *e)
{
	return turn_multi(&e->turn);
}

const struct watch *engine_watch(const struct engine *e, uint32_t id)
{
	return watch_by_id(&e->turn.watches, id);
}
