// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "golang/synclock.h"

#include <string.h>

#include "base/cleanup.h"

/* Offsets of the semaphores: Mutex { state, sema }; RWMutex { w Mutex, writerSem, readerSem, ... }. */
#define MUTEX_SEMA      4u
#define RW_WRITER_SEM   8u
#define RW_READER_SEM   12u
#define RW_READER_COUNT 16u
#define RW_READER_WAIT  20u
#define WAITGROUP_SEMA  8u
#define COND_NOTIFY     16u

#define RW_MAX_READERS (1 << 30) /* taken off readerCount while a writer is there */

#define MUTEX_LOCKED   1u
#define MUTEX_WOKEN    2u
#define MUTEX_STARVING 4u
#define MUTEX_SHIFT    3u

/* Of one package or the other: since Go 1.24 sync.Mutex is one of internal/sync. */
static bool is(const char *function, const char *method)
{
	if (!strncmp(function, "internal/", strlen("internal/")))
		function += strlen("internal/");
	return !strcmp(function, method);
}

void synclock_see(struct synclock *l, const char *function)
{
	static const struct {
		const char *method;
		enum synclock_kind kind;
		uint32_t offset;
	} methods[] = {
		{ "sync.(*Mutex).lockSlow", SYNCLOCK_MUTEX, MUTEX_SEMA },
		{ "sync.(*RWMutex).RLock", SYNCLOCK_RWMUTEX, RW_READER_SEM },
		{ "sync.(*RWMutex).Lock", SYNCLOCK_RWMUTEX, RW_WRITER_SEM },
		{ "sync.(*WaitGroup).Wait", SYNCLOCK_WAITGROUP, WAITGROUP_SEMA },
		{ "sync.(*Cond).Wait", SYNCLOCK_COND, COND_NOTIFY },
	};

	/* A writer waits for the one before it by the Mutex that an RWMutex begins with. */
	if (l->kind == SYNCLOCK_MUTEX && l->inner && is(function, "sync.(*RWMutex).Lock"))
		l->kind = SYNCLOCK_RWMUTEX;
	if (l->kind == SYNCLOCK_MUTEX)
		l->inner &= is(function, "sync.(*Mutex).Lock");
	if (l->kind != SYNCLOCK_SEMAPHORE)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(methods); i++) {
		if (!is(function, methods[i].method))
			continue;
		l->kind = methods[i].kind;
		l->offset = methods[i].offset;
		l->inner = l->kind == SYNCLOCK_MUTEX;
	}
}

static uint32_t word_at(const uint8_t *p, unsigned off)
{
	uint32_t v;

	memcpy(&v, p + off, sizeof(v));
	return v;
}

bool synclock_state(enum synclock_kind kind, const uint8_t *bytes, struct synclock_state *ret)
{
	uint32_t mutex = word_at(bytes, 0);

	*ret = (struct synclock_state){};
	switch (kind) {
	case SYNCLOCK_MUTEX:
		ret->locked = mutex & MUTEX_LOCKED;
		ret->woken = mutex & MUTEX_WOKEN;
		ret->starving = mutex & MUTEX_STARVING;
		ret->waiters = mutex >> MUTEX_SHIFT;
		return true;
	case SYNCLOCK_RWMUTEX:
		ret->readers = (int32_t)word_at(bytes, RW_READER_COUNT);
		ret->readers_to_leave = (int32_t)word_at(bytes, RW_READER_WAIT);
		ret->locked = ret->readers < 0;
		if (ret->locked)
			ret->readers += RW_MAX_READERS;
		return true;
	case SYNCLOCK_WAITGROUP:
		ret->waiters = mutex & INT32_MAX; /* the top bit is a flag of synctest, Go 1.25 */
		ret->counter = (int32_t)word_at(bytes, 4);
		return true;
	default:
		return false;
	}
}
