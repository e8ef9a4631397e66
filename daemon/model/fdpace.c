// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/fdpace.h"

#define LEAST_FALL 8

/* A look at the last seconds counts where at its slowest pace the limit is reached in so many times of them. */
#define SHORT_LOOK_REACH 8

void fdpace_init(struct fdpace *p, uint64_t window_ns)
{
	*p = (struct fdpace){};
	trend_window_init(&p->window, window_ns);
}

static void note_fall(struct fdpace *p, uint64_t time_ns, uint64_t open)
{
	uint64_t fall = p->high - open;

	if (fall < LEAST_FALL || 2 * fall < p->high - p->low)
		return;
	p->fell_from = p->high;
	p->fell_ns = time_ns;
	p->low = p->high = open;
}

void fdpace_add(struct fdpace *p, uint64_t time_ns, uint64_t open)
{
	if (!p->window.n)
		p->low = p->high = open;
	trend_window_add(&p->window, time_ns, (double)open);
	if (p->fell_ns && time_ns - p->fell_ns > FDPACE_REMEMBERED_NS)
		p->fell_ns = 0;
	if (open >= p->high)
		p->high = open;
	else
		note_fall(p, time_ns, open);
	if (open < p->low)
		p->low = open;
}

bool fdpace_has_been(const struct fdpace *p, uint64_t open)
{
	return p->fell_ns && open <= p->fell_from;
}

/* What began seconds ago is flat over the window; what takes a minute to be sure of is too late when the limit is near. */
static bool fit_short(const struct trend_window *w, unsigned n, double limit, struct trend *ret)
{
	const struct trend_sample *s = &w->s[w->n - n];
	double seconds = (double)(s[n - 1].time_ns - s[0].time_ns) / 1e9;
	struct trend t;

	if (trend_fit_walk(s, n, &t) || !trend_growing(&t) ||
	    limit - s[n - 1].value > SHORT_LOOK_REACH * seconds * t.low_per_sec)
		return false;
	*ret = t;
	return true;
}

bool fdpace_fit(const struct fdpace *p, uint64_t limit, struct trend *ret)
{
	const struct trend_window *w = &p->window;

	if (trend_fit(w->s, w->n, ret))
		return false;
	if (trend_growing(ret) || limit == UINT64_MAX || limit < w->s[w->n - 1].value)
		return true;
	for (unsigned n = TREND_SAMPLES_MIN; n < w->n; n *= 2) {
		if (fit_short(w, n, (double)limit, ret))
			break;
	}
	return true;
}
