// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What one deferred call of include/deferd/defer.h costs, against the ways a C program cleans up
 * without it. Each way does the same work a call: hand a pointer to a function that the compiler
 * cannot see through. Per way the median of several rounds with its spread; the first round only
 * warms up. The runtime is compiled into the same unit, so scopes are inlined; from another unit
 * each costs two plain calls more.
 *
 *	defer_bench		a Markdown table
 *	defer_bench --json	the same as JSON
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define DEFER_IMPLEMENTATION
#include "deferd/defer.h"

#define ROUNDS         11
#define CALLS          (1 << 21) /* of one round: 5 to 60 ms */
#define CALLS_IN_SCOPE 64        /* loop defers that pile up before they run */

static long released;

static __attribute__((noinline)) void release(void *arg)
{
	__asm__ volatile("" : : "r"(arg) : "memory");
	released++;
}

static void release_cleanup(void **arg)
{
	release(*arg);
}

static __attribute__((noinline)) void by_call(void *arg)
{
	release(arg);
}

static __attribute__((noinline)) int by_goto(void *arg)
{
	int err = 0;

	__asm__ volatile("" : "+r"(err) : : "memory");
	if (err)
		goto out;
	__asm__ volatile("" : : : "memory");
out:
	release(arg);
	return err;
}

static __attribute__((noinline)) void by_cleanup(void *arg)
{
	void *held __attribute__((cleanup(release_cleanup))) = arg;

	__asm__ volatile("" : : "r"(held) : "memory");
}

static __attribute__((noinline)) void by_defer(void *arg)
{
	DEFER(release, arg);
	__asm__ volatile("" : : : "memory");
}

static __attribute__((noinline)) void by_defer_ctx(void *arg)
{
	static struct defer_ctx ctx = { .deadline_ns = DEFER_NO_DEADLINE };

	DEFER_CTX(&ctx, release, arg);
	__asm__ volatile("" : : : "memory");
}

static void rounds_by_call(void)
{
	for (intptr_t i = 0; i < CALLS; i++)
		by_call((void *)i);
}

static void rounds_by_goto(void)
{
	for (intptr_t i = 0; i < CALLS; i++)
		(void)by_goto((void *)i);
}

static void rounds_by_cleanup(void)
{
	for (intptr_t i = 0; i < CALLS; i++)
		by_cleanup((void *)i);
}

static void rounds_by_defer(void)
{
	for (intptr_t i = 0; i < CALLS; i++)
		by_defer((void *)i);
}

static void rounds_by_defer_ctx(void)
{
	for (intptr_t i = 0; i < CALLS; i++)
		by_defer_ctx((void *)i);
}

/* The array a careful program would keep in place of loop defers. */
static void rounds_by_array(void)
{
	void *held[CALLS_IN_SCOPE];

	for (int i = 0; i < CALLS / CALLS_IN_SCOPE; i++) {
		int n = 0;

		for (intptr_t j = 0; j < CALLS_IN_SCOPE; j++)
			held[n++] = (void *)j;
		__asm__ volatile("" : : "r"(held) : "memory");
		while (n > 0)
			release(held[--n]);
	}
}

static void rounds_by_loop(void)
{
	for (int i = 0; i < CALLS / CALLS_IN_SCOPE; i++) {
		DEFER_SCOPE
		{
			for (intptr_t j = 0; j < CALLS_IN_SCOPE; j++) {
				if (DEFER_LOOP(release, (void *)j))
					abort();
			}
		}
	}
}

/* A scope with nothing in it, and a recovery point without a panic. */
static void rounds_by_scope(void)
{
	for (int i = 0; i < CALLS; i++) {
		DEFER_SCOPE
		{
			__asm__ volatile("" : : : "memory");
		}
	}
}

static __attribute__((noinline)) void recover_nothing(void)
{
	const char *why;

	DEFER_RECOVER(&why)
	{
		__asm__ volatile("" : : : "memory");
	}
}

static void rounds_by_recover(void)
{
	for (int i = 0; i < CALLS; i++)
		recover_nothing();
}

static __attribute__((noinline)) void recover_panic(void)
{
	const char *why;

	DEFER_RECOVER(&why)
	{
		DEFER(release, NULL);
		defer_panic("out of stock");
	}
}

static void rounds_by_panic(void)
{
	for (int i = 0; i < CALLS; i++)
		recover_panic();
}

static const struct way {
	const char *name;
	const char *what;
	void (*round)(void);
} ways[] = {
	{ "call", "call at the end, by hand", rounds_by_call },
	{ "goto", "goto out", rounds_by_goto },
	{ "cleanup", "cleanup attribute", rounds_by_cleanup },
	{ "defer", "DEFER", rounds_by_defer },
	{ "defer_ctx", "DEFER_CTX", rounds_by_defer_ctx },
	{ "array", "64 kept in an array", rounds_by_array },
	{ "defer_loop", "64 by DEFER_LOOP in a DEFER_SCOPE", rounds_by_loop },
	{ "scope", "empty DEFER_SCOPE", rounds_by_scope },
	{ "recover", "DEFER_RECOVER without panic", rounds_by_recover },
	{ "panic", "DEFER, panic, recovery", rounds_by_panic },
};

struct spread {
	double min;
	double median;
	double max;
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct spread measure(const struct way *way)
{
	double ns[ROUNDS];

	way->round();
	for (int i = 0; i < ROUNDS; i++) {
		int64_t start_ns = defer_now_ns();

		way->round();
		ns[i] = (double)(defer_now_ns() - start_ns) / CALLS;
	}
	qsort(ns, ROUNDS, sizeof(ns[0]), compare);
	return (struct spread){ ns[0], ns[ROUNDS / 2], ns[ROUNDS - 1] };
}

static void print_markdown(void)
{
	printf("| one call by | median ns | min | max |\n|---|---:|---:|---:|\n");
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct spread s = measure(&ways[i]);

		printf("| %s | %.2f | %.2f | %.2f |\n", ways[i].what, s.median, s.min, s.max);
	}
	printf("\n%d rounds of %d calls each.\n", ROUNDS, CALLS);
}

static void print_json(void)
{
	printf("{\"bench\":\"defer\",\"unit\":\"ns\",\"rounds\":%d,\"calls\":%d,\"ways\":[", ROUNDS,
	       CALLS);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct spread s = measure(&ways[i]);

		printf("%s{\"name\":\"%s\",\"median\":%.3f,\"min\":%.3f,\"max\":%.3f}",
		       i ? "," : "", ways[i].name, s.median, s.min, s.max);
	}
	printf("]}\n");
}

int main(int argc, char **argv)
{
	if (argc == 1) {
		print_markdown();
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "--json")) {
		print_json();
		return 0;
	}
	fprintf(stderr, "usage: defer_bench [--json]\n");
	return 2;
}
