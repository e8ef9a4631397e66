/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Reading somebody's memory, live or recorded: a callback, so that every reader of a process also
 * runs on an image of memory in a test.
 */
#ifndef DEFERD_BASE_MEMREAD_H
#define DEFERD_BASE_MEMREAD_H

#include <stddef.h>
#include <stdint.h>

struct memread {
	/*
	 * Exactly n bytes at addr into dst: 0, or negative errno (-EFAULT: not mapped; -ESRCH: the
	 * process is gone).
	 */
	int (*read)(void *arg, uint64_t addr, void *dst, size_t n);
	void *arg;
};

/*
 * Over a descriptor of /proc/PID/mem (proc_open_mem()), which `fd` points to and which must outlive
 * the reader.
 */
struct memread memread_fd(int *fd);

static inline int memread_at(const struct memread *m, uint64_t addr, void *dst, size_t n)
{
	return m->read(m->arg, addr, dst, n);
}

#endif
