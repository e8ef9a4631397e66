// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The service manager is a datagram socket in a folder of our own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/notify.h"
#include "tempdir.h"

static const char *received(int fd)
{
	static char text[256];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = 0;
	return text;
}

/* `path` as in $NOTIFY_SOCKET: '@' begins a name that is no file. */
static int manager(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && strlen(path) < sizeof(addr.sun_path));
	strcpy(addr.sun_path, path);
	if (path[0] == '@')
		addr.sun_path[0] = 0;
	assert_int_equal(bind(fd, (struct sockaddr *)&addr,
			      offsetof(struct sockaddr_un, sun_path) + strlen(path)),
			 0);
	setenv("NOTIFY_SOCKET", path, 1);
	return fd;
}

static int clean_environment(void **state)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return 0;
}

static void nobody_listens(void **state)
{
	char longest[200];
	_tempdir_ dir;

	tempdir_make(&dir);
	assert_int_equal(notify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(notify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", tempdir_path(&dir, "missing"), 1);
	assert_int_equal(notify_send("READY=1"), -ENOENT);
	setenv("NOTIFY_SOCKET", tempdir_puts(&dir, "file", ""), 1);
	assert_int_equal(notify_send("READY=1"), -ECONNREFUSED);
	memset(longest, '/', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	setenv("NOTIFY_SOCKET", longest, 1);
	assert_int_equal(notify_send("READY=1"), -E2BIG);
}

static void messages(void **state)
{
	char abstract[80];
	_tempdir_ dir;

	tempdir_make(&dir);
	snprintf(abstract, sizeof(abstract), "@%s", dir.path);
	for (unsigned i = 0; i < 2; i++) {
		_cleanup_close_ int fd = manager(i ? abstract : tempdir_path(&dir, "notify"));

		assert_int_equal(notify_send("READY=1\nSTATUS=3 services"), 0);
		assert_string_equal(received(fd), "READY=1\nSTATUS=3 services");
		assert_int_equal(notify_reloading(1234567890123456789), 0);
		assert_string_equal(received(fd), "RELOADING=1\nMONOTONIC_USEC=1234567890123456");
		assert_string_equal(received(fd), "");
	}
}

static void watchdog(void **state)
{
	static const struct {
		const char *usec;
		enum { NO_PID, OUR_PID, OTHER_PID } pid;
		uint64_t ns;
	} cases[] = {
		{ NULL, NO_PID, 0 },
		{ NULL, OUR_PID, 0 },
		{ "30000000", NO_PID, 15000000000 },
		{ "30000000", OUR_PID, 15000000000 },
		{ "30000000", OTHER_PID, 0 },
		{ "1", NO_PID, 500 },
		{ "0", NO_PID, 0 },
		{ "", NO_PID, 0 },
		{ "soon", NO_PID, 0 },
	};
	char pid[16];

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		clean_environment(state);
		snprintf(pid, sizeof(pid), "%d", getpid() + (cases[i].pid == OTHER_PID));
		if (cases[i].usec)
			setenv("WATCHDOG_USEC", cases[i].usec, 1);
		if (cases[i].pid != NO_PID)
			setenv("WATCHDOG_PID", pid, 1);
		assert_int_equal(notify_watchdog_ns(), cases[i].ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_listens, clean_environment,
						clean_environment),
		cmocka_unit_test_setup_teardown(messages, clean_environment, clean_environment),
		cmocka_unit_test_setup_teardown(watchdog, clean_environment, clean_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
