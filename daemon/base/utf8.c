// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

static bool is_cont(const char *s, size_t i, size_t n)
{
	return i < n && ((unsigned char)s[i] & 0xc0) == 0x80;
}

/* RFC 3629, table in section 4: no overlong forms, no surrogates, nothing past U+10FFFF. */
size_t utf8_char_len(const char *s, size_t n)
{
	unsigned char a, b;

	if (!n)
		return 0;
	a = s[0];
	b = n > 1 ? s[1] : 0;
	if (a < 0x80)
		return 1;
	if (a >= 0xc2 && a <= 0xdf)
		return is_cont(s, 1, n) ? 2 : 0;
	if (a >= 0xe0 && a <= 0xef) {
		if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f))
			return 0;
		return is_cont(s, 1, n) && is_cont(s, 2, n) ? 3 : 0;
	}
	if (a >= 0xf0 && a <= 0xf4) {
		if ((a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f))
			return 0;
		return is_cont(s, 1, n) && is_cont(s, 2, n) && is_cont(s, 3, n) ? 4 : 0;
	}
	return 0;
}

size_t utf8_whole_len(const char *s, size_t n)
{
	size_t back = 0;
	unsigned char lead;

	while (back < n && back < 3 && is_cont(s, n - 1 - back, n))
		back++;
	if (back == n)
		return n;
	lead = (unsigned char)s[n - 1 - back];
	return lead >= 0xc2 && lead <= 0xf4 && !utf8_char_len(s + n - 1 - back, back + 1)
		       ? n - 1 - back
		       : n;
}

void utf8_sanitize(char *dst, size_t size, const char *src, size_t n)
{
	size_t len = strnlen(src, n), out = 0, i = 0;

	while (i < len) {
		size_t c = utf8_char_len(src + i, len - i);
		unsigned char a = src[i];
		/* C1 controls are two bytes, c2 80 to c2 9f. */
		bool control = a < 0x20 || a == 0x7f ||
			       (c == 2 && a == 0xc2 && (unsigned char)src[i + 1] < 0xa0);
		size_t need = c && !control ? c : 1;

		if (out + need >= size)
			break;
		if (c && !control)
			memcpy(dst + out, src + i, c);
		else
			dst[out] = '?';
		out += need;
		i += c ? c : 1;
	}
	if (size)
		dst[out] = 0;
}
