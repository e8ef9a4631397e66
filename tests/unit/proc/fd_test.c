// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Descriptors as the kernel writes them, and as a directory of links; see also tests/live/fds.t. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proc/fd.h"
#include "proc/procfs.h"

#define ANON  0x09041934
#define PIDFS 0x50494446
#define TMPFS 0x01021994

static struct fd_entry decode(struct dfd_fd r)
{
	struct fd_entry e;

	fd_decode(&r, &e);
	return e;
}

static void kinds(void **state)
{
	static const struct {
		unsigned mode, magic, family;
		const char *name;
		enum fd_kind kind;
	} cases[] = {
		{ S_IFREG | 0644, TMPFS, 0, "passwd", FD_FILE },
		{ S_IFREG | 0644, TMPFS, 0, "[eventfd]", FD_FILE }, /* a file may be called so */
		{ S_IFREG | 0644, TMPFS, 0, "inotify", FD_FILE },
		{ S_IFREG | 0777, TMPFS, 0, "memfd:x", FD_MEMFD },
		{ S_IFDIR, TMPFS, 0, "tmp", FD_DIRECTORY },
		{ S_IFIFO, 0, 0, "", FD_PIPE },
		{ S_IFCHR, TMPFS, 0, "null", FD_DEVICE },
		{ S_IFBLK, TMPFS, 0, "sda", FD_DEVICE },
		{ S_IFSOCK, 0, AF_INET, "", FD_INET },
		{ S_IFSOCK, 0, AF_INET6, "", FD_INET6 },
		{ S_IFSOCK, 0, AF_UNIX, "", FD_UNIX },
		{ S_IFSOCK, 0, AF_NETLINK, "", FD_NETLINK },
		{ S_IFSOCK, 0, AF_PACKET, "", FD_SOCKET },
		{ 0600, ANON, 0, "[eventfd]", FD_EVENTFD },
		{ S_IFREG | 0600, ANON, 0, "[eventfd]", FD_EVENTFD }, /* since Linux 6.16 */
		{ 0600, ANON, 0, "[eventpoll]", FD_EPOLL },
		{ 0600, ANON, 0, "[timerfd]", FD_TIMERFD },
		{ 0600, ANON, 0, "[signalfd]", FD_SIGNALFD },
		{ 0600, ANON, 0, "inotify", FD_INOTIFY },
		{ 0600, ANON, 0, "bpf-map", FD_BPF },
		{ 0600, ANON, 0, "bpf_link", FD_BPF },
		{ 0600, ANON, 0, "[perf_event]", FD_PERF },
		{ 0600, ANON, 0, "[io_uring]", FD_IO_URING },
		{ 0600, ANON, 0, "[userfaultfd]", FD_USERFAULTFD },
		{ 0600, ANON, 0, "[fanotify]", FD_FANOTIFY },
		{ 0600, ANON, 0, "[pidfd]", FD_PIDFD },
		{ 0600, ANON, 0, "[landlock-rules", FD_ANON },
		{ 0600, ANON, 0, "", FD_ANON },
		{ S_IFREG, PIDFS, 0, "", FD_PIDFD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dfd_fd r = { .mode = (dfd_u16)cases[i].mode,
				    .magic = cases[i].magic,
				    .family = (dfd_u16)cases[i].family };

		strncpy(r.name, cases[i].name, sizeof(r.name) - 1);
		assert_int_equal(decode(r).kind, cases[i].kind);
	}
}

/* Only those of inet have ports and states; a name that fills its room is no string. */
static void details(void **state)
{
	struct dfd_fd r = { .tgid = 7,
			    .fd = 5,
			    .ino = 99,
			    .dev = 8u << 20 | 300,
			    .mode = S_IFSOCK,
			    .family = AF_INET,
			    .local_port = 8080,
			    .peer_port = 5432,
			    .sock_state = TCP_CLOSE_WAIT,
			    .moved = 4711 };
	struct fd_entry e = decode(r);

	assert_int_equal(e.pid, 7);
	assert_int_equal(e.fd, 5);
	assert_int_equal(e.ino, 99);
	assert_int_equal(e.dev, makedev(8, 300));
	assert_int_equal(e.local_port, 8080);
	assert_int_equal(e.peer_port, 5432);
	assert_int_equal(e.moved, 4711);
	assert_string_equal(fd_state_name(e.sock_state), "close_wait");
	r.family = AF_UNIX;
	e = decode(r);
	assert_int_equal(e.local_port, 0);
	assert_string_equal(fd_state_name(e.sock_state), "-");
	assert_string_equal(fd_state_name(200), "-");
	r.mode = 0600;
	r.magic = ANON;
	memset(r.name, 'x', sizeof(r.name));
	assert_int_equal(decode(r).kind, FD_ANON);
}

struct seen {
	int fd;
	enum fd_kind kind;
	unsigned n;
	uint64_t ino;
};

static void look(void *arg, const struct fd_entry *e)
{
	struct seen *s = arg;

	if (e->fd != s->fd)
		return;
	s->n++;
	s->kind = e->kind;
	s->ino = e->ino;
}

/* Of ourselves. */
static void by_directory(void **state)
{
	int procfd = proc_open("/proc");
	int fds[] = { eventfd(0, 0), socket(AF_UNIX, SOCK_STREAM, 0), open("/", O_RDONLY),
		      open("/dev/null", O_RDONLY), open("/proc/self/exe", O_RDONLY) };
	const enum fd_kind want[] = { FD_EVENTFD, FD_SOCKET, FD_DIRECTORY, FD_DEVICE, FD_FILE };

	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		struct seen s = { .fd = fds[i] };
		struct stat st;

		assert_int_equal(fd_for_each(procfd, getpid(), look, &s), 0);
		assert_int_equal(s.n, 1);
		assert_int_equal(s.kind, want[i]);
		assert_int_equal(fstat(fds[i], &st), 0);
		assert_int_equal(s.ino, st.st_ino);
		close(fds[i]);
	}
	assert_int_equal(fd_for_each(procfd, 0x7ffffff0, look, NULL), -ESRCH);
	close(procfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(details),
		cmocka_unit_test(by_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
