// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Processes made of files: a folder with numbers for names stands in for /proc. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "proc/procfs.h"
#include "tempdir.h"

#define TAIL_FROM_FIELD_4                                                          \
	" 1 77 77 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 8 0 987654 1000000 300 " \
	"18446744073709551615 0 0 0\n"

struct fixture {
	struct tempdir dir;
	int procfd;
};

static void fixture_init(struct fixture *f)
{
	tempdir_make(&f->dir);
	f->procfd = proc_open(f->dir.path);
	assert_true(f->procfd >= 0);
}

static void fixture_done(struct fixture *f)
{
	close(f->procfd);
	tempdir_done(&f->dir);
}

#define _fixture_ _cleanup_(fixture_done) struct fixture

static void folder(const struct fixture *f, const char *name)
{
	assert_int_equal(mkdir(tempdir_path(&f->dir, name), 0755), 0);
}

static int ignore_pid(void *arg, pid_t pid)
{
	(*(unsigned *)arg)++;
	return 0;
}

static void opens(void **state)
{
	_fixture_ f;

	fixture_init(&f);
	tempdir_puts(&f.dir, "file", "");
	assert_int_equal(proc_open(tempdir_path(&f.dir, "missing")), -ENOENT);
	assert_int_equal(proc_open(tempdir_path(&f.dir, "file")), -ENOTDIR);
}

static void threads(void **state)
{
	_fixture_ f;

	fixture_init(&f);
	folder(&f, "5");
	folder(&f, "5/task");
	folder(&f, "5/task/7");
	assert_true(proc_has_thread(f.procfd, 5, 7));
	assert_false(proc_has_thread(f.procfd, 5, 8));
	assert_false(proc_has_thread(f.procfd, 7, 7));
}

static void missing_process(void **state)
{
	struct proc_image image = { .name = "before" };
	uint64_t v = 77, w = 77;
	char text[16] = "before";
	_fixture_ f;

	fixture_init(&f);
	folder(&f, "5"); /* a folder, but none of its files: it ends right now */
	for (pid_t pid = 4; pid <= 5; pid++) {
		assert_int_equal(proc_start_ticks(f.procfd, pid, &v), -ESRCH);
		assert_int_equal(proc_usage(f.procfd, pid, &v, &w), -ESRCH);
		assert_int_equal(proc_open_exe(f.procfd, pid, &image), -ESRCH);
		assert_int_equal(proc_stat_exe(f.procfd, pid, &image), -ESRCH);
		assert_int_equal(proc_auxv(f.procfd, pid, AT_ENTRY, &v), -ESRCH);
		assert_int_equal(proc_cgroup(f.procfd, pid, text, sizeof(text)), -ESRCH);
		assert_int_equal(proc_fd_count(f.procfd, pid, true, &v), -ESRCH);
		assert_int_equal(proc_fd_count(f.procfd, pid, false, &v), -ESRCH);
		assert_int_equal(proc_open_mem(f.procfd, pid), -ESRCH);
	}
	assert_true(v == 77 && w == 77);
	assert_string_equal(image.name, "before");
	assert_string_equal(text, "before");
}

static void clocks(void **state)
{
	static const struct {
		const char *text;
		int err;
		int64_t ns;
	} cases[] = {
		{ "monotonic           0         0\nboottime            0         0\n", 0, 0 },
		{ "monotonic      100000         7\nboottime            0         0\n", 0,
		  100000000000007 },
		{ "monotonic         -10         5\nboottime            0         0\n", 0,
		  -9999999995 },
		{ "", -EBADMSG, 1 },
		{ "boottime 1 2\n", -EBADMSG, 1 },
	};
	int64_t ns = 1;
	_fixture_ f;

	fixture_init(&f);
	folder(&f, "self");
	folder(&f, "5");
	assert_int_equal(proc_clock_offset(f.procfd, 5, &ns), 0); /* an old kernel */
	assert_int_equal(ns, 0);
	tempdir_puts(&f.dir, "self/timens_offsets", cases[0].text);
	assert_int_equal(proc_clock_offset(f.procfd, 5, &ns), -ESRCH);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		ns = 1;
		tempdir_puts(&f.dir, "5/timens_offsets", cases[i].text);
		assert_int_equal(proc_clock_offset(f.procfd, 5, &ns), cases[i].err);
		assert_int_equal(ns, cases[i].ns);
	}
}

static void stat_texts(void **state)
{
	static const struct {
		const char *what, *text;
		int err;
	} cases[] = {
		{ "as usual", "42 (shop) S" TAIL_FROM_FIELD_4, 0 },
		{ "a space", "42 (my shop) S" TAIL_FROM_FIELD_4, 0 },
		{ "parentheses", "42 (a) R (b)) S" TAIL_FROM_FIELD_4, 0 },
		{ "numbers behind a parenthesis", "42 (x) S 9 9 9 9 9 9 9 9) S" TAIL_FROM_FIELD_4,
		  0 },
		{ "a newline", "42 (a\nb) S" TAIL_FROM_FIELD_4, 0 },
		{ "no name", "42 () S" TAIL_FROM_FIELD_4, 0 },
		{ "bytes", "42 (\xff\x1b[m) S" TAIL_FROM_FIELD_4, 0 },
		{ "empty", "", -EBADMSG },
		{ "no parenthesis", "42 shop S 1 2 3", -EBADMSG },
		{ "ends in the name", "42 (sho", -EBADMSG },
		{ "ends behind the name", "42 (shop)", -EBADMSG },
		{ "ends behind the state", "42 (shop) S", -EBADMSG },
		{ "one field short of the start time",
		  "42 (shop) S 1 77 77 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 8 0", -EBADMSG },
		{ "ends before the start time",
		  "42 (shop) S 1 77 77 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 8 0 ", -EBADMSG },
		{ "words for numbers", "42 (shop) S a b c d e f g h i j k l m n o p q r s t u v w",
		  -EBADMSG },
	};
	_fixture_ f;

	fixture_init(&f);
	folder(&f, "42");
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t ticks = 77, cpu = 77, rss = 77;
		int err;

		tempdir_puts(&f.dir, "42/stat", cases[i].text);
		err = proc_start_ticks(f.procfd, 42, &ticks);
		if (err != cases[i].err || ticks != (err ? 77 : 987654))
			fail_msg("%s: %d, start time %llu", cases[i].what, err,
				 (unsigned long long)ticks);
		err = proc_usage(f.procfd, 42, &cpu, &rss);
		if (err != cases[i].err ||
		    cpu != (err ? 77 : 400 * (1000000000ull / sysconf(_SC_CLK_TCK))) ||
		    rss != (err ? 77 : 300 * (uint64_t)sysconf(_SC_PAGESIZE)))
			fail_msg("%s: %d, %llu ns, %llu bytes", cases[i].what, err,
				 (unsigned long long)cpu, (unsigned long long)rss);
	}
}

/* More than is read: what was cut does not matter, or the answer is no. */
static void endless_stat(void **state)
{
	static char text[5000];
	uint64_t ticks = 77;
	_fixture_ f;

	fixture_init(&f);
	folder(&f, "42");
	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, "42 (", 4);
	strcpy(text + 4000, "x) S" TAIL_FROM_FIELD_4);
	tempdir_puts(&f.dir, "42/stat", text);
	assert_int_equal(proc_start_ticks(f.procfd, 42, &ticks), -EBADMSG);
	assert_int_equal(ticks, 77);
	memset(text, '1', sizeof(text) - 1);
	strcpy(text, "42 (shop) S" TAIL_FROM_FIELD_4);
	text[strlen(text)] = ' ';
	tempdir_puts(&f.dir, "42/stat", text);
	assert_int_equal(proc_start_ticks(f.procfd, 42, &ticks), 0);
	assert_int_equal(ticks, 987654);
	assert_true(proc_is_same(f.procfd, 42, 987654));
	assert_false(proc_is_same(f.procfd, 42, 987655));
	assert_false(proc_is_same(f.procfd, 43, 987654));
}

struct pids {
	unsigned n, stop_at;
	pid_t seen[16];
};

static int note_pid(void *arg, pid_t pid)
{
	struct pids *p = arg;

	p->seen[p->n++] = pid;
	return p->n == p->stop_at ? -EINTR : 0;
}

static bool has_pid(const struct pids *p, pid_t pid)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->seen[i] == pid)
			return true;
	return false;
}

static void every_process(void **state)
{
	static const char *const names[] = { "1", "4194304", "77", "self", "sys", "thread-self" };
	struct pids pids = { 0 };
	unsigned n = 0;
	_fixture_ f;

	fixture_init(&f);
	assert_int_equal(proc_for_each_pid(f.procfd, note_pid, &pids), 0);
	assert_int_equal(pids.n, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		folder(&f, names[i]);
	tempdir_puts(&f.dir, "uptime", "1 2\n");
	assert_int_equal(proc_for_each_pid(f.procfd, note_pid, &pids), 0);
	assert_int_equal(pids.n, 3);
	assert_true(has_pid(&pids, 1) && has_pid(&pids, 77) && has_pid(&pids, 4194304));
	/* The callee may end it, and its answer is handed on. */
	pids = (struct pids){ .stop_at = 2 };
	assert_int_equal(proc_for_each_pid(f.procfd, note_pid, &pids), -EINTR);
	assert_int_equal(pids.n, 2);
	/* From the beginning each time. */
	assert_int_equal(proc_for_each_pid(f.procfd, ignore_pid, &n), 0);
	assert_int_equal(proc_for_each_pid(f.procfd, ignore_pid, &n), 0);
	assert_int_equal(n, 6);
	assert_int_equal(proc_for_each_pid(-1, note_pid, &pids), -EBADF);
}

static void executables(void **state)
{
	struct proc_image a = { 0 }, b = { 0 }, opened = { 0 };
	char text[8] = "";
	_fixture_ f;
	int fd;

	fixture_init(&f);
	tempdir_puts(&f.dir, "shop", "bytes");
	folder(&f, "1");
	folder(&f, "2");
	assert_int_equal(symlink("../shop", tempdir_path(&f.dir, "1/exe")), 0);
	assert_int_equal(symlink(tempdir_path(&f.dir, "shop"), tempdir_path(&f.dir, "2/exe")), 0);
	assert_int_equal(proc_stat_exe(f.procfd, 1, &a), 0);
	assert_int_equal(proc_stat_exe(f.procfd, 2, &b), 0);
	assert_true(proc_image_equal(&a, &b));
	assert_string_equal(a.name, "shop");
	assert_int_equal(a.size, 5);
	fd = proc_open_exe(f.procfd, 1, &opened);
	assert_true(fd >= 0);
	assert_true(proc_image_equal(&a, &opened));
	assert_string_equal(opened.name, "shop");
	assert_int_equal(read(fd, text, sizeof(text)), 5);
	assert_string_equal(text, "bytes");
	close(fd);
	/* A new file of the same name and size is another image. */
	tempdir_puts(&f.dir, "shop.new", "BYTES");
	assert_int_equal(rename(tempdir_path(&f.dir, "shop.new"), tempdir_path(&f.dir, "shop")), 0);
	assert_int_equal(proc_stat_exe(f.procfd, 2, &b), 0);
	assert_false(proc_image_equal(&a, &b));
}

static void image_keys(void **state)
{
	const struct proc_image a = { 1, 2, 3, 4, "a" };
	struct proc_image b = { 1, 2, 3, 4, "b" };

	assert_true(proc_image_equal(&a, &b)); /* the name is no part of it */
	b.dev = 9;
	assert_false(proc_image_equal(&a, &b));
	b = a;
	b.ino = 9;
	assert_false(proc_image_equal(&a, &b));
	b = a;
	b.size = 9;
	assert_false(proc_image_equal(&a, &b));
	b = a;
	b.mtime_ns = 9;
	assert_false(proc_image_equal(&a, &b));
}

/* The kernel's links name what the process chose: anything but '/' and NUL. */
static void image_names(void **state)
{
	static const struct {
		const char *file, *name;
	} cases[] = {
		{ "shop", "shop" },
		{ "my shop", "my shop" },
		{ "shop (deleted)", "shop" },
		{ "shop (deleted) (deleted)", "shop (deleted)" },
		{ "shop(deleted)", "shop(deleted)" },
		{ "a\nb\x1b[m\xff", "a?b?[m?" },
	};
	_fixture_ f;

	fixture_init(&f);
	folder(&f, "1");
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct proc_image image = { 0 };

		tempdir_puts(&f.dir, cases[i].file, "x");
		assert_int_equal(
			symlink(tempdir_path(&f.dir, cases[i].file), tempdir_path(&f.dir, "1/exe")),
			0);
		assert_int_equal(proc_stat_exe(f.procfd, 1, &image), 0);
		assert_string_equal(image.name, cases[i].name);
		assert_int_equal(unlink(tempdir_path(&f.dir, "1/exe")), 0);
	}
}

static void no_executable(void **state)
{
	struct proc_image image;
	_fixture_ f;

	fixture_init(&f);
	folder(&f, "1");
	folder(&f, "folder");
	assert_int_equal(symlink("../folder", tempdir_path(&f.dir, "1/exe")), 0);
	assert_int_equal(proc_open_exe(f.procfd, 1, &image), -ENOEXEC);
	/* A kernel thread's link leads nowhere. */
	assert_int_equal(unlink(tempdir_path(&f.dir, "1/exe")), 0);
	assert_int_equal(symlink("../nowhere", tempdir_path(&f.dir, "1/exe")), 0);
	assert_int_equal(proc_open_exe(f.procfd, 1, &image), -ESRCH);
	assert_int_equal(proc_stat_exe(f.procfd, 1, &image), -ESRCH);
}

static void auxiliary_vector(void **state)
{
	const uint64_t vec[] = { AT_PHDR, 0x400040, AT_ENTRY, 0x401000, AT_ENTRY, 9, AT_NULL, 0 };
	static uint64_t endless[2 * 4096];
	uint64_t v = 77;
	_fixture_ f;

	fixture_init(&f);
	folder(&f, "1");
	tempdir_write(&f.dir, "1/auxv", vec, sizeof(vec));
	assert_int_equal(proc_auxv(f.procfd, 1, AT_ENTRY, &v), 0);
	assert_int_equal(v, 0x401000); /* the first one */
	assert_int_equal(proc_auxv(f.procfd, 1, AT_BASE, &v), -ENOENT);
	/* Cut in the middle of a pair: what is not whole does not count. */
	for (size_t n = 0; n <= sizeof(vec); n++) {
		v = 77;
		tempdir_write(&f.dir, "1/auxv", vec, n);
		assert_int_equal(proc_auxv(f.procfd, 1, AT_ENTRY, &v), n >= 32 ? 0 : -ENOENT);
		assert_int_equal(v, n >= 32 ? 0x401000 : 77);
	}
	/* Without an end. */
	for (size_t i = 0; i < ARRAY_SIZE(endless); i++)
		endless[i] = AT_PHDR;
	tempdir_write(&f.dir, "1/auxv", endless, sizeof(endless));
	assert_int_equal(proc_auxv(f.procfd, 1, AT_ENTRY, &v), -ENOENT);
	assert_int_equal(proc_auxv(f.procfd, 1, AT_PHDR, &v), 0);
	assert_int_equal(v, AT_PHDR);
}

static void cgroup_texts(void **state)
{
	char text[16];
	_fixture_ f;

	fixture_init(&f);
	folder(&f, "1");
	tempdir_puts(&f.dir, "1/cgroup", "");
	assert_int_equal(proc_cgroup(f.procfd, 1, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	tempdir_puts(&f.dir, "1/cgroup", "0::/\n");
	assert_int_equal(proc_cgroup(f.procfd, 1, text, sizeof(text)), 0);
	assert_string_equal(text, "0::/\n");
	/* Cut, and terminated. */
	tempdir_puts(&f.dir, "1/cgroup", "0::/system.slice/shop.service\n");
	memset(text, '!', sizeof(text));
	assert_int_equal(proc_cgroup(f.procfd, 1, text, sizeof(text) - 1), 0);
	assert_string_equal(text, "0::/system.sli");
	assert_int_equal(text[15], '!');
	assert_int_equal(proc_cgroup(f.procfd, 1, text, 1), 0);
	assert_string_equal(text, "");
}

static void environments(void **state)
{
	static const char list[] = "PATH=/bin\0GODEBUGX=1\0GODEBUG=a=1,b=2\0GODEBUG=c\0EMPTY=";
	struct fixture f;
	char text[16], path[64];
	FILE *out;

	fixture_init(&f);
	folder(&f, "1");
	snprintf(path, sizeof(path), "%s", tempdir_puts(&f.dir, "1/environ", ""));
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(list, 1, sizeof(list), out), sizeof(list));
	fclose(out);
	assert_int_equal(proc_environment(f.procfd, 1, "GODEBUG", text, sizeof(text)), 0);
	assert_string_equal(text, "a=1,b=2");
	assert_int_equal(proc_environment(f.procfd, 1, "GODEBUG", text, 4), 0);
	assert_string_equal(text, "a=1");
	assert_int_equal(proc_environment(f.procfd, 1, "EMPTY", text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(proc_environment(f.procfd, 1, "GO", text, sizeof(text)), -ENOENT);
	assert_int_equal(proc_environment(f.procfd, 2, "GO", text, sizeof(text)), -ESRCH);
	fixture_done(&f);
}

static void descriptor_counts(void **state)
{
	struct stat st;
	char name[32];
	uint64_t n = 77;
	_fixture_ f;

	fixture_init(&f);
	folder(&f, "1");
	folder(&f, "1/fd");
	assert_int_equal(proc_fd_count(f.procfd, 1, false, &n), 0);
	assert_int_equal(n, 0);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "1/fd/%u", i);
		tempdir_puts(&f.dir, name, "");
	}
	assert_int_equal(proc_fd_count(f.procfd, 1, false, &n), 0);
	assert_int_equal(n, 300);
	/* By size: whatever the folder says of itself. */
	assert_int_equal(stat(tempdir_path(&f.dir, "1/fd"), &st), 0);
	assert_int_equal(proc_fd_count(f.procfd, 1, true, &n), 0);
	assert_int_equal(n, st.st_size);
}

static void descriptor_limit(void **state)
{
	struct rlimit rl;
	uint64_t limit = 77, hard = 0;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	assert_int_equal(proc_fd_limit(getpid(), &limit, &hard), 0);
	assert_int_equal(limit, rl.rlim_cur);
	assert_int_equal(hard, rl.rlim_max);
	/* Larger than any process number: gone. */
	limit = 77;
	assert_int_equal(proc_fd_limit(0x7ffffffe, &limit, &hard), -ESRCH);
	assert_int_equal(limit, 77);
}

static void numbers_of_the_kernel(void **state)
{
	_cleanup_close_ int procfd = open("/proc", O_PATH | O_DIRECTORY);
	uint64_t n[3] = {};

	assert_true(proc_sys_numbers(procfd, "fs/file-nr", n, 3));
	assert_true(n[0] > 0 && n[2] > n[0]);
	assert_false(proc_sys_numbers(procfd, "kernel/ostype", n, 1));
	assert_false(proc_sys_numbers(procfd, "fs/nothing", n, 1));
}

static void memory(void **state)
{
	char text[8] = "";
	_fixture_ f;
	int fd;

	fixture_init(&f);
	folder(&f, "1");
	tempdir_puts(&f.dir, "1/mem", "memory");
	fd = proc_open_mem(f.procfd, 1);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, text, 3, 2), 3);
	assert_string_equal(text, "mor");
	assert_true(write(fd, "x", 1) < 0); /* never more than to read it */
	close(fd);
}

static int keep_mapping(void *arg, const struct proc_mapping *m)
{
	struct proc_mapping **next = arg;

	*(*next)++ = *m;
	return m->end == 0x7ffd2000 ? 5 : 0;
}

static void mappings(void **state)
{
	struct proc_mapping all[8] = {}, *next = all;
	uint64_t bytes = 0;
	_fixture_ f;

	fixture_init(&f);
	folder(&f, "5");
	assert_int_equal(proc_for_each_mapping(f.procfd, 5, keep_mapping, &next), -ESRCH);
	assert_int_equal(proc_vm_bytes(f.procfd, 5, &bytes), -ESRCH);
	tempdir_puts(&f.dir, "5/statm", "25000 900 300 10 0 400 0\n");
	tempdir_puts(&f.dir, "5/maps",
		     "00400000-004a0000 r-xp 00001000 fe:1a 5312583    /srv/my thing (deleted)\n"
		     "c000000000-c000800000 rw-p 00000000 00:00 0 \n"
		     "c000800000-c004000000 ---s 00000000 00:00 0 \n"
		     "7ffd1000-7ffd2000 r-xp 00000000 00:00 0          [vdso]\n"
		     "never read\n");
	assert_int_equal(proc_for_each_mapping(f.procfd, 5, keep_mapping, &next), 5);
	assert_int_equal(next - all, 4);
	assert_int_equal(all[0].begin, 0x400000);
	assert_int_equal(all[0].end, 0x4a0000);
	assert_true(all[0].readable && all[0].executable && !all[0].writable && !all[0].shared);
	assert_int_equal(all[0].major, 0xfe);
	assert_int_equal(all[0].minor, 0x1a);
	assert_int_equal(all[0].ino, 5312583);
	assert_string_equal(all[0].name, "my thing");
	assert_true(all[1].readable && all[1].writable && !all[1].executable && !all[1].ino);
	assert_string_equal(all[1].name, "");
	assert_true(all[2].shared && !all[2].readable);
	assert_string_equal(all[3].name, "[vdso]");
	assert_int_equal(proc_vm_bytes(f.procfd, 5, &bytes), 0);
	assert_int_equal(bytes, 25000 * (uint64_t)sysconf(_SC_PAGESIZE));
	tempdir_puts(&f.dir, "5/maps", "00400000-zz r-xp 0 0:0 0\n");
	assert_int_equal(proc_for_each_mapping(f.procfd, 5, keep_mapping, &next), -EBADMSG);
	tempdir_puts(&f.dir, "5/statm", "\n");
	assert_int_equal(proc_vm_bytes(f.procfd, 5, &bytes), -EBADMSG);
}

/* The one process that is always there: ourselves. */
static void ourselves(void **state)
{
	_cleanup_close_ int procfd = proc_open("/proc"), exe = -1;
	struct proc_image a = { 0 }, b = { 0 };
	uint64_t offset = 0, ticks = 0, entry = 0;
	unsigned char from_file[16];

	if (procfd < 0 || faccessat(procfd, "self/stat", R_OK, 0)) {
		print_message("# no /proc here\n");
		skip();
	}
	assert_int_equal(proc_start_ticks(procfd, getpid(), &ticks), 0);
	assert_true(ticks > 0);
	assert_int_equal(proc_auxv(procfd, getpid(), AT_ENTRY, &entry), 0);
	assert_true(entry > 0);
	exe = proc_open_exe(procfd, getpid(), &a);
	assert_true(exe >= 0);
	assert_int_equal(proc_stat_exe(procfd, getpid(), &b), 0);
	assert_true(proc_image_equal(&a, &b));
	assert_string_equal(a.name, "procfs_test");
	/* The offset of our own text: the same bytes stand in the file. */
	assert_int_equal(proc_self_text_offset((const void *)ourselves, &offset), 0);
	assert_int_equal(pread(exe, from_file, sizeof(from_file), (off_t)offset),
			 sizeof(from_file));
	assert_memory_equal(from_file, (const void *)ourselves, sizeof(from_file));
	assert_int_equal(proc_self_text_offset((const void *)8, &offset), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens),
		cmocka_unit_test(threads),
		cmocka_unit_test(missing_process),
		cmocka_unit_test(clocks),
		cmocka_unit_test(stat_texts),
		cmocka_unit_test(endless_stat),
		cmocka_unit_test(every_process),
		cmocka_unit_test(executables),
		cmocka_unit_test(image_keys),
		cmocka_unit_test(image_names),
		cmocka_unit_test(no_executable),
		cmocka_unit_test(auxiliary_vector),
		cmocka_unit_test(cgroup_texts),
		cmocka_unit_test(environments),
		cmocka_unit_test(descriptor_counts),
		cmocka_unit_test(descriptor_limit),
		cmocka_unit_test(numbers_of_the_kernel),
		cmocka_unit_test(memory),
		cmocka_unit_test(mappings),
		cmocka_unit_test(ourselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
