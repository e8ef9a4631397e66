/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Bytes as hexadecimal text. */
#ifndef DEFERD_BASE_HEX_H
#define DEFERD_BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Write 2 * n lower-case digits to `dst`, and no NUL. */
static inline void hex_encode(char *dst, const uint8_t *src, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		dst[2 * i] = digits[src[i] >> 4];
		dst[2 * i + 1] = digits[src[i] & 15];
	}
}

#endif
