// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "proc/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/utf8.h"

DEFINE_CLEANUP(DIR *, closedir)

/*
 * A vanished process shows as ENOENT (no directory) or ESRCH (its files answer so); both mean the
 * same to callers.
 */
static int gone_or(int err)
{
	return err == ENOENT || err == ESRCH ? -ESRCH : -err;
}

int proc_open(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int open_file(int procfd, pid_t pid, const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%d/%s", pid, name);
	fd = openat(procfd, path, flags | O_CLOEXEC);
	return fd < 0 ? gone_or(errno) : fd;
}

#define ENVIRONMENT_MAX (256 * 1024)

/* Read a small file whole; bytes read, NUL added. */
static ssize_t read_file(int procfd, pid_t pid, const char *name, char *buf, size_t size)
{
	_cleanup_close_ int fd = open_file(procfd, pid, name, O_RDONLY);
	size_t len = 0;

	if (fd < 0)
		return fd;
	while (len < size - 1) {
		ssize_t n = read(fd, buf + len, size - 1 - len);

		if (n < 0)
			return gone_or(errno);
		if (!n)
			break;
		len += n;
	}
	buf[len] = 0;
	return len;
}

int proc_for_each_pid(int procfd, int (*fn)(void *arg, pid_t pid), void *arg)
{
	int fd = openat(procfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), stop = 0;
	_cleanup_(closedirp) DIR *dir = NULL;
	struct dirent *de;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -errno;
	}
	while (!stop && (de = readdir(dir))) {
		if (isdigit((unsigned char)de->d_name[0]))
			stop = fn(arg, atoi(de->d_name));
	}
	return stop;
}

/*
 * The fields after the command, which may hold spaces and parentheses itself: they follow the last
 * ')'.
 */
static int stat_fields(int procfd, pid_t pid, char *buf, size_t size, char **ret_fields)
{
	ssize_t n = read_file(procfd, pid, "stat", buf, size);
	char *close_paren;

	if (n < 0)
		return n;
	close_paren = strrchr(buf, ')');
	if (!close_paren || close_paren[1] != ' ')
		return -EBADMSG;
	*ret_fields = close_paren + 2;
	return 0;
}

bool proc_has_thread(int procfd, pid_t pid, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "%d/task/%d", pid, tid);
	return !faccessat(procfd, path, F_OK, 0);
}

uint64_t proc_ticks_ns(uint64_t ticks)
{
	return ticks * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK));
}

int proc_start_ticks(int procfd, pid_t pid, uint64_t *ret_ticks)
{
	char buf[1024], *f = NULL;
	int err = stat_fields(procfd, pid, buf, sizeof(buf), &f);

	if (err)
		return err;
	/* f stands at field 3 (state). */
	for (int field = 3; field < 22; field++) {
		f = strchr(f, ' ');
		if (!f)
			return -EBADMSG;
		f++;
	}
	if (!isdigit((unsigned char)*f))
		return -EBADMSG;
	*ret_ticks = strtoull(f, NULL, 10);
	return 0;
}

bool proc_is_same(int procfd, pid_t pid, uint64_t start_ticks)
{
	uint64_t ticks;

	return !proc_start_ticks(procfd, pid, &ticks) && ticks == start_ticks;
}

int proc_usage(int procfd, pid_t pid, uint64_t *ret_cpu_ns, uint64_t *ret_rss_bytes)
{
	unsigned long long utime, stime;
	long long rss;
	char buf[1024], *f = NULL;
	int err = stat_fields(procfd, pid, buf, sizeof(buf), &f);

	if (err)
		return err;
	if (sscanf(f,
		   "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d "
		   "%*u %*u %lld",
		   &utime, &stime, &rss) != 3)
		return -EBADMSG;
	*ret_cpu_ns = proc_ticks_ns(utime + stime);
	*ret_rss_bytes = rss * sysconf(_SC_PAGESIZE);
	return 0;
}

static void base_name(char *path, char *name, size_t size)
{
	static const char deleted[] = " (deleted)";
	size_t n = strlen(path);
	const char *base;

	if (n > strlen(deleted) && !strcmp(path + n - strlen(deleted), deleted))
		path[n - strlen(deleted)] = 0;
	base = strrchr(path, '/');
	base = base ? base + 1 : path;
	utf8_sanitize(name, size, base, strlen(base));
}

static void image_name(int procfd, pid_t pid, char *name, size_t size)
{
	char path[64], target[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "%d/exe", pid);
	n = readlinkat(procfd, path, target, sizeof(target) - 1);
	if (n <= 0) {
		snprintf(name, size, "?");
		return;
	}
	target[n] = 0;
	base_name(target, name, size);
}

static void image_from_stat(const struct stat *st, struct proc_image *image)
{
	*image = (struct proc_image){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = st->st_size,
		.mtime_ns = st->st_mtim.tv_sec * 1000000000ll + st->st_mtim.tv_nsec,
	};
}

int proc_open_exe(int procfd, pid_t pid, struct proc_image *ret_image)
{
	_cleanup_close_ int fd = open_file(procfd, pid, "exe", O_RDONLY);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	image_from_stat(&st, ret_image);
	image_name(procfd, pid, ret_image->name, sizeof(ret_image->name));
	return TAKE_FD(fd);
}

int proc_stat_exe(int procfd, pid_t pid, struct proc_image *ret_image)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%d/exe", pid);
	if (fstatat(procfd, path, &st, 0))
		return gone_or(errno);
	image_from_stat(&st, ret_image);
	image_name(procfd, pid, ret_image->name, sizeof(ret_image->name));
	return 0;
}

bool proc_image_equal(const struct proc_image *a, const struct proc_image *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns;
}

int proc_auxv(int procfd, pid_t pid, uint64_t type, uint64_t *ret_value)
{
	uint64_t vec[128];
	ssize_t n = read_file(procfd, pid, "auxv", (char *)vec, sizeof(vec));

	if (n < 0)
		return n;
	for (size_t i = 0; i + 1 < n / sizeof(vec[0]); i += 2) {
		if (vec[i] == type) {
			*ret_value = vec[i + 1];
			return 0;
		}
	}
	return -ENOENT;
}

int proc_cgroup(int procfd, pid_t pid, char *buf, size_t size)
{
	ssize_t n = read_file(procfd, pid, "cgroup", buf, size);

	return n < 0 ? n : 0;
}

/* The value of `name` in a list of "NAME=VALUE", each closed by NUL; the first one counts, as in libc. */
static const char *find_variable(const char *list, size_t len, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list, *end = list + len; p < end; p += strlen(p) + 1) {
		if (!strncmp(p, name, n) && p[n] == '=')
			return p + n + 1;
	}
	return NULL;
}

int proc_environment(int procfd, pid_t pid, const char *name, char *buf, size_t size)
{
	_cleanup_free_ char *all = malloc(ENVIRONMENT_MAX);
	const char *value;
	ssize_t n;

	if (!all)
		return -ENOMEM;
	n = read_file(procfd, pid, "environ", all, ENVIRONMENT_MAX);
	if (n < 0)
		return (int)n;
	value = find_variable(all, (size_t)n, name);
	if (!value)
		return -ENOENT;
	snprintf(buf, size, "%s", value);
	return 0;
}

static int count_entries(int procfd, const char *path, uint64_t *ret_n)
{
	int fd = openat(procfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = NULL;
	struct dirent *de;
	uint64_t n = 0;

	if (fd < 0)
		return gone_or(errno);
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -errno;
	}
	while ((de = readdir(dir)))
		n += de->d_name[0] != '.';
	*ret_n = n;
	return 0;
}

int proc_fd_count(int procfd, pid_t pid, bool by_size, uint64_t *ret_n)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%d/fd", pid);
	if (!by_size)
		return count_entries(procfd, path, ret_n);
	if (fstatat(procfd, path, &st, 0))
		return gone_or(errno);
	*ret_n = st.st_size;
	return 0;
}

/* "unlimited", or a number. */
static rlim_t limit_of(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	return end == text ? RLIM_INFINITY : n;
}

/* What everybody may read; to ask the kernel for it takes CAP_SYS_RESOURCE where the process is another user's. */
static int read_fd_limit(pid_t pid, struct rlimit *ret)
{
	char path[64], line[256], soft[32], hard[32];
	FILE *f;
	int err = -ENODATA;

	snprintf(path, sizeof(path), "/proc/%d/limits", pid);
	f = fopen(path, "re");
	if (!f)
		return gone_or(errno);
	while (err && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Max open files %31s %31s", soft, hard) != 2)
			continue;
		*ret = (struct rlimit){ limit_of(soft), limit_of(hard) };
		err = 0;
	}
	(void)fclose(f);
	return err;
}

int proc_fd_limit(pid_t pid, uint64_t *ret_limit, uint64_t *ret_hard)
{
	struct rlimit rl;
	int err = prlimit(pid, RLIMIT_NOFILE, NULL, &rl) ? -errno : 0;

	if (err == -EPERM)
		err = read_fd_limit(pid, &rl);
	if (err)
		return err;
	*ret_limit = rl.rlim_cur;
	*ret_hard = rl.rlim_max;
	return 0;
}

bool proc_boot(int procfd, char ret_name[static PROC_BOOT_MAX])
{
	_cleanup_close_ int fd = openat(procfd, "sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, ret_name, PROC_BOOT_MAX - 1);

	ret_name[len > 0 ? len : 0] = 0;
	ret_name[strcspn(ret_name, "\n")] = 0;
	return ret_name[0];
}

bool proc_sys_numbers(int procfd, const char *path, uint64_t *ret, unsigned n)
{
	char name[128], text[128], *at = text, *end;
	_cleanup_close_ int fd = -1;
	ssize_t len;

	snprintf(name, sizeof(name), "sys/%s", path);
	fd = openat(procfd, name, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (len <= 0)
		return false;
	text[len] = 0;
	for (unsigned i = 0; i < n; i++, at = end) {
		ret[i] = strtoull(at, &end, 10);
		if (end == at)
			return false;
	}
	return true;
}

int proc_open_mem(int procfd, pid_t pid)
{
	return open_file(procfd, pid, "mem", O_RDONLY);
}

/* time_namespaces(7): "monotonic  SECONDS  NANOSECONDS", and the same of boottime. */
int proc_clock_offset(int procfd, pid_t pid, int64_t *ret_ns)
{
	char text[256];
	ssize_t n = read_file(procfd, pid, "timens_offsets", text, sizeof(text));
	long long s, ns;

	if (n == -ESRCH && faccessat(procfd, "self", F_OK, 0) == 0 &&
	    faccessat(procfd, "self/timens_offsets", F_OK, 0)) {
		*ret_ns = 0;
		return 0;
	}
	if (n < 0)
		return (int)n;
	if (sscanf(text, "monotonic %lld %lld", &s, &ns) != 2)
		return -EBADMSG;
	*ret_ns = s * 1000000000 + ns;
	return 0;
}

/* proc_pid_maps(5) */
static int parse_mapping(char *line, struct proc_mapping *ret)
{
	char perms[5];
	int at = 0;

	line[strcspn(line, "\n")] = 0;
	*ret = (struct proc_mapping){};
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %x:%x %" SCNu64 " %n", &ret->begin,
		   &ret->end, perms, &ret->major, &ret->minor, &ret->ino, &at) != 6 ||
	    !at)
		return -EBADMSG;
	ret->readable = perms[0] == 'r';
	ret->writable = perms[1] == 'w';
	ret->executable = perms[2] == 'x';
	ret->shared = perms[3] == 's';
	base_name(line + at, ret->name, sizeof(ret->name));
	return 0;
}

int proc_for_each_mapping(int procfd, pid_t pid, int (*fn)(void *arg, const struct proc_mapping *m),
			  void *arg)
{
	_cleanup_close_ int fd = open_file(procfd, pid, "maps", O_RDONLY);
	_cleanup_file_ FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int stop = 0;

	if (!f)
		return fd < 0 ? fd : -errno;
	TAKE_FD(fd);
	while (!stop && getline(&line, &size, f) > 0) {
		struct proc_mapping m;

		stop = parse_mapping(line, &m) ?: fn(arg, &m);
	}
	return stop ?: ferror(f) ? -ESRCH : 0;
}

int proc_vm_bytes(int procfd, pid_t pid, uint64_t *ret_bytes)
{
	char text[256];
	ssize_t n = read_file(procfd, pid, "statm", text, sizeof(text));
	uint64_t pages;

	if (n < 0)
		return (int)n;
	if (sscanf(text, "%" SCNu64, &pages) != 1)
		return -EBADMSG;
	*ret_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

int proc_self_text_offset(const void *addr, uint64_t *ret_offset)
{
	_cleanup_file_ FILE *f = fopen("/proc/self/maps", "re");
	char line[512];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		uint64_t start, end, offset;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &start, &end, &offset) ==
			    3 &&
		    (uintptr_t)addr >= start && (uintptr_t)addr < end) {
			*ret_offset = (uintptr_t)addr - start + offset;
			return 0;
		}
	}
	return -ENOENT;
}
