// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "probe/fditer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "fditer.skel.h"

#define READ_RECORDS 1024

struct fditer {
	struct fditer_bpf *skel;
	struct bpf_link *link;
	struct dfd_fd records[READ_RECORDS];
};

int fditer_open(struct fditer **ret_it, struct reason *reason)
{
	struct fditer *it = calloc(1, sizeof(*it));
	int err = -ENOMEM;

	if (!it)
		return reason_set(reason, err, "out of memory");
	it->skel = fditer_bpf__open_and_load();
	if (!it->skel) {
		err = -errno;
		reason_set(reason, err, "loading: %s", strerror(errno));
		goto fail;
	}
	it->link = bpf_program__attach_iter(it->skel->progs.iter__descriptors, NULL);
	if (!it->link) {
		err = -errno;
		reason_set(reason, err, "no iterator over descriptors: %s", strerror(errno));
		goto fail;
	}
	*ret_it = it;
	return 0;
fail:
	fditer_close(it);
	return err;
}

void fditer_close(struct fditer *it)
{
	if (!it)
		return;
	bpf_link__destroy(it->link);
	fditer_bpf__destroy(it->skel);
	free(it);
}

/* The kernel hands out as much as it likes: records may come in parts. */
int fditer_read(struct fditer *it, void (*fn)(void *arg, const struct fd_entry *fd), void *arg,
		struct reason *reason)
{
	_cleanup_close_ int fd = bpf_iter_create(bpf_link__fd(it->link));
	char *buf = (char *)it->records;
	size_t have = 0;
	ssize_t n;

	if (fd < 0)
		return reason_set(reason, -errno, "starting a pass: %s", strerror(errno));
	while ((n = read(fd, buf + have, sizeof(it->records) - have)) > 0 ||
	       (n < 0 && errno == EINTR)) {
		size_t whole;

		have += n > 0 ? (size_t)n : 0;
		whole = have / sizeof(it->records[0]);
		for (size_t i = 0; i < whole; i++) {
			struct fd_entry entry;

			fd_decode(&it->records[i], &entry);
			fn(arg, &entry);
		}
		have -= whole * sizeof(it->records[0]);
		memmove(buf, &it->records[whole], have);
	}
	return n < 0 ? reason_set(reason, -errno, "reading: %s", strerror(errno)) : 0;
}
