/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of census/ share: a g that was read, and its states. */
#ifndef DEFERD_CENSUS_G_PRIV_H
#define DEFERD_CENSUS_G_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "census/goroutine.h"
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

#define G_BYTES 384u /* covers every field that a census looks at, in every layout */

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

/* g.c, of G_BYTES of a g each */

/* Whether all that a census looks at lies within G_BYTES. */
bool g_layout_fits(const struct go_layout *l);
/* False: there is no goroutine in it, or it is none. */
bool g_state(uint32_t status, enum census_state *ret);
/*
 * What does not tear: all but exact, depth and stack; run-time addresses. False: it is no goroutine,
 * or has never been one.
 */
bool g_parse(const struct go_layout *l, const uint8_t *g, uint64_t at,
	     struct census_goroutine *ret);
/* Where it stands: sp and pc of what it last did, in a syscall those of the call. */
uint64_t g_sp(const struct go_layout *l, const uint8_t *g, enum census_state state);
uint64_t g_pc(const struct go_layout *l, const uint8_t *g, enum census_state state);
/* Nothing that a census tells has moved between the two. */
bool g_same(const struct go_layout *l, const uint8_t *a, const uint8_t *b);

#endif
