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
	static const unsigned words[] = { 0, 8, 160, 168, 176, 184, 296, 304 };
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
	assert_int_equal(g.moduledata.types, 0x700000);
	assert_int_equal(g.moduledata.etypes, 0x710000);
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
		cmocka_unit_test(opens_or_says_why),       cmocka_unit_test(broken_tables),
		cmocka_unit_test(relocated_moduledata),    cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(names_the_right_goexit1), cmocka_unit_test(agrees_with_nm),
		cmocka_unit_test(agrees_with_addr2line),   cmocka_unit_test(stripped_is_the_same),
	};

	return cmocka_run_group_tests(tests, find_gos, NULL);
}
