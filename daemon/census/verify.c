// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/verify.h"

#include <errno.h>
#include <stdbool.h>

#include "census/g_priv.h"

#define VERIFY_BYTES 512u /* covers every field that is looked at, in every layout */
#define OTHERS_MAX   8    /* goroutines looked at beside the first */
#define ALLGS_MAX    (1ull << 32)

static bool fields_fit(const struct go_layout *l)
{
	const uint16_t used[] = { l->g.goid, l->g.atomicstatus, l->g.startpc, l->g.sched_sp };

	for (unsigned i = 0; i < sizeof(used) / sizeof(*used); i++) {
		if (used[i] == GO_LAYOUT_ABSENT)
			continue;
		if (used[i] > VERIFY_BYTES - sizeof(uint64_t))
			return false;
	}
	return l->g.goid != GO_LAYOUT_ABSENT && l->g.atomicstatus != GO_LAYOUT_ABSENT;
}

/* What holds for every goroutine that is alive. */
static int check_any(const uint8_t *g, uint64_t at, const struct go_layout *l,
		     struct reason *reason)
{
	uint64_t lo = g_word(g, l->g.stack_lo), hi = g_word(g, l->g.stack_hi), sp;
	uint32_t status = g_status(g, l);

	if (status > G_DEAD_EXTRA)
		return reason_set(reason, -EBADMSG, "g.atomicstatus is %u", status);
	if (g_word(g, G_SCHED_G) != at)
		return reason_set(reason, -EBADMSG, "g.sched.g does not point to its g");
	if (lo >= hi)
		return reason_set(reason, -EBADMSG, "g.stack is not one");
	sp = g_word(g, l->g.sched_sp);
	if (status != G_RUNNING && status != G_COPYSTACK && sp && (sp < lo || sp > hi))
		return reason_set(reason, -EBADMSG, "g.sched.sp lies outside of its stack");
	return 0;
}

static int check_first(const uint8_t *g, const struct go_layout *l, uint64_t runtime_main,
		       struct reason *reason)
{
	if (g_word(g, l->g.goid) != 1)
		return reason_set(reason, -EBADMSG,
				  "g.goid of the first goroutine is %llu instead of 1",
				  (unsigned long long)g_word(g, l->g.goid));
	if (runtime_main && l->g.startpc != GO_LAYOUT_ABSENT &&
	    g_word(g, l->g.startpc) != runtime_main)
		return reason_set(reason, -EBADMSG,
				  "g.startpc of the first goroutine is not runtime.main");
	return 0;
}

/* The others may be of any age: a dead one has no stack. */
static int check_others(const struct memread *m, const struct go_layout *l, uint64_t list,
			uint64_t n, struct reason *reason)
{
	uint8_t g[VERIFY_BYTES];

	for (uint64_t i = 1; i < n && i <= OTHERS_MAX; i++) {
		uint64_t at;
		int err = memread_at(m, list + i * sizeof(at), &at, sizeof(at));

		if (!err)
			err = memread_at(m, at, g, sizeof(g));
		if (err)
			return err;
		if (!g_word(g, l->g.stack_hi) || g_word(g, G_SCHED_G) == 0)
			continue;
		err = check_any(g, at, l, reason);
		if (err)
			return err;
	}
	return 0;
}

int verify_layout(const struct memread *m, const struct go_layout *l, const struct verify_where *w,
		  struct reason *reason)
{
	uint64_t n, list, first;
	uint8_t g[VERIFY_BYTES];
	int err;

	if (!fields_fit(l))
		return reason_set(reason, -EBADMSG, "the layout lacks what is needed of g");
	err = memread_at(m, w->allgs_len, &n, sizeof(n));
	if (!err)
		err = memread_at(m, w->allgs_list, &list, sizeof(list));
	if (err)
		return err;
	if (!n || !list)
		return -EAGAIN;
	if (n > ALLGS_MAX)
		return reason_set(reason, -EBADMSG, "runtime.allglen is %llu",
				  (unsigned long long)n);
	err = memread_at(m, list, &first, sizeof(first));
	if (!err)
		err = memread_at(m, first, g, sizeof(g));
	if (err)
		return err;
	err = check_first(g, l, w->runtime_main, reason);
	if (!err)
		err = check_any(g, first, l, reason);
	return err ? err : check_others(m, l, list, n, reason);
}
