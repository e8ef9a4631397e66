/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * File, line and function of an address in a C program, from the debug information (DWARF) in its
 * own file, through elfutils' libdw. Unlike the rest of this folder it allocates, and trusts a
 * library with a stranger's bytes: use it in the unprivileged worker, or on files that one would
 * give to a debugger. One thread at a time for each object. Separate debug files are not looked
 * for.
 */
#ifndef DEFERD_ELF_DWLINE_H
#define DEFERD_ELF_DWLINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"
#include "elf/elfimg.h"

/* Debug information larger than this, unpacked, is not read: -EFBIG. */
#define DWLINE_DEBUG_BYTES_MAX (512ull << 20)

struct dwline;

struct dwline_place {
	const char *file;     /* NULL when not known; all strings live until dwline_free() */
	const char *function; /* likewise */
	uint32_t line;        /* 0 when not known */
};

/*
 * Open the debug information of `img`, whose bytes must outlive *ret (given; dwline_free()).
 * Returns 0; -ENOENT when the file has none; -EFBIG; -EBADMSG when libdw refuses it; -ENOMEM.
 */
int dwline_new(const struct elfimg *img, struct dwline **ret, struct reason *reason);
void dwline_free(struct dwline *d);

/* What the debug information says of link-time address `va`. 0; -ENOENT when it says nothing. */
int dwline_find(struct dwline *d, uint64_t va, struct dwline_place *ret);

#endif
