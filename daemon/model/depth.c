// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "model/depth.h"

#include "model/depth_priv.h"
#include "model/targets_priv.h"

const double model_depth_edges[MODEL_DEPTH_EDGES] = {
	1, 2, 5, 10, 20, 35, 70, 140, 350, 1000, 10000
};

static unsigned peak_bucket(const struct model *m, uint64_t now_ns)
{
	return now_ns / (m->opts.depth_window_ns / MODEL_PEAKS) % MODEL_PEAKS;
}

static bool peak_current(const struct model *m, const struct peak *p, uint64_t now_ns)
{
	/* A record that was made while the ring was being read is newer than "now". */
	return p->depth && (p->time_ns >= now_ns || now_ns - p->time_ns < m->opts.depth_window_ns);
}

void depth_note_peak(struct model *m, struct target *t, const struct peak *seen)
{
	struct peak *p = &t->peaks[peak_bucket(m, seen->time_ns)];
	uint64_t bucket_ns = m->opts.depth_window_ns / MODEL_PEAKS;

	/* A bucket holds one turn of the ring; what is left of the turn before goes. */
	if (p->time_ns / bucket_ns != seen->time_ns / bucket_ns || seen->depth > p->depth)
		*p = *seen;
}

const struct peak *target_deepest(const struct model *m, const struct target *t, uint64_t now_ns)
{
	const struct peak *deepest = NULL;

	for (unsigned i = 0; i < MODEL_PEAKS; i++) {
		const struct peak *p = &t->peaks[i];

		if (peak_current(m, p, now_ns) &&
		    (!deepest || p->depth > deepest->depth ||
		     (p->depth == deepest->depth && p->time_ns > deepest->time_ns)))
			deepest = p;
	}
	return deepest;
}

void depth_observe(struct service *s, uint32_t depth)
{
	unsigned i = 0;

	while (i < MODEL_DEPTH_EDGES && depth > model_depth_edges[i])
		i++;
	s->depth_hist[i]++;
	s->depth_hist_sum += depth;
	s->depth_hist_count++;
}
