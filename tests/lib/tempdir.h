/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A folder below $TMPDIR or /tmp for the files of one test, removed with all it holds when its
 * scope ends. */
#ifndef DEFERD_TESTS_LIB_TEMPDIR_H
#define DEFERD_TESTS_LIB_TEMPDIR_H

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"

struct tempdir {
	char path[64];
};

static inline int tempdir_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static inline void tempdir_done(struct tempdir *d)
{
	if (d->path[0])
		(void)nftw(d->path, tempdir_remove, 16, FTW_DEPTH | FTW_PHYS);
}

#define _tempdir_ _cleanup_(tempdir_done) struct tempdir

static inline void tempdir_make(struct tempdir *d)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || strlen(tmp) > sizeof(d->path) - 16)
		tmp = "/tmp";
	snprintf(d->path, sizeof(d->path), "%s/deferd-XXXXXX", tmp);
	assert_non_null(mkdtemp(d->path));
}

/* The path of `name` in the folder; four of them live at a time. */
static inline const char *tempdir_path(const struct tempdir *d, const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];

	assert_true(snprintf(path, sizeof(paths[0]), "%s/%s", d->path, name) <
		    (int)sizeof(paths[0]));
	return path;
}

static inline const char *tempdir_write(const struct tempdir *d, const char *name,
					const void *bytes, size_t n)
{
	const char *path = tempdir_path(d, name);
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	return path;
}

static inline const char *tempdir_puts(const struct tempdir *d, const char *name, const char *text)
{
	return tempdir_write(d, name, text, strlen(text));
}

#endif
