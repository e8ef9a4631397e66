// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A census of memory that nobody wrote as a runtime does: every goroutine that is told is within
 * its bounds, and there is an end. The first byte chooses the release, the rest is the memory.
 */
#include <errno.h>

#include "census_check.h"

#define FUZZ_COST 40
#include "driver.h"

#define BASE 0xc000000000ull

struct memory {
	const uint8_t *p;
	size_t len;
};

static int read_memory(void *arg, uint64_t addr, void *dst, size_t n)
{
	const struct memory *m = arg;

	if (addr < BASE || n > m->len || addr - BASE > m->len - n)
		return -EFAULT;
	memcpy(dst, m->p + (addr - BASE), n);
	return 0;
}

/* Of the places that the seed has; what a mutation makes of them may be in any. */
static const struct opendefer functions[] = { { 0x1f00, 0x2100, 8, 32 },
					      { 0x3000, 0x3100, 0x33, 0 } };

/* As large as the place says. */
static int frame_at(void *arg, uint64_t pc, uint32_t *ret)
{
	*ret = (uint32_t)pc & ~7u;
	return pc & 1 ? -ENOENT : 0;
}

/* Twice: the second of what the first remembers. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct memory memory = { data + 1, len - 1 };
	struct go_layout layout;
	struct census_opts opts = {
		.mem = { .read = read_memory, .arg = &memory },
		.layout = &layout,
		.where = { BASE, BASE + 8, BASE + 0x40, 16 },
		.frames = { .frame = frame_at },
		.open = { functions, 2, true, 0x400000 },
		.groups_max = 3,
		.quiet_ns = 10,
	};
	struct census *c;

	if (!len || go_layout_find(19 + data[0] % 9, &layout))
		return 0;
	c = census_new(&opts);
	(void)(take_census(c, 1) && take_census(c, 100));
	census_free(c);
	return 0;
}

static void put(uint8_t *m, uint64_t addr, uint64_t v)
{
	memcpy(m + (addr - BASE), &v, sizeof(v));
}

/* Four goroutines of each release: two that wait in one place, one in a syscall, one about to run. */
static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size)
{
	static const uint32_t states[] = { 4, 4, 3, 1 };
	uint8_t *m = buf + 1;
	struct go_layout l;

	if (i > 8 || size < 0x2001 || go_layout_find(19 + i, &l))
		return 0;
	memset(buf, 0, 0x2001);
	buf[0] = (uint8_t)i;
	put(m, BASE, 4);
	put(m, BASE + 8, BASE + 0x20);
	for (unsigned k = 0; k < 4; k++) {
		uint64_t g = BASE + 0x200 + 0x180 * k, stack = BASE + 0x1000 + 0x400 * k,
			 sp = stack + 0x380;

		put(m, BASE + 0x20 + 8 * k, g);
		put(m, g + l.g.stack_lo, stack);
		put(m, g + l.g.stack_hi, stack + 0x400);
		put(m, g + l.g.sched_sp, sp);
		put(m, g + l.g.sched_pc, 0x28);
		put(m, g + l.g.sched_bp, sp + 0x20);
		put(m, g + l.g.syscallsp, sp);
		put(m, g + l.g.syscallpc, 0x28);
		put(m, g + 72, g);
		put(m, g + l.g.atomicstatus, states[k]);
		put(m, g + l.g.goid, k + 1);
		put(m, g + l.g.startpc, 0x403000);
		put(m, sp + 0x20, sp + 0x40);
		put(m, sp + 0x28, 0x402000);
		put(m, sp + 0x48, 0x403010);
	}
	return 0x2001;
}
