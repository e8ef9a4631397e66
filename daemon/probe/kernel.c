// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "probe/kernel.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "arch/arch.h"
#include "base/cleanup.h"
#include "calib.skel.h"
#include "probe/fditer.h"
#include "proc/procfs.h"

#define CALIB_COOKIE 0x5afe
#define CALIB_HITS   64
#define PRICE_RUNS   5

/* include/uapi/linux/bpf.h since 6.6; the headers of Debian 12 are older. */
#define ATTACH_TYPE_UPROBE_MULTI 48

const struct kernel_feature_doc kernel_feature_docs[KERNEL_FEATURE_MAX] = {
	[KERNEL_PRIVILEGE] = { "privilege",
			       "load BPF programs, read the memory of observed processes",
			       "nothing is observed",
			       "run as root, or grant CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and "
			       "CAP_DAC_READ_SEARCH",
			       true },
	[KERNEL_BTF] = { "btf", "find the fields of kernel structs on any kernel",
			 "nothing is observed",
			 "use a kernel with CONFIG_DEBUG_INFO_BTF=y (/sys/kernel/btf/vmlinux)",
			 true },
	[KERNEL_RINGBUF] = { "ringbuf", "carry records to user space", "nothing is observed",
			     "use Linux 5.15 or newer", true },
	[KERNEL_UPROBE] = { "uprobe", "probe user functions, with one perf event per point",
			    "only uprobe_multi is used",
			    "use a kernel with CONFIG_UPROBES=y and CONFIG_UPROBE_EVENTS=y", true },
	[KERNEL_UPROBE_MULTI] = { "uprobe_multi", "probe all points of one process with one link",
				  "one perf event per point is used, and few points: no full set, "
				  "requests are not timed, and for panics no Goexit, no throw, no "
				  "signal of a Go program and no recover() in a wrong frame",
				  "use Linux 6.6 or newer", false },
	[KERNEL_FENTRY] = { "fentry", "see every descriptor opened and closed, at the least cost",
			    "kprobes on the same functions are used",
			    "use a kernel with CONFIG_FUNCTION_TRACER=y, "
			    "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y and BTF",
			    false },
	[KERNEL_KPROBE] = { "kprobe",
			    "see every descriptor opened and closed, where fentry is missing",
			    "where fentry is missing too, syscall tracepoints are used, only while "
			    "a process is under suspicion or traced; they cost about 40 ns for "
			    "each syscall of the host, and miss descriptors that arrive by "
			    "SCM_RIGHTS or "
			    "io_uring, and closes by close_range, close-on-exec or dup2",
			    "use a kernel with CONFIG_KPROBES=y and CONFIG_KPROBE_EVENTS=y",
			    false },
	[KERNEL_TRACEPOINT] = { "tracepoint",
				"see descriptors opened and closed where fentry and kprobes are "
				"missing, and "
				"what is written after a panic",
				"without fentry and kprobes, opens and closes are not seen; "
				"whether panics are swallowed stays unsure",
				"mount tracefs: mount -t tracefs tracefs /sys/kernel/tracing",
				false },
	[KERNEL_TP_BTF] = { "tp_btf", "see exec, exit and fork at once",
			    "/proc is scanned every second instead; crashes of C programs are not "
			    "reported",
			    "use Linux 5.5 or newer with BTF", false },
	[KERNEL_FD_SIZE] = { "fd_size", "count the descriptors of a process in 1 us",
			     "the directory /proc/PID/fd is read, which takes 30 us for every "
			     "1,000 descriptors",
			     "use Linux 6.2 or newer", false },
	[KERNEL_FD_ITER] = { "fd_iterator",
			     "read the kind and connection of all descriptors in 0.4 us each, to "
			     "find leaks",
			     "/proc/PID/fd is read, which takes 5 us for each descriptor of an "
			     "observed process, and shows no ports and so no connections",
			     "use Linux 5.8 or newer with CONFIG_BPF_SYSCALL=y and BTF", false },
	[KERNEL_PID_NS] = { "pid_namespace", "match the pids of the kernel with those in /proc",
			    "no process is recognised",
			    "run deferd in the host's pid namespace (containers: hostPID / "
			    "--pid=host)",
			    true },
};

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The function of our own that is probed. noipa: every call is a real one. */
__attribute__((noinline, used)) static uint64_t calib_target(uint64_t n)
{
	__asm__ volatile("" : "+r"(n)::"memory");
	return n + 1;
}

int kernel_mark_uprobe_multi(struct bpf_program *prog)
{
	return bpf_program__set_expected_attach_type(
		prog, (enum bpf_attach_type)ATTACH_TYPE_UPROBE_MULTI);
}

int kernel_link_uprobe_multi(int prog_fd, const char *path, const uint64_t *offsets,
			     const uint64_t *cookies, uint32_t n, uint32_t pid)
{
	/* union bpf_attr, member link_create, as of Linux 6.6. */
	struct {
		uint32_t prog_fd, target_fd, attach_type, flags;
		uint64_t path, offsets, ref_ctr_offsets, cookies;
		uint32_t cnt, multi_flags, pid, pad;
	} attr = {
		.prog_fd = prog_fd,
		.attach_type = ATTACH_TYPE_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.cookies = (uintptr_t)cookies,
		.cnt = n,
		.pid = pid,
	};
	int fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr) - sizeof(attr.pad));

	return fd < 0 ? -errno : fd;
}

static void have(struct kernel_features *f, enum kernel_feature what)
{
	f->have[what] = true;
	f->why[what].text[0] = 0;
}

static void check_privilege(struct kernel_features *f)
{
	static const struct {
		int cap;
		const char *name;
	} wanted[] = {
		{ CAP_BPF, "CAP_BPF" },
		{ CAP_PERFMON, "CAP_PERFMON" },
		{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
	};
	bool admin;

	capng_get_caps_process();
	admin = capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (capng_have_capability(CAPNG_EFFECTIVE, wanted[i].cap))
			continue;
		if (admin && wanted[i].cap != CAP_SYS_PTRACE) /* what it was before Linux 5.8 */
			continue;
		reason_set(&f->why[KERNEL_PRIVILEGE], 0, "%s is missing", wanted[i].name);
		return;
	}
	have(f, KERNEL_PRIVILEGE);
}

static void check_btf(struct kernel_features *f)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		reason_set(&f->why[KERNEL_BTF], 0, "/sys/kernel/btf/vmlinux: %s", strerror(errno));
	else
		have(f, KERNEL_BTF);
}

static void check_ringbuf(struct kernel_features *f)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "calib", 0, 0, sysconf(_SC_PAGESIZE), NULL);

	if (fd < 0) {
		reason_set(&f->why[KERNEL_RINGBUF], 0, "creating a ring buffer: %s",
			   strerror(errno));
		return;
	}
	close(fd);
	have(f, KERNEL_RINGBUF);
}

static void check_fd_size(int procfd, struct kernel_features *f)
{
	uint64_t by_size = 0, by_count = 0;

	if (proc_fd_count(procfd, getpid(), true, &by_size) ||
	    proc_fd_count(procfd, getpid(), false, &by_count))
		reason_set(&f->why[KERNEL_FD_SIZE], 0, "/proc/self/fd: %s", strerror(errno));
	else if (by_size + 1 != by_count) /* the count sees its own descriptor */
		reason_set(&f->why[KERNEL_FD_SIZE], 0,
			   "st_size of /proc/self/fd is %llu, but it has %llu entries",
			   (unsigned long long)by_size, (unsigned long long)by_count - 1);
	else
		have(f, KERNEL_FD_SIZE);
}

struct own_fds {
	pid_t pid;
	uint64_t n;
};

static void count_own(void *arg, const struct fd_entry *fd)
{
	struct own_fds *own = arg;

	own->n += fd->pid == own->pid;
}

/* The pass sees its own descriptor, too. */
static void check_fd_iter(struct kernel_features *f, int procfd)
{
	struct reason *why = &f->why[KERNEL_FD_ITER];
	struct own_fds own = { .pid = getpid() };
	struct fditer *it = NULL;
	uint64_t count;

	if (!fditer_open(&it, why) && !fditer_read(it, count_own, &own, why)) {
		if (!own.n || proc_fd_count(procfd, own.pid, false, &count))
			reason_set(why, 0, "a pass does not list the descriptors of deferd");
		else if (own.n > count + 1 || count > own.n + 1)
			reason_set(why, 0, "a pass listed %llu descriptors of deferd, /proc %llu",
				   (unsigned long long)own.n, (unsigned long long)count);
		else
			have(f, KERNEL_FD_ITER);
	}
	fditer_close(it);
}

/* Each test loads only its own program, so that one refusal says nothing about the others. */
static struct calib_bpf *load_only(const char *name, bool multi, struct reason *why)
{
	struct calib_bpf *skel = calib_bpf__open();
	struct bpf_program *p;
	int err;

	if (!skel) {
		reason_set(why, 0, "opening the calibration object: %s", strerror(errno));
		return NULL;
	}
	bpf_object__for_each_program(p, skel->obj)
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), name));
	if (multi)
		kernel_mark_uprobe_multi(skel->progs.uprobe_multi__calib);
	if (multi)
		kernel_mark_uprobe_multi(skel->progs.uprobe_multi__price);
	skel->bss->me = getpid();
	err = calib_bpf__load(skel);
	if (err) {
		reason_set(why, 0, "loading: %s", strerror(-err));
		calib_bpf__destroy(skel);
		return NULL;
	}
	return skel;
}

DEFINE_CLEANUP(struct calib_bpf *, calib_bpf__destroy)
DEFINE_CLEANUP(struct bpf_link *, bpf_link__destroy)

static void check_uprobe(struct kernel_features *f, uint64_t offset)
{
	struct reason *why = &f->why[KERNEL_UPROBE];
	_cleanup_(calib_bpf__destroyp) struct calib_bpf *skel =
		load_only("uprobe__calib", false, why);
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = CALIB_COOKIE);
	_cleanup_(bpf_link__destroyp) struct bpf_link *link = NULL;

	if (!skel)
		return;
	link = bpf_program__attach_uprobe_opts(skel->progs.uprobe__calib, getpid(),
					       "/proc/self/exe", offset, &opts);
	if (!link) {
		reason_set(why, 0, "attaching a perf event to a function of deferd: %s",
			   strerror(errno));
		return;
	}
	calib_target(0);
	if (skel->bss->uprobe_calls == 1)
		have(f, KERNEL_UPROBE);
	else
		reason_set(why, 0, "attached, but one call counted %llu",
			   (unsigned long long)skel->bss->uprobe_calls);
}

static void *calib_thread(void *arg)
{
	for (int i = 0; i < CALIB_HITS; i++)
		calib_target(i);
	return NULL;
}

static void check_uprobe_multi(struct kernel_features *f, uint64_t offset)
{
	struct reason *why = &f->why[KERNEL_UPROBE_MULTI];
	_cleanup_(calib_bpf__destroyp) struct calib_bpf *skel =
		load_only("uprobe_multi__calib", true, why);
	uint64_t cookie = CALIB_COOKIE;
	_cleanup_close_ int link = -1;
	pthread_t thread;

	if (!skel)
		return;
	link = kernel_link_uprobe_multi(bpf_program__fd(skel->progs.uprobe_multi__calib),
					"/proc/self/exe", &offset, &cookie, 1, getpid());
	if (link < 0) {
		reason_set(why, 0, "attaching to a function of deferd: %s", strerror(-link));
		return;
	}
	for (int i = 0; i < CALIB_HITS; i++)
		calib_target(i);
	/*
	 * Linux 6.6 to 6.9 compared the thread, not the process: hits of all but one thread are
	 * dropped without a word.
	 */
	if (pthread_create(&thread, NULL, calib_thread, NULL)) {
		reason_set(why, 0, "starting a thread for the test: %s", strerror(errno));
		return;
	}
	pthread_join(thread, NULL);
	if (skel->bss->uprobe_calls == 2 * CALIB_HITS)
		have(f, KERNEL_UPROBE_MULTI);
	else if (skel->bss->uprobe_calls == CALIB_HITS)
		reason_set(
			why, 0,
			"hits of other threads of the process are not seen (fixed in Linux 6.10)");
	else
		reason_set(why, 0, "attached, but %d calls counted %llu", 2 * CALIB_HITS,
			   (unsigned long long)skel->bss->uprobe_calls);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median_price(void (*fn)(void), unsigned hits)
{
	uint64_t ns[PRICE_RUNS];

	for (unsigned i = 0; i < PRICE_RUNS; i++) {
		uint64_t begin = cpu_ns();

		for (unsigned k = 0; k < hits; k++)
			fn();
		ns[i] = (cpu_ns() - begin) / hits;
	}
	qsort(ns, PRICE_RUNS, sizeof(ns[0]), compare_u64);
	return ns[PRICE_RUNS / 2];
}

/* With the attach type that targets get. */
static void measure_price(struct kernel_features *f, unsigned kind, void (*fn)(void), unsigned hits)
{
	bool multi = f->have[KERNEL_UPROBE_MULTI];
	struct reason why;
	_cleanup_(calib_bpf__destroyp) struct calib_bpf *skel =
		load_only(multi ? "uprobe_multi__price" : "uprobe__price", multi, &why);
	_cleanup_(bpf_link__destroyp) struct bpf_link *link = NULL;
	_cleanup_close_ int multi_link = -1;
	uint64_t offset;

	if (!skel || proc_self_text_offset((const void *)fn, &offset))
		return;
	if (multi)
		multi_link =
			kernel_link_uprobe_multi(bpf_program__fd(skel->progs.uprobe_multi__price),
						 "/proc/self/exe", &offset, NULL, 1, getpid());
	else
		link = bpf_program__attach_uprobe_opts(skel->progs.uprobe__price, getpid(),
						       "/proc/self/exe", offset, NULL);
	if (multi_link < 0 && !link)
		return;
	f->hit_ns[kind] = median_price(fn, hits);
}

/*
 * What filp_close() sees of us: a dup2 onto an open number, always; a close, on some kernels. False: it does not see the
 * first.
 */
static bool sees_flushes(struct kernel_features *f, struct calib_bpf *skel)
{
	int one = dup(STDIN_FILENO), two = dup(STDIN_FILENO);
	bool seen = one >= 0 && two >= 0 && dup2(one, two) >= 0 && skel->bss->flush_calls == 1;

	close(one);
	f->close_flushes = skel->bss->flush_calls == 2;
	close(two);
	return seen;
}

/* What the descriptor hooks attach to; one that is not there would keep all programs from being loaded. */
static bool has_functions(struct reason *why)
{
	static const char *const names[] = { "fd_install", "filp_close", ARCH_SYSCALL("close"),
					     ARCH_SYSCALL("dup2"), ARCH_SYSCALL("dup3") };
	struct btf *btf = btf__load_vmlinux_btf();
	bool all = btf;

	if (!btf)
		reason_set(why, 0, "reading the kernel's BTF: %s", strerror(errno));
	for (size_t i = 0; i < ARRAY_SIZE(names) && all; i++) {
		all = btf__find_by_name_kind(btf, names[i], BTF_KIND_FUNC) > 0;
		if (!all)
			reason_set(why, 0, "the kernel's BTF has no function %s", names[i]);
	}
	btf__free(btf);
	return all;
}

static void check_fentry(struct kernel_features *f)
{
	struct reason *why = &f->why[KERNEL_FENTRY];
	_cleanup_(calib_bpf__destroyp) struct calib_bpf *skel =
		load_only("fentry__flush", false, why);
	_cleanup_(bpf_link__destroyp) struct bpf_link *link = NULL;

	if (!skel)
		return;
	link = bpf_program__attach_trace(skel->progs.fentry__flush);
	if (!link)
		reason_set(why, 0, "attaching to filp_close: %s", strerror(errno));
	else if (!sees_flushes(f, skel))
		reason_set(why, 0, "attached to filp_close, which counted %llu calls",
			   (unsigned long long)skel->bss->flush_calls);
	else if (has_functions(why))
		have(f, KERNEL_FENTRY);
}

static void check_kprobe(struct kernel_features *f)
{
	struct reason *why = &f->why[KERNEL_KPROBE];
	_cleanup_(calib_bpf__destroyp) struct calib_bpf *skel = NULL;
	_cleanup_(bpf_link__destroyp) struct bpf_link *link = NULL;

	skel = load_only("kprobe__flush", false, why);
	if (!skel)
		return;
	link = bpf_program__attach_kprobe(skel->progs.kprobe__flush, false, "filp_close");
	if (!link)
		reason_set(why, 0, "attaching to filp_close: %s", strerror(errno));
	else if (sees_flushes(f, skel))
		have(f, KERNEL_KPROBE);
	else
		reason_set(why, 0, "attached to filp_close, which counted %llu calls",
			   (unsigned long long)skel->bss->flush_calls);
}

static void check_tracepoint(struct kernel_features *f)
{
	struct reason *why = &f->why[KERNEL_TRACEPOINT];
	_cleanup_(calib_bpf__destroyp) struct calib_bpf *skel = load_only("tp__calib", false, why);
	_cleanup_(bpf_link__destroyp) struct bpf_link *link = NULL;

	if (!skel)
		return;
	link = bpf_program__attach_tracepoint(skel->progs.tp__calib, "syscalls",
					      "sys_exit_getppid");
	if (!link) {
		reason_set(why, 0, "attaching to syscalls:sys_exit_getppid: %s", strerror(errno));
		return;
	}
	syscall(SYS_getppid);
	if (skel->bss->tracepoint_calls == 1)
		have(f, KERNEL_TRACEPOINT);
	else
		reason_set(why, 0, "attached, but one call counted %llu",
			   (unsigned long long)skel->bss->tracepoint_calls);
}

static void check_tp_btf(struct kernel_features *f)
{
	struct reason *why = &f->why[KERNEL_TP_BTF];
	_cleanup_(calib_bpf__destroyp) struct calib_bpf *skel =
		load_only("tp_btf__calib", false, why);
	_cleanup_(bpf_link__destroyp) struct bpf_link *link = NULL;

	if (!skel)
		return;
	link = bpf_program__attach(skel->progs.tp_btf__calib);
	if (link)
		have(f, KERNEL_TP_BTF);
	else
		reason_set(why, 0, "attaching to sched_process_exec: %s", strerror(errno));
}

/*
 * The inode number of the first pid namespace is fixed: PROC_PID_INIT_INO in
 * include/linux/proc_ns.h.
 */
static void check_pid_ns(struct kernel_features *f)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st))
		reason_set(&f->why[KERNEL_PID_NS], 0, "/proc/self/ns/pid: %s", strerror(errno));
	else if (st.st_ino != 0xeffffffcu)
		reason_set(&f->why[KERNEL_PID_NS], 0, "deferd runs in its own pid namespace");
	else
		have(f, KERNEL_PID_NS);
}

void kernel_probe_features(int procfd, struct kernel_features *ret_f)
{
	struct utsname u;
	uint64_t offset;
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	memset(ret_f, 0, sizeof(*ret_f));
	if (!uname(&u))
		snprintf(ret_f->release, sizeof(ret_f->release), "%s", u.release);
	check_privilege(ret_f);
	check_btf(ret_f);
	check_fd_size(procfd, ret_f);
	check_pid_ns(ret_f);
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited); /* matters only before Linux 5.11 */
	/*
	 * libbpf explains every refusal on stderr. Here a refusal is an answer, and later we tell
	 * ourselves what failed.
	 */
	libbpf_set_print(NULL);
	check_ringbuf(ret_f);
	check_fd_iter(ret_f, procfd);
	if (ret_f->have[KERNEL_BTF]) {
		if (!proc_self_text_offset((const void *)calib_target, &offset)) {
			check_uprobe(ret_f, offset);
			check_uprobe_multi(ret_f, offset);
		}
		if (ret_f->have[KERNEL_UPROBE] || ret_f->have[KERNEL_UPROBE_MULTI]) {
			measure_price(ret_f, 0, arch_price_emulated, 400);
			measure_price(ret_f, 1, arch_price_stepped, 100);
		}
		check_fentry(ret_f);
		check_kprobe(ret_f);
		check_tracepoint(ret_f);
		check_tp_btf(ret_f);
	} else {
		for (int i = KERNEL_UPROBE; i <= KERNEL_TP_BTF; i++)
			reason_set(&ret_f->why[i], 0, "not tested without BTF");
	}
}

enum kernel_verdict kernel_verdict(const struct kernel_features *f, struct reason *reason)
{
	for (int i = 0; i < KERNEL_FEATURE_MAX; i++) {
		const struct kernel_feature_doc *doc = &kernel_feature_docs[i];

		if (f->have[i] || !doc->required)
			continue;
		if (i == KERNEL_UPROBE && f->have[KERNEL_UPROBE_MULTI])
			continue;
		reason_set(reason, 0, "%s: %s; remedy: %s", doc->name, f->why[i].text, doc->remedy);
		return i == KERNEL_PRIVILEGE ? KERNEL_UNPRIVILEGED : KERNEL_CANNOT;
	}
	return KERNEL_GOOD;
}
