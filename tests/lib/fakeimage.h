/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ELF files made by hand, byte by byte, for tests that must not depend on a compiler: a Go program
 * of a chosen release and a C program. Small, so that a test can cut and flip every byte of one.
 *
 *   file     address    what
 *   0x0000   -          ELF header, program headers, build id note
 *   0x1000   0x401000   text: the functions, 64 bytes each; Go's text base is 64 bytes further, behind
 *                       C start code
 *   0x2000   0x602000   pclntab
 *   0x2800   0x602800   moduledata
 *   0x2a00   0x602a00   .go.buildinfo, then runtime.buildVersion
 *   0x2b80   0x602b80   FUNCDATA: inline trees
 *   0x2c00   0x602c00   types
 *   0x3000   -          .symtab, .strtab, .shstrtab, section headers
 */
#ifndef DEFERD_TESTS_FAKEIMAGE_H
#define DEFERD_TESTS_FAKEIMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FAKE_LEN       0x3800u
#define FAKE_TEXT_VA   0x401000ull
#define FAKE_TEXT_OFF  0x1000u
#define FAKE_GO_TEXT   (FAKE_TEXT_VA + 64)
#define FAKE_DATA_VA   0x602000ull
#define FAKE_DATA_OFF  0x2000u
#define FAKE_TAB_OFF   0x2000u
#define FAKE_TAB_VA    0x602000ull
#define FAKE_MD_OFF    0x2800u
#define FAKE_INFO_OFF  0x2a00u
#define FAKE_VAR_OFF   0x2a80u
#define FAKE_TREE_OFF  0x2b80u
#define FAKE_TREE_VA   0x602b80ull
#define FAKE_TYPES_OFF 0x2c00u
#define FAKE_TYPES_VA  0x602c00ull
#define FAKE_TYPES_LEN 0x400u
#define FAKE_SYM_OFF   0x3000u
#define FAKE_STR_OFF   0x3200u
#define FAKE_SHSTR_OFF 0x3400u
#define FAKE_SH_OFF    0x3500u
#define FAKE_FUNC_LEN  64u
#define FAKE_BUILD_ID  "00112233445566778899aabbccddeeff"

struct fake_func {
	const char *name;
	uint8_t id; /* funcID */
	const char *code;
	unsigned ncode;
	bool inlines; /* main.helper into bytes 16 to 31, main.deepest through it into 32 to 47 */
};

#define FAKE_CODE(s) s, sizeof(s) - 1

/* cmp 0x10(%r14),%rsp; jbe +0x40; push %rbp; mov %rsp,%rbp */
#define CODE_GO_PUSH FAKE_CODE("\x49\x3b\x66\x10\x76\x3a\x55\x48\x89\xe5")
/* the same with a large frame and the wide jbe: lea -0x28(%rsp),%r12; cmp 0x10(%r14),%r12; jbe;
 * push */
#define CODE_GO_WIDE \
	FAKE_CODE("\x4c\x8d\x64\x24\xd8\x4d\x3b\x66\x10\x0f\x86\x2d\x03\x00\x00\x55\x48\x89\xe5")
/* push %rbp; mov %rsp,%rbp; sub $0x10,%rsp */
#define CODE_GO_NOSPLIT FAKE_CODE("\x55\x48\x89\xe5\x48\x83\xec\x10")

/* the check; push %rbp; mov %rsp,%rbp; a call, 15 bytes on at its end; ret */
#define CODE_GO_PUSH_CALL(rel) FAKE_CODE("\x49\x3b\x66\x10\x76\x3a\x55\x48\x89\xe5\xe8" rel "\xc3")

static const struct fake_func fake_go_funcs[] = {
	{ "runtime.deferproc", 0, CODE_GO_WIDE },
	{ "runtime.deferprocStack", 0, CODE_GO_NOSPLIT },
	{ "runtime.deferreturn", 0, CODE_GO_PUSH },
	{ "runtime.gopanic", 10, CODE_GO_WIDE },
	{ "runtime.recovery", 0, CODE_GO_PUSH },
	{ "runtime.goexit1", 23, CODE_GO_NOSPLIT },
	{ "runtime.goexit1", 0, CODE_GO_PUSH },
	{ "runtime.fatalpanic", 0, CODE_GO_NOSPLIT },
	{ "main.(*server).run", 0, CODE_GO_PUSH },
	{ "main.outer", 0, CODE_GO_PUSH, .inlines = true },
	/* call main.(*server).run, two functions up; ret */
	{ "main.outer.deferwrap1", 23, CODE_GO_PUSH_CALL("\x71\xff\xff\xff") },
	{ "main.outer.deferwrap2", 23, CODE_GO_PUSH, .inlines = true },
	/* call main.outer.deferwrap1, itself a wrapper; two up as well */
	{ "main.outer.deferwrap3", 23, CODE_GO_PUSH_CALL("\x71\xff\xff\xff") },
	/* call *0x18(%rax): of an interface */
	{ "main.outer.deferwrap4", 23, FAKE_CODE("\x55\xff\x50\x18\xe8\x7b\xff\xff\xff") },
};

#define FAKE_GO_RUN   8 /* indexes of those above */
#define FAKE_GO_OUTER 9
#define FAKE_GO_WRAP  10

static const struct fake_func fake_c_funcs[] = {
	/* endbr64; push %rbx; mov %rdi,%rbx */
	{ "defer_push", 0, FAKE_CODE("\xf3\x0f\x1e\xfa\x53\x48\x89\xfb") },
	/* sub $8,%rsp; test %edi,%edi; je +2; nop; nop; add $8,%rsp; ret */
	{ "defer_run", 0,
	  FAKE_CODE("\x48\x83\xec\x08\x85\xff\x74\x02\x90\x90\x48\x83\xc4\x08\xc3") },
	/* mov %rdi,%rax; ret */
	{ "defer_panic", 0, FAKE_CODE("\x48\x89\xf8\xc3") },
};

struct fake_opts {
	unsigned minor;    /* Go release of tables and version text; 0: a C program */
	bool no_sections;  /* no section headers */
	bool no_buildinfo; /* no .go.buildinfo: the version is in runtime.buildVersion only */
	bool no_version;   /* neither */
	bool no_moduledata;
};

struct fake {
	uint8_t b[FAKE_LEN];
	uint32_t functab_off; /* Go: from FAKE_TAB_OFF */
};

static inline void fake_put32(struct fake *f, uint32_t off, uint32_t v)
{
	memcpy(f->b + off, &v, 4);
}

static inline void fake_put64(struct fake *f, uint32_t off, uint64_t v)
{
	memcpy(f->b + off, &v, 8);
}

static inline uint32_t fake_puts(struct fake *f, uint32_t off, const char *s)
{
	memcpy(f->b + off, s, strlen(s) + 1);
	return off + (uint32_t)strlen(s) + 1;
}

/* A pc-value list: `value` over `run` bytes, value + 1 over the same again. */
static inline uint32_t fake_pcvalue(struct fake *f, uint32_t off, unsigned value, unsigned run)
{
	unsigned zigzag = 2 * (value + 1); /* from -1 */

	f->b[off++] = (uint8_t)(zigzag | 0x80);
	f->b[off++] = (uint8_t)(zigzag >> 7 & 0x7f);
	f->b[off++] = (uint8_t)run;
	f->b[off++] = 2; /* + 1 */
	f->b[off++] = (uint8_t)run;
	f->b[off++] = 0;
	return off;
}

/* Own code up to 16, then the inline tree's entries 0 and 1, then own code again. */
static inline uint32_t fake_pcinline(struct fake *f, uint32_t off)
{
	static const uint8_t steps[] = { 0, 16, 2, 16, 2, 16, 3, 16, 0 };

	memcpy(f->b + off, steps, sizeof(steps));
	return off + sizeof(steps);
}

/* {name, parentPc} of main.helper, called at 8, and of main.deepest, called at 20. */
static inline void fake_tree(struct fake *f, unsigned minor, uint32_t helper, uint32_t deepest)
{
	unsigned len = minor >= 20 ? 16 : 20, name = minor >= 20 ? 4 : 12;

	fake_put32(f, FAKE_TREE_OFF + name, helper);
	fake_put32(f, FAKE_TREE_OFF + name + 4, 8);
	fake_put32(f, FAKE_TREE_OFF + len + name, deepest);
	fake_put32(f, FAKE_TREE_OFF + len + name + 4, 20);
}

/* Function i is in file i of its unit ("file0.go" ...), at line 100 + 10 * i, and one further in
 * its second half. */
static inline void fake_pclntab(struct fake *f, unsigned minor, const struct fake_func *funcs,
				unsigned n)
{
	bool has_start_line = minor >= 20;
	uint32_t at = FAKE_TAB_OFF + 72, func_len = (has_start_line ? 44 : 40) + 4;
	uint32_t name_at[32], file_at[32], pcfile[32], pcln[32], names, cu, files, pctab, functab;
	uint32_t pcinline, inlined_at[2];
	char file[32];

	names = at;
	for (unsigned i = 0; i < n; i++) {
		name_at[i] = at - names;
		if (i && !strcmp(funcs[i].name, funcs[i - 1].name))
			name_at[i] = name_at[i - 1];
		else
			at = fake_puts(f, at, funcs[i].name);
	}
	inlined_at[0] = at - names;
	at = fake_puts(f, at, "main.helper");
	inlined_at[1] = at - names;
	at = fake_puts(f, at, "main.deepest");
	fake_tree(f, minor, inlined_at[0], inlined_at[1]);
	cu = at = (at + 3) & ~3u;
	files = at + 4 * (n + 1);
	at = files;
	for (unsigned i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "file%u.go", i);
		file_at[i] = at - files;
		at = fake_puts(f, at, file);
	}
	for (unsigned i = 0; i <= n; i++) /* the unit begins at entry 1 */
		fake_put32(f, cu + 4 * i, i ? file_at[i - 1] : 0xffffffffu);
	pctab = at;
	at += 1; /* offset 0 means "no table" */
	for (unsigned i = 0; i < n; i++) {
		pcfile[i] = at - pctab;
		f->b[at++] = (uint8_t)(2 * (i + 1));
		f->b[at++] = FAKE_FUNC_LEN;
		f->b[at++] = 0;
		pcln[i] = at - pctab;
		at = fake_pcvalue(f, at, 100 + 10 * i, FAKE_FUNC_LEN / 2);
	}
	pcinline = at - pctab;
	at = fake_pcinline(f, at);
	functab = at = (at + 7) & ~7u;
	f->functab_off = functab - FAKE_TAB_OFF;
	at += 8 * n + 8;
	for (unsigned i = 0; i < n; i++) {
		uint32_t id = at + (has_start_line ? 40 : 36);

		fake_put32(f, functab + 8 * i, FAKE_FUNC_LEN * i);
		fake_put32(f, functab + 8 * i + 4, at - functab);
		fake_put32(f, at, FAKE_FUNC_LEN * i);
		fake_put32(f, at + 4, name_at[i]);
		fake_put32(f, at + 20, pcfile[i]);
		fake_put32(f, at + 24, pcln[i]);
		fake_put32(f, at + 32, 1);
		f->b[id] = funcs[i].id;
		at += func_len;
		if (!funcs[i].inlines)
			continue;
		fake_put32(f, at - func_len + 28, 3); /* npcdata */
		f->b[id + 3] = 4;                     /* nfuncdata */
		fake_put32(f, at + 4, pcinline);      /* func_len counts a word too many */
		for (unsigned k = 0; k < 3; k++)
			fake_put32(f, at + 8 + 4 * k, 0xffffffffu);
		fake_put32(f, at + 20, 0); /* from FAKE_TREE_OFF */
		at += 24;
	}
	fake_put32(f, functab + 8 * n, FAKE_FUNC_LEN * n);
	fake_put32(f, FAKE_TAB_OFF, has_start_line ? 0xfffffff1u : 0xfffffff0u);
	f->b[FAKE_TAB_OFF + 6] = 1;
	f->b[FAKE_TAB_OFF + 7] = 8;
	fake_put64(f, FAKE_TAB_OFF + 8, n);
	fake_put64(f, FAKE_TAB_OFF + 16, n);
	fake_put64(f, FAKE_TAB_OFF + 24, minor >= 26 ? 0 : FAKE_GO_TEXT);
	fake_put64(f, FAKE_TAB_OFF + 32, names - FAKE_TAB_OFF);
	fake_put64(f, FAKE_TAB_OFF + 40, cu - FAKE_TAB_OFF);
	fake_put64(f, FAKE_TAB_OFF + 48, files - FAKE_TAB_OFF);
	fake_put64(f, FAKE_TAB_OFF + 56, pctab - FAKE_TAB_OFF);
	fake_put64(f, FAKE_TAB_OFF + 64, functab - FAKE_TAB_OFF);
}

static inline void fake_moduledata(struct fake *f, unsigned minor, unsigned n)
{
	unsigned types = minor >= 20 ? 296 : 280, etypes = minor >= 27 ? 312 : types + 8;
	unsigned gofunc = minor >= 27 ? 344 : types + 24;

	fake_put64(f, FAKE_MD_OFF, FAKE_TAB_VA);
	fake_put64(f, FAKE_MD_OFF + 8, FAKE_TAB_VA + 72);
	fake_put64(f, FAKE_MD_OFF + 160, FAKE_GO_TEXT);
	fake_put64(f, FAKE_MD_OFF + 168, FAKE_GO_TEXT + FAKE_FUNC_LEN * n);
	fake_put64(f, FAKE_MD_OFF + 176, FAKE_GO_TEXT);
	fake_put64(f, FAKE_MD_OFF + 184, FAKE_GO_TEXT + FAKE_FUNC_LEN * n);
	fake_put64(f, FAKE_MD_OFF + types, FAKE_TYPES_VA);
	fake_put64(f, FAKE_MD_OFF + etypes, FAKE_TYPES_VA + FAKE_TYPES_LEN);
	fake_put64(f, FAKE_MD_OFF + gofunc, FAKE_TREE_VA);
}

/* Where the descriptors lie, from FAKE_TYPES_OFF; each begins with the 48 bytes that all have. */
enum {
	FAKE_TYPE_STRING = 0x00,  /* string */
	FAKE_TYPE_CODE = 0x40,    /* main.code, an int32 */
	FAKE_TYPE_ERROR = 0x80,   /* errors.errorString */
	FAKE_TYPE_PERROR = 0x100, /* *errors.errorString; it has an Error() */
	FAKE_TYPE_WORD = 0x180,   /* main.word, a string */
	FAKE_TYPE_STATUS = 0x1c0, /* main.status, an int32 that has an Error() */
	FAKE_TYPE_PINT = 0x200,   /* *main.code */
	FAKE_TYPE_PAIR = 0x240,   /* main.pair, a struct */
	FAKE_TYPE_METHOD = 0x2c0, /* a list of one method */
	FAKE_TYPE_NAMES = 0x300,
};

static inline uint32_t fake_name(struct fake *f, const char *name, uint32_t *names)
{
	uint32_t at = *names;

	f->b[FAKE_TYPES_OFF + (*names)++] = 1;
	f->b[FAKE_TYPES_OFF + (*names)++] = (uint8_t)strlen(name);
	memcpy(f->b + FAKE_TYPES_OFF + *names, name, strlen(name));
	*names += (uint32_t)strlen(name);
	return at;
}

static inline void fake_type(struct fake *f, unsigned minor, uint32_t off, unsigned kind,
			     const char *name, bool star, uint32_t *names)
{
	bool direct = kind == 22;

	f->b[FAKE_TYPES_OFF + off + 20] =
		(uint8_t)((star ? 2 : 0) | (direct && minor >= 26 ? 32 : 0));
	f->b[FAKE_TYPES_OFF + off + 23] = (uint8_t)(kind | (direct && minor < 26 ? 32 : 0));
	fake_put32(f, FAKE_TYPES_OFF + off + 40, fake_name(f, name, names));
}

/* `at` bytes into a type: its package, and its methods, of which there are none or one. */
static inline void fake_uncommon(struct fake *f, uint32_t off, uint32_t at, uint32_t package,
				 unsigned methods)
{
	f->b[FAKE_TYPES_OFF + off + 20] |= 1;
	fake_put32(f, FAKE_TYPES_OFF + off + at, package);
	fake_put32(f, FAKE_TYPES_OFF + off + at + 4, methods);
	fake_put32(f, FAKE_TYPES_OFF + off + at + 8, FAKE_TYPE_METHOD - (off + at));
}

static inline void fake_types(struct fake *f, unsigned minor)
{
	uint32_t names = FAKE_TYPE_NAMES, errors, program;

	errors = fake_name(f, "errors", &names);
	program = fake_name(f, "main", &names);
	fake_put32(f, FAKE_TYPES_OFF + FAKE_TYPE_METHOD, fake_name(f, "Error", &names));
	fake_type(f, minor, FAKE_TYPE_STRING, 24, "*string", true, &names);
	fake_type(f, minor, FAKE_TYPE_CODE, 5, "*main.code", true, &names);
	fake_type(f, minor, FAKE_TYPE_ERROR, 25, "*errors.errorString", true, &names);
	fake_type(f, minor, FAKE_TYPE_PERROR, 22, "*errors.errorString", false, &names);
	fake_type(f, minor, FAKE_TYPE_WORD, 24, "main.word", false, &names);
	fake_type(f, minor, FAKE_TYPE_STATUS, 5, "main.status", false, &names);
	fake_type(f, minor, FAKE_TYPE_PINT, 22, "*main.code", false, &names);
	fake_type(f, minor, FAKE_TYPE_PAIR, 25, "main.pair", false, &names);
	fake_uncommon(f, FAKE_TYPE_STRING, 48, 0, 0);
	fake_uncommon(f, FAKE_TYPE_CODE, 48, program, 0);
	fake_uncommon(f, FAKE_TYPE_ERROR, 80, errors, 0);
	fake_uncommon(f, FAKE_TYPE_PERROR, 56, errors, 1);
	fake_uncommon(f, FAKE_TYPE_WORD, 48, program, 0);
	fake_uncommon(f, FAKE_TYPE_STATUS, 48, program, 1);
	fake_uncommon(f, FAKE_TYPE_PAIR, 80, program, 0);
}

static inline void fake_version(struct fake *f, const struct fake_opts *o)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "go1.%u.3", o->minor);

	if (!o->no_buildinfo) {
		memcpy(f->b + FAKE_INFO_OFF, "\xff Go buildinf:\x08\x02", 16);
		f->b[FAKE_INFO_OFF + 32] = (uint8_t)n;
		memcpy(f->b + FAKE_INFO_OFF + 33, text, (size_t)n);
	}
	fake_put64(f, FAKE_VAR_OFF, FAKE_DATA_VA + FAKE_VAR_OFF + 16 - FAKE_DATA_OFF);
	fake_put64(f, FAKE_VAR_OFF + 8, (uint64_t)n);
	memcpy(f->b + FAKE_VAR_OFF + 16, text, (size_t)n + 1);
}

static inline void fake_section(struct fake *f, unsigned i, uint32_t *names, const char *name,
				Elf64_Shdr sh)
{
	sh.sh_name = *names - FAKE_SHSTR_OFF;
	*names = fake_puts(f, *names, name);
	memcpy(f->b + FAKE_SH_OFF + i * sizeof(sh), &sh, sizeof(sh));
}

static inline void fake_sections(struct fake *f, const struct fake_opts *o,
				 const struct fake_func *funcs, unsigned n, uint64_t text)
{
	uint32_t names = FAKE_SHSTR_OFF + 1, str = FAKE_STR_OFF + 1,
		 sym = FAKE_SYM_OFF + sizeof(Elf64_Sym);
	bool go = o->minor != 0;

	for (unsigned i = 0; i < n && !go; i++, sym += sizeof(Elf64_Sym)) {
		Elf64_Sym s = { .st_name = str - FAKE_STR_OFF,
				.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
				.st_shndx = 1,
				.st_value = text + FAKE_FUNC_LEN * i,
				.st_size = FAKE_FUNC_LEN };

		str = fake_puts(f, str, funcs[i].name);
		memcpy(f->b + sym, &s, sizeof(s));
	}
	fake_section(f, 1, &names, ".text",
		     (Elf64_Shdr){ .sh_type = SHT_PROGBITS,
				   .sh_addr = FAKE_TEXT_VA,
				   .sh_offset = FAKE_TEXT_OFF,
				   .sh_size = 0x1000 });
	fake_section(f, 2, &names, go ? ".gopclntab" : ".data",
		     (Elf64_Shdr){ .sh_type = SHT_PROGBITS,
				   .sh_addr = FAKE_TAB_VA,
				   .sh_offset = FAKE_TAB_OFF,
				   .sh_size = FAKE_MD_OFF - FAKE_TAB_OFF });
	fake_section(f, 3, &names,
		     go && !o->no_buildinfo && !o->no_version ? ".go.buildinfo" : ".data.2",
		     (Elf64_Shdr){ .sh_type = SHT_PROGBITS,
				   .sh_addr = FAKE_DATA_VA + FAKE_INFO_OFF - FAKE_DATA_OFF,
				   .sh_offset = FAKE_INFO_OFF,
				   .sh_size = 0x80 });
	fake_section(f, 4, &names, ".symtab",
		     (Elf64_Shdr){ .sh_type = SHT_SYMTAB,
				   .sh_offset = FAKE_SYM_OFF,
				   .sh_size = sym - FAKE_SYM_OFF,
				   .sh_link = 5,
				   .sh_entsize = sizeof(Elf64_Sym) });
	fake_section(f, 5, &names, ".strtab",
		     (Elf64_Shdr){ .sh_type = SHT_STRTAB,
				   .sh_offset = FAKE_STR_OFF,
				   .sh_size = str - FAKE_STR_OFF });
	fake_section(f, 6, &names, ".shstrtab",
		     (Elf64_Shdr){ .sh_type = SHT_STRTAB,
				   .sh_offset = FAKE_SHSTR_OFF,
				   .sh_size = 0x100 });
}

static inline void fake_headers(struct fake *f, bool sections)
{
	Elf64_Ehdr eh = { .e_type = ET_EXEC,
			  .e_machine = EM_X86_64,
			  .e_version = EV_CURRENT,
			  .e_entry = FAKE_TEXT_VA,
			  .e_phoff = sizeof(eh),
			  .e_ehsize = sizeof(eh),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 3,
			  .e_shentsize = sizeof(Elf64_Shdr) };
	Elf64_Phdr ph[3] = {
		{ .p_type = PT_NOTE,
		  .p_flags = PF_R,
		  .p_offset = 0x200,
		  .p_filesz = 32,
		  .p_memsz = 32 },
		{ .p_type = PT_LOAD,
		  .p_flags = PF_R | PF_X,
		  .p_offset = FAKE_TEXT_OFF,
		  .p_vaddr = FAKE_TEXT_VA,
		  .p_filesz = 0x1000,
		  .p_memsz = 0x1000 },
		{ .p_type = PT_LOAD,
		  .p_flags = PF_R | PF_W,
		  .p_offset = FAKE_DATA_OFF,
		  .p_vaddr = FAKE_DATA_VA,
		  .p_filesz = FAKE_SYM_OFF - FAKE_DATA_OFF,
		  .p_memsz = 0x2000 },
	};

	memcpy(eh.e_ident, ELFMAG "\x02\x01\x01", 7);
	if (sections) {
		eh.e_shoff = FAKE_SH_OFF;
		eh.e_shnum = 7;
		eh.e_shstrndx = 6;
	}
	memcpy(f->b, &eh, sizeof(eh));
	memcpy(f->b + sizeof(eh), ph, sizeof(ph));
	memcpy(f->b + 0x200, "\x04\0\0\0\x10\0\0\0\x03\0\0\0GNU\0", 16);
	for (unsigned i = 0; i < 16; i++)
		f->b[0x210 + i] = (uint8_t)(0x11 * i);
}

static inline void fake_make(struct fake *f, const struct fake_opts *o)
{
	bool go = o->minor != 0;
	const struct fake_func *funcs = go ? fake_go_funcs : fake_c_funcs;
	unsigned n = go ? sizeof(fake_go_funcs) / sizeof(fake_go_funcs[0])
			: sizeof(fake_c_funcs) / sizeof(fake_c_funcs[0]);
	uint64_t text = go ? FAKE_GO_TEXT : FAKE_TEXT_VA;

	memset(f, 0, sizeof(*f));
	fake_headers(f, !o->no_sections);
	memset(f->b + FAKE_TEXT_OFF, 0xcc, 0x1000);
	for (unsigned i = 0; i < n; i++)
		memcpy(f->b + (text - FAKE_TEXT_VA) + FAKE_TEXT_OFF + i * FAKE_FUNC_LEN,
		       funcs[i].code, funcs[i].ncode);
	if (go) {
		fake_pclntab(f, o->minor, funcs, n);
		fake_types(f, o->minor);
		if (!o->no_moduledata)
			fake_moduledata(f, o->minor, n);
		if (!o->no_version)
			fake_version(f, o);
	}
	if (!o->no_sections)
		fake_sections(f, o, funcs, n, text);
}

#endif
