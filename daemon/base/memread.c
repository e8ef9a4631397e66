// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "base/memread.h"

#include <errno.h>
#include <limits.h>
#include <sys/uio.h>
#include <unistd.h>

#define BATCH IOV_MAX

static int read_fd(void *arg, uint64_t addr, void *dst, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t k = pread(*(int *)arg, (char *)dst + done, n - done, addr + done);

		if (k < 0)
			return errno == EIO ? -EFAULT : -errno;
		if (!k)
			return -ESRCH; /* the address space is gone: after exit and after exec */
		done += k;
	}
	return 0;
}

struct memread memread_fd(int *fd)
{
	return (struct memread){ .read = read_fd, .arg = fd };
}

void memread_many(const struct memread *m, struct memread_span *spans, unsigned n)
{
	if (m->read_many) {
		m->read_many(m->arg, spans, n);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		spans[i].err = memread_at(m, spans[i].addr, spans[i].dst, spans[i].n);
}

/* Of a process */

static int read_process(void *arg, uint64_t addr, void *dst, size_t n)
{
	return read_fd(&((struct memread_process *)arg)->fd, addr, dst, n);
}

/*
 * The call ends at the first span that cannot be read, and says by a count of bytes which one that
 * was. Returns how many spans are decided, that one included; 0: not allowed.
 */
static unsigned read_batch(const struct memread_process *p, struct memread_span *spans, unsigned n)
{
	struct iovec local[BATCH], remote[BATCH];
	unsigned i;
	ssize_t got;

	n = n < BATCH ? n : BATCH;
	for (i = 0; i < n; i++) {
		local[i] = (struct iovec){ spans[i].dst, spans[i].n };
		remote[i] = (struct iovec){ (void *)(uintptr_t)spans[i].addr, spans[i].n };
	}
	got = process_vm_readv(p->pid, local, n, remote, n, 0);
	if (got < 0 && errno != EFAULT && errno != ESRCH)
		return 0;
	for (i = 0; i < n && got >= (ssize_t)spans[i].n; i++) {
		got -= (ssize_t)spans[i].n;
		spans[i].err = 0;
	}
	if (i < n)
		spans[i++].err = -EFAULT;
	return i;
}

static void read_many_of_process(void *arg, struct memread_span *spans, unsigned n)
{
	struct memread_process *p = arg;
	unsigned done = 0;
	uint8_t byte;

	while (done < n && !p->refused) {
		unsigned k = read_batch(p, spans + done, n - done);

		p->refused = !k;
		done += k;
	}
	/* The number may be another process's by now, or its memory that of another program. */
	if (n && read_fd(&p->fd, spans[0].addr, &byte, 1) == -ESRCH) {
		for (unsigned i = 0; i < n; i++)
			spans[i].err = -ESRCH;
		return;
	}
	for (; done < n; done++)
		spans[done].err = read_fd(&p->fd, spans[done].addr, spans[done].dst, spans[done].n);
}

struct memread memread_process(struct memread_process *p)
{
	return (struct memread){ .read = read_process,
				 .read_many = read_many_of_process,
				 .arg = p };
}
