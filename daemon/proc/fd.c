// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "proc/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PIDFS_MAGIC 0x50494446 /* since Linux 6.9; the headers of Debian 12 are older */

const char *const fd_kind_names[FD_KIND_MAX] = {
	[FD_FILE] = "file",         [FD_DIRECTORY] = "directory",
	[FD_PIPE] = "pipe",         [FD_INET] = "inet",
	[FD_INET6] = "inet6",       [FD_UNIX] = "unix",
	[FD_NETLINK] = "netlink",   [FD_SOCKET] = "socket",
	[FD_EVENTFD] = "eventfd",   [FD_EPOLL] = "epoll",
	[FD_TIMERFD] = "timerfd",   [FD_SIGNALFD] = "signalfd",
	[FD_INOTIFY] = "inotify",   [FD_MEMFD] = "memfd",
	[FD_DEVICE] = "device",     [FD_ANON] = "anon",
	[FD_UNKNOWN] = "unknown",   [FD_PIDFD] = "pidfd",
	[FD_BPF] = "bpf",           [FD_PERF] = "perf",
	[FD_IO_URING] = "io_uring", [FD_USERFAULTFD] = "userfaultfd",
	[FD_FANOTIFY] = "fanotify",
};

const char *const fd_limit_names[FD_LIMIT_MAX] = {
	[FD_LIMIT_PROCESS] = "RLIMIT_NOFILE",
	[FD_LIMIT_INSTANCES] = "fs.inotify.max_user_instances",
	[FD_LIMIT_WATCHES] = "fs.inotify.max_user_watches",
	[FD_LIMIT_HOST] = "fs.file-max",
};

/* By the names that the kernel gives files which have no other; see anon_inode_getfile() there. */
static const struct {
	const char *name;
	enum fd_kind kind;
} anon_names[] = {
	{ "[eventfd]", FD_EVENTFD },
	{ "[eventpoll]", FD_EPOLL },
	{ "[timerfd]", FD_TIMERFD },
	{ "[signalfd]", FD_SIGNALFD },
	{ "inotify", FD_INOTIFY },
	{ "[pidfd]", FD_PIDFD },
	{ "[perf_event]", FD_PERF },
	{ "[io_uring]", FD_IO_URING },
	{ "[userfaultfd]", FD_USERFAULTFD },
	{ "[fanotify]", FD_FANOTIFY },
	{ "btf", FD_BPF },
};

static enum fd_kind kind_of_family(unsigned family)
{
	switch (family) {
	case AF_INET:
		return FD_INET;
	case AF_INET6:
		return FD_INET6;
	case AF_UNIX:
		return FD_UNIX;
	case AF_NETLINK:
		return FD_NETLINK;
	default:
		return FD_SOCKET;
	}
}

static enum fd_kind kind_of_anon(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(anon_names); i++) {
		if (!strcmp(anon_names[i].name, name))
			return anon_names[i].kind;
	}
	/* "bpf-map", "bpf_link", "bpf_iter", ... */
	return !strncmp(name, "bpf-", 4) || !strncmp(name, "bpf_", 4) ? FD_BPF : FD_ANON;
}

/*
 * `anon`: it is in no file system that can be mounted. Such files have had no type at all, some and since Linux 6.16
 * all that of a regular file.
 */
static enum fd_kind kind_of(unsigned mode, bool anon, const char *name)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return FD_DIRECTORY;
	case S_IFIFO:
		return FD_PIPE;
	case S_IFCHR:
	case S_IFBLK:
		return FD_DEVICE;
	case S_IFREG:
		if (!strncmp(name, "memfd:", 6))
			return FD_MEMFD;
		return anon ? kind_of_anon(name) : FD_FILE;
	default:
		return kind_of_anon(name);
	}
}

static bool is_anon(uint32_t magic)
{
	return magic == ANON_INODE_FS_MAGIC || magic == PIDFS_MAGIC || magic == NSFS_MAGIC;
}

void fd_decode(const struct dfd_fd *r, struct fd_entry *ret)
{
	char name[DFD_FD_NAME_LEN + 1] = "";

	memcpy(name, r->name, DFD_FD_NAME_LEN);
	*ret = (struct fd_entry){
		.pid = (pid_t)r->tgid,
		.fd = (int)r->fd,
		.dev = makedev(r->dev >> 20, r->dev & 0xfffff),
		.ino = r->ino,
	};
	if (r->magic == PIDFS_MAGIC) {
		ret->kind = FD_PIDFD;
		return;
	}
	if ((r->mode & S_IFMT) != S_IFSOCK) {
		ret->kind = kind_of(r->mode, is_anon(r->magic), name);
		ret->instances = r->instances;
		ret->watches = r->watches;
		return;
	}
	ret->kind = kind_of_family(r->family);
	if (ret->kind != FD_INET && ret->kind != FD_INET6)
		return;
	ret->sock_state = r->sock_state;
	ret->local_port = r->local_port;
	ret->peer_port = r->peer_port;
	ret->moved = r->moved;
}

bool fd_listens(const struct fd_entry *fd)
{
	return fd_is_inet(fd) && fd->sock_state == TCP_LISTEN;
}

const char *fd_state_name(uint8_t sock_state)
{
	static const char *const names[] = {
		[TCP_ESTABLISHED] = "established",
		[TCP_SYN_SENT] = "syn_sent",
		[TCP_SYN_RECV] = "syn_recv",
		[TCP_FIN_WAIT1] = "fin_wait1",
		[TCP_FIN_WAIT2] = "fin_wait2",
		[TCP_TIME_WAIT] = "time_wait",
		[TCP_CLOSE] = "close",
		[TCP_CLOSE_WAIT] = "close_wait",
		[TCP_LAST_ACK] = "last_ack",
		[TCP_LISTEN] = "listen",
		[TCP_CLOSING] = "closing",
	};

	return sock_state < ARRAY_SIZE(names) && names[sock_state] ? names[sock_state] : "-";
}

/* Of a link of /proc/PID/fd: "socket:[123]", "anon_inode:[eventfd]", "/memfd:x (deleted)", ... */
static void tell_link(int dir, const char *number, struct fd_entry *ret)
{
	char link[64] = "";
	const char *name = link;
	struct stat st;
	ssize_t n = readlinkat(dir, number, link, sizeof(link) - 1);

	link[n < 0 ? 0 : n] = 0;
	if (fstatat(dir, number, &st, 0))
		return;
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	if (!strncmp(link, "anon_inode:", 11))
		name = link + 11;
	else if (!strncmp(link, "/memfd:", 7))
		name = link + 1;
	else if (!strncmp(link, "pidfd:", 6))
		name = "[pidfd]";
	ret->kind = S_ISSOCK(st.st_mode) ? FD_SOCKET : kind_of(st.st_mode, link[0] != '/', name);
}

DEFINE_CLEANUP(DIR *, closedir)

int fd_for_each(int procfd, pid_t pid, void (*fn)(void *arg, const struct fd_entry *fd), void *arg)
{
	char path[32];
	_cleanup_(closedirp) DIR *dir = NULL;
	_cleanup_close_ int fd = -1;
	const struct dirent *e;

	snprintf(path, sizeof(path), "%d/fd", pid);
	fd = openat(procfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	TAKE_FD(fd);
	while ((errno = 0, e = readdir(dir))) {
		struct fd_entry entry = { .pid = pid, .fd = atoi(e->d_name), .kind = FD_UNKNOWN };

		if (e->d_name[0] == '.' || (pid == getpid() && entry.fd == dirfd(dir)))
			continue;
		tell_link(dirfd(dir), e->d_name, &entry);
		fn(arg, &entry);
	}
	return -errno;
}
