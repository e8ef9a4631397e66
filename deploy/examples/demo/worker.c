// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A queue worker in C that settles payments in batches. It locks the account of every payment and
 * lets the end of the batch release them all, so that 60 deferred calls pile up on its thread;
 *every tenth batch does not balance, panics and is given up.
 *
 *	worker [--truth FILE] [--batches N]
 *
 * SIGUSR1 prints what the program counted as JSON on one line; --truth also writes it to FILE after
 * each batch. SIGINT and SIGTERM end it after the current batch.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEFER_IMPLEMENTATION
#include <deferd/defer.h>

#define BATCH_PAYMENTS    60
#define BATCH_INTERVAL_NS 200000000
#define UNBALANCED_EVERY  10

struct account {
	bool locked;
	long cents;
};

static struct account accounts[BATCH_PAYMENTS];

static struct truth {
	long batches;
	long defers_registered;
	long defers_run;
	long peak_depth;
	long panics;
	long recovered;
	long long started_unix_ms;
} truth;

static void unlock_account(void *arg)
{
	struct account *account = arg;

	account->locked = false;
	truth.defers_run++;
}

static void check_balance(long settled_cents)
{
	if (truth.batches % UNBALANCED_EVERY == UNBALANCED_EVERY - 1) {
		truth.panics++;
		defer_panic("batch does not balance");
	}
	for (int i = 0; i < BATCH_PAYMENTS; i++)
		accounts[i].cents += settled_cents / BATCH_PAYMENTS;
}

/* The pile-up: one account lock a payment, all held until the batch ends. */
static __attribute__((noinline)) void settle_payments_batch(void)
{
	long settled_cents = 0;

	DEFER_SCOPE
	{
		for (int i = 0; i < BATCH_PAYMENTS; i++) {
			if (DEFER_LOOP(unlock_account, &accounts[i]))
				defer_panic("out of memory");
			accounts[i].locked = true;
			truth.defers_registered++;
			settled_cents += 100;
		}
		if (truth.defers_registered - truth.defers_run > truth.peak_depth)
			truth.peak_depth = truth.defers_registered - truth.defers_run;
		check_balance(settled_cents);
	}
}

static __attribute__((noinline)) void take_batch(void)
{
	const char *why;

	DEFER_RECOVER(&why)
	{
		settle_payments_batch();
	}
	if (why)
		truth.recovered++;
	truth.batches++;
}

static void print_truth(FILE *out)
{
	fprintf(out,
		"{\"batches\":%ld,\"defers_registered\":%ld,\"defers_run\":%ld,\"peak_depth\":%ld,"
		"\"panics\":%ld,\"recovered\":%ld,\"started_unix_ms\":%lld}\n",
		truth.batches, truth.defers_registered, truth.defers_run, truth.peak_depth,
		truth.panics, truth.recovered, truth.started_unix_ms);
	fflush(out);
}

/* Beside the file and renamed over it, so that a reader never sees half of it. */
static int write_truth(const char *path)
{
	char draft[PATH_MAX];
	FILE *out;

	if (snprintf(draft, sizeof(draft), "%s.new", path) >= (int)sizeof(draft))
		return -ENAMETOOLONG;
	out = fopen(draft, "w");
	if (!out)
		return -errno;
	print_truth(out);
	if (fclose(out) || rename(draft, path))
		return -errno;
	return 0;
}

/* Wait until the next batch is due. Returns false when it is time to end. */
static bool wait_for_next(const sigset_t *signals, int64_t due_ns)
{
	for (;;) {
		int64_t left_ns = due_ns - defer_now_ns();
		struct timespec left = { .tv_nsec = left_ns > 0 ? (long)left_ns : 0 };

		switch (sigtimedwait(signals, NULL, &left)) {
		case SIGUSR1:
			print_truth(stdout);
			break;
		case SIGINT:
		case SIGTERM:
			return false;
		default:
			if (errno == EAGAIN)
				return true;
		}
	}
}

static int run(const char *truth_path, long max_batches)
{
	int64_t due_ns = defer_now_ns();
	struct timespec now;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	clock_gettime(CLOCK_REALTIME, &now);
	truth.started_unix_ms = now.tv_sec * 1000LL + now.tv_nsec / 1000000;

	while (wait_for_next(&signals, due_ns)) {
		int err;

		take_batch();
		err = truth_path ? write_truth(truth_path) : 0;
		if (err) {
			fprintf(stderr, "worker: %s: %s\n", truth_path, strerror(-err));
			return 1;
		}
		if (max_batches && truth.batches >= max_batches)
			break;
		due_ns += BATCH_INTERVAL_NS;
	}
	print_truth(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "truth", required_argument, NULL, 't' },
		{ "batches", required_argument, NULL, 'b' },
		{ NULL, 0, NULL, 0 },
	};
	const char *truth_path = NULL;
	long max_batches = 0;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 't')
			truth_path = optarg;
		else if (opt == 'b')
			max_batches = strtol(optarg, NULL, 10);
		else
			return 2;
	}
	if (optind < argc || max_batches < 0) {
		fprintf(stderr, "usage: worker [--truth FILE] [--batches N]\n");
		return 2;
	}
	return run(truth_path, max_batches);
}
