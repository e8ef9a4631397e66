// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "base/memread.h"

#include <errno.h>
#include <unistd.h>

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
