/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The memory of a process as a census once read it, in a file: what tests/live/record writes, and tests
 * and fuzzers read. Little endian, in this order: struct memimage_head; n_open of struct opendefer;
 * n_frames of struct memimage_frame; n_spans of struct memimage_span, ascending and apart from each
 * other; then the bytes of the spans, one behind the other. Compressed by gzip on disk.
 */
#ifndef DEFERD_TESTS_MEMIMAGE_H
#define DEFERD_TESTS_MEMIMAGE_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "census/census.h"

#define MEMIMAGE_MAGIC 0x316d656d64666564ull /* "defdmem1" */
#define MEMIMAGE_MAX   (2u << 20)            /* bytes */

struct memimage_head {
	uint64_t magic;
	uint64_t allgs_len, allgs_list, wait_reasons, semtable, text; /* see struct census_opts */
	uint64_t injected[2 * INJECTED_MAX];
	uint32_t n_wait_reasons, minor, n_open, n_frames, n_spans, reserved;
};

/* What census_frames.frame() says of a place. */
struct memimage_frame {
	uint64_t pc, frame;
};

struct memimage_span {
	uint64_t addr, n;
};

struct memimage {
	struct memimage_head head;
	struct go_layout layout;
	const struct opendefer *open;
	const struct memimage_frame *frames;
	const struct memimage_span *spans;
	const uint8_t *bytes; /* of all spans */
	size_t len;
};

/* The next n of that size; NULL: there are not so many. */
static inline const void *memimage_take(const uint8_t **p, size_t *left, uint64_t n, size_t size)
{
	const uint8_t *at = *p;

	if (n > *left / size)
		return NULL;
	*p += n * size;
	*left -= n * size;
	return at;
}

/* `p` is aligned to 8 and outlives *ret. False: it is none. */
static inline bool memimage_parse(const uint8_t *p, size_t left, struct memimage *ret)
{
	struct memimage m = {};
	const struct memimage_head *h = memimage_take(&p, &left, 1, sizeof(*h));

	if (!h || h->magic != MEMIMAGE_MAGIC || go_layout_find(h->minor, &m.layout))
		return false;
	m.head = *h;
	m.open = memimage_take(&p, &left, h->n_open, sizeof(*m.open));
	m.frames = memimage_take(&p, &left, h->n_frames, sizeof(*m.frames));
	m.spans = memimage_take(&p, &left, h->n_spans, sizeof(*m.spans));
	if (!m.open || !m.frames || !m.spans)
		return false;
	m.bytes = p;
	m.len = left;
	*ret = m;
	return true;
}

/* memread.read() of it; arg: the image. */
static inline int memimage_read(void *arg, uint64_t addr, void *dst, size_t n)
{
	const struct memimage *m = arg;
	uint64_t at = 0;

	for (uint32_t i = 0; i < m->head.n_spans; i++) {
		const struct memimage_span *s = &m->spans[i];

		if (addr >= s->addr && addr - s->addr < s->n && n <= s->n - (addr - s->addr)) {
			at += addr - s->addr;
			if (at > m->len || n > m->len - at)
				return -EFAULT;
			memcpy(dst, m->bytes + at, n);
			return 0;
		}
		at += s->n;
		if (at > m->len)
			break;
	}
	return -EFAULT;
}

/* census_frames.frame() of it; arg: the image. */
static inline int memimage_frame(void *arg, uint64_t pc, uint32_t *ret)
{
	const struct memimage *m = arg;

	for (uint32_t i = 0; i < m->head.n_frames; i++) {
		if (m->frames[i].pc != pc)
			continue;
		*ret = (uint32_t)m->frames[i].frame;
		return 0;
	}
	return -ENOENT;
}

/* For a census of it; the image must outlive that. */
static inline struct census_opts memimage_opts(struct memimage *m)
{
	const struct memimage_head *h = &m->head;
	struct census_opts o = {
		.mem = { .read = memimage_read, .arg = m },
		.layout = &m->layout,
		.where = { .allgs_len = h->allgs_len,
			   .allgs_list = h->allgs_list,
			   .wait_reasons = h->wait_reasons,
			   .n_wait_reasons = h->n_wait_reasons < CENSUS_REASONS_MAX
						     ? h->n_wait_reasons
						     : CENSUS_REASONS_MAX,
			   .semtable = h->semtable },
		.frames = { .frame = memimage_frame, .arg = m },
		.open = { m->open, h->n_open, true, h->text },
		.groups_max = GROUPS_MAX,
	};

	for (unsigned i = 0; i < INJECTED_MAX; i++) {
		o.injected.functions[i].begin = h->injected[2 * i];
		o.injected.functions[i].end = h->injected[2 * i + 1];
	}
	return o;
}

/* The file as it is without compression, allocated; NULL: it cannot be read. */
static inline uint8_t *memimage_load(const char *path, size_t *ret_len)
{
	uint8_t *p = malloc(MEMIMAGE_MAX);
	gzFile f = gzopen(path, "rb");
	int n = f && p ? gzread(f, p, MEMIMAGE_MAX) : -1;

	*ret_len = n > 0 ? (size_t)n : 0;
	if (f)
		gzclose(f);
	if (n <= 0) {
		free(p);
		return NULL;
	}
	return p;
}

#endif
