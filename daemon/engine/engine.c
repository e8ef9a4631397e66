// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Two timers drive everything; pace.c says how often. At the one the ring is drained. At the other, the tick,
 * rules are asked, and once a second maps are scanned and descriptors counted. A goroutine that crosses the
 * threshold makes the next tick do that at once; what costs the observed program by the millisecond
 * wakes us.
 */
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "census/chain.h"
#include "engine/engine_priv.h"
#include "export/words.h"
#include "model/signals.h"

#define MS 1000000ull

#define SETTLE_AFTER_NS \
	(1000 * MS)           /* a goroutine that has not pushed for this long may have returned */
#define CHAIN_READS_SCAN 2000 /* pages of target memory read in one scan: about 2 ms */
#define REFRESH_AFTER_NS (200 * MS)
#define STALL_NS         (2000 * MS)
#define LIMIT_EVERY_NS   (10000 * MS)
#define HOOKS_LINGER_NS  (60000 * MS)

const char *const attach_failure_names[ATTACH_FAILURE_MAX] = {
	[ATTACH_EXITED] = "process_exited",  [ATTACH_IMAGE] = "image_unreadable",
	[ATTACH_VERSION] = "go_version_old", [ATTACH_LAYOUT] = "layout_unknown",
	[ATTACH_DENIED] = "memory_denied",   [ATTACH_BYTES] = "bytes_differ",
	[ATTACH_KERNEL] = "kernel_refused",  [ATTACH_SLOTS] = "target_limit",
	[ATTACH_WORKER] = "image_worker",    [ATTACH_LIBRARY] = "shared_library",
};

void engine_emit(struct engine *e, const struct event *ev)
{
	model_apply(e->model, ev);
	if (e->opts.on_event)
		e->opts.on_event(e->opts.arg, ev);
}

void engine_take(void *arg, const struct event *ev)
{
	engine_emit(arg, ev);
}

/*
 * One scan reads only so much memory. Who is left out goes first the next time: the walk over the
 * map has the same order each time, so the count of those who ask is a place in it.
 */
static bool take_turn(struct engine *e)
{
	unsigned place = e->chain_seen++;

	if (place < e->chain_first)
		return false;
	if (!e->chain_budget) {
		if (!e->chain_next)
			e->chain_next = place;
		return false;
	}
	return true;
}

static bool layout_usable(const struct watch *w)
{
	return w->layout == LAYOUT_CONFIRMED || w->layout == LAYOUT_BELIEVED ||
	       (w->layout == LAYOUT_PENDING && !w->image->report->layout.unverified);
}

/*
 * No probe sees a function return (the compiler runs most defers without a call), so what the
 * kernel side knows of a quiet goroutine is what it was. Its own memory tells what it is. False:
 * there is nothing to tell any more.
 */
static bool settle(struct engine *e, struct event *ev)
{
	struct event_goroutine *g = &ev->goroutine;
	struct watch *w = watch_of_id(e, ev->target);
	struct memread mem;
	struct chain c;
	int err;

	if (!w || w->image->report->kind != IMAGE_GO || !g->depth || !layout_usable(w))
		return true;
	if (!g->inferred && ev->time_ns - g->last_ns < SETTLE_AFTER_NS)
		return true;
	if (!take_turn(e)) {
		g->inferred = true;
		return true;
	}
	mem = memread_process(&w->memory);
	err = chain_read(&mem, &w->image->report->layout, g->g, &c);
	e->stats.chains_read++;
	if (err == -ESRCH || (!err && c.goid != g->goid)) {
		probe_forget(e->probe, ev->target, g->g);
		g->depth = 0;
		g->inferred = false;
		return g->window_peak != 0;
	}
	if (err) {
		e->chain_budget -= 1;
		return true;
	}
	e->chain_budget -= c.reads < e->chain_budget ? c.reads : e->chain_budget;
	if (!c.exact && !g->inferred)
		return true; /* it runs again: the next push tells */
	g->depth = c.depth;
	g->inferred = !c.exact;
	if (!g->depth && c.exact && !g->window_peak) {
		probe_forget(e->probe, ev->target, g->g);
		return false;
	}
	return true;
}

/* A Go program that could say what it died of has done so already. */
static void tell_death(struct engine *e, const struct event *exit)
{
	struct watch *w = watch_at(e, exit->pid, exit->time_ns);
	struct event ev = { .type = EVENT_PANIC,
			    .pid = exit->pid,
			    .tid = exit->pid,
			    .time_ns = exit->time_ns,
			    .panic = { .step = PANIC_DYING, .signo = exit->exit_signal } };

	if (!w || !signals_fault(exit->exit_signal))
		return;
	ev.target = w->id;
	ev.panic.c = w->image->report->kind == IMAGE_C;
	engine_emit(e, &ev);
}

/* A pile-up that is news is not kept waiting for the second. */
static bool is_news(struct engine *e, const struct event *ev)
{
	const struct target *t = model_target(e->model, ev->target);
	const struct peak *p = t ? target_deepest(e->model, t, ev->time_ns) : NULL;

	return !p || p->depth < e->config->probes.threshold;
}

static void on_event(void *arg, const struct event *in)
{
	struct engine *e = arg;
	struct event ev = *in;
	const struct watch *w;

	switch (ev.type) {
	case EVENT_EXEC:
		discover_exec(e, ev.pid, ev.time_ns);
		break;
	case EVENT_FORK:
		discover_pid(e, ev.child_pid);
		break;
	case EVENT_EXIT:
		tell_death(e, &ev);
		discover_gone(e, ev.pid, ev.time_ns);
		break;
	case EVENT_DEPTH:
	case EVENT_ENDED:
		if (ev.call.depth >= e->config->probes.threshold && is_news(e, &ev))
			e->urgent = true;
		break;
	case EVENT_HOT:
		governor_hot(e, &ev);
		break;
	case EVENT_LOST:
		if (!ev.target)
			e->resync = true;
		goroutines_ask(watch_of_id(e, ev.target));
		break;
	case EVENT_GOROUTINE:
		if (!settle(e, &ev))
			return;
		break;
	case EVENT_PANIC:
		w = watch_of_id(e, ev.target);
		ev.panic.go_minor = w ? (uint8_t)w->image->report->go.minor : 0;
		break;
	default:
		break;
	}
	engine_emit(e, &ev);
}

void engine_drain(struct engine *e)
{
	probe_drain(e->probe, on_event, e);
	governor_cool(e);
}

static void on_urgent(void *arg, uint32_t events)
{
	struct engine *e = arg;

	e->now_ns = loop_now_ns();
	pace_wake(e);
	engine_drain(e);
}

static void on_drain(void *arg, uint64_t now_ns)
{
	struct engine *e = arg;

	e->now_ns = now_ns;
	engine_drain(e);
	e->counts = goroutines_tick(e);
}

static void scan(struct engine *e)
{
	uint64_t begin = loop_now_ns();

	e->chain_budget = CHAIN_READS_SCAN;
	e->chain_first = e->chain_next;
	e->chain_next = e->chain_seen = 0;
	engine_drain(e);
	probe_scan(e->probe, e->now_ns, on_event, e);
	e->scanned_ns = e->now_ns;
	e->stats.last_scan_ns = loop_now_ns() - begin;
}

void engine_refresh(struct engine *e, uint64_t now_ns)
{
	if (now_ns - e->scanned_ns < REFRESH_AFTER_NS)
		return;
	e->now_ns = now_ns;
	scan(e);
}

/* A process that is gone may have left records, and its exit is the last of them. */
static void sweep(struct engine *e)
{
	engine_drain(e);
	discover_sweep(e);
}

static void read_fds(struct engine *e)
{
	bool gone = false;

	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		struct event ev = {
			.type = EVENT_FDS, .target = w->id, .pid = w->pid, .time_ns = e->now_ns
		};

		int err = proc_fd_count(e->procfd, w->pid, e->features->have[KERNEL_FD_SIZE],
					&ev.fds.open);

		gone |= err == -ESRCH;
		if (err)
			continue;
		if (!w->limit_read_ns || e->now_ns - w->limit_read_ns > LIMIT_EVERY_NS) {
			if (!proc_fd_limit(w->pid, &w->fd_limit))
				w->limit_read_ns = e->now_ns;
		}
		ev.fds.limit = w->fd_limit;
		engine_emit(e, &ev);
	}
	/* One that ended while it was being attached has no exit that could be told. */
	if (gone)
		sweep(e);
}

/* The model knows no worker, but both ask for the same. */
_Static_assert((int)NAME_OF_SITE == (int)IMAGE_ASK_SITE &&
		       (int)NAME_OF_FUNCTION == (int)IMAGE_ASK_FUNCTION &&
		       (int)NAME_OF_TYPE == (int)IMAGE_ASK_TYPE &&
		       (int)NAME_OF_TEXT == (int)IMAGE_ASK_TEXT &&
		       (int)NAME_OF_STRING == (int)IMAGE_ASK_STRING &&
		       (int)NAME_KIND_MAX == (int)IMAGE_ASK_MAX,
	       "what a name is asked for");

/* A return address stands behind the call it is asked for. */
static uint64_t address_of(const struct name_ask *ask)
{
	return ask->addr - (ask->kind == NAME_OF_SITE);
}

static void ask_for_names(struct engine *e)
{
	struct name_ask wanted[INSPECT_ASKS_MAX];
	struct image_ask asks[INSPECT_ASKS_MAX];
	uint32_t image_id;
	unsigned n;

	while ((n = model_wanted_names(e->model, &image_id, wanted, INSPECT_ASKS_MAX))) {
		const struct image *im = images_by_id(e->images, image_id);
		int fd = im && im->exe_fd >= 0 ? fcntl(im->exe_fd, F_DUPFD_CLOEXEC, 0) : -1;

		for (unsigned i = 0; i < n; i++)
			asks[i] = (struct image_ask){ .addr = address_of(&wanted[i]),
						      .kind = wanted[i].kind };
		/*
		 * Nobody runs the file any more, or the line is full: whoever looks at the site
		 * next asks again.
		 */
		if (fd < 0 || jobs_symbolize(e->jobs, image_id, fd, asks, n, e->now_ns)) {
			for (unsigned i = 0; i < n; i++)
				model_forget_name(e->model, image_id, &wanted[i]);
		}
	}
}

/*
 * A stripped C program: what addr2line wants, beside the file with the symbols. A Go program names
 * all of its own: what has no name lies in no function of it. False: the address is not of this file, but of a library.
 */
static bool name_by_offset(const struct image *im, uint64_t addr, struct code_line *ret)
{
	if (im && im->report && im->report->kind == IMAGE_C && addr >= im->report->end)
		return false;
	if (im && im->report && im->report->kind == IMAGE_GO) {
		snprintf(ret->function, sizeof(ret->function), "?");
		return true;
	}
	snprintf(ret->function, sizeof(ret->function), "%s+0x%llx", im ? im->file.name : "?",
		 (unsigned long long)addr);
	return true;
}

static void copy_place(struct code_line *to, const struct image_place *from)
{
	snprintf(to->function, sizeof(to->function), "%s", from->function);
	snprintf(to->file, sizeof(to->file), "%s", from->file);
	to->line = from->line;
}

/* The places of ask `i` begin at *at; moves *at behind them. */
static void on_name(struct engine *e, const struct image *im, uint32_t image_id,
		    const struct image_ask *ask, unsigned i, const struct worker_result *result,
		    unsigned *at)
{
	struct code_line lines[NAME_FRAMES_MAX] = {};
	struct name_answer answer = { .frames = lines };
	struct name_ask asked = { ask->addr, (enum name_kind)ask->kind };
	unsigned n = result ? result->nplaces : 0;

	asked.addr += asked.kind == NAME_OF_SITE;
	for (; *at < n && result->places[*at].ask == i; (*at)++) {
		const struct image_place *p = &result->places[*at];

		if (answer.n == NAME_FRAMES_MAX)
			continue;
		copy_place(&lines[answer.n++], p);
		answer.open_defers = p->open_defers;
		answer.has_frame = p->has_frame;
		answer.frame = p->frame;
		answer.wrapper = p->wrapper;
		answer.type = asked.kind == NAME_OF_TYPE ? &p->type : NULL;
	}
	if (!lines[0].function[0] &&
	    (asked.kind == NAME_OF_SITE || asked.kind == NAME_OF_FUNCTION) &&
	    name_by_offset(im, ask->addr, &lines[0]))
		answer.n = answer.n ? answer.n : 1;
	model_answer(e->model, image_id, &asked, &answer);
}

static void on_names(struct engine *e, uint32_t image_id, const struct worker_result *result,
		     const struct image_ask *asks, unsigned nasks)
{
	const struct image *im = images_by_id(e->images, image_id);
	unsigned at = 0;

	for (unsigned i = 0; i < nasks; i++)
		on_name(e, im, image_id, &asks[i], i, result, &at);
}

/* Files of images that nobody runs and no ledger tells of. */
static void close_images(struct engine *e)
{
	for (struct image *im = images_next(e->images, NULL); im; im = images_next(e->images, im)) {
		if (im->exe_fd >= 0 && !im->users && !model_uses_image(e->model, im->id))
			image_close(im);
	}
}

static void on_job(void *arg, uint32_t image_id, int err, const struct worker_result *result,
		   const struct image_ask *asks, unsigned nasks, const struct reason *reason)
{
	struct engine *e = arg;
	struct image *im = images_by_id(e->images, image_id);

	if (nasks) {
		if (err)
			log_debug("naming %u sites failed: %s", nasks, reason->text);
		on_names(e, image_id, result, asks, nasks);
	} else if (im) {
		discover_report(e, im, err, result, reason);
	}
}

static bool anything_grows(const struct engine *e)
{
	for (const struct target *t = model_targets(e->model); t; t = t->hh.next) {
		if (target_fds_grow(t))
			return true;
	}
	return false;
}

/* Once: a kind that was asked for by name is not replaced by another. */
static void complain_hooks(struct engine *e, enum kernel_feature what)
{
	if (!e->hooks_failed)
		log_warn("descriptors.hooks: this kernel has no %s (%s); opens and closes are not "
			 "seen, counts are; remedy: %s",
			 kernel_feature_docs[what].name, e->features->why[what].text,
			 kernel_feature_docs[what].remedy);
	e->hooks_failed = true;
}

/* A kind that was asked for by name, or none. */
static enum fd_hooks hooks_if(struct engine *e, enum kernel_feature what, enum fd_hooks kind)
{
	if (!e->features->have[what])
		complain_hooks(e, what);
	return e->features->have[what] ? kind : FD_HOOKS_OFF;
}

static enum fd_hooks wanted_hooks(struct engine *e)
{
	switch (e->config->descriptors.hooks) {
	case CONFIG_FD_HOOKS_FENTRY:
		return hooks_if(e, KERNEL_FENTRY, FD_HOOKS_FENTRY);
	case CONFIG_FD_HOOKS_KPROBE:
		return hooks_if(e, KERNEL_KPROBE, FD_HOOKS_KPROBE);
	case CONFIG_FD_HOOKS_TRACEPOINT:
		return hooks_if(e, KERNEL_TRACEPOINT, FD_HOOKS_TRACEPOINT);
	case CONFIG_FD_HOOKS_OFF:
		return FD_HOOKS_OFF;
	default:
		break;
	}
	if (e->features->have[KERNEL_FENTRY])
		return FD_HOOKS_FENTRY;
	if (e->features->have[KERNEL_KPROBE])
		return FD_HOOKS_KPROBE;
	if (anything_grows(e))
		e->hooks_until_ns = e->now_ns + HOOKS_LINGER_NS;
	return e->features->have[KERNEL_TRACEPOINT] &&
			       (e->opts.fd_hooks || e->now_ns < e->hooks_until_ns)
		       ? FD_HOOKS_TRACEPOINT
		       : FD_HOOKS_OFF;
}

static void set_hooks(struct engine *e)
{
	enum fd_hooks want = wanted_hooks(e);
	struct reason reason = {};

	if (e->hooks_failed || want == probe_fd_hooks(e->probe))
		return;
	if (probe_set_fd_hooks(e->probe, want, &reason)) {
		e->hooks_failed = true; /* not tried again before a reload */
		log_warn("descriptor hooks: %s; descriptor counts go on without them", reason.text);
	} else {
		log_info("descriptor hooks: %s%s", show_fd_hooks_names[want],
			 want == FD_HOOKS_TRACEPOINT
				 ? " (about 40 ns on every syscall of the host while attached)"
				 : "");
	}
}

static void judge(struct engine *e)
{
	alerts_eval(e->alerts, &e->config->rules, e->model, e->now_ns, e->opts.on_alert,
		    e->opts.arg);
	e->judged_ns = e->now_ns;
	for (const struct alert *a = alerts_active(e->alerts); a; a = a->hh.next) {
		if (a->on_latency)
			model_hold_baseline(e->model, a->service, e->now_ns + REQUESTS_SLOT_NS);
	}
}

static void resync(struct engine *e)
{
	e->resync = false;
	sweep(e);
	discover_all(e);
}

static void on_second(struct engine *e)
{
	bool looks = pace_looks(e);

	if (e->resync || (looks && !e->features->have[KERNEL_TP_BTF]))
		resync(e);
	if (looks)
		read_fds(e);
	model_tick(e->model, e->now_ns);
	close_images(e);
	if (looks) {
		golibs_tick(e);
		descriptors_tick(e);
		if (probe_fd_hooks(e->probe) != FD_HOOKS_OFF)
			probe_read_bad_closes(e->probe, e->now_ns, engine_take, e);
		set_hooks(e);
	}
	if (looks || e->urgent)
		scan(e);
	if (looks) {
		governor_tick(e);
		timing_tick(e);
	}
	e->looked |= looks;
	sets_tick(e);
	aftermaths_tick(e);
	goroutines_check_map(e);
}

static void on_tick(void *arg, uint64_t now_ns)
{
	struct engine *e = arg;
	bool second;

	e->now_ns = now_ns;
	if (e->pace.asleep)
		on_drain(e, now_ns);
	jobs_tick(e->jobs, now_ns);
	layouts_verify(e);
	second = pace_second(e);
	if (second)
		on_second(e);
	else if (e->urgent)
		scan(e);
	e->urgent = false;
	ask_for_names(e);
	judge(e);
	if (e->stats.last_tick_ns && now_ns - e->stats.last_tick_ns > STALL_NS)
		log_warn("the event loop stood still for %.1f s: is the machine overloaded?",
			 (double)(now_ns - e->stats.last_tick_ns) / 1e9);
	e->stats.last_tick_ns = now_ns;
	if (second)
		pace_rest(e, !e->counts && !e->hot && !jobs_pending(e->jobs));
}

static void no_alert(void *arg, const struct alert *a)
{
}

static int start(struct engine *e, struct reason *reason)
{
	struct probe_opts opts = {
		.targets_max = e->config->limits.targets,
		.goroutines_max = e->config->limits.goroutines,
		.sites_max = e->config->limits.sites,
		.ring_bytes = e->config->limits.ring_bytes,
		.threshold = e->config->probes.threshold,
	};
	int err = probe_open(&opts, e->features, &e->probe, reason);

	if (err)
		return err;
	discover_profiles(e);
	err = pace_start(e, on_drain, on_tick) ?: discover_start(e);
	e->urgent_source = loop_add_fd(e->loop, probe_urgent_fd(e->probe), EPOLLIN, on_urgent, e);
	if (err || !e->urgent_source)
		return reason_set(reason, -errno, "setting up timers: %s", strerror(errno));
	e->now_ns = loop_now_ns();
	if (e->opts.only_pid)
		discover_pid(e, e->opts.only_pid);
	else
		discover_all(e);
	set_hooks(e);
	return 0;
}

static void find_ourselves(struct engine *e)
{
	char text[PROC_CGROUP_MAX];

	if (!proc_cgroup(e->procfd, getpid(), text, sizeof(text)))
		cgroup_service(text, e->own_service, sizeof(e->own_service));
	(void)proc_stat_exe(e->procfd, getpid(), &e->own_image);
	(void)proc_clock_offset(e->procfd, getpid(), &e->clock_ns);
}

int engine_new(struct loop *loop, int procfd, const struct config *config,
	       const struct kernel_features *features, const struct engine_opts *opts,
	       struct engine **ret_e, struct reason *reason)
{
	struct model_opts mo = MODEL_OPTS_DEFAULT;
	struct engine *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	mo.fd_window_ns = config->descriptors.window_ns;
	mo.keep_names = opts->trace; /* its last events are printed when the process is gone */
	e->loop = loop;
	e->procfd = procfd;
	e->config = config;
	e->features = features;
	e->opts = *opts;
	e->waiting.fd = -1;
	if (!e->opts.on_alert)
		e->opts.on_alert = no_alert;
	e->model = model_new(&mo);
	e->alerts = alerts_new();
	e->images = images_new();
	e->jobs = jobs_new(loop, on_job, e);
	find_ourselves(e);
	if (!e->model || !e->alerts || !e->images || !e->jobs)
		err = reason_set(reason, -ENOMEM, "out of memory");
	else
		err = start(e, reason);
	if (err) {
		engine_free(e);
		return err;
	}
	*ret_e = e;
	return 0;
}

void engine_free(struct engine *e)
{
	struct watch *w, *next;

	if (!e)
		return;
	pace_stop(e);
	discover_stop(e);
	loop_remove(e->loop, e->urgent_source);
	jobs_free(e->jobs);
	HASH_ITER (hh, e->by_pid, w, next) {
		HASH_DELETE(hh, e->by_pid, w);
		HASH_DELETE(hh_id, e->by_id, w);
		watch_free(w);
	}
	golibs_done(e);
	descriptors_stop(e);
	probe_close(e->probe);
	images_free(e->images);
	alerts_free(e->alerts);
	model_free(e->model);
	free(e);
}

void engine_reload(struct engine *e, const struct config *config)
{
	e->config = config;
	e->hooks_failed = e->writes_failed = false;
	discover_profiles(e);
	images_forget_empty(e->images);
	discover_refilter(e);
	pace_reload(e);
	sets_reload(e);
	governor_reload(e);
	timing_reload(e);
}

const struct alerts *engine_alerts(const struct engine *e)
{
	return e->alerts;
}

struct model *engine_model(struct engine *e)
{
	return e->model;
}

void engine_get_stats(struct engine *e, struct engine_stats *ret_stats)
{
	probe_get_stats(e->probe, &e->stats.probe);
	e->stats.images = images_count(e->images);
	e->stats.jobs = jobs_pending(e->jobs);
	*ret_stats = e->stats;
}

static int show_census(void *arg, uint32_t pid, struct show_census *ret, struct reason *reason)
{
	return engine_last_census(arg, (pid_t)pid, ret, reason);
}

void engine_show(struct engine *e, struct show *ret_show)
{
	probe_get_stats(e->probe, &e->stats.probe);
	*ret_show = (struct show){
		.model = e->model,
		.alerts = e->alerts,
		.rules = &e->config->rules,
		.judged_ns = e->judged_ns,
		.features = e->features,
		.probe = e->stats.probe,
		.probe_set = config_probe_set_names[e->config->probes.all.set],
		.fd_hooks = probe_fd_hooks(e->probe),
		.watches_writes = probe_watches_writes(e->probe),
		.n_failures = ATTACH_FAILURE_MAX,
		.failure_names = attach_failure_names,
		.failures = e->stats.failures,
		.images = images_count(e->images),
		.chains_read = e->stats.chains_read,
		.last_scan_ns = e->stats.last_scan_ns,
		.censuses = e->stats.censuses,
		.census_ns = e->stats.census_ns,
		.census_failures = e->stats.census_failures,
		.look_every_s = pace_stretch(e),
		.own_percent = e->pace.own.percent,
		.census = show_census,
		.arg = e,
		.settled = engine_settled(e),
		.series_max = e->config->web.series_max,
	};
}

bool engine_settled(const struct engine *e)
{
	return e->looked && !e->waiting.n && !jobs_pending(e->jobs);
}

const struct image *engine_image(struct engine *e, uint32_t image_id)
{
	return images_by_id(e->images, image_id);
}
