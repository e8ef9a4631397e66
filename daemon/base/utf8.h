/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Strings of observed programs: how many bytes form the next character, and copying without what a
 * terminal obeys.
 */
#ifndef DEFERD_BASE_UTF8_H
#define DEFERD_BASE_UTF8_H

#include <stddef.h>

/* Length (1-4) of the UTF-8 character at s, looking at no more than n bytes; 0 when it is none. */
size_t utf8_char_len(const char *s, size_t n);

/* How many of the n bytes at s are left when a character that was cut off at their end is dropped. */
size_t utf8_whole_len(const char *s, size_t n);

/*
 * Copy at most n bytes of src (stops at NUL) into dst[size], replacing control bytes (C0, DEL, C1)
 * and invalid sequences by '?'. Always terminates. Never cuts a character in two.
 */
void utf8_sanitize(char *dst, size_t size, const char *src, size_t n);

#endif
