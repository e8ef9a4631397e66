// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "fakeimage.h"
#include "golang/pclntab.h"

#define TABLE_LEN (FAKE_MD_OFF - FAKE_TAB_OFF)
#define NFUNCS    ARRAY_SIZE(fake_go_funcs)

static const unsigned minors[] = { 18, 19, 20, 25, 26, 27 };

static struct bytes table_of(const struct fake *f)
{
	return bytes_of(f->b + FAKE_TAB_OFF, TABLE_LEN);
}

/* Everything a table can be asked, on bytes that may be anything. Heap copies, so that a sanitizer
 * sees each overrun. */
static void ask_everything(const uint8_t *bytes, size_t len)
{
	_cleanup_free_ uint8_t *copy = malloc(len ? len : 1);
	struct pclntab t;
	struct go_func f;

	memcpy(copy, bytes, len);
	if (pclntab_init(&t, bytes_of(copy, len), NULL) < 0)
		return;
	for (uint32_t i = 0; i < t.nfunc && i < 2 * NFUNCS; i++)
		(void)pclntab_func(&t, i, &f);
	(void)pclntab_find_name(&t, "main.(*server).run", 23, &f);
	for (uint64_t pc = 0; pc < FAKE_FUNC_LEN * (NFUNCS + 1); pc += 13) {
		const char *file = NULL;
		uint32_t line;

		if (pclntab_find(&t, pc, &f) < 0)
			continue;
		assert_true(f.entry <= pc && pc < f.end);
		assert_non_null(f.name);
		if (pclntab_line(&t, &f, pc, &file, &line) == 0)
			assert_true(strlen(file) < PCLNTAB_NAME_MAX && line > 0);
	}
	(void)pclntab_find(&t, UINT64_MAX, &f);
}

static void no_table(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int want;
	} cases[] = {
		{ "", 0, -ENOENT },
		{ "\xf1\xff\xff", 3, -ENOENT },
		{ "\x7f"
		  "ELF",
		  4, -ENOENT },
		{ "\xfb\xff\xff\xff\0\0\x01\x08", 8, -ENOTSUP }, /* 1.2 */
		{ "\xfa\xff\xff\xff\0\0\x01\x08", 8, -ENOTSUP }, /* 1.16 */
		{ "\xf1\xff\xff\xff\0\0\x01\x08", 8, -EBADMSG },
		{ "\xf0\xff\xff\xff\0\0\x01\x08", 8, -EBADMSG },
	};
	struct reason why;
	struct pclntab t;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(pclntab_init(&t, bytes_of(cases[i].bytes, cases[i].len), &why),
				 cases[i].want);
}

static void bad_headers(void **state)
{
	static const struct {
		unsigned off;
		uint64_t value;
	} cases[] = {
		{ 8, 0 },    /* no functions */
		{ 8, 1000 }, /* more than there is room for */
		{ 8, PCLNTAB_FUNCS_MAX + 1 },
		{ 8, UINT64_MAX },
		{ 32, 8 }, /* names within the header */
		{ 40, 9 }, /* not ascending */
		{ 48, UINT64_MAX },
		{ 64, TABLE_LEN }, /* functab at the end */
		{ 64, TABLE_LEN + 1 },
		{ 64, UINT64_MAX },
		{ 0, 0x08020000fffffff1 }, /* quantum 2 */
		{ 0, 0x04010000fffffff1 }, /* 32-bit */
		{ 0, 0x08010001fffffff1 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pclntab t;
		struct fake f;

		fake_make(&f, &(struct fake_opts){ .minor = 26 });
		fake_put64(&f, FAKE_TAB_OFF + cases[i].off, cases[i].value);
		assert_int_equal(pclntab_init(&t, table_of(&f), NULL), -EBADMSG);
	}
}

static void cut_anywhere(void **state)
{
	for (unsigned m = 0; m < ARRAY_SIZE(minors); m++) {
		struct fake f;

		fake_make(&f, &(struct fake_opts){ .minor = minors[m] });
		for (size_t len = 0; len <= TABLE_LEN; len++)
			ask_everything(f.b + FAKE_TAB_OFF, len);
	}
}

static void flip_every_byte(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	for (unsigned off = FAKE_TAB_OFF; off < FAKE_MD_OFF; off++) {
		uint8_t was = f.b[off];

		for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
			f.b[off] = values[i];
			ask_everything(f.b + FAKE_TAB_OFF, TABLE_LEN);
		}
		f.b[off] = was;
	}
}

/* Every word of functab and of the first _func, pointing outside. */
static void offsets_outside(void **state)
{
	static const uint32_t values[] = { 0x7fffffff, 0x80000000, 0xffffffff, TABLE_LEN,
					   TABLE_LEN - 1 };
	struct fake f;
	uint32_t first;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	first = FAKE_TAB_OFF + f.functab_off;
	for (unsigned off = first; off < first + 8 * NFUNCS + 8 + 44; off += 4) {
		uint32_t was;

		memcpy(&was, f.b + off, 4);
		for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
			fake_put32(&f, off, values[i]);
			ask_everything(f.b + FAKE_TAB_OFF, TABLE_LEN);
		}
		fake_put32(&f, off, was);
	}
}

/* A pc-value list that never ends: 0x02 0x00 for ever (value up, pc unmoved), to the end of the
 * bytes. */
static void endless_list(void **state)
{
	size_t len = 4u << 20;
	_cleanup_free_ uint8_t *big = calloc(1, len);
	const char *file;
	struct pclntab t;
	struct go_func g;
	uint32_t line;
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	memcpy(big, f.b + FAKE_TAB_OFF, TABLE_LEN);
	assert_int_equal(pclntab_init(&t, bytes_of(big, len), NULL), 0);
	assert_int_equal(pclntab_func(&t, 0, &g), 0);
	for (size_t i = TABLE_LEN; i + 1 < len; i += 2)
		big[i] = 2;
	t.pcdata = bytes_of(big, len);
	memcpy(big + f.functab_off + g.at + 20, &(uint32_t){ TABLE_LEN }, 4);
	assert_int_equal(pclntab_line(&t, &g, 0, &file, &line), -EBADMSG);
}

static void finds_by_pc(void **state)
{
	for (unsigned m = 0; m < ARRAY_SIZE(minors); m++) {
		const char *file;
		struct pclntab t;
		struct go_func g;
		uint32_t line;
		struct fake f;
		char want[32];

		fake_make(&f, &(struct fake_opts){ .minor = minors[m] });
		assert_int_equal(pclntab_init(&t, table_of(&f), NULL), 0);
		assert_int_equal(t.nfunc, NFUNCS);
		for (uint32_t pc = 0; pc < NFUNCS * FAKE_FUNC_LEN; pc++) {
			unsigned i = pc / FAKE_FUNC_LEN,
				 half = pc % FAKE_FUNC_LEN >= FAKE_FUNC_LEN / 2;

			assert_int_equal(pclntab_find(&t, pc, &g), 0);
			assert_string_equal(g.name, fake_go_funcs[i].name);
			assert_int_equal(g.entry, i * FAKE_FUNC_LEN);
			assert_int_equal(g.func_id, fake_go_funcs[i].id);
			assert_int_equal(pclntab_line(&t, &g, pc, &file, &line), 0);
			snprintf(want, sizeof(want), "file%u.go", i);
			assert_string_equal(file, want);
			assert_int_equal(line, 100 + 10 * i + half);
		}
		assert_int_equal(pclntab_find(&t, NFUNCS * FAKE_FUNC_LEN, &g), -ENOENT);
		assert_int_equal(pclntab_line(&t, &g, g.end, &file, &line), -ENOENT);
	}
}

static void finds_by_name(void **state)
{
	struct pclntab t;
	struct go_func g;
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	assert_int_equal(pclntab_init(&t, table_of(&f), NULL), 0);
	for (unsigned i = 0; i < NFUNCS; i++) {
		assert_int_equal(pclntab_find_name(&t, fake_go_funcs[i].name, 0xff, &g), 0);
		assert_string_equal(g.name, fake_go_funcs[i].name);
	}
	assert_int_equal(pclntab_find_name(&t, "runtime.deferpro", 23, &g), -ENOENT);
	assert_int_equal(pclntab_find_name(&t, "untime.deferproc", 23, &g), -ENOENT);
	assert_int_equal(pclntab_find_name(&t, "", 23, &g), -ENOENT);
	/* Two are named goexit1: the wrapper comes first, and is taken only where it is not known
	 * as one. */
	assert_int_equal(pclntab_find_name(&t, "runtime.goexit1", 23, &g), 0);
	assert_int_equal(g.entry, 6 * FAKE_FUNC_LEN);
	assert_int_equal(pclntab_find_name(&t, "runtime.goexit1", 0xff, &g), 0);
	assert_int_equal(g.entry, 5 * FAKE_FUNC_LEN);
}

static void scans(void **state)
{
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	assert_int_equal(pclntab_scan(bytes_of(f.b, sizeof(f.b)), 0), FAKE_TAB_OFF);
	assert_int_equal(pclntab_scan(bytes_of(f.b, sizeof(f.b)), FAKE_TAB_OFF + 8), -1);
	assert_int_equal(pclntab_scan(bytes_of(f.b, FAKE_TAB_OFF + 64), 0),
			 -1); /* no room for a header */
	assert_int_equal(pclntab_scan(bytes_of(f.b, 0), 0), -1);
	assert_int_equal(pclntab_scan(bytes_of(f.b, sizeof(f.b)), UINT64_MAX - 7), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_table),        cmocka_unit_test(bad_headers),
		cmocka_unit_test(cut_anywhere),    cmocka_unit_test(flip_every_byte),
		cmocka_unit_test(offsets_outside), cmocka_unit_test(endless_list),
		cmocka_unit_test(finds_by_pc),     cmocka_unit_test(finds_by_name),
		cmocka_unit_test(scans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
