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

/*
 * Seconds until the limit at this pace, as an interval: 0 when it is reached. Of a leak its own pace, if that of the last
 * minute is not beyond doubt faster. Without a leak that of the last minute, where the limit comes before there could be a
 * verdict, and if there have not been as many descriptors before without going on; else false, as when there is no limit.
 * *ret_high_s may be infinite.
 */
bool target_fd_exhaustion(const struct target *t, double *ret_low_s, double *ret_high_s);

#endif
