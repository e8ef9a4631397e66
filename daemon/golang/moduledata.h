/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * runtime.firstmoduledata, found in the file without symbols. It is the only place that names the
 * text base since Go 1.26. Pure; all addresses are link-time VAs.
 */
#ifndef DEFERD_GOLANG_MODULEDATA_H
#define DEFERD_GOLANG_MODULEDATA_H

#include "elf/elfimg.h"
#include "golang/layout.h"

struct moduledata {
	uint64_t va;
	uint64_t minpc, maxpc;
	uint64_t text, etext;                   /* runtime.text: what text offsets count from */
	uint64_t types, etypes, rodata, gofunc; /* 0 where `layout` does not know the field */
};

/*
 * Find the moduledata whose function table lies at `pclntab_va` with its names at `funcname_off`.
 * `layout` may be NULL. 0; -ENOENT when there is none. *ret is written on success only.
 */
int moduledata_find(const struct elfimg *img, uint64_t pclntab_va, uint64_t funcname_off,
		    const struct go_layout *layout, struct moduledata *ret);

/*
 * VA of a function table that no section is named for: what the one in .noptrdata points to, if it
 * looks like a table. 0: not found so. Cheaper than looking through all the data.
 */
uint64_t moduledata_table(const struct elfimg *img);

#endif
