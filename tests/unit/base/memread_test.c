// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A file stands in for /proc/PID/mem. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/memread.h"

static void reads_all_or_nothing(void **state)
{
	static const struct {
		uint64_t addr;
		size_t n;
		int err;
		const char *want;
	} cases[] = {
		{ 0, 5, 0, "01234" },    { 5, 5, 0, "56789" },
		{ 9, 1, 0, "9" },        { 3, 0, 0, "" },
		{ 10, 0, 0, "" },        { UINT64_MAX, 0, 0, "" },
		{ 9, 2, -ESRCH, NULL }, /* the address space ends: after exit and after exec */
		{ 10, 1, -ESRCH, NULL }, { 1 << 20, 8, -ESRCH, NULL },

	};
	_cleanup_close_ int fd = memfd_create("memory", MFD_CLOEXEC);
	struct memread m = memread_fd(&fd);

	assert_int_equal(write(fd, "0123456789", 10), 10);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		char bytes[16] = "";

		if (memread_at(&m, cases[i].addr, bytes, cases[i].n) != cases[i].err)
			fail_msg("case %u: %d", i,
				 memread_at(&m, cases[i].addr, bytes, cases[i].n));
		if (!cases[i].err)
			assert_string_equal(bytes, cases[i].want);
	}
}

/* The descriptor is looked at when it is read, so that it may be replaced or closed. */
static void other_descriptors(void **state)
{
	int fds[2], fd = -1;
	struct memread m = memread_fd(&fd);
	char c;

	assert_int_equal(memread_at(&m, 0, &c, 1), -EBADF);
	assert_int_equal(pipe(fds), 0);
	fd = fds[0];
	assert_int_equal(memread_at(&m, 0, &c, 1), -ESPIPE);
	close(fds[0]);
	close(fds[1]);
}

/* Ourselves: more spans than one call takes, and every hundredth leads nowhere. */
static void many_of_a_process(void **state)
{
	enum { N = 3 * IOV_MAX + 7 };
	static uint32_t words[N], got[N];
	static struct memread_span spans[N];
	_cleanup_close_ int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	for (unsigned refused = 0; refused < 2; refused++) {
		struct memread_process p = { .fd = fd, .pid = getpid(), .refused = refused };
		struct memread m = memread_process(&p);

		for (unsigned i = 0; i < N; i++) {
			words[i] = i + 1;
			got[i] = 0;
			spans[i] =
				(struct memread_span){ .addr = i % 100 ? (uintptr_t)&words[i] : 8,
						       .dst = &got[i],
						       .n = sizeof(got[i]),
						       .err = 1 };
		}
		memread_many(&m, spans, N);
		for (unsigned i = 0; i < N; i++) {
			assert_int_equal(spans[i].err, i % 100 ? 0 : -EFAULT);
			assert_int_equal(got[i], i % 100 ? i + 1 : 0);
		}
		assert_int_equal(memread_at(&m, (uintptr_t)&words[1], got, 4), 0);
		assert_int_equal(got[0], 2);
		memread_many(&m, spans, 0);
	}
}

/* A process number that is another's by now: the descriptor knows. */
static void process_is_gone(void **state)
{
	_cleanup_close_ int fd = memfd_create("memory", MFD_CLOEXEC);
	struct memread_process p = { .fd = fd, .pid = getpid() };
	struct memread m = memread_process(&p);
	uint32_t word = 7, got = 0;
	struct memread_span span = { .addr = (uintptr_t)&word, .dst = &got, .n = sizeof(got) };

	memread_many(&m, &span, 1);
	assert_int_equal(span.err, -ESRCH);
}

static void many_without_help(void **state)
{
	_cleanup_close_ int fd = memfd_create("memory", MFD_CLOEXEC);
	struct memread m = memread_fd(&fd);
	char a[4] = "", b[4] = "";
	struct memread_span spans[] = { { .addr = 1, .dst = a, .n = 2 },
					{ .addr = 9, .dst = b, .n = 2 } };

	assert_int_equal(write(fd, "0123456789", 10), 10);
	memread_many(&m, spans, 2);
	assert_int_equal(spans[0].err, 0);
	assert_string_equal(a, "12");
	assert_int_equal(spans[1].err, -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_or_nothing), cmocka_unit_test(other_descriptors),
		cmocka_unit_test(many_of_a_process),    cmocka_unit_test(process_is_gone),
		cmocka_unit_test(many_without_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
