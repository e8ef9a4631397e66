/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of census/ share: words of a g that was read, and its states. */
#ifndef DEFERD_CENSUS_G_PRIV_H
#define DEFERD_CENSUS_G_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "golang/layout.h"

/*
 * runtime2.go: _Gidle, _Grunnable, _Grunning, _Gsyscall, _Gwaiting, _Gdead, _Gcopystack, _Gpreempted,
 * _Gleaked, _Gdeadextra; bit 12 is the collector's.
 */
#define G_IDLE       0u
#define G_RUNNABLE   1u
#define G_RUNNING    2u
#define G_SYSCALL    3u
#define G_WAITING    4u
#define G_DEAD       6u
#define G_COPYSTACK  8u
#define G_PREEMPTED  9u
#define G_LEAKED     10u
#define G_DEAD_EXTRA 11u /* the last one there is, in Go 1.27 */
#define G_SCAN       0x1000u

#define G_SCHED_G 72u /* g.sched.g; has never moved */

static inline uint64_t g_word(const uint8_t *p, unsigned off)
{
	uint64_t v;

	memcpy(&v, p + off, sizeof(v));
	return v;
}

static inline uint32_t g_status(const uint8_t *g, const struct go_layout *l)
{
	uint32_t v;

	memcpy(&v, g + l->g.atomicstatus, sizeof(v));
	return v & ~G_SCAN;
}

/* There is no goroutine in it. */
static inline bool g_is_free(uint32_t status)
{
	return status == G_IDLE || status == G_DEAD || status == G_DEAD_EXTRA;
}

#endif
