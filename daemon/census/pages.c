// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "census/pages.h"

#include <string.h>

#define NONE UINT64_MAX /* no page begins there */

void pages_forget(struct pages *p)
{
	for (unsigned i = 0; i < PAGES_SLOTS; i++)
		p->base[i] = NONE;
}

void pages_init(struct pages *p, const struct memread *m)
{
	p->m = m;
	p->reads = 0;
	pages_forget(p);
}

static int read_page(struct pages *p, uint64_t base, unsigned char **ret_bytes)
{
	unsigned slot = base / PAGES_BYTES % PAGES_SLOTS;
	int err;

	*ret_bytes = p->bytes[slot];
	if (p->base[slot] == base)
		return 0;
	p->base[slot] = NONE;
	p->reads++;
	err = memread_at(p->m, base, p->bytes[slot], PAGES_BYTES);
	if (!err)
		p->base[slot] = base;
	return err;
}

int pages_read(struct pages *p, uint64_t addr, void *dst, size_t n)
{
	unsigned char *to = dst;

	while (n) {
		uint64_t base = addr & ~(uint64_t)(PAGES_BYTES - 1);
		size_t off = addr - base, k = PAGES_BYTES - off < n ? PAGES_BYTES - off : n;
		unsigned char *bytes;
		int err = read_page(p, base, &bytes);

		if (err)
			return err;
		memcpy(to, bytes + off, k);
		to += k;
		addr += k;
		n -= k;
	}
	return 0;
}
