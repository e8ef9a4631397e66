// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/utf8.h"

static void lengths(void **state)
{
	static const struct {
		const char *bytes;
		size_t n, want;
	} cases[] = {
		{ "", 0, 0 },
		{ "a", 0, 0 },
		{ "a", 1, 1 },
		{ "\0", 1, 1 },
		{ "\x7f", 1, 1 },
		/* Continuations and bytes that are never in UTF-8. */
		{ "\x80", 1, 0 },
		{ "\xbf\xbf", 2, 0 },
		{ "\xc0\x80", 2, 0 },
		{ "\xc1\xbf", 2, 0 },
		{ "\xf5\x80\x80\x80", 4, 0 },
		{ "\xff\xff\xff\xff", 4, 0 },
		{ "\xfe\x80\x80\x80\x80\x80", 6, 0 },
		/* Two bytes. */
		{ "\xc2\x80", 2, 2 },
		{ "\xdf\xbf", 2, 2 },
		{ "\xc2", 1, 0 },
		{ "\xc2\x7f", 2, 0 },
		{ "\xc2\xc0", 2, 0 },
		/* Three: overlong forms, surrogates, and what stands beside them. */
		{ "\xe0\x9f\xbf", 3, 0 },
		{ "\xe0\xa0\x80", 3, 3 },
		{ "\xed\x9f\xbf", 3, 3 },
		{ "\xed\xa0\x80", 3, 0 },
		{ "\xed\xbf\xbf", 3, 0 },
		{ "\xee\x80\x80", 3, 3 },
		{ "\xef\xbf\xbf", 3, 3 },
		{ "\xe2\x82", 2, 0 },
		{ "\xe2\x82(", 3, 0 },
		{ "\xe2(\xac", 3, 0 },
		/* Four: overlong, and past U+10FFFF. */
		{ "\xf0\x8f\xbf\xbf", 4, 0 },
		{ "\xf0\x90\x80\x80", 4, 4 },
		{ "\xf4\x8f\xbf\xbf", 4, 4 },
		{ "\xf4\x90\x80\x80", 4, 0 },
		{ "\xf0\x9f\x90", 3, 0 },
		{ "\xf0\x9f\x90(", 4, 0 },
		{ "\xf0\x9f(\x9b", 4, 0 },
		{ "\xf0(\x90\x9b", 4, 0 },
		/* Only the first one counts. */
		{ "ab", 2, 1 },
		{ "\xc3\xbc\xff", 3, 2 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		if (utf8_char_len(cases[i].bytes, cases[i].n) != cases[i].want)
			fail_msg("case %u: %zu, expected %zu", i,
				 utf8_char_len(cases[i].bytes, cases[i].n), cases[i].want);
}

/* `len` bytes for a code point, whether it needs them or not. */
static void encode(uint32_t c, unsigned len, char *out)
{
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	if (len == 1) {
		out[0] = (char)c;
		return;
	}
	for (unsigned i = len - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[len] | c);
}

static unsigned shortest(uint32_t c)
{
	return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

/* Every code point in every form that has room for it. */
static void every_code_point(void **state)
{
	static const uint32_t room[] = { 0, 0x80, 0x800, 0x10000, 0x200000 };

	for (uint32_t c = 0; c < 0x200000; c++) {
		bool valid = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);

		for (unsigned len = 1; len <= 4; len++) {
			size_t want = valid && len == shortest(c) ? len : 0;
			char bytes[4];

			if (c >= room[len])
				continue;
			encode(c, len, bytes);
			if (utf8_char_len(bytes, len) != want)
				fail_msg("U+%04X in %u bytes", c, len);
			if (len > 1 && utf8_char_len(bytes, len - 1))
				fail_msg("U+%04X without its last byte", c);
		}
	}
}

static void cut_off(void **state)
{
	static const struct {
		const char *bytes;
		size_t n, want;
	} cases[] = {
		{ "", 0, 0 },
		{ "abc", 3, 3 },
		{ "a\xc3\xbc", 3, 3 },
		{ "a\xc3\xbc", 2, 1 },
		{ "\xc3", 1, 0 },
		{ "\xe2\x82\xac", 3, 3 },
		{ "\xe2\x82\xac", 2, 0 },
		{ "\xe2\x82\xac", 1, 0 },
		{ "\xf0\x9f\x98\x80", 4, 4 },
		{ "\xf0\x9f\x98\x80", 3, 0 },
		{ "a\xff", 2, 2 }, /* no character, cut or not */
		{ "\x80\x80", 2, 2 },
		{ "\x80\x80\x80\x80\x80", 5, 5 },
		{ "\xc3\xbc\x80", 3, 3 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		if (utf8_whole_len(cases[i].bytes, cases[i].n) != cases[i].want)
			fail_msg("case %u: %zu, expected %zu", i,
				 utf8_whole_len(cases[i].bytes, cases[i].n), cases[i].want);
}

static void sanitized(void **state)
{
	static const struct {
		const char *src;
		size_t n, size;
		const char *want;
	} cases[] = {
		{ "hello", 5, 64, "hello" },
		{ "hello", 3, 64, "hel" },
		{ "hello", 99, 64, "hello" }, /* stops at NUL */
		{ "a\0b", 3, 64, "a" },
		{ "", 0, 64, "" },
		{ "hello", 5, 1, "" },
		{ "hello", 5, 2, "h" },
		{ "hello", 5, 5, "hell" },
		{ "hello", 5, 6, "hello" },
		{ "\n\t\x1b\x7f", 4, 64, "????" },
		{ "\x1b]0;title\a", 10, 64, "?]0;title?" },
		{ "\xc2\x9b"
		  "1m\xc2\xa0",
		  6, 64, "?1m\xc2\xa0" },
		{ "\xff\xfe", 2, 64, "??" },
		{ "\xed\xa0\x80", 3, 64, "???" },
		{ "gr\xc3\xbc\xc3\x9f", 6, 64, "gr\xc3\xbc\xc3\x9f" },
		/* No character is cut in two, neither by the room nor by n. */
		{ "gr\xc3\xbc\xc3\x9f", 6, 4, "gr" },
		{ "gr\xc3\xbc\xc3\x9f", 6, 5, "gr\xc3\xbc" },
		{ "gr\xc3\xbc\xc3\x9f", 5, 64, "gr\xc3\xbc?" },
		{ "\xf0\x9f\x90\x9b", 4, 4, "" },
		{ "\xf0\x9f\x90\x9b", 4, 5, "\xf0\x9f\x90\x9b" },
		{ "\xf0\x9f\x90\x9b", 3, 64, "???" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		char dst[65];

		memset(dst, 'x', sizeof(dst));
		utf8_sanitize(dst, cases[i].size, cases[i].src, cases[i].n);
		if (strcmp(dst, cases[i].want))
			fail_msg("case %u: '%s', expected '%s'", i, dst, cases[i].want);
		for (size_t k = cases[i].size; k < sizeof(dst); k++)
			assert_int_equal(dst[k], 'x');
	}
}

static void no_room(void **state)
{
	char dst = 'x';

	utf8_sanitize(&dst, 0, "hello", 5);
	assert_int_equal(dst, 'x');
}

/* Any bytes into any room: terminated, valid, no controls. */
static void any_bytes(void **state)
{
	uint64_t x = 0x9e3779b97f4a7c15;

	for (unsigned round = 0; round < 100000; round++) {
		char src[24], dst[24];
		size_t size = 1 + round % sizeof(dst), len, c;

		for (unsigned i = 0; i < sizeof(src); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			/* mostly bytes that might belong together */
			src[i] = (char)(x % 3 ? 0x80 + x / 3 % 128 : x / 3 % 256);
		}
		utf8_sanitize(dst, size, src, sizeof(src));
		len = strnlen(dst, size);
		assert_true(len < size);
		for (size_t i = 0; i < len; i += c) {
			c = utf8_char_len(dst + i, len - i);
			assert_true(c > 0);
			assert_true((unsigned char)dst[i] >= ' ' && dst[i] != 0x7f);
			assert_false(c == 2 && dst[i] == '\xc2' &&
				     (unsigned char)dst[i + 1] < 0xa0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths), cmocka_unit_test(every_code_point),
		cmocka_unit_test(cut_off), cmocka_unit_test(sanitized),
		cmocka_unit_test(no_room), cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
