// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/sealed.h"
#include "tempdir.h"

#define TEXT "{\"services\":[{\"name\":\"shop\",\"p95\":[0.01,0.02]}]}"

static int folder(const struct tempdir *d)
{
	int fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static size_t load(const struct tempdir *d, char *buf, size_t size)
{
	FILE *f = fopen(tempdir_path(d, "state"), "re");
	size_t n;

	assert_non_null(f);
	n = fread(buf, 1, size, f);
	fclose(f);
	return n;
}

static void round_trip(void **state)
{
	_tempdir_ d = {};
	_cleanup_close_ int dir = -1;
	_cleanup_free_ char *text = NULL;
	struct reason reason = {};
	struct stat st;
	size_t len;

	tempdir_make(&d);
	dir = folder(&d);
	assert_int_equal(sealed_read(dir, "state", 1, &text, &len, &reason), -ENOENT);
	assert_int_equal(sealed_write(dir, "state", 1, "older", 5, &reason), 0);
	assert_int_equal(sealed_write(dir, "state", 1, TEXT, strlen(TEXT), &reason), 0);
	assert_int_equal(sealed_read(dir, "state", 1, &text, &len, &reason), 0);
	assert_string_equal(text, TEXT);
	assert_int_equal(len, strlen(TEXT));
	assert_int_equal(fstatat(dir, "state", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fstatat(dir, "state.new", &st, 0), -1);
}

static void empty(void **state)
{
	_tempdir_ d = {};
	_cleanup_close_ int dir = -1;
	_cleanup_free_ char *text = NULL;
	struct reason reason = {};
	size_t len = 9;

	tempdir_make(&d);
	dir = folder(&d);
	assert_int_equal(sealed_write(dir, "state", 7, "", 0, &reason), 0);
	assert_int_equal(sealed_read(dir, "state", 7, &text, &len, &reason), 0);
	assert_int_equal(len, 0);
}

/* Whatever one byte becomes, the file is not believed. */
static void damaged(void **state)
{
	_tempdir_ d = {};
	_cleanup_close_ int dir = -1;
	struct reason reason = {};
	char whole[512];
	const char *text;
	size_t n, len;

	tempdir_make(&d);
	dir = folder(&d);
	assert_int_equal(sealed_write(dir, "state", 1, TEXT, strlen(TEXT), &reason), 0);
	n = load(&d, whole, sizeof(whole));
	assert_int_equal(sealed_open(whole, n, 1, &text, &len, &reason), 0);
	for (size_t i = 0; i < n; i++) {
		char good = whole[i];

		for (unsigned v = 0; v < 256; v++) {
			int err;

			whole[i] = (char)v;
			err = sealed_open(whole, n, 1, &text, &len, &reason);
			if (whole[i] == good)
				assert_int_equal(err, 0);
			else
				assert_true(err == -EBADMSG || err == -EPROTO);
		}
		whole[i] = good;
	}
}

static void truncated(void **state)
{
	_tempdir_ d = {};
	_cleanup_close_ int dir = -1;
	struct reason reason = {};
	char whole[512];
	const char *text;
	size_t n, len;

	tempdir_make(&d);
	dir = folder(&d);
	assert_int_equal(sealed_write(dir, "state", 1, TEXT, strlen(TEXT), &reason), 0);
	n = load(&d, whole, sizeof(whole) - 1);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *cut = malloc(i + 1); /* exact, for a sanitizer */

		assert_non_null(cut);
		memcpy(cut, whole, i);
		assert_int_equal(sealed_open(cut, i, 1, &text, &len, &reason), -EBADMSG);
	}
	whole[n] = 'x';
	assert_int_equal(sealed_open(whole, n + 1, 1, &text, &len, &reason), -EBADMSG);
}

static void other_version(void **state)
{
	_tempdir_ d = {};
	_cleanup_close_ int dir = -1;
	char *text = NULL;
	struct reason reason = {};
	size_t len;

	tempdir_make(&d);
	dir = folder(&d);
	assert_int_equal(sealed_write(dir, "state", 2, TEXT, strlen(TEXT), &reason), 0);
	assert_int_equal(sealed_read(dir, "state", 1, &text, &len, &reason), -EPROTO);
	assert_non_null(strstr(reason.text, "version 2"));
	assert_null(text);
}

static void huge(void **state)
{
	_tempdir_ d = {};
	_cleanup_close_ int dir = -1;
	_cleanup_free_ char *big = calloc(1, SEALED_MAX + 1);
	_cleanup_free_ char *text = NULL;
	struct reason reason = {};
	size_t len;

	assert_non_null(big);
	tempdir_make(&d);
	dir = folder(&d);
	assert_int_equal(sealed_write(dir, "state", 1, big, SEALED_MAX, &reason), 0);
	assert_int_equal(sealed_write(dir, "state", 1, big, SEALED_MAX + 1, &reason), -EFBIG);
	assert_int_equal(sealed_read(dir, "state", 1, &text, &len, &reason), 0);
	assert_int_equal(len, SEALED_MAX); /* the old one stayed */
	assert_int_equal(truncate(tempdir_path(&d, "state"), 1ll << 40), 0);
	assert_int_equal(sealed_read(dir, "state", 1, &text, &len, &reason), -EFBIG);
}

/* What stands in its place and is no file of ours is not followed, waited for or destroyed. */
static void strange(void **state)
{
	_tempdir_ d = {};
	_cleanup_close_ int dir = -1;
	char *text = NULL;
	struct reason reason = {};
	size_t len;

	tempdir_make(&d);
	dir = folder(&d);
	assert_int_equal(mkfifoat(dir, "state", 0600), 0);
	assert_int_equal(sealed_read(dir, "state", 1, &text, &len, &reason), -EBADMSG);
	assert_int_equal(unlinkat(dir, "state", 0), 0);
	tempdir_puts(&d, "elsewhere", "mine");
	assert_int_equal(symlinkat("elsewhere", dir, "state"), 0);
	assert_int_equal(sealed_read(dir, "state", 1, &text, &len, &reason), -ELOOP);
	assert_int_equal(symlinkat("elsewhere", dir, "state.new"), 0);
	assert_int_equal(sealed_write(dir, "state", 1, TEXT, strlen(TEXT), &reason), 0);
	assert_int_equal(unlinkat(dir, "state", 0), 0);
	assert_int_equal(renameat(dir, "elsewhere", dir, "state"), 0);
	assert_int_equal(sealed_read(dir, "state", 1, &text, &len, &reason), -EBADMSG);
	assert_int_equal(unlinkat(dir, "state", 0), 0);
	assert_int_equal(mkdirat(dir, "state", 0700), 0);
	assert_int_equal(sealed_write(dir, "state", 1, TEXT, strlen(TEXT), &reason), -EISDIR);
	assert_null(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),    cmocka_unit_test(empty),
		cmocka_unit_test(damaged),       cmocka_unit_test(truncated),
		cmocka_unit_test(other_version), cmocka_unit_test(huge),
		cmocka_unit_test(strange),
	};

	return cmocka_run_group_tests_name("base/sealed", tests, NULL, NULL);
}
