// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "elf/dwline.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <libelf.h>

#include "base/cleanup.h"

#define UNITS_MAX \
	65536 /* compile units looked through when .debug_aranges does not know an address */

struct dwline {
	Elf *elf;
	Dwarf *dw;
	char *copy; /* of the file, where libelf writes */
};

DEFINE_CLEANUP(struct dwline *, dwline_free)

/* A compressed section says how large it will be in its first bytes (Elf64_Chdr.ch_size; .zdebug_*:
 * "ZLIB", u64). */
static uint64_t unpacked_bytes(const struct elfimg_section *s)
{
	Elf64_Chdr ch;
	uint64_t be;

	if (s->flags & SHF_COMPRESSED) {
		if (s->bytes.len < sizeof(ch))
			return 0;
		memcpy(&ch, s->bytes.p, sizeof(ch));
		return ch.ch_size;
	}
	if (!strncmp(s->name, ".zdebug_", 8) && s->bytes.len >= 12) {
		memcpy(&be, s->bytes.p + 4, sizeof(be));
		return be64toh(be);
	}
	return s->bytes.len;
}

/* Sums up what libdw will unpack and keep, and notes whether libelf will want to write. */
static int check_sections(const struct elfimg *img, bool *ret_packed, struct reason *reason)
{
	struct elfimg_section s;
	bool packed = false, any = false;
	uint64_t sum = 0;

	for (unsigned i = 1; elfimg_section_nth(img, i, &s) == 0; i++) {
		uint64_t n = unpacked_bytes(&s);

		packed |= (s.flags & SHF_COMPRESSED) || !strncmp(s.name, ".zdebug_", 8);
		any |= !strcmp(s.name, ".debug_info") || !strcmp(s.name, ".zdebug_info");
		if (!strstr(s.name, "debug") && !(s.flags & SHF_COMPRESSED))
			continue;
		if (n > DWLINE_DEBUG_BYTES_MAX - sum)
			return reason_set(reason, -EFBIG,
					  "more than %llu bytes of debug information",
					  DWLINE_DEBUG_BYTES_MAX);
		sum += n;
	}
	*ret_packed = packed;
	return any ? 0 : reason_set(reason, -ENOENT, "no debug information");
}

/*
 * libelf takes bytes that are not const, but writes to them only when it unpacks a section
 * (elf_compress() of elfutils 0.188 changes the section header in place): then it gets a copy.
 */
static int open_elf(struct dwline *d, const struct elfimg *img, bool packed, struct reason *reason)
{
	char *bytes = (char *)(uintptr_t)img->file.p;

	if (packed && img->file.len > DWLINE_DEBUG_BYTES_MAX)
		return reason_set(reason, -EFBIG, "more than %llu bytes", DWLINE_DEBUG_BYTES_MAX);
	if (packed) {
		d->copy = malloc(img->file.len);
		if (!d->copy)
			return -ENOMEM;
		bytes = memcpy(d->copy, img->file.p, img->file.len);
	}
	(void)elf_version(EV_CURRENT);
	d->elf = elf_memory(bytes, img->file.len);
	return d->elf ? 0 : reason_set(reason, -EBADMSG, "libelf: %s", elf_errmsg(-1));
}

int dwline_new(const struct elfimg *img, struct dwline **ret, struct reason *reason)
{
	_cleanup_(dwline_freep) struct dwline *d = NULL;
	bool packed = false;
	int r;

	r = check_sections(img, &packed, reason);
	if (r < 0)
		return r;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	r = open_elf(d, img, packed, reason);
	if (r < 0)
		return r;
	d->dw = dwarf_begin_elf(d->elf, DWARF_C_READ, NULL);
	if (!d->dw)
		return reason_set(reason, -EBADMSG, "libdw: %s", dwarf_errmsg(-1));
	*ret = TAKE_PTR(d);
	return 0;
}

void dwline_free(struct dwline *d)
{
	if (!d)
		return;
	if (d->dw)
		dwarf_end(d->dw);
	if (d->elf)
		elf_end(d->elf);
	free(d->copy);
	free(d);
}

/* gcc writes .debug_aranges, clang does not: then every unit is asked for its ranges. */
static Dwarf_Die *find_unit(struct dwline *d, uint64_t va, Dwarf_Die *mem)
{
	Dwarf_CU *cu = NULL;

	if (dwarf_addrdie(d->dw, va, mem))
		return mem;
	for (unsigned i = 0; i < UNITS_MAX; i++) {
		if (dwarf_get_units(d->dw, cu, &cu, NULL, NULL, mem, NULL) != 0)
			return NULL;
		if (dwarf_haspc(mem, va) == 1)
			return mem;
	}
	return NULL;
}

static const char *find_function(Dwarf_Die *unit, uint64_t va)
{
	Dwarf_Die *scopes = NULL;
	const char *name = NULL;
	int n = dwarf_getscopes(unit, va, &scopes);

	for (int i = 0; i < n && !name; i++)
		if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram)
			name = dwarf_diename(&scopes[i]);
	free(scopes);
	return name;
}

int dwline_find(struct dwline *d, uint64_t va, struct dwline_place *ret)
{
	struct dwline_place p = { 0 };
	Dwarf_Die mem, *unit = find_unit(d, va, &mem);
	Dwarf_Line *line;
	int number;

	if (!unit)
		return -ENOENT;
	line = dwarf_getsrc_die(unit, va);
	if (line) {
		p.file = dwarf_linesrc(line, NULL, NULL);
		if (dwarf_lineno(line, &number) == 0 && number > 0)
			p.line = (uint32_t)number;
	}
	p.function = find_function(unit, va);
	if (!p.file && !p.function)
		return -ENOENT;
	*ret = p;
	return 0;
}
