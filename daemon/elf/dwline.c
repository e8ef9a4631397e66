// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "elf/dwline.h"

#include <elf.h>
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
};

DEFINE_CLEANUP(struct dwline *, dwline_free)

/* A compressed section says how large it will be in its first bytes (Elf64_Chdr.ch_size). */
static uint64_t unpacked_bytes(const struct elfimg *img, const char *name)
{
	struct elfimg_section s;
	Elf64_Chdr ch;

	if (elfimg_section(img, name, &s) < 0)
		return 0;
	if (!(s.flags & SHF_COMPRESSED) || s.bytes.len < sizeof(ch))
		return s.bytes.len;
	memcpy(&ch, s.bytes.p, sizeof(ch));
	return ch.ch_size;
}

static int check_size(const struct elfimg *img, struct reason *reason)
{
	static const char *const names[] = { ".debug_info",     ".debug_abbrev",
					     ".debug_line",     ".debug_str",
					     ".debug_ranges",   ".debug_rnglists",
					     ".debug_line_str", ".debug_aranges",
					     ".debug_addr",     ".debug_str_offsets" };
	uint64_t sum = 0;

	if (!unpacked_bytes(img, ".debug_info"))
		return reason_set(reason, -ENOENT, "no debug information");
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		uint64_t n = unpacked_bytes(img, names[i]);

		if (n > DWLINE_DEBUG_BYTES_MAX - sum)
			return reason_set(reason, -EFBIG,
					  "more than %llu bytes of debug information",
					  DWLINE_DEBUG_BYTES_MAX);
		sum += n;
	}
	return 0;
}

int dwline_new(const struct elfimg *img, struct dwline **ret, struct reason *reason)
{
	_cleanup_(dwline_freep) struct dwline *d = NULL;
	int r = check_size(img, reason);

	if (r < 0)
		return r;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	(void)elf_version(EV_CURRENT);
	/* Not const, but neither written to: native byte order needs no conversion, and nothing is
	 * updated. */
	d->elf = elf_memory((char *)(uintptr_t)img->file.p, img->file.len);
	if (!d->elf)
		return reason_set(reason, -EBADMSG, "libelf: %s", elf_errmsg(-1));
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
