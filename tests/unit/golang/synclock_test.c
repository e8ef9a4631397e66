// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "golang/synclock.h"

static void kinds(void **state)
{
	static const struct {
		const char *stack[7];
		enum synclock_kind kind;
		uint32_t offset;
	} cases[] = {
		{ { "runtime.gopark", "sync.runtime_SemacquireMutex", "sync.(*Mutex).lockSlow",
		    "sync.(*Mutex).Lock", "main.f" },
		  SYNCLOCK_MUTEX,
		  4 },
		{ { "internal/sync.runtime_SemacquireMutex", "internal/sync.(*Mutex).lockSlow",
		    "internal/sync.(*Mutex).Lock", "sync.(*Mutex).Lock", "main.f" },
		  SYNCLOCK_MUTEX,
		  4 },
		/* A writer behind a writer. */
		{ { "internal/sync.(*Mutex).lockSlow", "internal/sync.(*Mutex).Lock",
		    "sync.(*Mutex).Lock", "sync.(*RWMutex).Lock", "main.f" },
		  SYNCLOCK_RWMUTEX,
		  4 },
		{ { "sync.(*Mutex).lockSlow", "sync.(*RWMutex).Lock" }, SYNCLOCK_RWMUTEX, 4 },
		/* A Mutex, in a function that a holder of an RWMutex calls. */
		{ { "sync.(*Mutex).lockSlow", "sync.(*Mutex).Lock", "main.f",
		    "sync.(*RWMutex).Lock" },
		  SYNCLOCK_MUTEX,
		  4 },
		{ { "sync.runtime_SemacquireRWMutex", "sync.(*RWMutex).Lock" },
		  SYNCLOCK_RWMUTEX,
		  8 },
		{ { "sync.runtime_SemacquireRWMutexR", "sync.(*RWMutex).RLock" },
		  SYNCLOCK_RWMUTEX,
		  12 },
		{ { "sync.runtime_SemacquireWaitGroup", "sync.(*WaitGroup).Wait" },
		  SYNCLOCK_WAITGROUP,
		  8 },
		{ { "sync.runtime_notifyListWait", "sync.(*Cond).Wait" }, SYNCLOCK_COND, 16 },
		{ { "internal/poll.runtime_Semacquire", "internal/poll.(*fdMutex).rwlock" },
		  SYNCLOCK_SEMAPHORE,
		  0 },
		{ { "?" }, SYNCLOCK_SEMAPHORE, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct synclock l = {};

		for (unsigned k = 0; cases[i].stack[k]; k++)
			synclock_see(&l, cases[i].stack[k]);
		assert_int_equal(l.kind, cases[i].kind);
		assert_int_equal(l.offset, cases[i].offset);
	}
}

static void states(void **state)
{
	struct synclock_state st;
	uint32_t words[SYNCLOCK_BYTES / 4] = { 20u << 3 | 1 };

	assert_true(synclock_state(SYNCLOCK_MUTEX, (uint8_t *)words, &st));
	assert_true(st.locked && !st.woken && !st.starving && st.waiters == 20);
	words[0] = 3u << 3 | 6;
	assert_true(synclock_state(SYNCLOCK_MUTEX, (uint8_t *)words, &st));
	assert_true(!st.locked && st.woken && st.starving && st.waiters == 3);

	memset(words, 0, sizeof(words));
	words[4] = 5; /* readers, no writer */
	assert_true(synclock_state(SYNCLOCK_RWMUTEX, (uint8_t *)words, &st));
	assert_true(!st.locked && st.readers == 5 && st.readers_to_leave == 0);
	words[4] = (uint32_t)(5 - (1 << 30)); /* a writer that waits for two of them */
	words[5] = 2;
	assert_true(synclock_state(SYNCLOCK_RWMUTEX, (uint8_t *)words, &st));
	assert_true(st.locked && st.readers == 5 && st.readers_to_leave == 2);

	memset(words, 0, sizeof(words));
	words[0] = 0x80000007;
	words[1] = 3;
	assert_true(synclock_state(SYNCLOCK_WAITGROUP, (uint8_t *)words, &st));
	assert_true(st.waiters == 7 && st.counter == 3);
	assert_false(synclock_state(SYNCLOCK_COND, (uint8_t *)words, &st));
	assert_false(synclock_state(SYNCLOCK_SEMAPHORE, (uint8_t *)words, &st));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(states),
	};

	return cmocka_run_group_tests_name("golang/synclock", tests, NULL, NULL);
}
