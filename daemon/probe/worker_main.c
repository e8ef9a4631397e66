// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Worker side. Order matters: the request is read first (it comes from the daemon and is trusted),
 * then everything is given up, and only then is the file touched. What cannot be given up ends the
 * job, with two exceptions: who is not root cannot become nobody, nor empty the bounding set, and
 * has nothing to lose by staying who he is.
 */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cap-ng.h>
#include <seccomp.h>

#include "base/cleanup.h"
#include "probe/worker_priv.h"

#define NOBODY 65534

/* The sanitizers reserve terabytes of address space. */
#if defined(__SANITIZE_ADDRESS__)
#define LIMIT_MEMORY 0
#else
#define LIMIT_MEMORY 1
#endif

static int become_nobody(struct reason *reason)
{
	bool root = geteuid() == 0;

	capng_clear(CAPNG_SELECT_ALL);
	if (capng_apply(CAPNG_SELECT_BOUNDS) < 0 && root)
		return reason_set(reason, -EPERM, "cannot empty the capability bounding set");
	if (root && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		     setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return reason_set(reason, -errno, "cannot become nobody (%d): %s", NOBODY,
				  strerror(errno));
	if (capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) < 0)
		return reason_set(reason, -EPERM, "cannot give up capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return reason_set(reason, -errno, "PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
	/* After the change of user, which resets it. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	return 0;
}

static int limit_resources(struct reason *reason)
{
	static const struct {
		int what;
		rlim_t most;
	} limits[] = {
		{ RLIMIT_CPU, WORKER_CPU_SECONDS_MAX },
#if LIMIT_MEMORY
		{ RLIMIT_AS, WORKER_MEMORY_BYTES_MAX },
#endif
		{ RLIMIT_NOFILE, 0 },
		{ RLIMIT_NPROC, 0 },
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
		/* The second behind the first: SIGXCPU tells the parent more than SIGKILL. */
		struct rlimit r = { limits[i].most,
				    limits[i].most + (limits[i].what == RLIMIT_CPU) };

		if (setrlimit((__rlimit_resource_t)limits[i].what, &r) < 0)
			return reason_set(reason, -errno, "setrlimit(%d): %s", limits[i].what,
					  strerror(errno));
	}
	return 0;
}

/*
 * Reading, memory, and ways to end (sysinfo: glibc's qsort asks how much memory there is). No
 * memory is ever executable that was not at the start. libdw looks for split and separate debug
 * files: opening is answered with EPERM, not death, so that a file which names some is still read.
 */
static int allow_calls(scmp_filter_ctx ctx)
{
	static const int plain[] = {
		SCMP_SYS(read),           SCMP_SYS(write),        SCMP_SYS(pread64),
		SCMP_SYS(lseek),          SCMP_SYS(fstat),        SCMP_SYS(newfstatat),
		SCMP_SYS(close),          SCMP_SYS(brk),          SCMP_SYS(munmap),
		SCMP_SYS(mremap),         SCMP_SYS(madvise),      SCMP_SYS(futex),
		SCMP_SYS(getpid),         SCMP_SYS(gettid),       SCMP_SYS(tgkill),
		SCMP_SYS(rt_sigprocmask), SCMP_SYS(sysinfo),      SCMP_SYS(getrandom),
		SCMP_SYS(clock_gettime),  SCMP_SYS(rt_sigreturn), SCMP_SYS(exit),
		SCMP_SYS(exit_group),
	};
	static const int refused[] = { SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(readlink),
				       SCMP_SYS(readlinkat), SCMP_SYS(access) };
	int r = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(plain) && !r; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, plain[i], 0);
	for (unsigned i = 0; i < ARRAY_SIZE(refused) && !r; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	if (!r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return r;
}

static int filter_calls(struct reason *reason)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = ctx ? allow_calls(ctx) : -ENOMEM;

	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r ? reason_set(reason, r, "seccomp: %s", strerror(-r)) : 0;
}

int worker_give_up(struct reason *reason)
{
	int r = become_nobody(reason);

	if (!r)
		r = limit_resources(reason);
	return r ? r : filter_calls(reason);
}

static int read_request(struct worker_request *ret)
{
	size_t got = 0;

	while (got < sizeof(*ret)) {
		ssize_t n = read(WORKER_SOCKET_FD, (char *)ret + got, sizeof(*ret) - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPROTO;
		got += (size_t)n;
	}
	return ret->version == INSPECT_VERSION && ret->nprofiles <= INSPECT_PROFILES_MAX &&
			       ret->nasks <= INSPECT_ASKS_MAX
		       ? 0
		       : -EPROTO;
}

static int write_reply(const struct worker_reply *reply)
{
	const char *p = (const char *)reply + WORKER_REPLY_AT;
	size_t left = WORKER_REPLY_BYTES;

	while (left) {
		ssize_t n = write(WORKER_SOCKET_FD, p, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPIPE;
		p += n;
		left -= (size_t)n;
	}
	return 0;
}

static const char *or_null(const char *s)
{
	return *s ? s : NULL;
}

static void inspect(const struct worker_request *rq, struct worker_reply *reply)
{
	struct plan_c_profile profiles[INSPECT_PROFILES_MAX];

	for (unsigned i = 0; i < rq->nprofiles; i++) {
		const struct worker_profile *p = &rq->profiles[i];

		profiles[i] = (struct plan_c_profile){ p->name, or_null(p->push), or_null(p->run),
						       or_null(p->panic), or_null(p->recover) };
	}
	(void)inspect_fd(WORKER_IMAGE_FD, profiles, rq->nprofiles, &reply->u.report,
			 &reply->u.lists);
}

int worker_main(void)
{
	/* Not on the stack: together they are larger than a page or ten, and this process does one
	 * job. */
	static struct worker_request rq;
	static struct worker_reply reply = { .version = INSPECT_VERSION };
	struct reason reason = { 0 };
	int r;

	(void)prctl(PR_SET_NAME, "deferd-image", 0, 0, 0); /* the kernel took "exe" from the path */
	r = read_request(&rq);
	if (r < 0)
		return 2;
	r = worker_give_up(&reason);
	if (!r && rq.kind == WORKER_INSPECT)
		inspect(&rq, &reply);
	else if (!r)
		r = inspect_symbolize_fd(WORKER_IMAGE_FD, rq.asks, rq.nasks, reply.u.places,
					 &reason);
	reply.error = r < 0 ? r : 0;
	reply.nplaces = r < 0 ? 0 : (uint32_t)r;
	memcpy(reply.reason, reason.text, sizeof(reply.reason));
	/* _exit: what libraries do at exit is not among the calls that are allowed. */
	_exit(write_reply(&reply) < 0 ? 1 : 0);
}
