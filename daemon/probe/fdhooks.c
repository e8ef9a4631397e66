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

enum fd_effect { FD_OPENS, FD_OPENS_TWO, FD_CLOSES, FD_WATCHES };

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
	{ "io_uring_setup", FD_OPENS, SYS_io_uring_setup },
	{ "bpf", FD_OPENS, SYS_bpf }, /* some commands; the kernel side looks */
	{ "perf_event_open", FD_OPENS, SYS_perf_event_open },
	{ "userfaultfd", FD_OPENS, SYS_userfaultfd },
	{ "fanotify_init", FD_OPENS, SYS_fanotify_init },
	{ "open_by_handle_at", FD_OPENS, SYS_open_by_handle_at },
	{ "mq_open", FD_OPENS, SYS_mq_open },
	{ "close", FD_CLOSES, SYS_close },
	{ "inotify_add_watch", FD_WATCHES, SYS_inotify_add_watch }, /* only when there is no room */
};

struct fdhooks {
	unsigned n;
	struct bpf_link *links[ARRAY_SIZE(fd_syscalls)];
};

static void add(struct fdhooks *h, struct bpf_link *link, int *ret_err)
{
	if (link)
		h->links[h->n++] = link;
	else
		*ret_err = errno;
}

/* An old kernel lacks some of these calls; then nobody can make them. */
static int attach_syscalls(struct fdhooks *h, struct deferd_bpf *skel)
{
	struct bpf_program *progs[] = { skel->progs.tp__open_exit, skel->progs.tp__pair_exit,
					skel->progs.tp__close_exit, skel->progs.tp__watch_exit };
	char event[64];
	int err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(fd_syscalls); i++) {
		snprintf(event, sizeof(event), "sys_exit_%s", fd_syscalls[i].name);
		add(h,
		    bpf_program__attach_tracepoint(progs[fd_syscalls[i].effect], "syscalls", event),
		    &err);
	}
	return h->n ? 0 : err;
}

static struct bpf_link *attach_entry(struct bpf_program *prog, const char *syscall)
{
	LIBBPF_OPTS(bpf_ksyscall_opts, opts);

	return bpf_program__attach_ksyscall(prog, syscall, &opts);
}

static int attach_kprobes(struct fdhooks *h, struct deferd_bpf *skel)
{
	int err = 0;

	add(h, bpf_program__attach_kprobe(skel->progs.kprobe__fd_install, false, "fd_install"),
	    &err);
	add(h, bpf_program__attach_kprobe(skel->progs.kprobe__filp_close, false, "filp_close"),
	    &err);
#ifdef SYS_dup2
	add(h, attach_entry(skel->progs.kprobe__dup2, "dup2"), &err);
#endif
	add(h, attach_entry(skel->progs.kprobe__dup3, "dup3"), &err);
	add(h, attach_entry(skel->progs.kprobe__close, "close"), &err);
	return err;
}

static int attach_fentry(struct fdhooks *h, struct deferd_bpf *skel)
{
	struct bpf_program *progs[] = { skel->progs.fentry__fd_install,
					skel->progs.fentry__filp_close,
					skel->progs.fexit__get_unused_fd_flags,
					skel->progs.fexit__dup2,
					skel->progs.fexit__dup3,
					skel->progs.fexit__inotify_add_watch,
					skel->progs.fexit__close };
	int err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(progs); i++)
		add(h, bpf_program__attach_trace(progs[i]), &err);
	return err;
}

struct fdhooks *fdhooks_attach(struct deferd_bpf *skel, enum fd_hooks kind, struct reason *reason)
{
	static const struct {
		const char *what;
		int (*attach)(struct fdhooks *h, struct deferd_bpf *skel);
	} kinds[] = {
		[FD_HOOKS_FENTRY] = { "descriptors by fentry", attach_fentry },
		[FD_HOOKS_KPROBE] = { "descriptors by kprobe", attach_kprobes },
		[FD_HOOKS_TRACEPOINT] = { "descriptor syscalls by tracepoint", attach_syscalls },
	};
	struct fdhooks *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return NULL;
	/* Calls that run meanwhile are counted in one of the two ways, or not at all. */
	skel->bss->fd_functions = kind != FD_HOOKS_TRACEPOINT;
	err = kinds[kind].attach(h, skel);
	if (!err)
		return h;
	reason_set(reason, 0, "hooking %s: %s", kinds[kind].what, strerror(err));
	while (h->n)
		bpf_link__destroy(h->links[--h->n]);
	free(h);
	errno = err;
	return NULL;
}

void fdhooks_detach(struct fdhooks *h, struct closer *closer)
{
	if (!h)
		return;
	closer_close_links(closer, h->links, h->n);
	free(h);
}
