// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A file stands in for /proc/PID/mem. */
#include <errno.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_or_nothing),
		cmocka_unit_test(other_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
