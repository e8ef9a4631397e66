// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A Go function table on its own: the bytes are the table from its header on. */
#include "../lib/fakeimage.h"
#include "driver.h"
#include "golang/pclntab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes table = bytes_of(data, len);
	struct pclntab t;
	struct go_func f;

	(void)pclntab_scan(table, 0);
	if (pclntab_init(&t, table, NULL) < 0)
		return 0;
	for (uint32_t i = 0; i < t.nfunc && i < 64; i++)
		if (pclntab_func(&t, i, &f) == 0 && f.end < f.entry)
			abort();
	(void)pclntab_find_name(&t, "runtime.goexit1", 23, &f);
	for (uint64_t pc = 0; pc < 700; pc += 11) {
		const char *file = NULL;
		uint32_t line;

		if (pclntab_find(&t, pc, &f) < 0)
			continue;
		if (pc < f.entry || pc >= f.end)
			abort();
		if (pclntab_line(&t, &f, pc, &file, &line) == 0 && strlen(file) >= PCLNTAB_NAME_MAX)
			abort();
	}
	return 0;
}

static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size)
{
	static const unsigned minors[] = { 18, 20, 26 };
	size_t len = FAKE_MD_OFF - FAKE_TAB_OFF;
	static struct fake f;

	if (i >= sizeof(minors) / sizeof(minors[0]) || size < len)
		return 0;
	fake_make(&f, &(struct fake_opts){ .minor = minors[i] });
	memcpy(buf, f.b + FAKE_TAB_OFF, len);
	return len;
}
