// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define _buf_ _cleanup_(buf_done) struct buf

static void empty(void **state)
{
	struct buf b;
	size_t len = 77;
	char *s;

	buf_init(&b, 0);
	assert_true(!b.data && !b.len && !b.failed);
	buf_done(&b);
	buf_done(&b);
	/* Nothing is a text, too. */
	s = buf_take(&b, &len);
	assert_string_equal(s, "");
	assert_int_equal(len, 0);
	free(s);
	s = buf_take(&b, NULL);
	assert_string_equal(s, "");
	free(s);
}

static void appends(void **state)
{
	_buf_ b;

	buf_init(&b, 0);
	buf_puts(&b, "");
	buf_add(&b, NULL, 0);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	buf_puts(&b, "one");
	buf_putc(&b, ' ');
	buf_printf(&b, "%d-%s", 2, "two");
	buf_printf(&b, "%s", "");
	assert_string_equal(b.data, "one 2-two");
	assert_int_equal(b.len, 9);
	/* Bytes, not text. */
	buf_add(&b, "\0x\0", 3);
	buf_putc(&b, 0);
	assert_int_equal(b.len, 13);
	assert_memory_equal(b.data, "one 2-two\0x\0\0", 14);
}

/* Around every size at which memory is asked for, the terminator included. */
static void grows(void **state)
{
	for (unsigned step = 1; step < 600; step += 37) {
		_buf_ b;

		buf_init(&b, 0);
		for (size_t n = 0; n < 5000; n += step) {
			char piece[600];

			memset(piece, 'a' + (int)(n % 26), step);
			if (n / step % 2)
				buf_add(&b, piece, step);
			else
				buf_printf(&b, "%.*s", (int)step, piece);
			assert_int_equal(b.len, n + step);
			assert_true(b.cap > b.len && !b.failed);
			assert_int_equal(b.data[b.len], 0);
			assert_int_equal(b.data[n], 'a' + (int)(n % 26));
		}
		assert_int_equal(b.data[0], 'a');
	}
}

static void bound(void **state)
{
	_buf_ b;

	buf_init(&b, 10);
	buf_puts(&b, "0123456789");
	assert_false(b.failed);
	buf_add(&b, "", 0);
	assert_false(b.failed);
	buf_putc(&b, 'x');
	assert_true(b.failed);
	assert_string_equal(b.data, "0123456789");
	/* It stays failed, though this would fit after a reset. */
	buf_reset(&b);
	assert_false(b.failed);
	assert_string_equal(b.data, "");
	buf_puts(&b, "01234567890");
	assert_true(b.failed);
	buf_puts(&b, "0");
	buf_printf(&b, "%d", 1);
	buf_putc(&b, '2');
	assert_int_equal(b.len, 0);
	/* What does not fit is left out whole. */
	buf_reset(&b);
	buf_puts(&b, "01234");
	buf_printf(&b, "%s", "567890");
	assert_string_equal(b.data, "01234");
	assert_true(b.failed);
}

static void sizes_that_wrap(void **state)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 6, SIZE_MAX / 2 + 2 };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		for (unsigned max = 0; max < 200; max += 100) {
			_buf_ b;

			buf_init(&b, max);
			buf_add(&b, "x", sizes[i]);
			assert_true(b.failed && !b.len);
			buf_reset(&b);
			buf_puts(&b, "hello");
			buf_add(&b, "x", sizes[i]);
			assert_true(b.failed);
			assert_string_equal(b.data, "hello");
		}
}

static void takes(void **state)
{
	struct buf b;
	size_t len = 0;
	char *s;

	buf_init(&b, 20);
	buf_puts(&b, "hello");
	s = buf_take(&b, &len);
	assert_string_equal(s, "hello");
	assert_int_equal(len, 5);
	assert_true(!b.data && !b.len && !b.cap && b.max == 20);
	free(s);
	/* Failed: nothing is given, nothing is kept, and it can be used again. */
	buf_puts(&b, "hello");
	buf_puts(&b, "this is more than fits");
	len = 77;
	assert_null(buf_take(&b, &len));
	assert_int_equal(len, 0);
	assert_true(!b.data && !b.failed);
	buf_puts(&b, "again");
	assert_string_equal(b.data, "again");
	buf_done(&b);
	assert_true(!b.data && b.max == 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty), cmocka_unit_test(appends),         cmocka_unit_test(grows),
		cmocka_unit_test(bound), cmocka_unit_test(sizes_that_wrap), cmocka_unit_test(takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
