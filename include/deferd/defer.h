/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * defer.h: deferred calls, panics and recovery for C programs, in one file.
 *
 * Copy this file into a project, or include it as <deferd/defer.h>. In exactly one translation
 * unit write
 *
 *	#define DEFER_IMPLEMENTATION
 *	#include "defer.h"
 *
 * and include it plainly everywhere else. It asks for C11 with the GNU extensions (gcc or clang),
 * a POSIX system and pthreads, and for nothing else; the deferd monitor need not be installed.
 * Where it is, it counts through probes on defer_push(), defer_run(), defer_panic() and
 * defer_recover(): no flag, no restart, no cost while nobody watches. These four are never
 * inlined or cloned, so that one hit is one call. A stripped executable loses their names; link
 * it with -Wl,--export-dynamic-symbol='defer_*' to keep them.
 *
 * A deferred call is a function and an argument, run when a block of the program ends, however it
 * ends: at its closing brace, by return, break, continue or goto, or by a panic. Two forms:
 *
 * - DEFER(fn, arg) is a declaration. The call runs at the end of the enclosing block; in the body
 *   of a loop that is once in each round. Its record is a local variable: nothing is allocated
 *   and nothing can fail.
 * - DEFER_LOOP(fn, arg) is an expression: 0, or a negative errno. The call runs at the end of the
 *   enclosing DEFER_SCOPE or DEFER_RECOVER block, so the calls that a loop registers pile up
 *   until then. Records come from the runtime, which keeps them in a free list per thread.
 *
 * Calls of one form run newest first. The block of a DEFER ends before the scope around it does,
 * so its call runs before the DEFER_LOOP calls of that scope: what those need is to be deferred
 * outside of the scope. A panic keeps the same order.
 *
 * example-begin
 *	#define DEFER_IMPLEMENTATION
 *	#include "defer.h"
 *	#include <stdio.h>
 *
 *	static void release(void *item)
 *	{
 *		printf("release %s\n", (const char *)item);
 *	}
 *
 *	static void reserve(const char **items, int n)
 *	{
 *		DEFER_SCOPE {
 *			for (int i = 0; i < n; i++) {
 *				if (DEFER_LOOP(release, (void *)items[i]))
 *					defer_panic("out of defer records");
 *			}
 *			if (n > 2)
 *				defer_panic("order too large");
 *			printf("reserved %d\n", n);
 *		}
 *	}
 *
 *	static void order(const char **items, int n)
 *	{
 *		const char *why;
 *
 *		DEFER_RECOVER(&why) {
 *			reserve(items, n);
 *		}
 *		if (why)
 *			printf("refused: %s\n", why);
 *	}
 *
 *	int main(void)
 *	{
 *		const char *items[] = { "cup", "plate", "spoon" };
 *
 *		DEFER(release, (void *)"shop");
 *		order(items, 2);
 *		order(items, 3);
 *		return 0;
 *	}
 * example-end
 *
 * It prints
 *
 * output-begin
 *	reserved 2
 *	release plate
 *	release cup
 *	release spoon
 *	release plate
 *	release cup
 *	refused: order too large
 *	release shop
 * output-end
 *
 * Panics. defer_panic() runs the pending calls of this thread, innermost scope first, until it
 * comes to a DEFER_RECOVER block; the calls of that block run too, and the program goes on behind
 * it. Without one, all pending calls run, then the message goes to stderr and the program aborts.
 * A deferred call may panic itself: the newest panic wins, as in Go; calls that were still
 * pending run all the same, and the older panic is gone unless the newer one was recovered inside
 * the deferred call. No call ever runs twice, not even one that panics half way.
 *
 * DEFER_RECOVER is built on setjmp, and its rules apply. A local variable of the function that
 * holds the block must be volatile if it is changed inside the block, even through a pointer, and
 * read behind it; compilers do make use of this. So give the block a function of its own, with no
 * locals but `why`, as the example does. Do not longjmp out of a block that has pending calls, and
 * do not switch stacks (swapcontext, coroutines) while one is open. One surprise: when a deferred
 * call panics while a return statement is leaving the DEFER_RECOVER block that catches it, the
 * program goes on behind the block; it does not return.
 *
 * DEFER_SCOPE and DEFER_RECOVER are loops of one round to the compiler: break and continue inside
 * them leave the block itself, not a loop around it.
 *
 * Contexts. DEFER_CTX and DEFER_LOOP_CTX register a call with a struct defer_ctx, which ends at a
 * deadline, by defer_ctx_cancel(), or with its parent. The end of a context never skips a
 * deferred call, never runs one early and never runs one on another thread: cleanup that depends
 * on a clock would be no cleanup. The call runs exactly once, at the end of its block. What it
 * gains is knowledge: it asks defer_ctx_current() for its context, defer_ctx_err() whether that
 * has ended and why, and defer_ctx_remaining_ns() how long it may still block (to flush with a
 * time limit, say, instead of for ever).
 *
 * Threads. All state but contexts is thread local, and there are no locks. A thread that ends by
 * returning has left all its blocks, so nothing is pending. A thread that ends inside a block
 * (pthread_exit, cancellation) does not run the calls pending there, because the stack that held
 * their records is gone; only in code compiled with -fexceptions does glibc unwind through the
 * blocks, and then they run. exit() runs none. The records of a thread are freed when it ends. A
 * child of fork() has its own copy of the pending calls and runs them as it leaves the blocks.
 * Nothing but defer_ctx_cancel() may be called from a signal handler.
 */
#ifndef DEFERD_DEFER_H
#define DEFERD_DEFER_H

#ifdef __cplusplus
#error "defer.h is for C: a panic would jump over destructors"
#endif

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

/* DEFER_LOOP records that one thread may have pending; the next one is refused by -ENOMEM. */
#ifndef DEFER_RECORDS_MAX
#define DEFER_RECORDS_MAX (1u << 20)
#endif

/* Bytes kept of a panic message, with the terminating zero; longer ones are cut. */
#define DEFER_MESSAGE_MAX 256

/*
 * One no-operation at the entry of the functions that deferd probes: the kernel emulates it, where it would have to
 * single-step most other instructions, which costs the program several times as much a hit.
 */
#define DEFER_NOP_
#if defined(__has_attribute)
#if __has_attribute(patchable_function_entry)
#undef DEFER_NOP_
#define DEFER_NOP_ __attribute__((patchable_function_entry(1)))
#endif
#endif

#if defined(__has_attribute)
#if __has_attribute(noipa)
#define DEFER_PROBED_ __attribute__((noinline, noipa, used, visibility("default"))) DEFER_NOP_
#endif
#endif
#ifndef DEFER_PROBED_
#define DEFER_PROBED_ __attribute__((noinline, used, visibility("default"))) DEFER_NOP_
#endif

/*
 * A moment after which work is no longer wanted. Any thread may cancel and ask. Embedded by the
 * caller; it must live until the calls registered with it have run and its children are no longer
 * used. Nothing has to be freed.
 */
struct defer_ctx {
	struct defer_ctx *parent; /* ends when the parent ends; NULL without */
	int64_t deadline_ns;      /* CLOCK_MONOTONIC, or DEFER_NO_DEADLINE; constant after init */
	int64_t canceled_ns;      /* CLOCK_MONOTONIC, 0 while not canceled; atomic access only */
	int err;                  /* the answer of defer_ctx_err() once given; atomic access only */
};

#define DEFER_NO_DEADLINE INT64_MAX

/* One registered call. Observers rely on fn and arg being first; the runtime owns the rest. */
struct defer_call {
	void (*fn)(void *arg);
	void *arg;
	struct defer_ctx *ctx;   /* borrowed until the call has run; NULL without */
	struct defer_call *next; /* registered before; of a free record, the next free */
	uint64_t pooled;         /* 1: a record of DEFER_LOOP, which returns to the free list */
};

/* A block whose end runs calls. Opened and closed by the macros below. Lists are newest first. */
struct defer_scope {
	struct defer_call *local;  /* of DEFER in blocks within this scope */
	struct defer_call *pooled; /* of DEFER_LOOP */
	struct defer_scope *outer;
	struct defer_recovery *recovery; /* the recovery point this scope belongs to, or NULL */
};

/* A scope at which a panic ends. */
struct defer_recovery {
	struct defer_scope scope;
	const char **ret_why;
	struct defer_panicking *panicking; /* running when the block was entered, or NULL */
	struct defer_ctx *ctx;             /* current then, or NULL */
	jmp_buf env;
};

/*
 * Register one call on the innermost open scope of this thread. `call` is borrowed until it has
 * run; fn, arg, ctx and pooled are set. Called by the macros, in the function that defers.
 */
DEFER_PROBED_ void defer_push(struct defer_call *call);

/* Run one call, taken off its scope. The runtime does so once for each call registered. */
DEFER_PROBED_ void defer_run(struct defer_call *call);

/*
 * Start a panic on this thread; see the essay above. `message` may be NULL and may lie on the
 * caller's stack: the runtime copies its first DEFER_MESSAGE_MAX - 1 bytes.
 */
DEFER_PROBED_ void defer_panic(const char *message) __attribute__((noreturn));

/*
 * Called by DEFER_RECOVER, in the function that recovers, exactly once for each panic that has
 * been recovered, after all its deferred calls have run.
 */
DEFER_PROBED_ void defer_recover(struct defer_recovery *recovery);

/*
 * A record for DEFER_LOOP. Returns 0; -EINVAL when no scope is open on this thread; -ENOMEM when
 * DEFER_RECORDS_MAX records are pending or memory is short. *ret_call is written on success only.
 */
int defer_record_get(struct defer_ctx *ctx, void (*fn)(void *arg), void *arg,
		     struct defer_call **ret_call);

/* Take a DEFER record off its scope and run it: the end of its block. */
void defer_leave(struct defer_call *call);

struct defer_scope *defer_scope_open(struct defer_scope *scope);
void defer_scope_close(struct defer_scope *scope);
struct defer_recovery *defer_recovery_open(struct defer_recovery *recovery, const char **ret_why);
void defer_recovery_close(struct defer_recovery *recovery);

/*
 * Prepare a context that ends at `deadline_ns` (CLOCK_MONOTONIC; DEFER_NO_DEADLINE for never),
 * when `parent` ends (borrowed, may be NULL), or when it is canceled.
 */
void defer_ctx_init(struct defer_ctx *ctx, struct defer_ctx *parent, int64_t deadline_ns);

/* End the context and its children now. Only the first cancel counts. Any thread, no locks. */
void defer_ctx_cancel(struct defer_ctx *ctx);

/*
 * What ended the context first: 0 while it has not ended, -ECANCELED, or -ETIMEDOUT. The answer
 * never changes once it is not 0. A NULL context never ends. Any thread.
 */
int defer_ctx_err(struct defer_ctx *ctx);

/* Nanoseconds until a deadline ends the context: 0 when it has ended, INT64_MAX without one. */
int64_t defer_ctx_remaining_ns(struct defer_ctx *ctx);

/* The context of the deferred call that is running on this thread, or NULL. */
struct defer_ctx *defer_ctx_current(void);

/* Now on CLOCK_MONOTONIC, to build deadlines from. */
int64_t defer_now_ns(void);

static inline __attribute__((warn_unused_result)) int defer_checked(int err)
{
	return err;
}

#define DEFER_JOIN2_(a, b) a##b
#define DEFER_JOIN_(a, b)  DEFER_JOIN2_(a, b)

/* DEFER(fn, arg): call fn(arg) at the end of the enclosing block. `fn` is a void (*)(void *). */
#define DEFER(fn, arg)          DEFER_CTX(NULL, fn, arg)
#define DEFER_CTX(ctx, fn, arg) DEFER_CALL_(DEFER_JOIN_(defer_call_, __COUNTER__), ctx, fn, arg)
#define DEFER_CALL_(name, ctx, fn, arg)                                                  \
	struct defer_call name                                                           \
		__attribute__((cleanup(defer_leave))) = { (fn), (arg), (ctx), NULL, 0 }; \
	defer_push(&name)

/*
 * DEFER_LOOP(fn, arg): call fn(arg) at the end of the innermost open DEFER_SCOPE or DEFER_RECOVER
 * of this thread, be it a caller's. The value is that of defer_record_get(); unless it is 0 the
 * call is not registered, and the caller still owns what it wanted to defer.
 */
#define DEFER_LOOP(fn, arg) DEFER_LOOP_CTX(NULL, fn, arg)
#define DEFER_LOOP_CTX(ctx, fn, arg)                           \
	DEFER_RECORD_(DEFER_JOIN_(defer_record_, __COUNTER__), \
		      DEFER_JOIN_(defer_err_, __COUNTER__), ctx, fn, arg)
#define DEFER_RECORD_(name, err, ctx, fn, arg)                         \
	defer_checked(__extension__({                                  \
		struct defer_call *name;                               \
		int err = defer_record_get((ctx), (fn), (arg), &name); \
		if (!err)                                              \
			defer_push(name);                              \
		err;                                                   \
	}))

/* DEFER_SCOPE { ... }: a block whose end runs what DEFER_LOOP registered in it. */
#define DEFER_SCOPE \
	DEFER_SCOPE_(DEFER_JOIN_(defer_scope_, __COUNTER__), DEFER_JOIN_(defer_once_, __COUNTER__))
#define DEFER_SCOPE_(name, once)                                                  \
	for (struct defer_scope name __attribute__((cleanup(defer_scope_close))), \
	     *once = defer_scope_open(&name);                                     \
	     once; once = NULL)

/*
 * DEFER_RECOVER(&why) { ... }: a scope at which panics end. `why` is a const char *: NULL behind
 * the block when all went well, else the message, borrowed from the thread until it recovers
 * again.
 */
#define DEFER_RECOVER(ret_why)                                    \
	DEFER_RECOVER_(DEFER_JOIN_(defer_recovery_, __COUNTER__), \
		       DEFER_JOIN_(defer_once_, __COUNTER__), ret_why)
#define DEFER_RECOVER_(name, once, ret_why)                                             \
	for (struct defer_recovery name __attribute__((cleanup(defer_recovery_close))), \
	     *once = defer_recovery_open(&name, ret_why);                               \
	     once; once = NULL)                                                         \
		if (setjmp(name.env))                                                   \
			defer_recover(&name);                                           \
		else

#endif /* DEFERD_DEFER_H */

#if defined(DEFER_IMPLEMENTATION) && !defined(DEFERD_DEFER_IMPLEMENTED)
#define DEFERD_DEFER_IMPLEMENTED

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Where records come from; define both before the implementation to use another allocator. */
#ifndef DEFER_MALLOC
#define DEFER_MALLOC malloc
#define DEFER_FREE   free
#endif

/* Records allocated at a time: 10 KB. They return to the free list, not to the system. */
#define DEFER_SLAB_RECORDS 255

struct defer_slab {
	struct defer_slab *next;
	struct defer_call records[DEFER_SLAB_RECORDS];
};

/* A running panic. It lives in the frame of its defer_panic(), which runs the deferred calls. */
struct defer_panicking {
	const struct defer_panicking *older;
	char message[DEFER_MESSAGE_MAX];
};

static __thread struct defer_thread {
	struct defer_scope base; /* what DEFER registers on outside of any scope */
	struct defer_scope *scope;
	struct defer_call *free;
	struct defer_slab *slabs;
	unsigned int records; /* in all slabs */
	struct defer_ctx *ctx;
	struct defer_panicking *panicking;
	char recovered[DEFER_MESSAGE_MAX];
} defer_thread;

static pthread_once_t defer_key_once = PTHREAD_ONCE_INIT;
static pthread_key_t defer_key;
static int defer_key_err;

/*
 * As a thread ends. What is still pending belongs to blocks whose stack is gone: it can only be
 * dropped.
 */
static void defer_thread_done(void *arg)
{
	struct defer_thread *t = arg;

	while (t->slabs) {
		struct defer_slab *slab = t->slabs;

		t->slabs = slab->next;
		DEFER_FREE(slab);
	}
	memset(t, 0, sizeof(*t));
}

static void defer_key_new(void)
{
	defer_key_err = pthread_key_create(&defer_key, defer_thread_done);
}

static struct defer_scope *defer_scope_current(struct defer_thread *t)
{
	return t->scope ? t->scope : &t->base;
}

void defer_push(struct defer_call *call)
{
	struct defer_scope *scope = defer_scope_current(&defer_thread);
	struct defer_call **list = call->pooled ? &scope->pooled : &scope->local;

	call->next = *list;
	*list = call;
}

/* The record is free before the call begins: a call that panics never comes back to free it. */
void defer_run(struct defer_call *call)
{
	struct defer_thread *t = &defer_thread;
	struct defer_ctx *outer_ctx = t->ctx;
	void (*fn)(void *arg) = call->fn;
	void *arg = call->arg;

	t->ctx = call->ctx;
	if (call->pooled) {
		call->next = t->free;
		t->free = call;
	}
	fn(arg);
	t->ctx = outer_ctx;
}

static void defer_drain(struct defer_call **list)
{
	while (*list) {
		struct defer_call *call = *list;

		*list = call->next;
		defer_run(call);
	}
}

static __attribute__((noreturn, cold)) void defer_die(const struct defer_panicking *newest)
{
	/* The chain runs from the newest panic to the oldest; people read the oldest first. */
	for (const struct defer_panicking *end = NULL; end != newest;) {
		const struct defer_panicking *p = newest;

		while (p->older != end)
			p = p->older;
		fprintf(stderr, "panic: %s%s\n", p->message, p == newest ? "" : " [overridden]");
		end = p;
	}
	abort();
}

void defer_panic(const char *message)
{
	struct defer_thread *t = &defer_thread;
	struct defer_panicking p = { .older = t->panicking };
	struct defer_scope *scope;

	snprintf(p.message, sizeof(p.message), "%s", message ? message : "(no message)");
	t->panicking = &p;
	while ((scope = defer_scope_current(t))) {
		/* A call that panics does not return here: its own defer_panic() goes on. */
		defer_drain(&scope->local);
		defer_drain(&scope->pooled);
		if (scope->recovery) {
			memcpy(t->recovered, p.message, sizeof(t->recovered));
			longjmp(scope->recovery->env, 1);
		}
		if (scope == &t->base)
			break;
		t->scope = scope->outer;
	}
	defer_die(&p);
}

/*
 * After the longjmp, in the frame that recovers. The scope is still open, and empty; its block is
 * about to close it.
 */
void defer_recover(struct defer_recovery *recovery)
{
	struct defer_thread *t = &defer_thread;

	t->panicking = recovery->panicking;
	t->ctx = recovery->ctx;
	*recovery->ret_why = t->recovered;
}

struct defer_scope *defer_scope_open(struct defer_scope *scope)
{
	struct defer_thread *t = &defer_thread;

	*scope = (struct defer_scope){ .outer = t->scope };
	t->scope = scope;
	return scope;
}

void defer_scope_close(struct defer_scope *scope)
{
	defer_drain(&scope->pooled);
	defer_thread.scope = scope->outer;
}

struct defer_recovery *defer_recovery_open(struct defer_recovery *recovery, const char **ret_why)
{
	struct defer_thread *t = &defer_thread;

	defer_scope_open(&recovery->scope);
	recovery->scope.recovery = recovery;
	recovery->ret_why = ret_why;
	recovery->panicking = t->panicking;
	recovery->ctx = t->ctx;
	*ret_why = NULL;
	return recovery;
}

void defer_recovery_close(struct defer_recovery *recovery)
{
	defer_scope_close(&recovery->scope);
}

void defer_leave(struct defer_call *call)
{
	struct defer_scope *scope = defer_scope_current(&defer_thread);

	/* Blocks nest, so the newest is ours. Else the list may hold frames that are gone. */
	if (scope->local != call) {
		fputs("defer: blocks do not nest: was one left by longjmp?\n", stderr);
		abort();
	}
	scope->local = call->next;
	defer_run(call);
}

static int defer_slab_add(struct defer_thread *t)
{
	struct defer_slab *slab;
	unsigned int n = DEFER_SLAB_RECORDS;

	if (t->records >= DEFER_RECORDS_MAX)
		return -ENOMEM;
	pthread_once(&defer_key_once, defer_key_new);
	if (defer_key_err || pthread_setspecific(defer_key, t))
		return -ENOMEM;
	slab = DEFER_MALLOC(sizeof(*slab));
	if (!slab)
		return -ENOMEM;
	if (n > DEFER_RECORDS_MAX - t->records)
		n = DEFER_RECORDS_MAX - t->records;
	slab->next = t->slabs;
	t->slabs = slab;
	t->records += n;
	while (n-- > 0) {
		slab->records[n].next = t->free;
		t->free = &slab->records[n];
	}
	return 0;
}

int defer_record_get(struct defer_ctx *ctx, void (*fn)(void *arg), void *arg,
		     struct defer_call **ret_call)
{
	struct defer_thread *t = &defer_thread;
	struct defer_call *call;
	int err;

	if (!t->scope)
		return -EINVAL;
	if (!t->free) {
		err = defer_slab_add(t);
		if (err)
			return err;
	}
	call = t->free;
	t->free = call->next;
	*call = (struct defer_call){ .fn = fn, .arg = arg, .ctx = ctx, .pooled = 1 };
	*ret_call = call;
	return 0;
}

int64_t defer_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void defer_ctx_init(struct defer_ctx *ctx, struct defer_ctx *parent, int64_t deadline_ns)
{
	*ctx = (struct defer_ctx){ .parent = parent, .deadline_ns = deadline_ns };
}

void defer_ctx_cancel(struct defer_ctx *ctx)
{
	int64_t never = 0;

	__atomic_compare_exchange_n(&ctx->canceled_ns, &never, defer_now_ns(), 0, __ATOMIC_RELEASE,
				    __ATOMIC_RELAXED);
}

static int64_t defer_ctx_deadline_ns(const struct defer_ctx *ctx)
{
	int64_t deadline_ns = DEFER_NO_DEADLINE;

	for (; ctx; ctx = ctx->parent) {
		if (ctx->deadline_ns < deadline_ns)
			deadline_ns = ctx->deadline_ns;
	}
	return deadline_ns;
}

static int64_t defer_ctx_canceled_ns(const struct defer_ctx *ctx)
{
	int64_t canceled_ns = INT64_MAX;

	for (; ctx; ctx = ctx->parent) {
		int64_t at_ns = __atomic_load_n(&ctx->canceled_ns, __ATOMIC_ACQUIRE);

		if (at_ns && at_ns < canceled_ns)
			canceled_ns = at_ns;
	}
	return canceled_ns;
}

/*
 * Both kinds of end carry their time, so which came first is a comparison, whoever asks and when.
 * A cancel is stamped before it is published, so one asker may see the deadline pass and the next
 * an earlier cancel: the first answer is kept in err and stands.
 */
int defer_ctx_err(struct defer_ctx *ctx)
{
	int64_t canceled_ns, deadline_ns;
	int err, first = 0;

	if (!ctx)
		return 0;
	err = __atomic_load_n(&ctx->err, __ATOMIC_RELAXED);
	if (err)
		return err;
	canceled_ns = defer_ctx_canceled_ns(ctx);
	deadline_ns = defer_ctx_deadline_ns(ctx);
	if (canceled_ns < deadline_ns)
		err = -ECANCELED;
	else if (deadline_ns != DEFER_NO_DEADLINE && deadline_ns <= defer_now_ns())
		err = -ETIMEDOUT;
	else
		return 0;
	if (__atomic_compare_exchange_n(&ctx->err, &first, err, 0, __ATOMIC_RELAXED,
					__ATOMIC_RELAXED))
		return err;
	return first;
}

int64_t defer_ctx_remaining_ns(struct defer_ctx *ctx)
{
	int64_t deadline_ns = defer_ctx_deadline_ns(ctx);
	int64_t now_ns;

	if (defer_ctx_err(ctx))
		return 0;
	if (deadline_ns == DEFER_NO_DEADLINE)
		return DEFER_NO_DEADLINE;
	now_ns = defer_now_ns();
	return deadline_ns > now_ns ? deadline_ns - now_ns : 0;
}

struct defer_ctx *defer_ctx_current(void)
{
	return defer_thread.ctx;
}

#endif /* DEFER_IMPLEMENTATION */
