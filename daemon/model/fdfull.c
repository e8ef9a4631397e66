// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/fdfull.h"

#include <math.h>

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

/* More than may be are open where the limit was lowered: whoever gives up to open anything does so. */
bool target_fds_full(const struct target *t)
{
	return refused_now(t) || (t->have_fds && t->fds.limit && t->fds.open == t->fds.limit);
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

bool target_fd_exhaustion(const struct target *t, double *ret_low_s, double *ret_high_s)
{
	double left = (double)t->fds.limit - (double)t->fds.open;
	struct trend pace;

	if (target_fds_full(t)) {
		*ret_low_s = *ret_high_s = 0;
		return true;
	}
	if (left < 0 || t->fds.limit == UINT64_MAX || /* RLIM_INFINITY */
	    !pace_of(t, left, &pace))
		return false;
	*ret_low_s = left / pace.high_per_sec;
	*ret_high_s = pace.low_per_sec > 0 ? left / pace.low_per_sec : INFINITY;
	return true;
}
