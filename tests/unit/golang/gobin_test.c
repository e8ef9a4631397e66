// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The front door, on images made by hand and on real programs of each Go at hand: names and
 * addresses are compared with `go tool nm`, lines with `go tool addr2line`, the stripped build with
 * the full one.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "fakeimage.h"
#include "gofixture.h"
#include "golang/gobin.h"
#include "golang/goname.h"

#define NFUNCS       ARRAY_SIZE(fake_go_funcs)
#define COMPARED_MIN 400 /* functions and lines that a real program must have agreed on */

static struct gofixture gos[GOFIXTURE_GOS_MAX];
static unsigned ngos;

static int open_fake(struct fake *f, const struct fake_opts *o, struct elfimg *img, struct gobin *g)
{
	fake_make(f, o);
	assert_int_equal(elfimg_init(img, f->b, sizeof(f->b), NULL), 0);
	return gobin_init(g, img, NULL);
}

static void opens_or_says_why(void **state)
{
	static const struct {
		struct fake_opts opts;
		int want;
	} cases[] = {
		{ { .minor = 0 }, -ENOENT },
		{ { .minor = 0, .no_sections = true }, -ENOENT },
		{ { .minor = 18 }, 0 },
		{ { .minor = 19 }, 0 },
		{ { .minor = 20 }, 0 },
		{ { .minor = 25, .no_moduledata = true },
		  0 }, /* the header has the text base, too */
		{ { .minor = 26 }, 0 },
		{ { .minor = 26, .no_moduledata = true }, -EBADMSG },
		{ { .minor = 26, .no_sections = true }, 0 },
		{ { .minor = 26, .no_version = true }, 0 },
		{ { .minor = 99 }, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct fake_opts *o = &cases[i].opts;
		struct gobin_place p;
		struct elfimg img;
		struct gobin g;
		struct fake f;

		assert_int_equal(open_fake(&f, o, &img, &g), cases[i].want);
		if (cases[i].want)
			continue;
		assert_int_equal(g.text, FAKE_GO_TEXT);
		assert_int_equal(g.version.minor, o->no_version ? 0 : o->minor);
		assert_int_equal(g.has_layout, g.version.minor >= 19);
		assert_int_equal(g.has_moduledata, !o->no_moduledata);
		assert_int_equal(gobin_place(&g, FAKE_GO_TEXT + 8 * FAKE_FUNC_LEN + 40, &p), 0);
		assert_string_equal(p.function, "main.(*server).run");
		assert_string_equal(p.file, "file8.go");
		assert_int_equal(p.line, 181);
		assert_int_equal(p.entry, FAKE_GO_TEXT + 8 * FAKE_FUNC_LEN);
		assert_int_equal(gobin_place(&g, FAKE_GO_TEXT - 1, &p), -ENOENT);
		assert_int_equal(gobin_place(&g, 0, &p), -ENOENT);
		assert_int_equal(gobin_place(&g, UINT64_MAX, &p), -ENOENT);
	}
}

static void broken_tables(void **state)
{
	static const struct {
		uint32_t off;
		uint64_t value;
		unsigned minor;
		int want;
	} cases[] = {
		{ FAKE_TAB_OFF, 0, 26, -EBADMSG }, /* no header where .gopclntab is */
		{ FAKE_TAB_OFF, 0, 16, -ENOTSUP },
		{ FAKE_TAB_OFF, 0x08010000fffffffa, 16, -ENOTSUP },
		{ FAKE_TAB_OFF + 8, UINT64_MAX, 26, -EBADMSG },
		{ FAKE_MD_OFF + 176, 0x1000, 26, -EBADMSG }, /* text is not minpc */
		{ FAKE_TAB_OFF + 24, 0, 25, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reason why = { 0 };
		struct elfimg img;
		struct gobin g;
		struct fake f;

		fake_make(&f, &(struct fake_opts){ .minor = cases[i].minor });
		fake_put64(&f, cases[i].off, cases[i].value);
		assert_int_equal(elfimg_init(&img, f.b, sizeof(f.b), NULL), 0);
		assert_int_equal(gobin_init(&g, &img, &why), cases[i].want);
		if (cases[i].want)
			assert_true(strlen(why.text) > 10);
	}
}

/* lld leaves zeros where the loader will write: only the relocations name moduledata's words then.
 */
static void relocated_moduledata(void **state)
{
	static const unsigned words[] = { 0, 8, 160, 168, 176, 184, 296, 304, 320 };
	uint32_t rela = FAKE_STR_OFF, names = FAKE_SHSTR_OFF + 0xc0;
	struct elfimg img;
	struct gobin g;
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		Elf64_Rela r = { .r_offset = FAKE_DATA_VA + FAKE_MD_OFF - FAKE_DATA_OFF + words[i],
				 .r_info = ELF64_R_INFO(0, R_X86_64_RELATIVE) };

		memcpy(&r.r_addend, f.b + FAKE_MD_OFF + words[i], 8);
		memcpy(f.b + rela + i * sizeof(r), &r, sizeof(r));
		fake_put64(&f, FAKE_MD_OFF + words[i], 0);
	}
	fake_section(&f, 4, &names, ".rela.dyn",
		     (Elf64_Shdr){ .sh_type = SHT_RELA,
				   .sh_offset = rela,
				   .sh_size = ARRAY_SIZE(words) * sizeof(Elf64_Rela) });
	assert_int_equal(elfimg_init(&img, f.b, sizeof(f.b), NULL), 0);
	assert_int_equal(gobin_init(&g, &img, NULL), 0);
	assert_int_equal(g.text, FAKE_GO_TEXT);
	assert_int_equal(g.moduledata.types, FAKE_TYPES_VA);
	assert_int_equal(g.moduledata.etypes, FAKE_TYPES_VA + FAKE_TYPES_LEN);
	assert_int_equal(g.moduledata.gofunc, FAKE_TREE_VA);
}

/* A PIE linked externally: no section is named for the table, but .noptrdata has the moduledata. With
 * that damaged, and with no sections at all, the table is found by looking everywhere. */
static void unnamed_table(void **state)
{
	static const struct {
		uint32_t off;
		uint64_t value;
		uint64_t table;
	} cases[] = {
		{ FAKE_MD_OFF + 168, 1, FAKE_TAB_VA },
		{ FAKE_MD_OFF, FAKE_TAB_VA + 8, 0 },
		{ FAKE_MD_OFF + 8, FAKE_TAB_VA + 80, 0 },
		{ FAKE_MD_OFF + 8, FAKE_TAB_VA - 1, 0 },
		{ FAKE_TAB_OFF + 32, 80, 0 },
		{ FAKE_MD_OFF, UINT64_MAX - 71, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t names = FAKE_SHSTR_OFF + 0xc0;
		struct elfimg img;
		struct gobin g;
		struct fake f;

		fake_make(&f, &(struct fake_opts){ .minor = 25 });
		fake_section(&f, 2, &names, ".noptrdata",
			     (Elf64_Shdr){ .sh_type = SHT_PROGBITS,
					   .sh_addr = FAKE_DATA_VA + FAKE_MD_OFF - FAKE_DATA_OFF,
					   .sh_offset = FAKE_MD_OFF,
					   .sh_size = FAKE_INFO_OFF - FAKE_MD_OFF });
		fake_put64(&f, cases[i].off, cases[i].value);
		assert_int_equal(elfimg_init(&img, f.b, sizeof(f.b), NULL), 0);
		assert_int_equal(moduledata_table(&img), cases[i].table);
		assert_int_equal(gobin_init(&g, &img, NULL), 0);
		assert_int_equal(g.tab_va, FAKE_TAB_VA);
	}
}

static void cut_anywhere(void **state)
{
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	for (size_t len = FAKE_TEXT_OFF; len <= sizeof(f.b); len += 7) {
		struct gobin_place p;
		struct gobin_func fn;
		struct elfimg img;
		struct gobin g;

		if (elfimg_init(&img, f.b, len, NULL) < 0 || gobin_init(&g, &img, NULL) < 0)
			continue;
		(void)gobin_function(&g, "runtime.gopanic", &fn);
		(void)gobin_place(&g, FAKE_GO_TEXT + 100, &p);
	}
}

static void names_the_right_goexit1(void **state)
{
	struct gobin_func fn;
	struct elfimg img;
	struct gobin g;
	struct fake f;

	assert_int_equal(open_fake(&f, &(struct fake_opts){ .minor = 26 }, &img, &g), 0);
	assert_int_equal(gobin_function(&g, "runtime.goexit1", &fn), 0);
	assert_int_equal(fn.va, FAKE_GO_TEXT + 6 * FAKE_FUNC_LEN);
	assert_int_equal(fn.size, FAKE_FUNC_LEN);
	assert_int_equal(gobin_function(&g, "main.nowhere", &fn), -ENOENT);
}

#define OUTER_VA (FAKE_GO_TEXT + FAKE_GO_OUTER * FAKE_FUNC_LEN)

/* Own code, one level, two levels, own code again; and the formats of both ages. */
static void expands_inlined_calls(void **state)
{
	static const unsigned minors[] = { 19, 21, 26, 27 };
	static const struct {
		unsigned pc, n;
		struct {
			const char *function;
			unsigned line;
		} frames[3];
	} cases[] = {
		{ 0, 1, { { "main.outer", 190 } } },
		{ 15, 1, { { "main.outer", 190 } } },
		{ 16, 2, { { "main.helper", 190 }, { "main.outer", 190 } } },
		{ 32,
		  3,
		  { { "main.deepest", 191 }, { "main.helper", 190 }, { "main.outer", 190 } } },
		{ 47,
		  3,
		  { { "main.deepest", 191 }, { "main.helper", 190 }, { "main.outer", 190 } } },
		{ 48, 1, { { "main.outer", 191 } } },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(minors) * ARRAY_SIZE(cases); i++) {
		unsigned c = i % ARRAY_SIZE(cases);
		struct gobin_place p[GOBIN_INLINE_MAX], first;
		struct elfimg img;
		struct gobin g;
		struct fake f;

		assert_int_equal(
			open_fake(&f, &(struct fake_opts){ .minor = minors[i / ARRAY_SIZE(cases)] },
				  &img, &g),
			0);
		assert_int_equal(gobin_frames(&g, OUTER_VA + cases[c].pc, p, GOBIN_INLINE_MAX),
				 cases[c].n);
		for (unsigned k = 0; k < cases[c].n; k++) {
			assert_string_equal(p[k].function, cases[c].frames[k].function);
			assert_string_equal(p[k].file, "file9.go");
			assert_int_equal(p[k].line, cases[c].frames[k].line);
			assert_int_equal(p[k].entry, OUTER_VA);
			assert_false(p[k].wrapper);
		}
		assert_int_equal(gobin_place(&g, OUTER_VA + cases[c].pc, &first), 0);
		assert_memory_equal(&first, &p[0], sizeof(first));
	}
}

/* With too little room the function of the table still comes last. */
static void expands_into_little_room(void **state)
{
	struct gobin_place p[2];
	struct elfimg img;
	struct gobin g;
	struct fake f;

	assert_int_equal(open_fake(&f, &(struct fake_opts){ .minor = 26 }, &img, &g), 0);
	assert_int_equal(gobin_frames(&g, OUTER_VA + 40, p, 2), 2);
	assert_string_equal(p[0].function, "main.deepest");
	assert_string_equal(p[1].function, "main.outer");
	assert_int_equal(p[1].line, 190);
	assert_int_equal(gobin_frames(&g, OUTER_VA + 40, p, 1), 1);
	assert_string_equal(p[0].function, "main.outer");
	assert_int_equal(gobin_frames(&g, FAKE_GO_TEXT - 1, p, 2), -ENOENT);
}

/* Whatever the tree says, the function of the table is known, with the line of the instruction. */
static void survives_bad_trees(void **state)
{
	static const struct {
		uint32_t off; /* from FAKE_TREE_OFF */
		uint32_t value;
	} cases[] = {
		{ 16 + 4, 0x7fffffff },                    /* a name outside */
		{ 16 + 4, 0xffffffff },    { 16 + 8, 40 }, /* its own parent */
		{ 16 + 8, FAKE_FUNC_LEN },                 /* a parent outside of the function */
		{ 16 + 8, 0xffffffff },    { 8, 40 },      /* a ring of two */
		{ 8, 0x80000000 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gobin_place p[GOBIN_INLINE_MAX];
		struct elfimg img;
		struct gobin g;
		struct fake f;

		assert_int_equal(open_fake(&f, &(struct fake_opts){ .minor = 26 }, &img, &g), 0);
		fake_put32(&f, FAKE_TREE_OFF + cases[i].off, cases[i].value);
		assert_int_equal(gobin_frames(&g, OUTER_VA + 40, p, GOBIN_INLINE_MAX), 1);
		assert_string_equal(p[0].function, "main.outer");
		assert_int_equal(p[0].line, 191);
	}
	for (unsigned i = 0; i < 2; i++) { /* the tree out of reach; nobody knows where */
		struct gobin_place p[GOBIN_INLINE_MAX];
		struct elfimg img;
		struct gobin g;
		struct fake f;

		fake_make(&f, &(struct fake_opts){ .minor = i ? 18 : 26 });
		fake_put64(&f, FAKE_MD_OFF + 320, UINT64_MAX - 7);
		assert_int_equal(elfimg_init(&img, f.b, sizeof(f.b), NULL), 0);
		assert_int_equal(gobin_init(&g, &img, NULL), 0);
		assert_int_equal(gobin_frames(&g, OUTER_VA + 40, p, GOBIN_INLINE_MAX), 1);
		assert_string_equal(p[0].function, "main.outer");
		assert_int_equal(p[0].line, 191);
	}
}

static void sees_through_wrappers(void **state)
{
	static const struct {
		unsigned func;
		const char *callee;
		unsigned entry, line;
		bool wrapper;
	} cases[] = {
		{ FAKE_GO_RUN, "main.(*server).run", FAKE_GO_RUN, 180, false },
		{ FAKE_GO_WRAP, "main.(*server).run", FAKE_GO_RUN, 180, false },
		{ FAKE_GO_WRAP + 1, "main.helper", FAKE_GO_WRAP + 1, 210, false },
		{ FAKE_GO_WRAP + 2, "main.(*server).run", FAKE_GO_RUN, 180, false },
		{ FAKE_GO_WRAP + 3, "main.outer.deferwrap4", FAKE_GO_WRAP + 3, 230, true },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gobin_place p;
		struct elfimg img;
		struct gobin g;
		struct fake f;

		assert_int_equal(open_fake(&f, &(struct fake_opts){ .minor = 26 }, &img, &g), 0);
		assert_int_equal(gobin_callee(&g, FAKE_GO_TEXT + FAKE_FUNC_LEN * cases[i].func, &p),
				 0);
		assert_string_equal(p.function, cases[i].callee);
		assert_int_equal(p.entry, FAKE_GO_TEXT + FAKE_FUNC_LEN * cases[i].entry);
		assert_int_equal(p.line, cases[i].line);
		assert_int_equal(p.wrapper, cases[i].wrapper);
		assert_int_equal(gobin_callee(&g, FAKE_GO_TEXT - 1, &p), -ENOENT);
	}
}

/* A wrapper that calls itself ends after a few rounds. */
static void wrapper_around_itself(void **state)
{
	struct gobin_place p;
	struct elfimg img;
	struct gobin g;
	struct fake f;

	assert_int_equal(open_fake(&f, &(struct fake_opts){ .minor = 26 }, &img, &g), 0);
	fake_put32(&f,
		   FAKE_TEXT_OFF + (uint32_t)(FAKE_GO_TEXT - FAKE_TEXT_VA) +
			   FAKE_GO_WRAP * FAKE_FUNC_LEN + 11,
		   (uint32_t)-15);
	assert_int_equal(gobin_callee(&g, FAKE_GO_TEXT + FAKE_FUNC_LEN * FAKE_GO_WRAP, &p), 0);
	assert_string_equal(p.function, "main.outer.deferwrap1");
}

static void need_go(unsigned *n)
{
	*n = ngos;
	if (ngos)
		return;
	print_message("# no Go at hand: real programs are not compared\n");
	skip();
}

static void open_real(const struct gofixture *go, const char *variant, const char *flags,
		      struct gofile *file, struct elfimg *img, struct gobin *g)
{
	char path[PATH_MAX];

	assert_true(gofixture_build(go, variant, flags, path));
	assert_true(gofile_open(path, file));
	assert_int_equal(elfimg_init(img, file->p, file->len, NULL), 0);
	assert_int_equal(gobin_init(g, img, NULL), 0);
	assert_string_equal(g->version.text, go->version);
}

/* go tool nm prints "  43bb60 T runtime.gopanic". The linker gives some functions a suffix that
 * pclntab leaves out. */
static void agrees_with_nm(void **state)
{
	static const char *const variants[][2] = { { "exe", "" }, { "pie", "-buildmode=pie" } };
	unsigned n;

	need_go(&n);
	for (unsigned i = 0; i < 2 * n; i++) {
		const char *const *variant = variants[i / n];
		char path[PATH_MAX], cmd[8 * PATH_MAX], kind, name[512];
		unsigned long long va;
		unsigned same = 0;
		struct gofile file;
		struct elfimg img;
		struct gobin g;
		FILE *p;

		if (!gofixture_wanted(gos, n, i % n, variant[0]))
			continue;
		open_real(&gos[i % n], variant[0], variant[1], &file, &img, &g);
		assert_true(gofixture_build(&gos[i % n], variant[0], variant[1], path));
		snprintf(cmd, sizeof(cmd), "GOTOOLCHAIN=local %s tool nm %s", gos[i % n].go, path);
		p = popen(cmd, "r");
		assert_non_null(p);
		while (fscanf(p, "%llx %c %511[^\n]", &va, &kind, name) == 3) {
			struct gobin_place place;
			struct gobin_func fn;
			char *abi = strstr(name, ".abi");

			if (kind != 'T' && kind != 't')
				continue;
			if (abi && strlen(abi) == 5)
				*abi = 0;
			if (gobin_place(&g, va, &place) < 0 || place.entry != va)
				continue; /* runtime.text, runtime.etext: marks, not functions */
			if (strcmp(place.function, name) != 0)
				continue; /* generics: nm has the shape types, the runtime "[...]"
					   */
			same++;
			if (abi)
				continue;
			assert_int_equal(gobin_function(&g, name, &fn), 0);
			assert_string_equal(fn.name, name);
		}
		pclose(p);
		gofile_close(&file);
		assert_true(same > COMPARED_MIN);
	}
}

/* `sub $N,%rsp` behind `push %rbp; mov %rsp,%rbp` in the first bytes; 0: none. */
static uint32_t room_made(struct bytes code, uint64_t *ret_at)
{
	static const uint8_t frame[] = { 0x55, 0x48, 0x89, 0xe5, 0x48 };

	for (uint64_t i = 0; i < 40 && bytes_has(code, i, 12); i++) {
		const uint8_t *p = code.p + i;

		if (memcmp(p, frame, sizeof(frame)) || p[6] != 0xec)
			continue;
		*ret_at = i + (p[5] == 0x83 ? 8 : 11);
		if (p[5] == 0x83)
			return p[7];
		return p[5] == 0x81 ? le32_at(p + 7) : 0;
	}
	return 0;
}

/* The table of stack pointers against the code: nothing at the entry, what was pushed and subtracted behind it. */
static void frames_are_those_of_the_code(void **state)
{
	unsigned n;

	need_go(&n);
	for (unsigned i = 0; i < n; i++) {
		unsigned compared = 0;
		struct gofile file;
		struct elfimg img;
		struct gobin g;

		open_real(&gos[i], "exe", "", &file, &img, &g);
		for (uint32_t k = 0; k < g.tab.nfunc; k++) {
			uint64_t at = 0;
			uint32_t frame = 77, room;
			struct go_func f;

			assert_int_equal(pclntab_func(&g.tab, k, &f), 0);
			if (pclntab_frame(&g.tab, &f, f.entry, &frame) == 0)
				assert_int_equal(frame, 0);
			assert_int_equal(pclntab_frame(&g.tab, &f, f.end, &frame), -ENOENT);
			room = room_made(elfimg_at(&img, g.text + f.entry), &at);
			if (!room || f.entry + at >= f.end)
				continue;
			assert_int_equal(pclntab_frame(&g.tab, &f, f.entry + at, &frame), 0);
			assert_int_equal(frame, room + 8);
			compared++;
		}
		if (gos[i].minor >= 21) /* older ones make their frames otherwise */
			assert_true(compared > COMPARED_MIN);
		gofile_close(&file);
	}
}

struct sample {
	uint64_t va;
	struct gobin_place place;
};

static unsigned take_samples(const struct gobin *g, struct sample *ret, unsigned max)
{
	uint32_t step = g->tab.nfunc / max + 1;
	unsigned n = 0;

	for (uint32_t i = 0; i < g->tab.nfunc && n < max; i += step) {
		struct go_func f;

		assert_int_equal(pclntab_func(&g->tab, i, &f), 0);
		ret[n].va = g->text + f.entry + (f.end - f.entry) / 3;
		assert_int_equal(gobin_place(g, ret[n].va, &ret[n].place), 0);
		n++;
	}
	return n;
}

/* go tool addr2line answers each address by two lines: function, file:line. */
static void agrees_with_addr2line(void **state)
{
	static struct sample samples[800];
	unsigned n;

	need_go(&n);
	for (unsigned i = 0; i < n; i++) {
		char path[PATH_MAX], cmd[8 * PATH_MAX], in[PATH_MAX + 16], function[1024],
			place[1024], want[1024];
		unsigned lines = 0, count;
		struct gofile file;
		struct elfimg img;
		struct gobin g;
		FILE *p;

		open_real(&gos[i], "exe", "", &file, &img, &g);
		assert_true(gofixture_build(&gos[i], "exe", "", path));
		count = take_samples(&g, samples, ARRAY_SIZE(samples));
		snprintf(in, sizeof(in), "%s.%d", path, getpid());
		p = fopen(in, "w");
		assert_non_null(p);
		for (unsigned k = 0; k < count; k++)
			fprintf(p, "0x%llx\n", (unsigned long long)samples[k].va);
		fclose(p);
		snprintf(cmd, sizeof(cmd), "GOTOOLCHAIN=local %s tool addr2line %s <%s", gos[i].go,
			 path, in);
		p = popen(cmd, "r");
		assert_non_null(p);
		for (unsigned k = 0; k < count; k++) {
			assert_non_null(fgets(function, sizeof(function), p));
			assert_non_null(fgets(place, sizeof(place), p));
			if (!samples[k].place.file)
				continue;
			snprintf(want, sizeof(want), "%s:%u\n", samples[k].place.file,
				 samples[k].place.line);
			assert_string_equal(place, want);
			lines++;
		}
		pclose(p);
		unlink(in);
		gofile_close(&file);
		assert_true(lines > COMPARED_MIN);
	}
}

/* What the program itself says of its stack: frames inlined into the next, then a function of the
 * table, whose pc has the call. */
static void agrees_with_the_runtime(void **state)
{
	unsigned n;

	need_go(&n);
	for (unsigned i = 0; i < n; i++) {
		char path[PATH_MAX], cmd[2 * PATH_MAX], table[8], function[256], file[512];
		struct gobin_place p[GOBIN_INLINE_MAX];
		unsigned deepest = 0, groups = 0, at = 0;
		int count = 0;
		unsigned long long pc;
		struct gofile bytes;
		struct elfimg img;
		struct gobin g;
		FILE *out;

		open_real(&gos[i], "exe", "", &bytes, &img, &g);
		assert_true(gofixture_build(&gos[i], "exe", "", path));
		snprintf(cmd, sizeof(cmd), "%s frames", path);
		out = popen(cmd, "r");
		assert_non_null(out);
		while (fscanf(out, "%llx %7s %255s %511s", &pc, table, function, file) == 4) {
			char name[256], theirs[256], place[600];

			if (at == 0) {
				count = gobin_frames(&g, pc, p, GOBIN_INLINE_MAX);
				assert_true(count >= 1);
			}
			assert_true((int)at < count);
			(void)goname_print(name, sizeof(name), p[at].function);
			(void)goname_print(theirs, sizeof(theirs), function); /* they keep "%2e" */
			snprintf(place, sizeof(place), "%s:%u", p[at].file, p[at].line);
			assert_string_equal(name, theirs);
			assert_string_equal(place, file);
			assert_int_equal(strcmp(table, "true") == 0, (int)at == count - 1);
			at = (int)at == count - 1 ? 0 : at + 1;
			groups += at == 0;
			deepest = (unsigned)count > deepest ? (unsigned)count : deepest;
		}
		assert_int_equal(pclose(out), 0);
		gofile_close(&bytes);
		assert_true(deepest >= 4 && groups >= 20);
	}
}

/* The same program stripped, and without section headers: the same functions at the same places. */
static void stripped_is_the_same(void **state)
{
	unsigned n;

	need_go(&n);
	for (unsigned i = 0; i < n; i++) {
		struct gofile full, stripped;
		struct elfimg a, b;
		struct gobin g, h;

		open_real(&gos[i], "exe", "", &full, &a, &g);
		open_real(&gos[i], "stripped", "-ldflags='-s -w'", &stripped, &b, &h);
		assert_int_equal(b.symtab.syms.len, 0);
		for (unsigned round = 0; round < 2; round++) {
			assert_int_equal(h.tab.nfunc, g.tab.nfunc);
			for (uint32_t k = 0; k < g.tab.nfunc; k++) {
				struct go_func x, y;

				assert_int_equal(pclntab_func(&g.tab, k, &x), 0);
				assert_int_equal(pclntab_func(&h.tab, k, &y), 0);
				assert_string_equal(x.name, y.name);
			}
			b.nsections = 0;
			assert_int_equal(gobin_init(&h, &b, NULL), 0);
			assert_string_equal(h.version.text, gos[i].version);
		}
		gofile_close(&full);
		gofile_close(&stripped);
	}
}

static int find_gos(void **state)
{
	ngos = gofixture_find(gos);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_or_says_why),
		cmocka_unit_test(broken_tables),
		cmocka_unit_test(relocated_moduledata),
		cmocka_unit_test(unnamed_table),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(names_the_right_goexit1),
		cmocka_unit_test(expands_inlined_calls),
		cmocka_unit_test(expands_into_little_room),
		cmocka_unit_test(survives_bad_trees),
		cmocka_unit_test(sees_through_wrappers),
		cmocka_unit_test(wrapper_around_itself),
		cmocka_unit_test(frames_are_those_of_the_code),
		cmocka_unit_test(agrees_with_nm),
		cmocka_unit_test(agrees_with_addr2line),
		cmocka_unit_test(agrees_with_the_runtime),
		cmocka_unit_test(stripped_is_the_same),
	};

	return cmocka_run_group_tests(tests, find_gos, NULL);
}
