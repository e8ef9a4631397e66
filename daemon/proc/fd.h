/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * One descriptor of a process: what it is, as the kernel's iterator tells it or as /proc/PID/fd does.
 */
#ifndef DEFERD_PROC_FD_H
#define DEFERD_PROC_FD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <deferd/record.h>

enum fd_kind {
	FD_FILE,
	FD_DIRECTORY,
	FD_PIPE,
	FD_INET,
	FD_INET6,
	FD_UNIX,
	FD_NETLINK,
	FD_SOCKET, /* of another family, or its family is not known: /proc does not tell it */
	FD_EVENTFD,
	FD_EPOLL,
	FD_TIMERFD,
	FD_SIGNALFD,
	FD_INOTIFY,
	FD_MEMFD,
	FD_DEVICE,
	FD_ANON,    /* what has no file system, and none of the names below */
	FD_UNKNOWN, /* the process is kept from us */
	FD_PIDFD,   /* recordings have the numbers of those above */
	FD_BPF,
	FD_PERF,
	FD_IO_URING,
	FD_USERFAULTFD,
	FD_FANOTIFY,
	FD_KIND_MAX,
};
extern const char *const fd_kind_names[FD_KIND_MAX];

/* What descriptors come to an end at. */
enum fd_limit {
	FD_LIMIT_PROCESS,   /* RLIMIT_NOFILE, soft */
	FD_LIMIT_INSTANCES, /* of inotify, of one user */
	FD_LIMIT_WATCHES,   /* the same */
	FD_LIMIT_HOST,      /* open files of all processes */
	FD_LIMIT_MAX,
};
extern const char *const fd_limit_names[FD_LIMIT_MAX]; /* "RLIMIT_NOFILE", "fs.file-max" */

struct fd_entry {
	pid_t pid;
	int fd;
	enum fd_kind kind;
	uint8_t sock_state;  /* TCP_ESTABLISHED, ...; 0: no socket of inet, or not known */
	uint16_t local_port; /* 0: none */
	uint16_t peer_port;  /* 0: not connected, or not known */
	uint32_t moved;      /* TCP: bytes it has carried, which wraps; 0: none, or not known */
	uint64_t dev, ino;   /* as stat(2) gives them */
	uint32_t instances, watches; /* INOTIFY: of its user; 0: not known */
};

/* A socket that has ports. */
static inline bool fd_is_inet(const struct fd_entry *fd)
{
	return fd->kind == FD_INET || fd->kind == FD_INET6;
}

bool fd_listens(const struct fd_entry *fd);

void fd_decode(const struct dfd_fd *r, struct fd_entry *ret);

/* Of sock_state, 0 included. What TCP calls it: "established", "close_wait", ...; "-" for others. */
#define FD_STATES 13
const char *fd_state_name(uint8_t sock_state);

/*
 * Each descriptor of a process, by its directory in /proc: 5 us each. 0, or negative errno: -ESRCH: it is
 * gone; -EACCES.
 */
int fd_for_each(int procfd, pid_t pid, void (*fn)(void *arg, const struct fd_entry *fd), void *arg);

#endif
