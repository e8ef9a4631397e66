/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which lock of Go's package sync a goroutine waits for, by the functions it stands in, and what the
 * lock's own words say. The structs are the same from Go 1.19 to 1.27 on 64 bits (sync/mutex.go,
 * rwmutex.go, waitgroup.go, cond.go). Pure.
 */
#ifndef DEFERD_GOLANG_SYNCLOCK_H
#define DEFERD_GOLANG_SYNCLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum synclock_kind {
	SYNCLOCK_SEMAPHORE, /* of the runtime, of a descriptor, or not known */
	SYNCLOCK_MUTEX,
	SYNCLOCK_RWMUTEX,
	SYNCLOCK_WAITGROUP,
	SYNCLOCK_COND,
	SYNCLOCK_KIND_MAX,
};

#define SYNCLOCK_BYTES 24u /* of the largest, an RWMutex */

/* What one function of a stack, innermost first, says of the lock. */
struct synclock {
	enum synclock_kind kind;
	uint32_t offset; /* of the word that is waited on, from the start of the lock */
	bool inner;      /* so far: it waits for a Mutex, perhaps that of an RWMutex */
};

/* Takes the next function of the stack into account; start with all zero. */
void synclock_see(struct synclock *l, const char *function);

struct synclock_state {
	bool locked;          /* Mutex; RWMutex: a writer has it, or waits for readers to leave */
	bool woken, starving; /* Mutex */
	uint32_t waiters;     /* by its own count: Mutex, WaitGroup */
	int32_t readers;      /* RWMutex: that have it, or wait for the writer */
	int32_t readers_to_leave; /* RWMutex: that the writer waits for */
	int32_t counter;          /* WaitGroup: calls of Done() that are to come */
};

/* `bytes`: SYNCLOCK_BYTES from the start of the lock. False: its kind keeps no state. */
bool synclock_state(enum synclock_kind kind, const uint8_t *bytes, struct synclock_state *ret);

#endif
