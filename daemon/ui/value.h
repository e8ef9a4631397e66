/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Numbers as a person reads them, in no more columns than there are. What is not known is "-". */
#ifndef DEFERD_UI_VALUE_H
#define DEFERD_UI_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#define VALUE_MAX 384 /* bytes of a formatted value, the NUL included */

/*
 * A member that is a finite number. False, and *ret untouched, when it is missing, null or
 * something else.
 */
bool value_number(const json_t *o, const char *key, double *ret);
/* A member that is a whole number, else 0. */
long long value_integer(const json_t *o, const char *key);
/* A member that is a string, else "". Borrowed from o. */
const char *value_string(const json_t *o, const char *key);

/* A count: digits as long as they fit in `width`, then 12.3M, 4.56G, ... */
void value_count(char *buf, size_t size, double n, unsigned width);
/* A rate: two decimals below 10, one below 100, then as a count; `sign` puts a + before growth. */
void value_rate(char *buf, size_t size, double n, unsigned width, bool sign);
/* 45s, 12m30s, 3h12m, 2d04h, >999d. */
void value_duration(char *buf, size_t size, double seconds);
/* 85us, 8.2ms, 156ms, 1.25s; `sign` puts a + before what is positive. */
void value_latency(char *buf, size_t size, double seconds, bool sign);
/* 512 B, 23.1 MiB. */
void value_bytes(char *buf, size_t size, double bytes);

/* Milliseconds since 1970 of an RFC 3339 time in UTC; false when it is none. */
bool value_time_ms(const char *text, double *ret_ms);

/* What one of `fd_groups` or `fd_sites` is about, by kind, direction and port: "inet to port 5432", "pipe". */
void value_descriptors(char *buf, size_t size, const json_t *o);

#endif
