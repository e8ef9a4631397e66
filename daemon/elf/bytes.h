/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A stranger's bytes: pointer and length, and the only ways to read them. Every read is checked
 * against the length; a read that does not fit says so and leaves its output untouched. All numbers
 * are little endian, at any alignment. Borrows: a span made from another lives as long as the
 * memory under both.
 */
#ifndef DEFERD_ELF_BYTES_H
#define DEFERD_ELF_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *p;
	size_t len;
};

static inline struct bytes bytes_of(const void *p, size_t len)
{
	return (struct bytes){ (const uint8_t *)p, len };
}

static inline bool bytes_has(struct bytes b, uint64_t off, uint64_t n)
{
	return off <= b.len && n <= b.len - off;
}

/* The part of `b` from `off`, `n` bytes long; empty when it does not lie within. */
static inline struct bytes bytes_sub(struct bytes b, uint64_t off, uint64_t n)
{
	return bytes_has(b, off, n) ? bytes_of(b.p + off, n) : bytes_of(NULL, 0);
}

/* The part of `b` from `off` to its end; empty when `off` lies outside. */
static inline struct bytes bytes_from(struct bytes b, uint64_t off)
{
	return off < b.len ? bytes_of(b.p + off, b.len - off) : bytes_of(NULL, 0);
}

/* Unchecked: the caller has just asked bytes_has(). */
static inline uint16_t le16_at(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t le32_at(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t le64_at(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline bool bytes_u32(struct bytes b, uint64_t off, uint32_t *ret)
{
	if (!bytes_has(b, off, 4))
		return false;
	*ret = le32_at(b.p + off);
	return true;
}

static inline bool bytes_u64(struct bytes b, uint64_t off, uint64_t *ret)
{
	if (!bytes_has(b, off, 8))
		return false;
	*ret = le64_at(b.p + off);
	return true;
}

/* The string at `off`, if it ends by a NUL within `max` bytes and within `b`; else NULL. */
static inline const char *bytes_str(struct bytes b, uint64_t off, size_t max)
{
	struct bytes rest = bytes_from(b, off);

	if (rest.len > max)
		rest.len = max;
	return rest.len && memchr(rest.p, 0, rest.len) ? (const char *)rest.p : NULL;
}

/* Where `n` bytes like `what` begin in `b` at or after `from`, or -1. */
static inline int64_t bytes_find(struct bytes b, uint64_t from, const void *what, size_t n)
{
	struct bytes rest = bytes_from(b, from);
	const uint8_t *hit = rest.len ? memmem(rest.p, rest.len, what, n) : NULL;

	return hit ? hit - b.p : -1;
}

#endif
