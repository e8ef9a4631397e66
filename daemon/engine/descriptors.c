// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "engine/descriptors.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "census/descriptors.h"
#include "census/fdsites.h"
#include "probe/fditer.h"
#include "probe/scan.h"
#include "proc/procfs.h"

#define SITES_LINGER_NS 600000000000ull /* after the last suspicion */
#define LIMIT_EVERY_NS  10000000000ull

/* What is remembered of one process. */
struct fdcount {
	struct descriptors *fds;  /* NULL before their first census */
	uint64_t fds_ns;          /* of the newest; 0: there was none */
	struct fdsites *fd_sites; /* NULL: openers are not kept */
	uint64_t sites_until_ns;
	uint64_t limit, hard;
	uint64_t limit_read_ns;
};

static void fdcount_clear(void *entry)
{
	struct fdcount *m = entry;

	descriptors_free(m->fds);
	fdsites_free(m->fd_sites);
}

int fdcounts_init(struct fdcounts *d, unsigned targets_max)
{
	*d = (struct fdcounts){};
	return slots_init(&d->processes, sizeof(struct fdcount), targets_max, fdcount_clear);
}

void fdcounts_done(struct fdcounts *d)
{
	fditer_close(d->it);
	free(d->fds);
	slots_done(&d->processes);
}

static struct fdcount *fdcount_of(struct fdcounts *d, const struct watch *w)
{
	return slots_of(&d->processes, w->id);
}

/* Counts */

/* Each second when it is near: somebody may raise it. */
static void read_limit(struct fdcount *m, const struct turn *turn, pid_t pid, uint64_t open)
{
	if (m->limit_read_ns && open < m->limit / 2 &&
	    turn->now_ns - m->limit_read_ns <= LIMIT_EVERY_NS)
		return;
	if (!proc_fd_limit(pid, &m->limit, &m->hard))
		m->limit_read_ns = turn->now_ns;
}

/* 0, or negative errno; -ESRCH: it is gone. */
static int read_one(struct fdcount *m, struct turn *turn, const struct watch *w)
{
	struct event ev = turn_event(turn, w, EVENT_FDS);
	int err = proc_fd_count(turn->procfd, w->pid, turn->features->have[KERNEL_FD_SIZE],
				&ev.fds.open);

	if (err)
		return err;
	read_limit(m, turn, w->pid, ev.fds.open);
	ev.fds.limit = m->limit;
	ev.fds.hard = m->hard;
	turn_emit(turn, &ev);
	return 0;
}

bool fdcounts_read(struct fdcounts *d, struct turn *turn)
{
	bool gone = false;

	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next)
		gone |= read_one(fdcount_of(d, w), turn, w) == -ESRCH;
	return gone;
}

/* Census */

static void open_iterator(struct fdcounts *d, const struct turn *turn)
{
	struct reason reason = {};

	d->tried = true;
	if (turn->features->have[KERNEL_FD_ITER] && fditer_open(&d->it, &reason))
		log_warn("descriptors: %s; reading /proc instead, 5 us for each", reason.text);
}

static void take(void *arg, const struct fd_entry *fd)
{
	struct fdcounts *d = arg;

	if (d->n == d->room) {
		unsigned room = d->room ? 2 * d->room : 256;
		struct fd_entry *more = reallocarray(d->fds, room, sizeof(*more));

		d->failed |= !more;
		if (!more)
			return;
		d->fds = more;
		d->room = room;
	}
	d->fds[d->n++] = *fd;
}

static void begin_process(struct fdcounts *d)
{
	d->n = 0;
	d->failed = false;
}

/* What has been taken is all that a process has. */
static void close_process(struct fdcounts *d, struct turn *turn, struct watch *w)
{
	struct fdcount *m = fdcount_of(d, w);
	struct event ev = turn_event(turn, w, EVENT_TYPE_MAX);
	struct log_line l;

	ev.fd_census = d->limits;
	m->fds_ns = turn->now_ns;
	if (!m->fds)
		m->fds = descriptors_new();
	if (m->fds && !d->failed &&
	    !descriptors_take(m->fds, d->fds, d->n, turn->config->census.interval_ns, &ev,
			      turn_take, turn))
		return;
	watch_log_begin(&l, LOG_WARN, "no verdict on descriptors this time: out of memory", w);
	log_emit(&l);
}

/* Those that processes share. */
static void read_limits(struct fdcounts *d, const struct turn *turn)
{
	struct event_fd_census *l = &d->limits;
	uint64_t files[3]; /* allocated, 0, most */

	*l = (struct event_fd_census){};
	(void)proc_sys_numbers(turn->procfd, "fs/inotify/max_user_instances",
			       &l->max[FD_LIMIT_INSTANCES], 1);
	(void)proc_sys_numbers(turn->procfd, "fs/inotify/max_user_watches",
			       &l->max[FD_LIMIT_WATCHES], 1);
	if (!proc_sys_numbers(turn->procfd, "fs/file-nr", files, 3))
		return;
	l->used[FD_LIMIT_HOST] = files[0];
	l->max[FD_LIMIT_HOST] = files[2];
}

/* Descriptors of one process come together. */
struct pass {
	struct fdcounts *counts;
	struct turn *turn;
	pid_t pid;
	struct watch *watch; /* of it; NULL: it is not observed */
};

static void take_of_pass(void *arg, const struct fd_entry *fd)
{
	struct pass *p = arg;

	if (fd->pid != p->pid) {
		if (p->watch)
			close_process(p->counts, p->turn, p->watch);
		begin_process(p->counts);
		p->pid = fd->pid;
		p->watch = watch_by_pid(&p->turn->watches, fd->pid);
	}
	if (p->watch)
		take(p->counts, fd);
}

static void read_by_kernel(struct fdcounts *d, struct turn *turn)
{
	struct pass p = { .counts = d, .turn = turn };
	struct reason reason = {};
	int err = fditer_read(d->it, take_of_pass, &p, &reason);

	if (!err && p.watch)
		close_process(d, turn, p.watch);
	if (err && !d->complained)
		log_warn("descriptors: %s; reading /proc instead", reason.text);
	d->complained = err;
}

static void read_by_proc(struct fdcounts *d, struct turn *turn)
{
	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next) {
		if (fdcount_of(d, w)->fds_ns == turn->now_ns)
			continue;
		begin_process(d);
		if (!fd_for_each(turn->procfd, w->pid, take, d))
			close_process(d, turn, w);
	}
}

/* Openers: of processes that get more descriptors */

static void choose_suspects(struct fdcounts *d, const struct turn *turn)
{
	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next) {
		const struct target *t = model_target(turn->model, w->id);
		struct fdcount *m = fdcount_of(d, w);

		if (t && target_fds_grow(t))
			m->sites_until_ns = turn->now_ns + SITES_LINGER_NS;
		if (!m->fd_sites == (turn->now_ns >= m->sites_until_ns))
			continue;
		if (m->fd_sites) {
			fdsites_free(m->fd_sites);
			m->fd_sites = NULL;
		} else {
			m->fd_sites = fdsites_new();
		}
		w->wish.fd_sites = m->fd_sites != NULL;
	}
}

/* Whether it is still wanted: one that was closed in a way that is not hooked is not open, or was seen before it was opened. */
static bool take_opened(void *arg, const struct event *ev)
{
	const struct pass *p = arg;
	const struct turn *turn = p->turn;
	struct watch *w = watch_by_id(&turn->watches, ev->target);
	struct fdcount *m = w ? fdcount_of(p->counts, w) : NULL;
	const struct event_fd_opened *o = &ev->fd_opened;
	struct event_fd_key what;
	uint64_t since_ns, old_ns = DESCRIPTORS_OLD * turn->config->census.interval_ns;

	if (!m || !m->fd_sites || !m->fds)
		return false;
	if (o->opened_ns > m->fds_ns)
		return true; /* the next census decides */
	since_ns = descriptors_since(m->fds, o->fd, &what);
	if (!since_ns || since_ns < o->opened_ns)
		return false;
	(void)fdsites_add(m->fd_sites, o, what, turn->now_ns > old_ns ? turn->now_ns - old_ns : 0);
	return true;
}

static void emit_sites(struct fdcounts *d, struct turn *turn)
{
	struct pass p = { .counts = d, .turn = turn };
	bool had = d->sites;

	d->sites = false;
	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next)
		d->sites |= fdcount_of(d, w)->fd_sites != NULL;
	if (!d->sites && !had)
		return;
	probe_read_fd_sites(turn->probe, turn->now_ns, take_opened, &p);
	for (struct watch *w = turn->watches.by_pid; w; w = w->hh.next) {
		struct fdcount *m = fdcount_of(d, w);
		struct event ev = turn_event(turn, w, EVENT_TYPE_MAX);

		if (m->fd_sites)
			fdsites_tell(m->fd_sites, &ev, turn_take, turn);
	}
}

void fdcounts_tick(struct fdcounts *d, struct turn *turn)
{
	bool by_kernel = turn->config->descriptors.source == CONFIG_FD_SOURCE_AUTO;
	uint64_t interval_ns = turn->config->census.interval_ns;

	choose_suspects(d, turn);
	if (turn->now_ns < d->due_ns || !turn->watches.by_pid)
		return;
	if (by_kernel && !d->tried)
		open_iterator(d, turn);
	d->due_ns = turn->now_ns + interval_ns * turn->stretch - interval_ns / 20;
	read_limits(d, turn);
	if (by_kernel && d->it)
		read_by_kernel(d, turn);
	read_by_proc(d, turn);
	emit_sites(d, turn);
}
