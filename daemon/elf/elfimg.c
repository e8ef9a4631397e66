// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Why not libelf here: elf_memory() asks for writable, aligned bytes, allocates by counts that it
 * reads from the file, and its own documentation warns of hostile input. What we need of the format
 * is a screen of code, and this way any bytes can be looked at where they lie: a read-only mapping,
 * a fuzzer's buffer. DWARF is another matter: see dwline.c.
 *
 * The structs of <elf.h> are copied out of the file, never pointed to, so that no alignment is
 * assumed.
 */
#include "elf/elfimg.h"

#include <elf.h>
#include <errno.h>

#include "base/hex.h"

static bool section_at(const struct elfimg *img, unsigned i, Elf64_Shdr *ret)
{
	uint64_t off = img->shoff + (uint64_t)i * sizeof(*ret);

	if (!bytes_has(img->file, off, sizeof(*ret)))
		return false;
	memcpy(ret, img->file.p + off, sizeof(*ret));
	return true;
}

static struct bytes section_bytes(const struct elfimg *img, const Elf64_Shdr *sh)
{
	if (sh->sh_type == SHT_NOBITS)
		return bytes_of(NULL, 0);
	return bytes_sub(img->file, sh->sh_offset, sh->sh_size);
}

static void take_symtab(const struct elfimg *img, const Elf64_Shdr *sh, struct elfimg_symtab *ret)
{
	Elf64_Shdr str;

	if (ret->syms.len || sh->sh_entsize != sizeof(Elf64_Sym) || sh->sh_link >= img->nsections ||
	    !section_at(img, sh->sh_link, &str) || str.sh_type != SHT_STRTAB)
		return;
	ret->syms = section_bytes(img, sh);
	ret->strs = section_bytes(img, &str);
}

/* Counts of 0xff00 and more are kept in the first section header (gABI, "e_shnum"); so is a large
 * e_shstrndx. */
static void read_sections(struct elfimg *img, const Elf64_Ehdr *eh)
{
	uint64_t n = eh->e_shnum, strndx = eh->e_shstrndx;
	Elf64_Shdr sh;

	img->shoff = eh->e_shoff;
	if (!eh->e_shoff || eh->e_shentsize != sizeof(Elf64_Shdr) || !section_at(img, 0, &sh))
		return;
	if (n == 0)
		n = sh.sh_size;
	if (strndx == SHN_XINDEX)
		strndx = sh.sh_link;
	if (n > ELFIMG_SECTIONS_MAX || !bytes_has(img->file, img->shoff, n * sizeof(sh)) ||
	    strndx >= n || !section_at(img, (unsigned)strndx, &sh))
		return;
	img->nsections = (unsigned)n;
	img->shstrtab = section_bytes(img, &sh);
	for (unsigned i = 0; i < img->nsections && section_at(img, i, &sh); i++) {
		if (sh.sh_type == SHT_SYMTAB)
			take_symtab(img, &sh, &img->symtab);
		else if (sh.sh_type == SHT_DYNSYM)
			take_symtab(img, &sh, &img->dynsym);
	}
}

static void read_build_id(struct elfimg *img, struct bytes notes)
{
	for (unsigned i = 0; i < ELFIMG_NOTES_MAX && notes.len >= sizeof(Elf64_Nhdr); i++) {
		Elf64_Nhdr nh;
		uint64_t desc, next;

		memcpy(&nh, notes.p, sizeof(nh));
		desc = sizeof(nh) + (((uint64_t)nh.n_namesz + 3) & ~3ull);
		next = desc + (((uint64_t)nh.n_descsz + 3) & ~3ull);
		if (nh.n_type == NT_GNU_BUILD_ID && nh.n_namesz == 4 &&
		    nh.n_descsz <= ELFIMG_BUILD_ID_MAX && bytes_has(notes, desc, nh.n_descsz) &&
		    !memcmp(notes.p + sizeof(nh), "GNU", 4)) {
			hex_encode(img->build_id, notes.p + desc, nh.n_descsz);
			img->build_id[2 * nh.n_descsz] = 0;
			return;
		}
		notes = bytes_from(notes, next);
	}
}

static int add_load(struct elfimg *img, const Elf64_Phdr *ph, struct reason *reason)
{
	struct elfimg_load *l = &img->loads[img->nloads];

	if (img->nloads == ELFIMG_LOADS_MAX)
		return reason_set(reason, -EBADMSG, "more than %d loadable segments",
				  ELFIMG_LOADS_MAX);
	if (ph->p_filesz > ph->p_memsz || ph->p_vaddr + ph->p_memsz < ph->p_vaddr)
		return reason_set(reason, -EBADMSG,
				  "segment %u is larger in the file than in memory, or wraps",
				  img->nloads);
	*l = (struct elfimg_load){ ph->p_vaddr, ph->p_offset, ph->p_filesz, ph->p_memsz,
				   ph->p_flags };
	if (!bytes_has(img->file, l->off, l->filesz)) {
		img->truncated = true;
		l->filesz = l->off < img->file.len ? img->file.len - l->off : 0;
	}
	img->nloads++;
	return 0;
}

static int read_segments(struct elfimg *img, const Elf64_Ehdr *eh, struct reason *reason)
{
	int r;

	if (eh->e_phentsize != sizeof(Elf64_Phdr) || !eh->e_phnum ||
	    eh->e_phnum > ELFIMG_PHDRS_MAX ||
	    !bytes_has(img->file, eh->e_phoff, (uint64_t)eh->e_phnum * sizeof(Elf64_Phdr)))
		return reason_set(reason, -EBADMSG,
				  "program headers (%u at offset %#llx) are not within the file",
				  eh->e_phnum, (unsigned long long)eh->e_phoff);
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr ph;

		memcpy(&ph, img->file.p + eh->e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_NOTE && !img->build_id[0])
			read_build_id(img, bytes_sub(img->file, ph.p_offset, ph.p_filesz));
		if (ph.p_type != PT_LOAD)
			continue;
		r = add_load(img, &ph, reason);
		if (r < 0)
			return r;
	}
	if (!img->nloads)
		return reason_set(reason, -EBADMSG, "no loadable segment");
	return 0;
}

int elfimg_init(struct elfimg *ret, const void *bytes, size_t len, struct reason *reason)
{
	struct elfimg img = { .file = bytes_of(bytes, len) };
	Elf64_Ehdr eh;
	int r;

	if (len < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG))
		return reason_set(reason, -ENOEXEC, "not an ELF file");
	if (len < sizeof(eh))
		return reason_set(reason, -EBADMSG, "the ELF header is cut off at %zu bytes", len);
	memcpy(&eh, bytes, sizeof(eh));
	if (eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_ident[EI_DATA] != ELFDATA2LSB)
		return reason_set(reason, -ENOTSUP, "not a 64-bit little endian ELF file");
	if (eh.e_type != ET_EXEC && eh.e_type != ET_DYN)
		return reason_set(reason, -ENOTSUP,
				  "ELF type %u is neither an executable nor a shared object",
				  eh.e_type);
	img.machine = eh.e_machine;
	img.type = eh.e_type;
	img.entry = eh.e_entry;
	r = read_segments(&img, &eh, reason);
	if (r < 0)
		return r;
	read_sections(&img, &eh);
	*ret = img;
	return 0;
}

int elfimg_va_to_off(const struct elfimg *img, uint64_t va, uint64_t *ret_off)
{
	for (unsigned i = 0; i < img->nloads; i++) {
		const struct elfimg_load *l = &img->loads[i];

		if (va >= l->va && va - l->va < l->filesz) {
			*ret_off = l->off + (va - l->va);
			return 0;
		}
	}
	return -ENOENT;
}

int elfimg_off_to_va(const struct elfimg *img, uint64_t off, uint64_t *ret_va)
{
	for (unsigned i = 0; i < img->nloads; i++) {
		const struct elfimg_load *l = &img->loads[i];

		if (off >= l->off && off - l->off < l->filesz) {
			*ret_va = l->va + (off - l->off);
			return 0;
		}
	}
	return -ENOENT;
}

struct bytes elfimg_load_bytes(const struct elfimg *img, unsigned i)
{
	return bytes_sub(img->file, img->loads[i].off, img->loads[i].filesz);
}

struct bytes elfimg_at(const struct elfimg *img, uint64_t va)
{
	for (unsigned i = 0; i < img->nloads; i++) {
		const struct elfimg_load *l = &img->loads[i];

		if (va >= l->va && va - l->va < l->filesz)
			return bytes_from(elfimg_load_bytes(img, i), va - l->va);
	}
	return bytes_of(NULL, 0);
}

int elfimg_section_nth(const struct elfimg *img, unsigned i, struct elfimg_section *ret)
{
	const char *name;
	Elf64_Shdr sh;

	if (i >= img->nsections || !section_at(img, i, &sh))
		return -ENOENT;
	name = bytes_str(img->shstrtab, sh.sh_name, ELFIMG_NAME_MAX);
	*ret = (struct elfimg_section){
		.name = name ? name : "",
		.va = sh.sh_addr,
		.off = sh.sh_offset,
		.size = sh.sh_size,
		.type = sh.sh_type,
		.link = sh.sh_link,
		.flags = sh.sh_flags,
		.bytes = section_bytes(img, &sh),
	};
	return 0;
}

int elfimg_section(const struct elfimg *img, const char *name, struct elfimg_section *ret)
{
	struct elfimg_section s;

	for (unsigned i = 1; elfimg_section_nth(img, i, &s) == 0; i++) {
		if (strcmp(s.name, name) != 0)
			continue;
		*ret = s;
		return 0;
	}
	return -ENOENT;
}

/* STT_GNU_IFUNC is left out on purpose: its value is the resolver, which runs once and is not the
 * function. */
static bool function_at(const struct elfimg_symtab *t, size_t i, Elf64_Sym *ret)
{
	memcpy(ret, t->syms.p + i * sizeof(*ret), sizeof(*ret));
	return ELF64_ST_TYPE(ret->st_info) == STT_FUNC && ret->st_shndx != SHN_UNDEF &&
	       ret->st_value;
}

static bool symbol_from(const struct elfimg_symtab *t, const Elf64_Sym *sym,
			struct elfimg_symbol *ret)
{
	const char *name = bytes_str(t->strs, sym->st_name, ELFIMG_NAME_MAX);

	if (!name || !*name)
		return false;
	*ret = (struct elfimg_symbol){ name, sym->st_value, sym->st_size };
	return true;
}

static bool function_in(const struct elfimg_symtab *t, const char *name, struct elfimg_symbol *ret)
{
	size_t want = strlen(name) + 1;
	Elf64_Sym sym;

	for (size_t i = 0; i < t->syms.len / sizeof(sym); i++) {
		if (function_at(t, i, &sym) && bytes_has(t->strs, sym.st_name, want) &&
		    !memcmp(t->strs.p + sym.st_name, name, want))
			return symbol_from(t, &sym, ret);
	}
	return false;
}

int elfimg_function(const struct elfimg *img, const char *name, struct elfimg_symbol *ret)
{
	if (function_in(&img->symtab, name, ret) || function_in(&img->dynsym, name, ret))
		return 0;
	return -ENOENT;
}

/* Index of the first of `vas` that is not below `va`. */
static unsigned first_not_below(const uint64_t *vas, unsigned n, uint64_t va)
{
	unsigned lo = 0, hi = n;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (vas[mid] < va)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void elfimg_functions_at(const struct elfimg *img, const uint64_t *vas, unsigned n,
			 struct elfimg_symbol *ret)
{
	const struct elfimg_symtab *t = img->symtab.syms.len ? &img->symtab : &img->dynsym;
	Elf64_Sym sym;

	memset(ret, 0, n * sizeof(*ret));
	for (size_t i = 0; i < t->syms.len / sizeof(sym); i++) {
		if (!function_at(t, i, &sym))
			continue;
		for (unsigned k = first_not_below(vas, n, sym.st_value); k < n; k++) {
			uint64_t into = vas[k] - sym.st_value;
			bool global = ELF64_ST_BIND(sym.st_info) != STB_LOCAL;

			if (into && into >= sym.st_size)
				break;
			if (ret[k].name &&
			    (ret[k].va > sym.st_value || (ret[k].va == sym.st_value && !global)))
				continue;
			(void)symbol_from(t, &sym, &ret[k]);
		}
	}
}
