// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "elf/elfimg.h"
#include "fakeimage.h"

/* Everything an image can be asked, on bytes that may be anything. Heap copies, so that a sanitizer
 * sees each overrun. */
static void ask_everything(const uint8_t *bytes, size_t len)
{
	uint64_t vas[] = { 0, 1, FAKE_TEXT_VA, FAKE_TEXT_VA + 70, FAKE_DATA_VA, UINT64_MAX };
	_cleanup_free_ uint8_t *copy = malloc(len ? len : 1);
	struct elfimg_symbol syms[ARRAY_SIZE(vas)];
	struct elfimg_section sec;
	struct elfimg img;
	uint64_t off;

	memcpy(copy, bytes, len);
	if (elfimg_init(&img, copy, len, NULL) < 0)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(vas); i++) {
		struct bytes b = elfimg_at(&img, vas[i]);

		assert_true(b.len == 0 || (b.p >= copy && b.p + b.len <= copy + len));
		if (elfimg_va_to_off(&img, vas[i], &off) == 0)
			assert_true(off < len);
		(void)elfimg_off_to_va(&img, vas[i], &off);
	}
	(void)elfimg_section(&img, ".text", &sec);
	(void)elfimg_section(&img, ".nowhere", &sec);
	(void)elfimg_function(&img, "defer_run", &syms[0]);
	(void)elfimg_function(&img, "nowhere", &syms[0]);
	elfimg_functions_at(&img, vas, ARRAY_SIZE(vas), syms);
}

static void not_an_elf(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int want;
	} cases[] = {
		{ "", 0, -ENOEXEC },
		{ "\x7f", 1, -ENOEXEC },
		{ "#!/bin/sh\n", 10, -ENOEXEC },
		{ "\x7f"
		  "ELF",
		  4, -EBADMSG },
		{ "\x7f"
		  "ELF\x02\x01\x01",
		  7, -EBADMSG },
	};
	struct elfimg img;
	struct reason why;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(elfimg_init(&img, cases[i].bytes, cases[i].len, &why),
				 cases[i].want);
}

static void other_kinds(void **state)
{
	static const struct {
		unsigned off;
		uint8_t value;
		int want;
	} cases[] = {
		{ EI_CLASS, ELFCLASS32, -ENOTSUP },
		{ EI_DATA, ELFDATA2MSB, -ENOTSUP },
		{ offsetof(Elf64_Ehdr, e_type), ET_REL, -ENOTSUP },
		{ offsetof(Elf64_Ehdr, e_type), ET_CORE, -ENOTSUP },
		{ offsetof(Elf64_Ehdr, e_type), ET_DYN, 0 },
		{ offsetof(Elf64_Ehdr, e_phentsize), 55, -EBADMSG },
		{ offsetof(Elf64_Ehdr, e_phnum), 0, -EBADMSG },
		{ offsetof(Elf64_Ehdr, e_phoff) + 4, 1, -EBADMSG },
		{ offsetof(Elf64_Ehdr, e_phoff) + 7, 0xff, -EBADMSG },
		{ offsetof(Elf64_Ehdr, e_shoff) + 7, 0xff, 0 },
		{ offsetof(Elf64_Ehdr, e_shstrndx), 200, 0 },
		{ offsetof(Elf64_Ehdr, e_shentsize), 1, 0 },
		/* the data segment: more in the file than in memory; past the end of the file;
		   wrapping around */
		{ 64 + 2 * 56 + offsetof(Elf64_Phdr, p_filesz) + 6, 1, -EBADMSG },
		{ 64 + 2 * 56 + offsetof(Elf64_Phdr, p_offset) + 7, 0x80, 0 },
		{ 64 + 2 * 56 + offsetof(Elf64_Phdr, p_memsz) + 7, 0xff, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct elfimg img;
		struct fake f;

		fake_make(&f, &(struct fake_opts){ 0 });
		f.b[cases[i].off] = cases[i].value;
		assert_int_equal(elfimg_init(&img, f.b, sizeof(f.b), NULL), cases[i].want);
	}
}

static void wrapping_segment(void **state)
{
	struct elfimg img;
	struct fake f;

	fake_make(&f, &(struct fake_opts){ 0 });
	fake_put64(&f, 64 + 56 + offsetof(Elf64_Phdr, p_vaddr), UINT64_MAX - 0x800);
	assert_int_equal(elfimg_init(&img, f.b, sizeof(f.b), NULL), -EBADMSG);
}

static void cut_anywhere(void **state)
{
	struct fake f;

	fake_make(&f, &(struct fake_opts){ 0 });
	for (size_t len = 0; len <= sizeof(f.b); len += len < 0x240 || len >= FAKE_SYM_OFF ? 1 : 61)
		ask_everything(f.b, len);
}

static void cut_is_told(void **state)
{
	struct elfimg img;
	struct fake f;

	fake_make(&f, &(struct fake_opts){ 0 });
	assert_int_equal(elfimg_init(&img, f.b, FAKE_DATA_OFF + 16, NULL), 0);
	assert_true(img.truncated);
	assert_int_equal(elfimg_at(&img, FAKE_DATA_VA).len, 16);
	assert_int_equal(elfimg_at(&img, FAKE_DATA_VA + 16).len, 0);
	assert_int_equal(img.nsections, 0);
}

static void flip_every_header_byte(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct fake f;

	fake_make(&f, &(struct fake_opts){ 0 });
	for (size_t off = 0; off < FAKE_LEN; off++) {
		uint8_t was = f.b[off];

		if (off == 0x240)
			off = FAKE_SYM_OFF; /* text and data are not looked at */
		was = f.b[off];
		for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
			f.b[off] = values[i];
			ask_everything(f.b, sizeof(f.b));
		}
		f.b[off] = was;
	}
}

static void reads_a_good_one(void **state)
{
	struct elfimg_section sec;
	struct elfimg img;
	struct fake f;
	uint64_t v;

	fake_make(&f, &(struct fake_opts){ 0 });
	assert_int_equal(elfimg_init(&img, f.b, sizeof(f.b), NULL), 0);
	assert_int_equal(img.machine, EM_X86_64);
	assert_int_equal(img.type, ET_EXEC);
	assert_int_equal(img.entry, FAKE_TEXT_VA);
	assert_int_equal(img.nloads, 2);
	assert_false(img.truncated);
	assert_string_equal(img.build_id, FAKE_BUILD_ID);
	assert_int_equal(elfimg_va_to_off(&img, FAKE_TEXT_VA + 5, &v), 0);
	assert_int_equal(v, FAKE_TEXT_OFF + 5);
	assert_int_equal(elfimg_off_to_va(&img, FAKE_DATA_OFF + 9, &v), 0);
	assert_int_equal(v, FAKE_DATA_VA + 9);
	assert_int_equal(elfimg_va_to_off(&img, FAKE_DATA_VA + FAKE_SYM_OFF - FAKE_DATA_OFF, &v),
			 -ENOENT); /* .bss */
	assert_int_equal(elfimg_va_to_off(&img, FAKE_TEXT_VA - 1, &v), -ENOENT);
	assert_int_equal(elfimg_section(&img, ".text", &sec), 0);
	assert_int_equal(sec.va, FAKE_TEXT_VA);
	assert_int_equal(sec.bytes.len, 0x1000);
	assert_int_equal(elfimg_section(&img, ".tex", &sec), -ENOENT);
}

static void finds_functions(void **state)
{
	uint64_t vas[] = { 0,
			   FAKE_TEXT_VA,
			   FAKE_TEXT_VA + 63,
			   FAKE_TEXT_VA + 64,
			   FAKE_TEXT_VA + 3 * 64,
			   UINT64_MAX };
	static const char *const want[] = { NULL,        "defer_push", "defer_push",
					    "defer_run", NULL,         NULL };
	struct elfimg_symbol syms[ARRAY_SIZE(vas)];
	struct elfimg img;
	struct fake f;

	fake_make(&f, &(struct fake_opts){ 0 });
	assert_int_equal(elfimg_init(&img, f.b, sizeof(f.b), NULL), 0);
	assert_int_equal(elfimg_function(&img, "defer_run", &syms[0]), 0);
	assert_int_equal(syms[0].va, FAKE_TEXT_VA + 64);
	assert_int_equal(syms[0].size, 64);
	assert_int_equal(elfimg_function(&img, "defer_ru", &syms[0]), -ENOENT);
	elfimg_functions_at(&img, vas, ARRAY_SIZE(vas), syms);
	for (unsigned i = 0; i < ARRAY_SIZE(vas); i++) {
		if (want[i])
			assert_string_equal(syms[i].name, want[i]);
		else
			assert_null(syms[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_an_elf),       cmocka_unit_test(other_kinds),
		cmocka_unit_test(wrapping_segment), cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(cut_is_told),      cmocka_unit_test(flip_every_header_byte),
		cmocka_unit_test(reads_a_good_one), cmocka_unit_test(finds_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
