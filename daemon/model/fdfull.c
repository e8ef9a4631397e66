// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/fdfull.h"

#include <errno.h>
#include <math.h>
#include <sys/syscall.h>

#include "base/cleanup.h"

#define REFUSED_NS 10000000000ull /* a call that got none tells of the present for so long */

/* A leak has a verdict after 15 censuses; what is full before twice that time cannot wait for it. */
#define VERDICT_S 150

static uint64_t newest_ns(const struct target *t)
{
	const struct trend_window *w = &t->fd_pace.window;

	return w->n ? w->s[w->n - 1].time_ns : 0;
}

static bool refused_now(const struct target *t)
{
	return t->refused_ns && newest_ns(t) < t->refused_ns + REFUSED_NS;
}

bool target_fds_grow(const struct target *t)
{
	return t->fd_leaks[FDS_ALL].verdict == LEAK_LEAKING ||
	       (t->have_fd_trend && trend_growing(&t->fd_trend)) || target_fds_full(t);
}

enum leak_verdict target_fd_verdict(const struct target *t)
{
	enum leak_verdict v = t->fd_leaks[FDS_ALL].verdict;

	return v != LEAK_LEAKING && target_fds_full(t) ? LEAK_EXHAUSTED : v;
}

/* Of a leak, or of growth that will not wait for a verdict. */
static bool pace_of(const struct target *t, double left, struct trend *ret)
{
	const struct leak *l = &t->fd_leaks[FDS_ALL];
	bool leaks = l->verdict == LEAK_LEAKING && !l->stopped,
	     grows = t->have_fd_trend && trend_growing(&t->fd_trend);

	if (leaks && !(grows && t->fd_trend.low_per_sec * 3600 > l->high_per_hour))
		*ret = (struct trend){ .low_per_sec = l->low_per_hour / 3600,
				       .high_per_sec = l->high_per_hour / 3600 };
	else if (grows)
		*ret = t->fd_trend;
	else
		return false;
	return leaks || (left < 2 * VERDICT_S * t->fd_trend.per_sec &&
			 !fdpace_has_been(&t->fd_pace, t->fds.open));
}

static struct fd_end process_end(const struct target *t)
{
	return (struct fd_end){ FD_LIMIT_PROCESS, t->fds.open, t->fds.limit, 0, 0 };
}

static struct fd_end end_of(const struct target *t, enum fd_limit limit)
{
	return (struct fd_end){ limit, t->fd_census.used[limit], t->fd_census.max[limit], 0, 0 };
}

static void set_times(struct fd_end *e, double low_per_sec, double high_per_sec)
{
	double left = e->used < e->max ? (double)(e->max - e->used) : 0;

	e->low_s = left > 0 ? left / high_per_sec : 0;
	e->high_s = left <= 0 ? 0 : low_per_sec > 0 ? left / low_per_sec : INFINITY;
}

static bool comes_to_own(const struct target *t, struct fd_end *ret)
{
	double left = (double)t->fds.limit - (double)t->fds.open;
	struct trend pace;

	if (left < 0 || t->fds.limit == UINT64_MAX || /* RLIM_INFINITY */
	    !pace_of(t, left, &pace))
		return false;
	*ret = process_end(t);
	set_times(ret, pace.low_per_sec, pace.high_per_sec);
	return true;
}

/* What others use as well comes to its end at the pace of this process's leak, at the latest. */
static bool comes_to_shared(const struct target *t, enum fd_limit limit, const struct leak *l,
			    struct fd_end *ret)
{
	*ret = end_of(t, limit);
	if (l->verdict != LEAK_LEAKING || !ret->max || (l->stopped && ret->used < ret->max))
		return false;
	set_times(ret, l->low_per_hour / 3600, l->high_per_hour / 3600);
	return true;
}

static const struct leak *inotify_leak(const struct target *t)
{
	static const struct leak none;

	for (const struct fdgroup *g = t->fd_groups; g; g = g->hh.next) {
		if (g->what.key.kind == FD_INOTIFY)
			return &g->leak;
	}
	return &none;
}

/*
 * A call that got none, and the process may have more: then it was another limit that it came to. Calls that want no descriptor
 * are told of for want of room for a watch only.
 */
static bool refused_by(const struct target *t, struct fd_end *ret)
{
	const struct event_fd_opened *r = &t->refusal;
	bool inotify = r->syscall == SYS_inotify_init1;

#ifdef SYS_inotify_init
	inotify |= r->syscall == SYS_inotify_init;
#endif
	if (!refused_now(t))
		return false;
	*ret = r->error == ENOSPC                       ? end_of(t, FD_LIMIT_WATCHES)
	       : r->error == ENFILE                     ? end_of(t, FD_LIMIT_HOST)
	       : inotify && t->fds.open != t->fds.limit ? end_of(t, FD_LIMIT_INSTANCES)
							: process_end(t);
	return true;
}

static bool is_reached(const struct target *t, struct fd_end *ret)
{
	if (refused_by(t, ret))
		return true;
	*ret = process_end(t);
	if (t->have_fds && t->fds.limit && t->fds.open == t->fds.limit)
		return true;
	*ret = end_of(t, FD_LIMIT_INSTANCES);
	return ret->max && ret->used >= ret->max && inotify_leak(t)->verdict == LEAK_LEAKING;
}

/* More than may be are open where the limit was lowered: whoever gives up to open anything does so. */
bool target_fds_full(const struct target *t)
{
	struct fd_end e;

	return is_reached(t, &e);
}

bool target_fd_end(const struct target *t, struct fd_end *ret)
{
	struct fd_end ends[3];
	bool comes[] = { comes_to_own(t, &ends[0]),
			 comes_to_shared(t, FD_LIMIT_INSTANCES, inotify_leak(t), &ends[1]),
			 comes_to_shared(t, FD_LIMIT_HOST, &t->fd_leaks[FDS_ALL], &ends[2]) };
	bool any = false;

	if (is_reached(t, ret))
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
		if (!comes[i] || (any && ends[i].low_s >= ret->low_s))
			continue;
		*ret = ends[i];
		any = true;
	}
	return any;
}

bool target_fd_exhaustion(const struct target *t, double *ret_low_s, double *ret_high_s)
{
	struct fd_end e;

	if (!target_fd_end(t, &e))
		return false;
	*ret_low_s = e.low_s;
	*ret_high_s = e.high_s;
	return true;
}
