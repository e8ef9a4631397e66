// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "base/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zlib.h>

#include "base/cleanup.h"

#define HEAD           "deferd-state"
#define HEAD_MAX       64
#define NAME_MAX_BYTES 64

/* The sum covers what the line says, too. */
static uint32_t sum_of(unsigned version, const char *text, size_t len)
{
	uLong sum = crc32(0, (const Bytef *)&version, sizeof(version));

	return (uint32_t)crc32(sum, (const Bytef *)text, (uInt)len);
}

static int print_head(char head[static HEAD_MAX], unsigned version, const char *text, size_t len)
{
	return snprintf(head, HEAD_MAX, HEAD " %u %zu %08x\n", version, len,
			sum_of(version, text, len));
}

int sealed_open(const char *data, size_t len, unsigned version, const char **ret_text,
		size_t *ret_len, struct reason *reason)
{
	const char *end = memchr(data, '\n', len < HEAD_MAX ? len : HEAD_MAX);
	char head[HEAD_MAX] = "", wanted[HEAD_MAX];
	size_t head_len = end ? (size_t)(end + 1 - data) : 0;
	unsigned was;
	int n;

	if (len > SEALED_MAX + HEAD_MAX)
		return reason_set(reason, -EFBIG, "it has more than %u bytes", SEALED_MAX);
	if (!end || head_len >= HEAD_MAX)
		return reason_set(reason, -EBADMSG, "it is damaged: its first line is not whole");
	memcpy(head, data, head_len);
	if (sscanf(head, HEAD " %9u ", &was) != 1)
		return reason_set(reason, -EBADMSG, "it is damaged: its first line is not ours");
	if (was != version)
		return reason_set(reason, -EPROTO, "it is of version %u, this deferd has %u", was,
				  version);
	n = print_head(wanted, version, data + head_len, len - head_len);
	if ((size_t)n != head_len || memcmp(wanted, head, head_len) != 0)
		return reason_set(reason, -EBADMSG,
				  "it is damaged: length or checksum do not match");
	*ret_text = data + head_len;
	*ret_len = len - head_len;
	return 0;
}

static int fail(struct reason *reason, const char *what)
{
	int err = -errno;

	return reason_set(reason, err, "%s: %s", what, strerror(-err));
}

/* All of it, or negative errno. */
static ssize_t read_whole(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int sealed_read(int dirfd, const char *name, unsigned version, char **ret_text, size_t *ret_len,
		struct reason *reason)
{
	_cleanup_close_ int fd =
		openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_free_ char *data = NULL;
	const char *text;
	struct stat st;
	size_t len;
	ssize_t n;
	int err;

	if (fd < 0 || fstat(fd, &st))
		return fail(reason, "opening it");
	if (!S_ISREG(st.st_mode))
		return reason_set(reason, -EBADMSG, "it is no plain file");
	if (st.st_size > SEALED_MAX + HEAD_MAX)
		return reason_set(reason, -EFBIG, "it has more than %u bytes", SEALED_MAX);
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return reason_set(reason, -ENOMEM, "out of memory");
	n = read_whole(fd, data, (size_t)st.st_size);
	if (n < 0)
		return reason_set(reason, (int)n, "reading it: %s", strerror((int)-n));
	err = sealed_open(data, (size_t)n, version, &text, &len, reason);
	if (err)
		return err;
	memmove(data, text, len);
	data[len] = 0;
	*ret_text = TAKE_PTR(data);
	*ret_len = len;
	return 0;
}

static int write_whole(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_new(int dirfd, const char *name, unsigned version, const char *text, size_t len,
		     struct reason *reason)
{
	_cleanup_close_ int fd = -1;
	char head[HEAD_MAX];
	int n = print_head(head, version, text, len);

	(void)unlinkat(dirfd, name, 0); /* of who was ended while it wrote */
	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(reason, "creating it");
	if (write_whole(fd, head, (size_t)n) || write_whole(fd, text, len))
		return fail(reason, "writing it");
	return fsync(fd) ? fail(reason, "writing it to disk") : 0;
}

int sealed_write(int dirfd, const char *name, unsigned version, const char *text, size_t len,
		 struct reason *reason)
{
	char fresh[NAME_MAX_BYTES];
	int err;

	if (len > SEALED_MAX)
		return reason_set(reason, -EFBIG, "it would have more than %u bytes", SEALED_MAX);
	snprintf(fresh, sizeof(fresh), "%s.new", name);
	err = write_new(dirfd, fresh, version, text, len, reason);
	if (!err && renameat(dirfd, fresh, dirfd, name))
		err = fail(reason, "putting it in its place");
	if (err)
		(void)unlinkat(dirfd, fresh, 0);
	else
		(void)fsync(dirfd); /* the name; a file system may not have that */
	return err;
}
