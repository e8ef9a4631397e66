// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Each ten seconds all descriptors of all processes, in one pass of the kernel; those of observed processes are compared
 * with the pass before. Where the kernel gives no such pass, or keeps a process from it, /proc is read.
 * Who opened them is told of processes that get more of them, for as long as descriptor hooks are attached.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "census/descriptors.h"
#include "census/fdsites.h"
#include "engine/engine_priv.h"
#include "probe/fditer.h"

#define SITES_LINGER_NS 600000000000ull /* after the last suspicion */

static void open_iterator(struct engine *e)
{
	struct reason reason = {};

	e->fd_census.tried = true;
	if (e->features->have[KERNEL_FD_ITER] && fditer_open(&e->fd_census.it, &reason))
		log_warn("descriptors: %s; /proc is read instead, 5 us for each", reason.text);
}

void descriptors_stop(struct engine *e)
{
	fditer_close(e->fd_census.it);
	e->fd_census.it = NULL;
	free(e->fd_census.fds);
	e->fd_census.fds = NULL;
}

static void take(void *arg, const struct fd_entry *fd)
{
	struct fd_census *c = &((struct engine *)arg)->fd_census;

	if (c->n == c->room) {
		unsigned room = c->room ? 2 * c->room : 256;
		struct fd_entry *more = reallocarray(c->fds, room, sizeof(*more));

		c->failed |= !more;
		if (!more)
			return;
		c->fds = more;
		c->room = room;
	}
	c->fds[c->n++] = *fd;
}

/* What has been taken is all that a process has. */
static void close_process(struct engine *e, struct watch *w)
{
	struct fd_census *c = &e->fd_census;
	struct event ev = { .target = w->id, .pid = w->pid, .time_ns = e->now_ns };

	w->fds_ns = e->now_ns;
	if (!w->fds)
		w->fds = descriptors_new();
	if (!w->fds || c->failed ||
	    descriptors_take(w->fds, c->fds, c->n, e->config->census.interval_ns, &ev, engine_take,
			     e))
		log_warn("process %d: its descriptors are not judged this time: out of memory",
			 (int)w->pid);
}

static void begin_process(struct fd_census *c)
{
	c->n = 0;
	c->failed = false;
}

/* Descriptors of one process come together. */
struct pass {
	struct engine *engine;
	pid_t pid;
	struct watch *watch; /* of it; NULL: it is not observed */
};

static void take_of_pass(void *arg, const struct fd_entry *fd)
{
	struct pass *p = arg;

	if (fd->pid != p->pid) {
		if (p->watch)
			close_process(p->engine, p->watch);
		begin_process(&p->engine->fd_census);
		p->pid = fd->pid;
		p->watch = watch_of_pid(p->engine, fd->pid);
	}
	if (p->watch)
		take(p->engine, fd);
}

static void read_by_kernel(struct engine *e)
{
	struct pass p = { .engine = e };
	struct reason reason = {};
	int err = fditer_read(e->fd_census.it, take_of_pass, &p, &reason);

	if (!err && p.watch)
		close_process(e, p.watch);
	if (err && !e->fd_census.complained)
		log_warn("descriptors: %s; /proc is read instead", reason.text);
	e->fd_census.complained = err;
}

static void read_by_proc(struct engine *e)
{
	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		if (w->fds_ns == e->now_ns)
			continue;
		begin_process(&e->fd_census);
		if (!fd_for_each(e->procfd, w->pid, take, e))
			close_process(e, w);
	}
}

/* Who opens them: of processes that get more of them */

static void choose_suspects(struct engine *e)
{
	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		const struct target *t = model_target(e->model, w->id);

		if (t && target_fds_grow(t))
			w->fd_sites_until_ns = e->now_ns + SITES_LINGER_NS;
		if (!w->fd_sites == (e->now_ns >= w->fd_sites_until_ns))
			continue;
		if (w->fd_sites) {
			fdsites_free(w->fd_sites);
			w->fd_sites = NULL;
		} else {
			w->fd_sites = fdsites_new();
		}
		probe_set_fd_sites(e->probe, w->id, w->fd_sites != NULL);
	}
}

/* One that was closed in a way that is not hooked is not open, or was seen before it was opened. */
static bool take_opened(void *arg, const struct event *ev)
{
	struct engine *e = arg;
	struct watch *w = watch_of_id(e, ev->target);
	const struct event_fd_opened *o = &ev->fd_opened;
	struct event_fd_key what;
	uint64_t since_ns, old_ns = DESCRIPTORS_OLD * e->config->census.interval_ns;

	if (!w || !w->fd_sites || !w->fds)
		return false;
	if (o->opened_ns > w->fds_ns)
		return true; /* the next census will tell */
	since_ns = descriptors_since(w->fds, o->fd, &what);
	if (!since_ns || since_ns < o->opened_ns)
		return false;
	(void)fdsites_add(w->fd_sites, o, what, e->now_ns > old_ns ? e->now_ns - old_ns : 0);
	return true;
}

static void tell_sites(struct engine *e)
{
	bool had = e->fd_census.sites;

	e->fd_census.sites = false;
	for (struct watch *w = e->by_pid; w; w = w->hh.next)
		e->fd_census.sites |= w->fd_sites != NULL;
	if (!e->fd_census.sites && !had)
		return;
	probe_read_fd_sites(e->probe, e->now_ns, take_opened, e);
	for (struct watch *w = e->by_pid; w; w = w->hh.next) {
		struct event ev = { .target = w->id, .pid = w->pid, .time_ns = e->now_ns };

		if (w->fd_sites)
			fdsites_tell(w->fd_sites, &ev, engine_take, e);
	}
}

void descriptors_tick(struct engine *e)
{
	bool by_kernel = e->config->descriptors.source == CONFIG_FD_SOURCE_AUTO;

	if (e->now_ns < e->fd_census.due_ns || !e->by_pid)
		return;
	if (by_kernel && !e->fd_census.tried)
		open_iterator(e);
	e->fd_census.due_ns = e->now_ns + e->config->census.interval_ns * pace_stretch(e) -
			      e->config->census.interval_ns / 20;
	if (by_kernel && e->fd_census.it)
		read_by_kernel(e);
	read_by_proc(e);
	tell_sites(e);
	choose_suspects(e);
}
