// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * moduledata begins {pcHeader, funcnametab.ptr, ...}: two words whose values we know, and further
 * on minpc (160) equals text (176). Nothing else in a program looks like that (unique in 20 builds:
 * exe, external, PIE, stripped, race). .go.module (1.26 and newer) starts with it.
 *
 * In a PIE these words are relocated when the program starts. The Go linker and GNU ld also leave
 * the link-time value in place; lld by default leaves zeros there and the value only in the addend
 * of the R_*_RELATIVE relocation. So when no words match, the relocations are asked.
 */
#include "golang/moduledata.h"

#include <elf.h>
#include <errno.h>

#include "arch/arch.h"
#include "base/cleanup.h"
#include "golang/pclntab.h"

#define OFF_FUNCNAMES 8
#define OFF_MINPC     160
#define OFF_MAXPC     168
#define OFF_TEXT      176
#define OFF_ETEXT     184
#define KNOWN_LEN     192

/* Of the function table: enough to know one by, and the offset of its names at the most. */
#define HEADER_NAMES 32
#define HEADER_MIN   72
#define HEADER_MAX   128

static bool is_moduledata(struct bytes b, uint64_t pclntab_va, uint64_t names_va)
{
	return bytes_has(b, 0, KNOWN_LEN) && le64_at(b.p) == pclntab_va &&
	       le64_at(b.p + OFF_FUNCNAMES) == names_va &&
	       le64_at(b.p + OFF_MINPC) == le64_at(b.p + OFF_TEXT);
}

static uint64_t find_words_in(struct bytes b, uint64_t va, uint64_t pclntab_va, uint64_t names_va)
{
	for (uint64_t off = -va & 7; bytes_has(b, off, KNOWN_LEN); off += 8)
		if (le64_at(b.p + off) == pclntab_va &&
		    is_moduledata(bytes_from(b, off), pclntab_va, names_va))
			return va + off;
	return 0;
}

/* Where it is known to lie, then everywhere: a large program has tens of megabytes of data, and every
 * page that is looked at has to be read in. */
static uint64_t find_words(const struct elfimg *img, uint64_t pclntab_va, uint64_t names_va)
{
	static const char *const names[] = { ".go.module", ".noptrdata", ".data" };
	struct elfimg_section s;
	uint64_t va;

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (elfimg_section(img, names[i], &s) < 0)
			continue;
		va = find_words_in(s.bytes, s.va, pclntab_va, names_va);
		if (va)
			return va;
	}
	for (unsigned i = 0; i < img->nloads; i++) {
		if (img->loads[i].flags & PF_X)
			continue;
		va = find_words_in(elfimg_load_bytes(img, i), img->loads[i].va, pclntab_va,
				   names_va);
		if (va)
			return va;
	}
	return 0;
}

/* The header repeats, in its fourth word, how far behind it the names begin. */
static bool is_table(const struct elfimg *img, uint64_t va, uint64_t names_off)
{
	struct bytes b = elfimg_at(img, va);
	uint64_t off;

	return names_off >= HEADER_MIN && names_off <= HEADER_MAX &&
	       pclntab_scan(bytes_sub(b, 0, HEADER_MIN), 0) == 0 &&
	       bytes_u64(b, HEADER_NAMES, &off) && off == names_off;
}

uint64_t moduledata_table(const struct elfimg *img)
{
	struct elfimg_section s;

	if (elfimg_section(img, ".noptrdata", &s) < 0)
		return 0;
	for (uint64_t off = -s.va & 7; bytes_has(s.bytes, off, KNOWN_LEN); off += 8) {
		uint64_t va = le64_at(s.bytes.p + off);

		if (is_table(img, va, le64_at(s.bytes.p + off + OFF_FUNCNAMES) - va))
			return va;
	}
	return 0;
}

static struct bytes relative_relocations(const struct elfimg *img)
{
	static const char *const names[] = { ".rela.dyn", ".rela" };
	struct elfimg_section s;

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (elfimg_section(img, names[i], &s) == 0 && s.type == SHT_RELA)
			return s.bytes;
	return bytes_of(NULL, 0);
}

static bool relative_at(struct bytes relas, size_t i, Elf64_Rela *ret)
{
	memcpy(ret, relas.p + i * sizeof(*ret), sizeof(*ret));
	return arch_is_relative(ELF64_R_TYPE(ret->r_info));
}

/* What the loader will write at `va`, less the load bias; 0 when nothing. */
static uint64_t relocated(struct bytes relas, uint64_t va)
{
	Elf64_Rela r;

	for (size_t i = 0; i < relas.len / sizeof(r); i++)
		if (relative_at(relas, i, &r) && r.r_offset == va)
			return (uint64_t)r.r_addend;
	return 0;
}

static uint64_t find_relocations(struct bytes relas, uint64_t pclntab_va, uint64_t names_va)
{
	Elf64_Rela r;

	for (size_t i = 0; i < relas.len / sizeof(r); i++)
		if (relative_at(relas, i, &r) && (uint64_t)r.r_addend == pclntab_va &&
		    relocated(relas, r.r_offset + OFF_FUNCNAMES) == names_va)
			return r.r_offset;
	return 0;
}

int moduledata_find(const struct elfimg *img, uint64_t pclntab_va, uint64_t funcname_off,
		    const struct go_layout *layout, struct moduledata *ret)
{
	struct bytes relas = bytes_of(NULL, 0);
	struct moduledata md = { .va = find_words(img, pclntab_va, pclntab_va + funcname_off) };
	struct {
		uint64_t off, *ret;
	} fields[] = {
		{ OFF_MINPC, &md.minpc },
		{ OFF_MAXPC, &md.maxpc },
		{ OFF_TEXT, &md.text },
		{ OFF_ETEXT, &md.etext },
		{ layout ? layout->moduledata.types : GO_LAYOUT_ABSENT, &md.types },
		{ layout ? layout->moduledata.etypes : GO_LAYOUT_ABSENT, &md.etypes },
		{ layout ? layout->moduledata.rodata : GO_LAYOUT_ABSENT, &md.rodata },
		{ layout ? layout->moduledata.gofunc : GO_LAYOUT_ABSENT, &md.gofunc },
	};

	if (!md.va) {
		relas = relative_relocations(img);
		md.va = find_relocations(relas, pclntab_va, pclntab_va + funcname_off);
	}
	if (!md.va)
		return -ENOENT;
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].off == GO_LAYOUT_ABSENT)
			continue;
		if (relas.len)
			*fields[i].ret = relocated(relas, md.va + fields[i].off);
		else
			(void)bytes_u64(elfimg_at(img, md.va), fields[i].off, fields[i].ret);
	}
	if (!md.text || md.text != md.minpc)
		return -ENOENT;
	*ret = md;
	return 0;
}
