// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "gofixture.h"
#include "golang/opendefer.h"

static const struct opendefer three[] = { { 0, 0x10, 8, 0 },
					  { 0x10, 0x20, 16, 24 },
					  { 0x40, 0x41, 24, 0 } };

static void finds_the_function(void **state)
{
	static const struct {
		uint64_t at;
		int index; /* -1: none */
	} cases[] = { { 0, 0 },     { 0xf, 0 },  { 0x10, 1 },  { 0x1f, 1 },       { 0x20, -1 },
		      { 0x3f, -1 }, { 0x40, 2 }, { 0x41, -1 }, { UINT64_MAX, -1 } };

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		assert_ptr_equal(opendefer_at(three, 3, cases[i].at),
				 cases[i].index < 0 ? NULL : &three[cases[i].index]);
	assert_null(opendefer_at(NULL, 0, 0));
}

static void checks_what_comes_from_elsewhere(void **state)
{
	static const struct {
		uint32_t n;
		struct opendefer last;
		bool good;
	} cases[] = {
		{ 3, { 0x40, 0x41, 24, 16 }, true },
		{ 2, { 0, 0, 0, 0 }, true }, /* the last is not in it */
		{ OPENDEFER_MAX + 1, { 0x40, 0x41, 24, 0 }, false },
		{ 3, { 0x1f, 0x41, 24, 0 }, false },
		{ 3, { 0x41, 0x41, 24, 0 }, false },
		{ 3, { 0x40, 0x41, 0, 0 }, false },
		{ 3, { 0x40, 0x41, UINT32_MAX, 0 }, false },
		{ 3, { 0x40, 0x41, 24, 12 }, false },
		{ 3, { 0x40, 0x41, 24, UINT32_MAX - 7 }, false },
	};
	static struct opendefer_list l;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		l.n = cases[i].n;
		memcpy(l.list, three, sizeof(three));
		l.list[2] = cases[i].last;
		assert_int_equal(opendefer_check(&l), cases[i].good);
	}
}

static bool has(const struct gobin *g, const struct opendefer_list *l, const char *function)
{
	struct gobin_func f;

	assert_int_equal(gobin_function(g, function, &f), 0);
	return opendefer_at(l->list, l->n, f.va - g->text) != NULL;
}

/* Of a real program of each release, stripped, and built without optimisation, which has none. */
static void real_programs(void **state)
{
	static const char *const variants[][2] = { { "stripped", "-ldflags='-s -w'" },
						   { "noopt", "-gcflags='all=-N -l'" } };
	struct gofixture gos[GOFIXTURE_GOS_MAX];
	unsigned n = gofixture_find(gos);

	if (!n) {
		print_message("no Go here: nothing to look at\n");
		skip();
	}
	for (unsigned i = 0; i < n * ARRAY_SIZE(variants); i++) {
		const char *const *variant = variants[i % ARRAY_SIZE(variants)];
		static struct opendefer_list l;
		char path[PATH_MAX];
		struct gofile bytes;
		struct elfimg img;
		struct gobin g;
		uint32_t said = 0, placed = 0;

		if (!gofixture_wanted(gos, n, i / ARRAY_SIZE(variants), variant[0]))
			continue;
		assert_true(gofixture_build(&gos[i / ARRAY_SIZE(variants)], variant[0], variant[1],
					    path));
		assert_true(gofile_open(path, &bytes));
		assert_int_equal(elfimg_init(&img, bytes.p, bytes.len, NULL), 0);
		assert_int_equal(gobin_init(&g, &img, NULL), 0);
		opendefer_find(&g, &l);
		assert_true(l.complete);
		for (uint32_t k = 0; k < g.tab.nfunc; k++) {
			struct gobin_place p;
			struct go_func f;

			assert_int_equal(pclntab_func(&g.tab, k, &f), 0);
			assert_int_equal(gobin_place(&g, g.text + f.entry, &p), 0);
			said += p.open_defers;
			assert_int_equal(p.open_defers, opendefer_at(l.list, l.n, f.entry) != NULL);
		}
		assert_int_equal(l.n, said);
		for (uint32_t k = 0; k < l.n; k++)
			placed += l.list[k].closures != 0;
		assert_true(placed >= l.n * 9 / 10);
		assert_int_equal(has(&g, &l, "sync.(*Once).doSlow"), variant == variants[0]);
		assert_false(has(&g, &l, "main.(*server).loop")); /* in a loop */
		/* Where nobody knows of FUNCDATA, nobody says that there is none. */
		g.moduledata.gofunc = 0;
		opendefer_find(&g, &l);
		assert_int_equal(l.n, 0);
		assert_false(l.complete);
		gofile_close(&bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_function),
		cmocka_unit_test(checks_what_comes_from_elsewhere),
		cmocka_unit_test(real_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
