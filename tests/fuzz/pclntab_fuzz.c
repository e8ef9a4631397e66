// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A Go function table on its own: the bytes are the table from its header on. FUNCDATA lies behind it
 * where fakeimage.h has it, and the text where the table itself is, so that frames and callees are
 * found as in a program.
 */
#include "../lib/fakeimage.h"
#include "driver.h"
#include "golang/gobin.h"
#include "golang/goname.h"

#define TREE_OFF  (FAKE_TREE_OFF - FAKE_TAB_OFF)
#define FUNCS_MAX 64
#define PC_MAX    (FAKE_FUNC_LEN * 16)

static void check_frames(const struct gobin *g, uint64_t va)
{
	struct gobin_place p[GOBIN_INLINE_MAX];
	char name[64];
	int n = gobin_frames(g, va, p, 1 + va % GOBIN_INLINE_MAX);

	if (n > (int)(1 + va % GOBIN_INLINE_MAX))
		abort();
	for (int i = 0; i < n; i++) {
		if (strlen(p[i].function) >= PCLNTAB_NAME_MAX || !p[i].file != !p[i].line)
			abort();
		if (goname_print(name, sizeof(name), p[i].function) >= sizeof(name))
			abort();
	}
	(void)gobin_callee(g, va, p);
}

static void check_find(const struct pclntab *t, uint64_t pc)
{
	const char *file = NULL;
	struct go_func f;
	uint32_t line;

	if (pclntab_find(t, pc, &f) < 0)
		return;
	if (pc < f.entry || pc >= f.end)
		abort();
	if (pclntab_line(t, &f, pc, &file, &line) == 0 && strlen(file) >= PCLNTAB_NAME_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct elfimg img = {
		.file = bytes_of(data, len),
		.nloads = 1,
		.loads = { { .va = FAKE_TAB_VA, .filesz = len, .memsz = len } },
	};
	struct gobin g = {
		.img = &img,
		.version = { .minor = 26 },
		.tab_va = FAKE_TAB_VA,
		.text = FAKE_TAB_VA,
		.moduledata = { .gofunc = FAKE_TAB_VA + TREE_OFF },
	};
	struct go_func f;

	(void)pclntab_scan(img.file, 0);
	if (pclntab_init(&g.tab, img.file, NULL) < 0)
		return 0;
	for (uint32_t i = 0; i < g.tab.nfunc && i < FUNCS_MAX; i++)
		if (pclntab_func(&g.tab, i, &f) == 0) {
			if (f.end < f.entry)
				abort();
			check_frames(&g, g.text + f.entry);
		}
	(void)pclntab_find_name(&g.tab, "runtime.goexit1", 23, &f);
	for (uint64_t pc = 0; pc < PC_MAX; pc += 11) {
		check_find(&g.tab, pc);
		check_frames(&g, g.text + pc);
	}
	return 0;
}

static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size)
{
	static const unsigned minors[] = { 18, 20, 26 };
	size_t len = FAKE_TYPES_OFF - FAKE_TAB_OFF;
	static struct fake f;

	if (i >= sizeof(minors) / sizeof(minors[0]) || size < len)
		return 0;
	fake_make(&f, &(struct fake_opts){ .minor = minors[i] });
	memcpy(buf, f.b + FAKE_TAB_OFF, len);
	return len;
}
