/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What an ELF file says of itself: segments, sections, function symbols, build id, and the way
 * between file offsets and link-time addresses (VA: what the file says, before any load bias).
 * Knows 64-bit little endian executables and shared objects; knows nothing of processes, and opens,
 * allocates and changes nothing. Any thread.
 *
 * The bytes are a stranger's. Program headers must be in order for an image to open at all (the
 * kernel needs them too); section headers are a hint that strip tools drop or damage, so broken
 * ones mean "no sections", not an error. All pointers handed out are borrowed from the bytes and
 * live as long as they do.
 */
#ifndef DEFERD_ELF_ELFIMG_H
#define DEFERD_ELF_ELFIMG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"
#include "elf/bytes.h"

#define ELFIMG_LOADS_MAX    64    /* PT_LOAD segments kept; a file with more is -EBADMSG */
#define ELFIMG_PHDRS_MAX    1024  /* program headers; a file with more is -EBADMSG */
#define ELFIMG_SECTIONS_MAX 65535 /* section headers; a file with more counts as having none */
#define ELFIMG_NAME_MAX     4096  /* bytes of a name; longer ones are not found */
#define ELFIMG_NOTES_MAX    64    /* notes looked at for the build id */
#define ELFIMG_BUILD_ID_MAX 32    /* bytes of a build id; a longer one is not taken */

struct elfimg_load {
	uint64_t va;
	uint64_t off;
	uint64_t filesz; /* cut at the end of a truncated file */
	uint64_t memsz;
	uint32_t flags; /* PF_R | PF_W | PF_X */
};

struct elfimg_section {
	const char *name;
	uint64_t va;
	uint64_t off;
	uint64_t size;
	uint32_t type;
	uint32_t link;
	uint64_t flags;
	struct bytes bytes; /* empty for SHT_NOBITS and for sections outside of the file */
};

struct elfimg_symbol {
	const char *name;
	uint64_t va;
	uint64_t size; /* 0: the file does not say */
};

struct elfimg_symtab {
	struct bytes syms;
	struct bytes strs;
};

struct elfimg {
	struct bytes file;
	uint16_t machine; /* EM_X86_64, EM_AARCH64, ... */
	uint16_t type;    /* ET_EXEC or ET_DYN */
	uint64_t entry;   /* e_entry, a VA */
	bool truncated;   /* a segment reaches past the end of the file */
	unsigned nloads;
	struct elfimg_load loads[ELFIMG_LOADS_MAX]; /* in the order of the file */
	unsigned nsections;                         /* 0: none, or unusable */
	uint64_t shoff;
	struct bytes shstrtab;
	struct elfimg_symtab symtab; /* .symtab, empty when stripped */
	struct elfimg_symtab dynsym;
	char build_id[2 * ELFIMG_BUILD_ID_MAX + 1]; /* GNU build id in hex, "" when there is none */
};

/*
 * Read the headers of the `len` bytes at `bytes` (borrowed until the last use of *ret). Returns 0;
 * -ENOEXEC when this is no ELF file; -ENOTSUP for a kind that is not for us (32-bit, big endian,
 * object and core files); -EBADMSG when the program headers are damaged. *ret is written on success
 * only.
 */
int elfimg_init(struct elfimg *ret, const void *bytes, size_t len, struct reason *reason);

/* VA to file offset and back, for bytes that the file holds. 0, or -ENOENT when no segment has
 * them. */
int elfimg_va_to_off(const struct elfimg *img, uint64_t va, uint64_t *ret_off);
int elfimg_off_to_va(const struct elfimg *img, uint64_t off, uint64_t *ret_va);

/* The bytes from `va` to the end of what its segment has in the file; empty when there are none. */
struct bytes elfimg_at(const struct elfimg *img, uint64_t va);
/* The file-backed bytes of load `i` < nloads. */
struct bytes elfimg_load_bytes(const struct elfimg *img, unsigned i);

/* Section `i`, 1 .. nsections - 1. 0, or -ENOENT. A section whose name cannot be read has the name
 * "". */
int elfimg_section_nth(const struct elfimg *img, unsigned i, struct elfimg_section *ret);

/* 0, or -ENOENT. With several sections of a name, the first. */
int elfimg_section(const struct elfimg *img, const char *name, struct elfimg_section *ret);

/* A defined function by name: .symtab, then .dynsym. 0, or -ENOENT. Linear in the number of
 * symbols. */
int elfimg_function(const struct elfimg *img, const char *name, struct elfimg_symbol *ret);

/*
 * The functions that cover `n` addresses: ret[i] for vas[i], name NULL where none does. `vas` must
 * ascend. One pass over the symbols for all of them; .symtab if there is one, else .dynsym. A
 * symbol without size covers its own address only; of several that cover an address the one that
 * begins last, and of those a global one, is taken.
 */
void elfimg_functions_at(const struct elfimg *img, const uint64_t *vas, unsigned n,
			 struct elfimg_symbol *ret);

#endif
