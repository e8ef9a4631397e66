/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Reading somebody's memory, live or recorded: a callback, so that every reader of a process also
 * runs on an image of memory in a test.
 */
#ifndef DEFERD_BASE_MEMREAD_H
#define DEFERD_BASE_MEMREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One of many reads: n bytes at addr into dst, all of them or none that can be relied on. */
struct memread_span {
	uint64_t addr;
	void *dst;
	size_t n;
	int err; /* what became of it: as memread.read() returns */
};

struct memread {
	/*
	 * Exactly n bytes at addr into dst: 0, or negative errno (-EFAULT: not mapped; -ESRCH: the
	 * process is gone).
	 */
	int (*read)(void *arg, uint64_t addr, void *dst, size_t n);
	/* The same for many at once, when that is cheaper; NULL: it is not. */
	void (*read_many)(void *arg, struct memread_span *spans, unsigned n);
	void *arg;
};

/*
 * Over a descriptor of /proc/PID/mem (proc_open_mem()), which `fd` points to and which must outlive
 * the reader.
 */
struct memread memread_fd(int *fd);

/*
 * The same, and many spans by process_vm_readv(2), which costs a third of a pread(2) each. That one
 * goes by the process number; the descriptor says whether it is still the same process.
 */
struct memread_process {
	int fd; /* borrowed */
	pid_t pid;
	bool refused; /* the kernel allows no process_vm_readv(): by the descriptor, then */
};
struct memread memread_process(struct memread_process *p);

static inline int memread_at(const struct memread *m, uint64_t addr, void *dst, size_t n)
{
	return m->read(m->arg, addr, dst, n);
}

/* Sets `err` of each. */
void memread_many(const struct memread *m, struct memread_span *spans, unsigned n);

#endif
