/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How near the descriptors of a process are to their limit. Pure. */
#ifndef DEFERD_MODEL_FDFULL_H
#define DEFERD_MODEL_FDFULL_H

#include "model/targets.h"

/* Its descriptors leak, or became more in the last minute beyond doubt, or there is none left. */
bool target_fds_grow(const struct target *t);
/* It can open none: as many are open as may be, or calls got none in the last seconds. */
bool target_fds_full(const struct target *t);
/* LEAKING, EXHAUSTED, or what their growth says. */
enum leak_verdict target_fd_verdict(const struct target *t);

/* The limit that a process's descriptors come to first. */
struct fd_end {
	enum fd_limit limit;
	uint64_t used, max;
	double low_s, high_s; /* until then, as an interval; high_s may be infinite */
};

/*
 * 0 s when it is reached. Of a leak its own pace, if that of the last minute is not beyond doubt faster. Without a leak that of
 * the last minute, where RLIMIT_NOFILE comes before there could be a verdict, and if there have not been as many
 * descriptors before without going on; else false, as when there is no limit.
 */
bool target_fd_end(const struct target *t, struct fd_end *ret);
/* The times of it. */
bool target_fd_exhaustion(const struct target *t, double *ret_low_s, double *ret_high_s);

#endif
