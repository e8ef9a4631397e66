// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * When the writes of those who recovered are watched. The hooks tax every syscall of the host, so
 * they are attached for 10 s a minute at most, and only while a site that recovers has not been
 * judged; seldomer and seldomer where that brings nothing. A host without panics, or one whose sites
 * are all judged, pays nothing.
 */
#include <errno.h>

#include "base/log.h"
#include "census/chain.h"
#include "engine/engine_priv.h"
#include "model/panics.h"
#include "proc/procfs.h"

#define SESSION_NS 10000000000ull
/* From start to start. Not a minute, to which jobs that panic may be bound as well. */
#define BETWEEN_STARTS_NS 67000000000ull
#define BETWEEN_MAX_NS    3600000000000ull

static bool may_watch(const struct engine *e)
{
	return e->config->probes.watch_writes && e->features->have[KERNEL_TRACEPOINT] &&
	       !e->writes_failed;
}

static bool wants(const struct engine *e)
{
	bool on = probe_watches_writes(e->probe);
	uint64_t age = e->now_ns - e->writes_since_ns;

	if (!may_watch(e) || (on && age >= SESSION_NS) ||
	    (!on && e->writes_since_ns && age < e->writes_pause_ns))
		return false;
	return model_wants_aftermath(e->model, e->now_ns);
}

static void start(struct engine *e)
{
	struct reason reason = {};

	if (probe_watch_writes(e->probe, true, &reason)) {
		e->writes_failed = true; /* not tried again before a reload */
		log_warn("watching what is written after a panic: %s; whether panics are swallowed "
			 "stays unsure",
			 reason.text);
		return;
	}
	log_debug("watching what is written after panics, for up to 10 s (about 40 ns on every "
		  "syscall of the host)");
	e->writes_since_ns = e->now_ns;
	e->writes_pause_ns *= 2;
	if (e->writes_pause_ns < BETWEEN_STARTS_NS)
		e->writes_pause_ns = BETWEEN_STARTS_NS;
	if (e->writes_pause_ns > BETWEEN_MAX_NS)
		e->writes_pause_ns = BETWEEN_MAX_NS;
}

/* What is on the ring belongs to those that are watched still. */
static void stop(struct engine *e)
{
	struct reason reason = {};

	(void)probe_watch_writes(e->probe, false, &reason);
	engine_drain(e);
	model_discard_aftermaths(e->model, e->now_ns);
}

static bool went_on(struct engine *e, struct watch *w, const struct aftermath *a)
{
	struct memread mem = memread_process(&w->memory);
	uint64_t goid = 0;

	if (!a->g)
		return proc_has_thread(e->procfd, w->pid, (pid_t)a->tid);
	return !chain_goid(&mem, &w->image->report->layout, a->g, &goid) && goid == a->goid;
}

static void judge(struct engine *e, struct aftermath *a)
{
	struct watch *w = watch_of_id(e, a->target);

	if (!w || !probe_followed(e->probe, a->target, a->g ? a->g : a->tid, a->panic)) {
		aftermath_discard(a);
		return;
	}
	aftermath_close(a, went_on(e, w, a));
	e->writes_pause_ns = BETWEEN_STARTS_NS; /* it is worth while */
}

void aftermaths_tick(struct engine *e)
{
	struct aftermath *a;
	bool want = wants(e);

	if (want && !probe_watches_writes(e->probe))
		start(e);
	else if (!want && probe_watches_writes(e->probe))
		stop(e);
	while ((a = model_complete_aftermath(e->model, e->now_ns)))
		judge(e, a);
}
