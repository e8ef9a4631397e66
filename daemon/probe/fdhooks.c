// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "probe/fdhooks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "deferd.skel.h"
#include "probe/closer.h"

enum fd_effect { FD_OPENS, FD_OPENS_TWO, FD_CLOSES };

static const struct fd_syscall {
	const char *name;
	enum fd_effect effect;
	long nr;
} fd_syscalls[] = {
#ifdef SYS_open
	{ "open", FD_OPENS, SYS_open },
	{ "creat", FD_OPENS, SYS_creat },
	{ "dup2", FD_OPENS, SYS_dup2 },
	{ "pipe", FD_OPENS_TWO, SYS_pipe },
	{ "eventfd", FD_OPENS, SYS_eventfd },
	{ "epoll_create", FD_OPENS, SYS_epoll_create },
	{ "inotify_init", FD_OPENS, SYS_inotify_init },
	{ "signalfd", FD_OPENS, SYS_signalfd },
#endif
	{ "openat", FD_OPENS, SYS_openat },
	{ "openat2", FD_OPENS, SYS_openat2 },
	{ "socket", FD_OPENS, SYS_socket },
	{ "accept", FD_OPENS, SYS_accept },
	{ "accept4", FD_OPENS, SYS_accept4 },
	{ "dup", FD_OPENS, SYS_dup },
	{ "dup3", FD_OPENS, SYS_dup3 },
	{ "fcntl", FD_OPENS, SYS_fcntl }, /* F_DUPFD; the kernel side looks at the command */
	{ "signalfd4", FD_OPENS, SYS_signalfd4 },
	{ "pipe2", FD_OPENS_TWO, SYS_pipe2 },
	{ "socketpair", FD_OPENS_TWO, SYS_socketpair },
	{ "eventfd2", FD_OPENS, SYS_eventfd2 },
	{ "epoll_create1", FD_OPENS, SYS_epoll_create1 },
	{ "timerfd_create", FD_OPENS, SYS_timerfd_create },
	{ "inotify_init1", FD_OPENS, SYS_inotify_init1 },
	{ "memfd_create", FD_OPENS, SYS_memfd_create },
	{ "pidfd_open", FD_OPENS, SYS_pidfd_open },
	{ "pidfd_getfd", FD_OPENS, SYS_pidfd_getfd },
	{ "close", FD_CLOSES, SYS_close },
};

struct fdhooks {
	unsigned n;
	struct bpf_link *links[ARRAY_SIZE(fd_syscalls)];
};

static struct bpf_link *attach_one(struct deferd_bpf *skel, const struct fd_syscall *s, int kprobe)
{
	LIBBPF_OPTS(bpf_ksyscall_opts, opts, .bpf_cookie = s->nr, .retprobe = true);
	struct bpf_program *progs[2][3] = {
		{ skel->progs.tp__open_exit, skel->progs.tp__pair_exit,
		  skel->progs.tp__close_exit },
		{ skel->progs.kretprobe__open, skel->progs.kretprobe__pair,
		  skel->progs.kretprobe__close },
	};
	struct bpf_program *prog = progs[!!kprobe][s->effect];
	char event[64];

	if (kprobe)
		return bpf_program__attach_ksyscall(prog, s->name, &opts);
	snprintf(event, sizeof(event), "sys_exit_%s", s->name);
	return bpf_program__attach_tracepoint(prog, "syscalls", event);
}

struct fdhooks *fdhooks_attach(struct deferd_bpf *skel, int kprobe, struct reason *reason)
{
	struct fdhooks *h = calloc(1, sizeof(*h));
	int err = 0;

	if (!h)
		return NULL;
	/* An old kernel lacks some of these calls; then nobody can make them. */
	for (unsigned i = 0; i < ARRAY_SIZE(fd_syscalls); i++) {
		struct bpf_link *link = attach_one(skel, &fd_syscalls[i], kprobe);

		if (link)
			h->links[h->n++] = link;
		else
			err = errno;
	}
	if (!h->n) {
		reason_set(reason, 0, "no descriptor syscall could be hooked by %s: %s",
			   kprobe ? "kprobe" : "tracepoint", strerror(err));
		free(h);
		errno = err;
		return NULL;
	}
	return h;
}

void fdhooks_detach(struct fdhooks *h, struct closer *closer)
{
	if (!h)
		return;
	closer_close_links(closer, h->links, h->n);
	free(h);
}
