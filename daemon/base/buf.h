/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A byte buffer that grows. Appending to a buffer that ran out of memory (or past `max`) is a no-op
 * that sets `failed`: writers append freely and check once at the end. Not for sharing between
 * threads.
 */
#ifndef DEFERD_BASE_BUF_H
#define DEFERD_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data; /* NUL terminated whenever it is not NULL; the NUL is not counted in len */
	size_t len;
	size_t cap;
	size_t max; /* 0: no bound but memory */
	bool failed;
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);
void buf_reset(struct buf *b); /* len = 0, keeps the memory, clears failed */
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * Hand out the bytes (malloc'd, NUL terminated; "" when empty, NULL when failed) and leave the
 * buffer empty.
 */
char *buf_take(struct buf *b, size_t *ret_len);

#endif
