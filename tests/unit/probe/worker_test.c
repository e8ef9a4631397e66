// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The worker is /proc/self/exe, hence this program: main() below knows the argument, as the
 * daemon's does. Two more arguments make it a worker that misbehaves.
 */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "fakeimage.h"
#include "gofixture.h"
#include "probe/worker_priv.h"

#define PATIENCE_MS 20000 /* for a loaded machine; nothing here takes long */

static const struct plan_c_profile c_default = PLAN_C_PROFILE_DEFAULT;

static int file_with(const void *bytes, size_t len)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	return fd;
}

static int fake_file(const struct fake_opts *o)
{
	static struct fake f;

	fake_make(&f, o);
	return file_with(f.b, sizeof(f.b));
}

static int finish(struct worker *w, struct worker_result *ret, struct reason *why)
{
	int r;

	while ((r = worker_read(w, ret, why)) == -EAGAIN) {
		struct pollfd p = { .fd = w->fd, .events = POLLIN };

		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	}
	assert_int_equal(w->pid, 0);
	assert_int_equal(w->fd, -1);
	worker_done(w);
	return r;
}

static int run(const struct worker_job *job, struct worker_result *ret, struct reason *why)
{
	struct worker w;
	int r = worker_start(job, &w, why);

	return r < 0 ? r : finish(&w, ret, why);
}

static void inspects(void **state)
{
	static struct worker_result got;
	static struct image_report here;
	static const struct fake_opts opts[] = { { .minor = 26 },
						 { .minor = 0 },
						 { .minor = 26, .no_moduledata = true } };

	for (unsigned i = 0; i < ARRAY_SIZE(opts); i++) {
		_cleanup_close_ int fd = fake_file(&opts[i]);
		struct worker_job job = { .kind = WORKER_INSPECT,
					  .image_fd = fd,
					  .profiles = &c_default,
					  .nprofiles = 1 };
		struct reason why = { 0 };

		assert_int_equal(run(&job, &got, &why), 0);
		(void)inspect_fd(fd, &c_default, 1, &here, NULL);
		assert_int_equal(got.report.error, here.error);
		assert_int_equal(got.report.kind, here.kind);
		assert_int_equal(got.report.plan.n, here.plan.n);
		assert_memory_equal(&got.report.plan.points, &here.plan.points,
				    sizeof(here.plan.points));
		assert_string_equal(got.report.reason, here.reason);
	}
}

static void symbolizes(void **state)
{
	static const struct image_ask asks[] = { { .addr = FAKE_GO_TEXT + 200 },
						 { .addr = 0 },
						 { .addr = FAKE_GO_TEXT + 300 } };
	_cleanup_close_ int fd = fake_file(&(struct fake_opts){ .minor = 26 });
	struct worker_job job = {
		.kind = WORKER_SYMBOLIZE, .image_fd = fd, .asks = asks, .nasks = ARRAY_SIZE(asks)
	};
	static struct worker_result got;
	struct reason why = { 0 };

	assert_int_equal(run(&job, &got, &why), 0);
	assert_int_equal(got.nplaces, 2);
	assert_string_equal(got.places[0].function, "runtime.gopanic");
	assert_int_equal(got.places[0].line, 130);
	assert_int_equal(got.places[0].ask, 0);
	assert_string_equal(got.places[1].function, "runtime.recovery");
	assert_int_equal(got.places[1].ask, 2);
}

/* libdw under the filter: it must not need a call that is not allowed. */
static void symbolizes_dwarf(void **state)
{
	_cleanup_close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	static struct worker_result got;
	struct elfimg_symbol sym;
	struct reason why = { 0 };
	struct gofile file;
	struct elfimg img;

	assert_true(gofile_open("/proc/self/exe", &file));
	assert_int_equal(elfimg_init(&img, file.p, file.len, NULL), 0);
	if (elfimg_function(&img, "main", &sym) < 0)
		skip();
	gofile_close(&file);
	struct worker_job job = { .kind = WORKER_SYMBOLIZE,
				  .image_fd = fd,
				  .asks = &(struct image_ask){ .addr = sym.va },
				  .nasks = 1 };

	assert_int_equal(run(&job, &got, &why), 0);
	assert_string_equal(got.places[0].function, "main");
	assert_non_null(strstr(got.places[0].file, "worker_test.c"));
	assert_true(got.places[0].line > 0);
}

static void refuses_files(void **state)
{
	static struct worker_result got;
	_cleanup_close_ int junk = file_with("#!/bin/sh\n", 10),
			    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct worker_job inspect = { .kind = WORKER_INSPECT, .image_fd = junk };
	struct worker_job symbolize = { .kind = WORKER_SYMBOLIZE,
					.image_fd = null,
					.asks = &(struct image_ask){ .addr = 1 },
					.nasks = 1 };
	struct reason why = { 0 };

	assert_int_equal(run(&inspect, &got, &why), 0);
	assert_int_equal(got.report.error, -ENOEXEC);
	assert_int_equal(run(&symbolize, &got, &why), -ENOEXEC);
	assert_true(strlen(why.text) > 0);
}

static void refuses_jobs(void **state)
{
	static const struct plan_c_profile long_name = {
		"x", "a_name_that_is_longer_than_what_fits_into_a_request_a_name_that_is_longer_"
		     "than_what_fits_into_a_"
		     "request_a_name_that_is_longer_than_fits"
	};
	struct worker w;
	struct worker_job jobs[] = {
		{ .kind = 0, .image_fd = 0 },
		{ .kind = WORKER_SYMBOLIZE, .nasks = INSPECT_ASKS_MAX + 1 },
		{ .kind = WORKER_INSPECT, .nprofiles = INSPECT_PROFILES_MAX + 1 },
		{ .kind = WORKER_INSPECT, .nprofiles = 1, .profiles = &long_name },
		{ .kind = WORKER_INSPECT, .image_fd = -1 },
	};
	static const int want[] = { -EINVAL, -E2BIG, -E2BIG, -E2BIG, -EBADF };

	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++)
		assert_int_equal(worker_start(&jobs[i], &w, NULL), want[i]);
}

/* Descriptors where the worker's own are to be: none may be stepped on. */
static void low_descriptors(void **state)
{
	_cleanup_close_ int fd = fake_file(&(struct fake_opts){ .minor = 26 });
	static struct worker_result got;
	struct reason why = { 0 };

	for (int want = 3; want <= 6; want++) {
		int at = fcntl(fd, F_DUPFD_CLOEXEC, want);
		struct worker_job job = { .kind = WORKER_INSPECT, .image_fd = at };

		assert_int_equal(run(&job, &got, &why), 0);
		assert_int_equal(got.report.kind, IMAGE_GO);
		close(at);
	}
}

static void killed_on_time(void **state)
{
	_cleanup_close_ int fd = fake_file(&(struct fake_opts){ .minor = 26 });
	struct worker_job job = { .kind = WORKER_INSPECT, .image_fd = fd };
	static struct worker_result got;
	struct reason why = { 0 };
	struct worker w;
	pid_t pid;

	assert_int_equal(worker_start(&job, &w, &why), 0);
	pid = w.pid;
	worker_kill(&w);
	assert_int_equal(kill(pid, 0), -1); /* reaped, not a zombie */
	assert_int_equal(worker_read(&w, &got, &why), -ECHILD);
	worker_kill(&w);
	worker_done(&w);
	worker_done(&w);
	worker_done(&(struct worker){ 0 });
}

/* Many at once, read in turns: nobody waits for anybody. */
static void several_at_once(void **state)
{
	_cleanup_close_ int fd = fake_file(&(struct fake_opts){ .minor = 26 });
	struct worker_job job = { .kind = WORKER_INSPECT, .image_fd = fd };
	static struct worker_result got;
	struct reason why = { 0 };
	struct worker w[8];

	for (unsigned i = 0; i < ARRAY_SIZE(w); i++)
		assert_int_equal(worker_start(&job, &w[i], &why), 0);
	for (unsigned i = ARRAY_SIZE(w); i-- > 0;)
		assert_int_equal(finish(&w[i], &got, &why), 0);
}

/* What a worker did that was taken over: it writes `mode` first, so that main() below knows how to
 * misbehave. */
static void misbehaving(void **state)
{
	static const struct {
		const char *mode;
		int want;
		const char *says;
	} cases[] = {
		{ "segv", -ECHILD, "SIGSEGV" },   { "exit", -ECHILD, "status 3" },
		{ "half", -ECHILD, "status 0" },  { "close", -ECHILD, "SIGKILL" },
		{ "junk", -EPROTO, "malformed" }, { "call", -ECHILD, "SIGSYS" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int fd = file_with(cases[i].mode, strlen(cases[i].mode) + 1);
		struct worker_job job = { .kind = WORKER_INSPECT,
					  .image_fd = fd,
					  .profiles = &c_default,
					  .nprofiles = 1 };
		static struct worker_result got;
		struct reason why = { 0 };
		int r = run(&job, &got, &why);

		if (r != cases[i].want || !strstr(why.text, cases[i].says))
			fail_msg("%s: %d, \"%s\"", cases[i].mode, r, why.text);
	}
}

static bool status_says(pid_t pid, const char *key, unsigned long want, int base)
{
	char path[64], line[256];
	_cleanup_file_ FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			return strtoul(line + strlen(key), NULL, base) == want;
	return false;
}

/* What the kernel says of a worker that is about to touch the file. */
static void is_nobody(void **state)
{
	_cleanup_close_ int fd = file_with("stay", 5);
	struct worker_job job = { .kind = WORKER_INSPECT, .image_fd = fd };
	struct reason why = { 0 };
	struct pollfd p;
	struct worker w;

	assert_int_equal(worker_start(&job, &w, &why), 0);
	/* The request lies unread, so that read() above returns once, then waits. */
	p = (struct pollfd){ .fd = w.fd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	assert_true(p.revents & POLLIN);
	assert_true(status_says(w.pid, "Uid:", geteuid() == 0 ? 65534 : geteuid(), 10));
	assert_true(status_says(w.pid, "Gid:", geteuid() == 0 ? 65534 : getegid(), 10));
	assert_true(status_says(w.pid, "CapPrm:", 0, 16));
	assert_true(status_says(w.pid, "CapEff:", 0, 16));
	assert_true(status_says(w.pid, "CapAmb:", 0, 16));
	assert_true(geteuid() != 0 || status_says(w.pid, "CapBnd:", 0, 16));
	assert_true(status_says(w.pid, "NoNewPrivs:", 1, 10));
	assert_true(status_says(w.pid, "Seccomp:", 2, 10));
	worker_done(&w);
}

static int misbehave(const char *mode)
{
	static char zeros[1 << 20]; /* more than an answer */

	if (!strcmp(mode, "segv")) {
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
	}
	if (!strcmp(mode, "exit"))
		return 3;
	if (!strcmp(mode, "half"))
		return write(4, zeros, 100) == 100 ? 0 : 1;
	if (!strcmp(mode, "close")) {
		close(4);
		pause();
	}
	/* After it has given up everything: opening fails, anything stranger is the end. */
	if (!strcmp(mode, "call")) {
		if (worker_give_up(NULL) < 0 || open("/dev/null", O_RDONLY) >= 0 || errno != EPERM)
			_exit(4);
		(void)socket(AF_INET, SOCK_STREAM, 0);
		_exit(5);
	}
	/* Says that it has given up, and stays to be looked at. */
	if (!strcmp(mode, "stay")) {
		if (worker_give_up(NULL) < 0 || write(4, zeros, 1) != 1)
			_exit(4);
		for (;;)
			(void)!read(4, zeros, sizeof(zeros));
	}
	if (!strcmp(mode, "junk"))
		return write(4, zeros, sizeof(zeros)) > 0 ? 0 : 1;
	return 1;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inspects),         cmocka_unit_test(symbolizes),
		cmocka_unit_test(symbolizes_dwarf), cmocka_unit_test(refuses_files),
		cmocka_unit_test(refuses_jobs),     cmocka_unit_test(low_descriptors),
		cmocka_unit_test(killed_on_time),   cmocka_unit_test(several_at_once),
		cmocka_unit_test(misbehaving),      cmocka_unit_test(is_nobody),
	};

	if (argc == 2 && !strcmp(argv[1], WORKER_ARG)) {
		char mode[8] = "";

		if (pread(3, mode, sizeof(mode) - 1, 0) > 0 && islower((unsigned char)mode[0]))
			return misbehave(mode);
		return worker_main();
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
