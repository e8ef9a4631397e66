/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What /proc tells about processes. The directory is an argument (an O_PATH descriptor of /proc),
 * so tests bring their own. Every function returns 0 or more when good, else negative errno: -ESRCH
 * when the process is gone, which is normal and nobody's fault. Nothing here keeps state.
 */
#ifndef DEFERD_PROC_PROCFS_H
#define DEFERD_PROC_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROC_COMM_MAX   16
#define PROC_NAME_MAX   128
#define PROC_CGROUP_MAX 8192 /* bytes of /proc/PID/cgroup that are read */

/* The file a process runs. Two processes with equal keys run the same bytes. */
struct proc_image {
	uint64_t dev, ino, size;
	int64_t mtime_ns;
	char name[PROC_NAME_MAX]; /* base name of the path, sanitized, without " (deleted)" */
};

int proc_open(const char *path); /* usually "/proc"; a descriptor or negative errno */

/* Call fn for every process number; stops when fn returns non-zero and returns that. */
int proc_for_each_pid(int procfd, int (*fn)(void *arg, pid_t pid), void *arg);

/* Whether this thread of the process is there. */
bool proc_has_thread(int procfd, pid_t pid, pid_t tid);

/*
 * Start time in clock ticks since boot (field 22 of stat): with the pid, the identity of a process.
 */
int proc_start_ticks(int procfd, pid_t pid, uint64_t *ret_ticks);
/* The clock ticks of /proc in nanoseconds. */
uint64_t proc_ticks_ns(uint64_t ticks);
/* The process is there, and not another one of its number. */
bool proc_is_same(int procfd, pid_t pid, uint64_t start_ticks);

/*
 * Open the file that the process runs, without walking its path, and say what it is. The descriptor
 * is the caller's.
 * -ESRCH: gone, or a kernel thread.
 */
int proc_open_exe(int procfd, pid_t pid, struct proc_image *ret_image);
/* Only the key and the name, without opening. */
int proc_stat_exe(int procfd, pid_t pid, struct proc_image *ret_image);
bool proc_image_equal(const struct proc_image *a, const struct proc_image *b);

/* One entry of the auxiliary vector, e.g. AT_ENTRY; -ENOENT when it is not there. */
int proc_auxv(int procfd, pid_t pid, uint64_t type, uint64_t *ret_value);

/* Text of /proc/PID/cgroup, NUL terminated and cut at `size`. */
int proc_cgroup(int procfd, pid_t pid, char *buf, size_t size);

/* A variable of the environment that it began with, cut at `size`; -ENOENT: not set. */
int proc_environment(int procfd, pid_t pid, const char *name, char *buf, size_t size);

/*
 * Descriptors in use. `by_size`: the kernel gives the number as st_size (Linux 6.2+), else the
 * directory is counted.
 */
int proc_fd_count(int procfd, pid_t pid, bool by_size, uint64_t *ret_n);
/* Soft RLIMIT_NOFILE of another process. */
/* Numbers in a file of /proc/sys, "fs/file-nr"; false: there are fewer. */
bool proc_sys_numbers(int procfd, const char *path, uint64_t *ret, unsigned n);
/* The name of this boot, as no other boot of any host has it; false: the kernel does not say. */
#define PROC_BOOT_MAX 40
bool proc_boot(int procfd, char ret_name[static PROC_BOOT_MAX]);
int proc_fd_limit(pid_t pid, uint64_t *ret_limit, uint64_t *ret_hard);

/*
 * Memory of the process: a descriptor that stays with this address space (after exec or exit reads
 * return 0 bytes).
 */
int proc_open_mem(int procfd, pid_t pid);

/*
 * CLOCK_MONOTONIC of the process, in its time namespace, less that of the initial one, nanoseconds; 0 where
 * the kernel has no time namespaces (before Linux 5.6).
 */
int proc_clock_offset(int procfd, pid_t pid, int64_t *ret_ns);

/* One line of /proc/PID/maps. */
struct proc_mapping {
	uint64_t begin, end;
	bool readable, writable, executable, shared;
	unsigned major, minor;    /* as the file system has them, which stat(2) need not */
	uint64_t ino;             /* 0: of no file */
	char name[PROC_NAME_MAX]; /* base name of the path, sanitized; "" where there is none */
};

/* In the order of addresses; stops when fn returns non-zero and returns that. */
int proc_for_each_mapping(int procfd, pid_t pid, int (*fn)(void *arg, const struct proc_mapping *m),
			  void *arg);
/* Bytes of all mappings. */
int proc_vm_bytes(int procfd, pid_t pid, uint64_t *ret_bytes);

/* File offset of an address of our own text, for probing ourselves. */
int proc_self_text_offset(const void *addr, uint64_t *ret_offset);

/* utime + stime of all threads, nanoseconds, and the resident set in bytes. */
int proc_usage(int procfd, pid_t pid, uint64_t *ret_cpu_ns, uint64_t *ret_rss_bytes);

#endif
