// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The defer runtime for C programs, include/deferd/defer.h. Calls write what they are into a
 * journal; tests compare it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

/* An allocator that counts, and that fails on request. */
static long slabs_live;
static long slabs_ever;
static bool malloc_fails;

static void *counting_malloc(size_t size)
{
	if (malloc_fails)
		return NULL;
	__atomic_add_fetch(&slabs_live, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&slabs_ever, 1, __ATOMIC_RELAXED);
	return malloc(size);
}

static void counting_free(void *p)
{
	__atomic_sub_fetch(&slabs_live, 1, __ATOMIC_RELAXED);
	free(p);
}

#define DEFER_MALLOC      counting_malloc
#define DEFER_FREE        counting_free
#define DEFER_RECORDS_MAX 120000u
#define DEFER_IMPLEMENTATION
#include "deferd/defer.h"

#define LOOPS 100000

static __thread char journal[256];

static void note(void *word)
{
	size_t len = strlen(journal);

	snprintf(journal + len, sizeof(journal) - len, "%s%s", len ? " " : "", (char *)word);
}

static int journal_new(void **state)
{
	journal[0] = '\0';
	malloc_fails = false;
	return 0;
}

/* ---- blocks and scopes ---- */

static int leave_by_return(int n)
{
	DEFER(note, "outer");
	if (n) {
		DEFER(note, "inner");
		return n;
	}
	return 0;
}

static void block_runs_newest_first(void **state)
{
	{
		DEFER(note, "1");
		DEFER(note, "2");
		DEFER(note, "3");
		assert_string_equal(journal, "");
	}
	assert_string_equal(journal, "3 2 1");
	journal[0] = '\0';
	assert_int_equal(leave_by_return(7), 7);
	assert_string_equal(journal, "inner outer");
}

static void block_of_a_loop_runs_each_round(void **state)
{
	for (int i = 0; i < 4; i++) {
		DEFER(note, "round");
		if (i == 1)
			continue;
		if (i == 2)
			break;
		note("body");
	}
	assert_string_equal(journal, "body round round round");
}

static void scope_nests(void **state)
{
	DEFER_SCOPE
	{
		assert_int_equal(DEFER_LOOP(note, "a"), 0);
		DEFER_SCOPE
		{
			assert_int_equal(DEFER_LOOP(note, "b"), 0);
			assert_int_equal(DEFER_LOOP(note, "c"), 0);
		}
		assert_string_equal(journal, "c b");
		assert_int_equal(DEFER_LOOP(note, "d"), 0);
	}
	assert_string_equal(journal, "c b d a");
}

static void scope_of_the_caller_is_used(void **state)
{
	DEFER_SCOPE
	{
		for (int i = 0; i < 2; i++) {
			assert_int_equal(leave_by_return(1), 1);
			assert_int_equal(DEFER_LOOP(note, "mine"), 0);
		}
	}
	assert_string_equal(journal, "inner outer inner outer mine mine");
}

static int leave_scope(int how)
{
	DEFER_SCOPE
	{
		assert_int_equal(DEFER_LOOP(note, "x"), 0);
		if (how == 0)
			return 1;
		if (how == 1)
			break;
		if (how == 2)
			continue;
		goto out;
	}
	return 2;
out:
	return 3;
}

static void scope_ends_by_any_way_out(void **state)
{
	const int want[] = { 1, 2, 2, 3 };

	for (int how = 0; how < 4; how++) {
		journal[0] = '\0';
		assert_int_equal(leave_scope(how), want[how]);
		assert_string_equal(journal, "x");
	}
}

static void register_mixed(bool panics)
{
	const char *why;

	DEFER_RECOVER(&why)
	{
		DEFER(note, "block1");
		assert_int_equal(DEFER_LOOP(note, "loop1"), 0);
		DEFER(note, "block2");
		assert_int_equal(DEFER_LOOP(note, "loop2"), 0);
		if (panics)
			defer_panic("mixed");
	}
	assert_true(!!why == panics);
}

/* DEFER before DEFER_LOOP of the same scope, on the way out and in a panic alike. */
static void mixed_forms_keep_their_order(void **state)
{
	register_mixed(false);
	assert_string_equal(journal, "block2 block1 loop2 loop1");
	journal[0] = '\0';
	register_mixed(true);
	assert_string_equal(journal, "block2 block1 loop2 loop1");
}

/* ---- loops ---- */

static struct {
	int next; /* the index that must run next */
	int ran;
} countdown;

static void expect_index(void *index)
{
	assert_int_equal((intptr_t)index, countdown.next);
	countdown.next--;
	countdown.ran++;
}

static void defer_many(int n)
{
	DEFER_SCOPE
	{
		for (intptr_t i = 0; i < n; i++)
			assert_int_equal(DEFER_LOOP(expect_index, (void *)i), 0);
		countdown.next = n - 1;
		countdown.ran = 0;
	}
	assert_int_equal(countdown.ran, n);
}

static void loop_of_many_reuses_its_records(void **state)
{
	long ever;

	defer_many(LOOPS);
	ever = slabs_ever;
	assert_in_range(ever, LOOPS / DEFER_SLAB_RECORDS, LOOPS / DEFER_SLAB_RECORDS + 1);
	for (int i = 0; i < 3; i++)
		defer_many(LOOPS);
	assert_int_equal(slabs_ever, ever);
}

static void loop_is_bounded(void **state)
{
	unsigned int registered = 0, ran = 0;
	int err = 0;

	DEFER_SCOPE
	{
		DEFER_SCOPE
		{
			for (intptr_t i = 0; !err; i++) {
				err = DEFER_LOOP(expect_index, (void *)i);
				registered += !err;
			}
			countdown.next = (int)registered - 1;
			countdown.ran = 0;
		}
		ran = (unsigned int)countdown.ran;
		assert_int_equal(DEFER_LOOP(note, "again"), 0);
	}
	assert_int_equal(err, -ENOMEM);
	assert_int_equal(registered, DEFER_RECORDS_MAX);
	assert_int_equal(ran, registered);
	assert_string_equal(journal, "again");
}

static void *defer_without_memory(void *arg)
{
	int *ret_err = arg;

	DEFER_SCOPE
	{
		ret_err[0] = DEFER_LOOP(note, "never");
	}
	ret_err[1] = DEFER_LOOP(note, "never");
	ret_err[2] = (int)strlen(journal);
	return NULL;
}

/* On a thread of its own: one that has no free records yet. */
static void loop_reports_what_it_lacks(void **state)
{
	int err[3] = { 0 };
	pthread_t thread;

	malloc_fails = true;
	assert_int_equal(pthread_create(&thread, NULL, defer_without_memory, err), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(err[0], -ENOMEM);
	assert_int_equal(err[1], -EINVAL);
	assert_int_equal(err[2], 0);
}

/* ---- panic and recovery ---- */

static void panic_from_below(void)
{
	char text[32];

	DEFER(note, "below");
	snprintf(text, sizeof(text), "stock is %d", -3);
	defer_panic(text);
}

static void panic_runs_inner_first_and_recovers(void **state)
{
	const char *why;

	DEFER_SCOPE
	{
		assert_int_equal(DEFER_LOOP(note, "outer"), 0);
		DEFER_RECOVER(&why)
		{
			assert_int_equal(DEFER_LOOP(note, "recovering"), 0);
			DEFER_SCOPE
			{
				assert_int_equal(DEFER_LOOP(note, "scope"), 0);
				panic_from_below();
			}
			note("unreachable");
		}
		assert_string_equal(why, "stock is -3");
		assert_string_equal(journal, "below scope recovering");
		note("behind");
	}
	assert_string_equal(journal, "below scope recovering behind outer");
}

static void recover_block_without_panic(void **state)
{
	const char *why = "left over";

	DEFER_RECOVER(&why)
	{
		assert_int_equal(DEFER_LOOP(note, "x"), 0);
	}
	assert_null(why);
	assert_string_equal(journal, "x");
}

static void panic_message_is_bounded(void **state)
{
	char text[DEFER_MESSAGE_MAX * 2];
	const char *why;

	memset(text, 'm', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	DEFER_RECOVER(&why)
	{
		defer_panic(text);
	}
	assert_int_equal(strlen(why), DEFER_MESSAGE_MAX - 1);
	DEFER_RECOVER(&why)
	{
		defer_panic(NULL);
	}
	assert_string_equal(why, "(no message)");
}

static void panic_anew(void *message)
{
	note("anew");
	defer_panic(message);
}

static void newest_panic_wins(void **state)
{
	const char *why;

	DEFER_RECOVER(&why)
	{
		assert_int_equal(DEFER_LOOP(note, "last"), 0);
		assert_int_equal(DEFER_LOOP(panic_anew, "third"), 0);
		assert_int_equal(DEFER_LOOP(note, "between"), 0);
		assert_int_equal(DEFER_LOOP(panic_anew, "second"), 0);
		defer_panic("first");
	}
	assert_string_equal(why, "third");
	assert_string_equal(journal, "anew between anew last");
}

static void panic_and_recover_inside(void *arg)
{
	const char *why;

	DEFER_RECOVER(&why)
	{
		defer_panic("inner");
	}
	assert_string_equal(why, "inner");
	note("inside");
}

static void panic_goes_on_after_inner_recovery(void **state)
{
	const char *why;

	DEFER_RECOVER(&why)
	{
		assert_int_equal(DEFER_LOOP(note, "rest"), 0);
		assert_int_equal(DEFER_LOOP(panic_and_recover_inside, NULL), 0);
		defer_panic("outer");
	}
	assert_string_equal(why, "outer");
	assert_string_equal(journal, "inside rest");
}

static int return_through_a_panic(void)
{
	const char *why;

	DEFER_RECOVER(&why)
	{
		assert_int_equal(DEFER_LOOP(panic_anew, "at the end"), 0);
		return 1;
	}
	return why && !strcmp(why, "at the end") ? 2 : 3;
}

static void panic_at_a_normal_end(void **state)
{
	const char *why;

	assert_int_equal(return_through_a_panic(), 2);
	journal[0] = '\0';
	DEFER_RECOVER(&why)
	{
		DEFER(note, "b");
		DEFER(panic_anew, "block end");
		DEFER(note, "a");
	}
	assert_string_equal(why, "block end");
	assert_string_equal(journal, "a anew b");
}

static bool recover_once(void)
{
	const char *why;

	DEFER_RECOVER(&why)
	{
		assert_int_equal(DEFER_LOOP(note, "x"), 0);
		DEFER_SCOPE
		{
			assert_int_equal(DEFER_LOOP(note, "y"), 0);
			defer_panic("again");
		}
	}
	return why;
}

static void recovery_can_be_repeated(void **state)
{
	long ever = slabs_ever;

	for (int i = 0; i < 1000; i++) {
		assert_true(recover_once());
		assert_string_equal(journal, "y x");
		journal[0] = '\0';
	}
	assert_int_equal(slabs_ever, ever);
}

static void write_word(void *word)
{
	(void)!write(STDOUT_FILENO, word, strlen(word));
}

static void die_with_pending_calls(void)
{
	DEFER(write_word, "outer ");
	DEFER_SCOPE
	{
		if (DEFER_LOOP(write_word, "loop ") || DEFER_LOOP(panic_anew, "worse"))
			_exit(1);
		defer_panic("bad");
	}
}

/*
 * Run die_with_pending_calls() in a child; give its output (both streams in order) and its wait
 * status.
 */
static int child_dies(char *ret_text, size_t size)
{
	int fds[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		die_with_pending_calls();
		_exit(0);
	}
	close(fds[1]);
	while (len < size - 1 && (n = read(fds[0], ret_text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	ret_text[len] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void panic_without_recovery_aborts(void **state)
{
	char text[256];
	int status = child_dies(text, sizeof(text));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_string_equal(text, "loop outer panic: bad [overridden]\npanic: worse\n");
}

/* ---- exactly once ---- */

/*
 * A walk through random blocks: every call registered must run once, whatever panics on the way.
 */
#define WALK_CALLS 4096

static struct {
	uint32_t random;
	int registered;
	int panics;
	int overridden;
	int recovered;
	unsigned char ran[WALK_CALLS];
} walk;

static uint32_t walk_random(uint32_t below)
{
	walk.random = walk.random * 1664525u + 1013904223u;
	return (walk.random >> 8) % below;
}

static void walk_panic(const char *message)
{
	walk.panics++;
	if (defer_thread.panicking)
		walk.overridden++;
	defer_panic(message);
}

static void walk_call(void *id)
{
	walk.ran[(intptr_t)id]++;
	if (!walk_random(16))
		walk_panic("in a deferred call");
}

static void walk_steps(int depth);

static void walk_recover(int depth)
{
	const char *why;

	DEFER_RECOVER(&why)
	{
		walk_steps(depth);
	}
	walk.recovered += !!why;
}

static void walk_block(int depth)
{
	DEFER(walk_call, (void *)(intptr_t)walk.registered++);
	walk_steps(depth);
}

static void walk_scope(int depth)
{
	DEFER_SCOPE
	{
		walk_steps(depth);
	}
}

static void walk_steps(int depth)
{
	int steps = (int)walk_random(8);

	for (int i = 0; i < steps && walk.registered < WALK_CALLS - 64; i++) {
		switch (depth ? walk_random(6) : walk_random(3)) {
		case 0:
		case 1:
			assert_int_equal(DEFER_LOOP(walk_call, (void *)(intptr_t)walk.registered),
					 0);
			walk.registered++;
			break;
		case 2:
			if (!walk_random(4))
				walk_panic("in the body");
			break;
		case 3:
			walk_recover(depth - 1);
			break;
		case 4:
			walk_block(depth - 1);
			break;
		default:
			walk_scope(depth - 1);
			break;
		}
	}
}

static void every_call_runs_exactly_once(void **state)
{
	int panics = 0, overridden = 0, calls = 0;

	for (uint32_t seed = 1; seed <= 2000; seed++) {
		memset(&walk, 0, sizeof(walk));
		walk.random = seed;
		walk_recover(6);
		for (int i = 0; i < walk.registered; i++)
			assert_int_equal(walk.ran[i], 1);
		assert_null(defer_thread.scope);
		assert_null(defer_thread.panicking);
		assert_int_equal(walk.panics, walk.recovered + walk.overridden);
		panics += walk.panics;
		overridden += walk.overridden;
		calls += walk.registered;
	}
	assert_true(panics > 1000 && overridden > 100 && calls > 10000);
}

/* ---- contexts ---- */

static void ctx_ends_once_and_says_why(void **state)
{
	struct defer_ctx ctx, child;
	int64_t left_ns;

	assert_int_equal(defer_ctx_err(NULL), 0);
	assert_true(defer_ctx_remaining_ns(NULL) == DEFER_NO_DEADLINE);

	defer_ctx_init(&ctx, NULL, DEFER_NO_DEADLINE);
	assert_int_equal(defer_ctx_err(&ctx), 0);
	assert_true(defer_ctx_remaining_ns(&ctx) == DEFER_NO_DEADLINE);
	defer_ctx_cancel(&ctx);
	assert_int_equal(defer_ctx_err(&ctx), -ECANCELED);
	assert_int_equal(defer_ctx_remaining_ns(&ctx), 0);

	defer_ctx_init(&ctx, NULL, defer_now_ns() - 1);
	assert_int_equal(defer_ctx_err(&ctx), -ETIMEDOUT);
	assert_int_equal(defer_ctx_remaining_ns(&ctx), 0);
	defer_ctx_cancel(&ctx); /* too late to be the cause */
	assert_int_equal(defer_ctx_err(&ctx), -ETIMEDOUT);

	defer_ctx_init(&ctx, NULL, defer_now_ns() + INT64_C(3600000000000));
	left_ns = defer_ctx_remaining_ns(&ctx);
	assert_true(left_ns > INT64_C(3500000000000) && left_ns <= INT64_C(3600000000000));
	defer_ctx_init(&child, &ctx, defer_now_ns() + INT64_C(60000000000));
	assert_true(defer_ctx_remaining_ns(&child) <= INT64_C(60000000000));
	defer_ctx_init(&child, &ctx, defer_now_ns() + INT64_C(7200000000000));
	assert_true(defer_ctx_remaining_ns(&child) <= left_ns);
}

static void ctx_ends_with_its_parent(void **state)
{
	struct defer_ctx parent, child, other;

	defer_ctx_init(&parent, NULL, DEFER_NO_DEADLINE);
	defer_ctx_init(&child, &parent, DEFER_NO_DEADLINE);
	defer_ctx_init(&other, &parent, DEFER_NO_DEADLINE);
	defer_ctx_cancel(&child);
	assert_int_equal(defer_ctx_err(&child), -ECANCELED);
	assert_int_equal(defer_ctx_err(&parent), 0);
	assert_int_equal(defer_ctx_err(&other), 0);
	defer_ctx_cancel(&parent);
	assert_int_equal(defer_ctx_err(&other), -ECANCELED);

	defer_ctx_init(&parent, NULL, defer_now_ns() - 1);
	defer_ctx_init(&child, &parent, DEFER_NO_DEADLINE);
	assert_int_equal(defer_ctx_err(&child), -ETIMEDOUT);
}

struct flush {
	pthread_t thread;
	int calls;
	int err;
	int64_t left_ns;
	struct defer_ctx *ctx;
};

static void flush_bounded(void *arg)
{
	struct flush *flush = arg;

	flush->calls++;
	flush->thread = pthread_self();
	flush->ctx = defer_ctx_current();
	flush->err = defer_ctx_err(flush->ctx);
	flush->left_ns = defer_ctx_remaining_ns(flush->ctx);
}

static void *cancel_it(void *ctx)
{
	defer_ctx_cancel(ctx);
	return NULL;
}

static void ctx_canceled_by_another_thread(void **state)
{
	struct flush flushes[3] = { 0 };
	struct defer_ctx ctx;
	pthread_t thread;

	defer_ctx_init(&ctx, NULL, DEFER_NO_DEADLINE);
	DEFER_SCOPE
	{
		DEFER_CTX(&ctx, flush_bounded, &flushes[0]);
		assert_int_equal(DEFER_LOOP_CTX(&ctx, flush_bounded, &flushes[1]), 0);
		assert_int_equal(DEFER_LOOP(flush_bounded, &flushes[2]), 0);
		assert_int_equal(pthread_create(&thread, NULL, cancel_it, &ctx), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(defer_ctx_err(&ctx), -ECANCELED);
		for (int i = 0; i < 3; i++)
			assert_int_equal(flushes[i].calls, 0);
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(flushes[i].calls, 1);
		assert_true(pthread_equal(flushes[i].thread, pthread_self()));
		assert_int_equal(flushes[i].err, i < 2 ? -ECANCELED : 0);
		assert_ptr_equal(flushes[i].ctx, i < 2 ? &ctx : NULL);
	}
	assert_int_equal(flushes[0].left_ns, 0);
	assert_null(defer_ctx_current());
}

static void panic_late(struct defer_ctx *ctx, struct flush *flush)
{
	const char *why;

	DEFER_RECOVER(&why)
	{
		assert_int_equal(DEFER_LOOP_CTX(ctx, flush_bounded, flush), 0);
		defer_panic("late");
	}
	assert_string_equal(why, "late");
}

static void ctx_past_its_deadline_still_runs(void **state)
{
	struct flush flush = { 0 };
	struct defer_ctx ctx;

	defer_ctx_init(&ctx, NULL, defer_now_ns() - 1);
	panic_late(&ctx, &flush);
	assert_int_equal(flush.calls, 1);
	assert_int_equal(flush.err, -ETIMEDOUT);
}

static void panic_of_a_call_with_ctx(void **state)
{
	struct defer_ctx ctx;
	const char *why;

	defer_ctx_init(&ctx, NULL, DEFER_NO_DEADLINE);
	DEFER_RECOVER(&why)
	{
		DEFER_CTX(&ctx, panic_anew, "x");
	}
	assert_string_equal(why, "x");
	assert_null(defer_ctx_current());
}

/* ---- threads ---- */

static void count(void *counter)
{
	(*(int *)counter)++;
}

static void count_1000(int *ran, bool panics)
{
	const char *why;

	DEFER_RECOVER(&why)
	{
		for (int i = 0; i < 1000; i++)
			assert_int_equal(DEFER_LOOP(count, ran), 0);
		if (panics)
			defer_panic("round");
	}
	assert_true(!!why == panics);
}

static void *thread_with_panics(void *ran)
{
	for (int round = 0; round < 50; round++)
		count_1000(ran, round % 2);
	return NULL;
}

static void *thread_exits_inside(void *arg)
{
	DEFER_SCOPE
	{
		for (int i = 0; i < 1000; i++) {
			if (DEFER_LOOP(count, arg))
				return NULL;
		}
		pthread_exit(NULL);
	}
	return NULL;
}

static void threads_are_apart_and_free_their_records(void **state)
{
	long live = slabs_live;
	int ran[8] = { 0 };
	pthread_t threads[8];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread_with_panics, &ran[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(ran[i], 50 * 1000);
	}
	assert_int_equal(slabs_live, live);
}

static void thread_that_ends_inside_drops_its_calls(void **state)
{
	long live = slabs_live;
	pthread_t thread;
	int ran = 0;

	assert_int_equal(pthread_create(&thread, NULL, thread_exits_inside, &ran), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(ran, 0);
	assert_int_equal(slabs_live, live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(block_runs_newest_first, journal_new),
		cmocka_unit_test_setup(block_of_a_loop_runs_each_round, journal_new),
		cmocka_unit_test_setup(scope_nests, journal_new),
		cmocka_unit_test_setup(scope_of_the_caller_is_used, journal_new),
		cmocka_unit_test_setup(scope_ends_by_any_way_out, journal_new),
		cmocka_unit_test_setup(mixed_forms_keep_their_order, journal_new),
		cmocka_unit_test_setup(loop_of_many_reuses_its_records, journal_new),
		cmocka_unit_test_setup(loop_is_bounded, journal_new),
		cmocka_unit_test_setup(loop_reports_what_it_lacks, journal_new),
		cmocka_unit_test_setup(panic_runs_inner_first_and_recovers, journal_new),
		cmocka_unit_test_setup(recover_block_without_panic, journal_new),
		cmocka_unit_test_setup(panic_message_is_bounded, journal_new),
		cmocka_unit_test_setup(newest_panic_wins, journal_new),
		cmocka_unit_test_setup(panic_goes_on_after_inner_recovery, journal_new),
		cmocka_unit_test_setup(panic_at_a_normal_end, journal_new),
		cmocka_unit_test_setup(recovery_can_be_repeated, journal_new),
		cmocka_unit_test_setup(panic_without_recovery_aborts, journal_new),
		cmocka_unit_test_setup(every_call_runs_exactly_once, journal_new),
		cmocka_unit_test_setup(ctx_ends_once_and_says_why, journal_new),
		cmocka_unit_test_setup(ctx_ends_with_its_parent, journal_new),
		cmocka_unit_test_setup(ctx_canceled_by_another_thread, journal_new),
		cmocka_unit_test_setup(ctx_past_its_deadline_still_runs, journal_new),
		cmocka_unit_test_setup(panic_of_a_call_with_ctx, journal_new),
		cmocka_unit_test_setup(threads_are_apart_and_free_their_records, journal_new),
		cmocka_unit_test_setup(thread_that_ends_inside_drops_its_calls, journal_new),
	};

	return cmocka_run_group_tests_name("cdefer", tests, NULL, NULL);
}
