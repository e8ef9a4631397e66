// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Memory of a process, as it may be while it runs: whatever stands there, reading a chain ends. */
#include <errno.h>

#include "census/chain.h"

#define FUZZ_COST 400
#include "driver.h"

#define BASE  0xc000000000u
#define STACK (BASE + 0x2000)
#define CAP   0x4000u

struct memory {
	const uint8_t *p;
	size_t len;
	uint32_t reads;
};

/* What the input does not say is zero, up to CAP bytes; beyond nothing is mapped. */
static int read_memory(void *arg, uint64_t addr, void *dst, size_t n)
{
	struct memory *m = arg;
	size_t at = addr - BASE;

	m->reads++;
	if (addr < BASE || at > CAP || n > CAP - at)
		return -EFAULT;
	memset(dst, 0, n);
	if (at < m->len)
		memcpy(dst, m->p + at, m->len - at < n ? m->len - at : n);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const unsigned minors[] = { 21, 23, 26 };

	for (unsigned i = 0; i < sizeof(minors) / sizeof(minors[0]); i++) {
		struct memory mem = { data, len };
		struct memread m = { .read = read_memory, .arg = &mem };
		struct chain c, before;
		struct go_layout l;

		if (go_layout_find(minors[i], &l) < 0)
			abort();
		memset(&c, 0x5a, sizeof(c));
		memset(&before, 0x5a, sizeof(before));
		if (chain_read(&m, &l, BASE, &c) < 0) {
			if (memcmp(&c, &before, sizeof(c)))
				abort();
			continue;
		}
		if (!c.goid || c.depth > CHAIN_MAX || c.reads + 2 != mem.reads)
			abort();
	}
	return 0;
}

static void put(uint8_t *p, uint64_t at, uint64_t v)
{
	memcpy(p + at, &v, sizeof(v));
}

/* A goroutine with `n` records in its frames, the last of which may lead back to the first. */
static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size)
{
	static const struct {
		unsigned minor, n;
		uint8_t loops, range;
	} seeds[] = { { 26, 0 },       { 26, 3 }, { 26, 2, 0, 1 },
		      { 26, 2, 1, 1 }, { 23, 3 }, { 21, 5, 1 } };
	struct go_layout l;

	if (i >= sizeof(seeds) / sizeof(seeds[0]) || size < CAP ||
	    go_layout_find(seeds[i].minor, &l) < 0)
		return 0;
	memset(buf, 0, CAP);
	put(buf, l.g.stack_lo, STACK);
	put(buf, l.g.stack_hi, STACK + 0x1000);
	put(buf, l.g.goid, 18);
	put(buf, l.g.atomicstatus, 4);
	put(buf, l.g.defer, seeds[i].n ? BASE + 0x1000 : 0);
	for (unsigned k = 0; k < seeds[i].n; k++) {
		uint64_t at = 0x1000 + k * 64, next = BASE + at + 64;

		put(buf, at + l.defer.sp, STACK + 0x100 * (k + 1));
		if (k + 1 == seeds[i].n)
			next = seeds[i].loops ? BASE + at : 0;
		put(buf, at + l.defer.link, next);
		if (!seeds[i].range || k)
			continue;
		/* *head is a list of two: heap records that hold no frame yet. */
		buf[at + l.defer.rangefunc] = 1;
		put(buf, at + l.defer.head, BASE + 0x1800);
		put(buf, 0x1800, BASE + 0x1900);
		put(buf, 0x1900 + l.defer.link, BASE + 0x1940);
		put(buf, 0x1940 + l.defer.link, seeds[i].loops ? BASE + 0x1900 : 0);
	}
	return CAP;
}
