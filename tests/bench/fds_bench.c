// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * One pass of the kernel over all descriptors of the host, against what others do: readdir() and readlink()
 * in /proc. Beside a few processes of our own that have 19,000 together. Medians of rounds in turn; root.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/loop.h"
#include "probe/fditer.h"
#include "proc/procfs.h"

#define ROUNDS    15
#define PROCESSES 4
#define EACH      4750

static void count(void *arg, const struct fd_entry *fd)
{
	++*(unsigned *)arg;
}

struct proc_pass {
	int procfd;
	unsigned n;
};

static int one_process(void *arg, pid_t pid)
{
	struct proc_pass *p = arg;
	char path[32], link[256];
	const struct dirent *e;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%d/fd", pid);
	fd = openat(p->procfd, path, O_RDONLY | O_DIRECTORY);
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && (e = readdir(dir)))
		p->n += readlinkat(fd, e->d_name, link, sizeof(link)) > 0;
	if (dir)
		closedir(dir);
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void row(const char *what, uint64_t *ns, unsigned descriptors, double than)
{
	qsort(ns, ROUNDS, sizeof(*ns), compare);
	printf("| %s | %.2f ms | %.2f-%.2f | %u | %.1f |\n", what, (double)ns[ROUNDS / 2] / 1e6,
	       (double)ns[ROUNDS / 4] / 1e6, (double)ns[3 * ROUNDS / 4] / 1e6, descriptors,
	       than ? than / (double)ns[ROUNDS / 2] : 1.0);
}

static pid_t start_holder(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < EACH; i++) {
		if (open("/dev/null", O_RDONLY) < 0)
			_exit(1);
	}
	kill(getpid(), SIGSTOP);
	_exit(0);
}

int main(void)
{
	uint64_t iter[ROUNDS], proc[ROUNDS];
	struct proc_pass p = { .procfd = proc_open("/proc") };
	struct rlimit limit = { 20000, 20000 };
	struct reason reason = {};
	pid_t holders[PROCESSES];
	struct fditer *it;
	unsigned n = 0;

	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (fditer_open(&it, &reason)) {
		printf("skipped: no iterator over descriptors: %s\n", reason.text);
		return 0;
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		holders[i] = start_holder();
		waitpid(holders[i], NULL, WUNTRACED);
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t begin = loop_now_ns(), middle;

		n = p.n = 0;
		if (fditer_read(it, count, &n, &reason)) {
			printf("failed: %s\n", reason.text);
			return 1;
		}
		middle = loop_now_ns();
		(void)proc_for_each_pid(p.procfd, one_process, &p);
		iter[i] = middle - begin;
		proc[i] = loop_now_ns() - middle;
	}
	for (unsigned i = 0; i < PROCESSES; i++)
		kill(holders[i], SIGKILL);
	fditer_close(it);
	puts("| all descriptors of the host | time | spread | descriptors | times faster "
	     "|\n|---|---|---|---|---|");
	row("readdir() and readlink() in /proc", proc, p.n, 0);
	row("one pass of the kernel", iter, n, (double)proc[ROUNDS / 2]);
	return 0;
}
