// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "fakeimage.h"
#include "gofixture.h"
#include "probe/inspect.h"

static const struct plan_c_profile c_default = PLAN_C_PROFILE_DEFAULT;

static void what_it_is(void **state)
{
	static const struct {
		struct fake_opts opts;
		int error;
		unsigned kind;
	} cases[] = {
		{ { .minor = 0 }, 0, IMAGE_C },
		{ { .minor = 0, .no_sections = true }, -ENOENT, IMAGE_NONE },
		{ { .minor = 18 }, 0, IMAGE_GO },
		{ { .minor = 26 }, 0, IMAGE_GO },
		{ { .minor = 26, .no_sections = true, .no_buildinfo = true }, 0, IMAGE_GO },
		{ { .minor = 26, .no_moduledata = true }, -EBADMSG, IMAGE_GO },
		{ { .minor = 30 }, 0, IMAGE_GO },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image_report r;
		struct fake f;

		fake_make(&f, &cases[i].opts);
		assert_int_equal(inspect_bytes(f.b, sizeof(f.b), &c_default, 1, &r, NULL),
				 cases[i].error);
		assert_int_equal(r.error, cases[i].error);
		assert_int_equal(r.kind, cases[i].kind);
		assert_int_equal(r.version, INSPECT_VERSION);
		assert_int_equal(image_report_check(&r), 0);
		assert_int_equal(r.reason[0] != 0,
				 cases[i].error != 0 || cases[i].opts.minor == 18);
		assert_int_equal(r.layout.unverified, cases[i].opts.minor == 30);
		assert_false(r.pie);
	}
}

static void no_files(void **state)
{
	_cleanup_close_ int dir = open("/", O_RDONLY | O_CLOEXEC),
			    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct image_report r;

	assert_int_equal(inspect_fd(-1, NULL, 0, &r, NULL), -EBADF);
	assert_int_equal(inspect_fd(dir, NULL, 0, &r, NULL), -ENOEXEC);
	assert_int_equal(inspect_fd(null, NULL, 0, &r, NULL), -ENOEXEC);
	assert_int_equal(inspect_bytes("", 0, NULL, 0, &r, NULL), -ENOEXEC);
	assert_int_equal(inspect_bytes("#!/bin/sh\n", 10, NULL, 0, &r, NULL), -ENOEXEC);
	assert_true(strlen(r.reason) > 0);
}

static void cut_and_flipped(void **state)
{
	static const uint64_t pcs[] = { FAKE_GO_TEXT, FAKE_GO_TEXT + 200, FAKE_TEXT_VA + 1, 0,
					UINT64_MAX };
	static struct image_place places[INSPECT_PLACES_MAX];
	struct image_ask asks[ARRAY_SIZE(pcs)] = { 0 };
	int n;

	for (unsigned i = 0; i < ARRAY_SIZE(pcs); i++)
		asks[i] = (struct image_ask){ .addr = pcs[i], .kind = i % IMAGE_ASK_MAX };

	for (unsigned kind = 0; kind < 2; kind++) {
		static struct image_report r;
		struct fake f;

		fake_make(&f, &(struct fake_opts){ .minor = kind ? 26 : 0 });
		for (size_t len = 0; len <= sizeof(f.b); len += 97) {
			(void)inspect_bytes(f.b, len, &c_default, 1, &r, NULL);
			assert_int_equal(image_report_check(&r), 0);
			(void)inspect_symbolize(f.b, len, asks, ARRAY_SIZE(pcs), places, NULL);
		}
		for (unsigned off = 0; off < FAKE_LEN; off += off < 0x240 ? 1 : 3) {
			f.b[off] ^= 0x81;
			(void)inspect_bytes(f.b, sizeof(f.b), &c_default, 1, &r, NULL);
			assert_int_equal(image_report_check(&r), 0);
			n = inspect_symbolize(f.b, sizeof(f.b), asks, ARRAY_SIZE(pcs), places,
					      NULL);
			if (n > 0)
				assert_int_equal(
					image_places_check(places, (unsigned)n, ARRAY_SIZE(pcs)),
					0);
			f.b[off] ^= 0x81;
		}
	}
}

/* The innermost place of each address, empty where there is none. */
static int symbolize(const void *bytes, size_t len, const uint64_t *pcs, unsigned n,
		     struct image_place *ret)
{
	static struct image_place places[INSPECT_PLACES_MAX];
	static struct image_ask asks[INSPECT_ASKS_MAX + 1];
	int r;

	for (unsigned i = 0; i < n; i++)
		asks[i] = (struct image_ask){ .addr = pcs[i], .kind = IMAGE_ASK_SITE };
	r = inspect_symbolize(bytes, len, asks, n, places, NULL);
	if (r < 0)
		return r;
	memset(ret, 0, n * sizeof(*ret));
	for (int i = r; i-- > 0;)
		ret[places[i].ask] = places[i];
	return 0;
}

static void symbolizes_go(void **state)
{
	static const uint64_t pcs[] = { FAKE_GO_TEXT + 3 * 64 + 33, 0, FAKE_GO_TEXT, UINT64_MAX };
	struct image_place p[ARRAY_SIZE(pcs)];
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	assert_int_equal(symbolize(f.b, sizeof(f.b), pcs, ARRAY_SIZE(pcs), p), 0);
	assert_string_equal(p[0].function, "runtime.gopanic");
	assert_string_equal(p[0].file, "file3.go");
	assert_int_equal(p[0].line, 131);
	assert_string_equal(p[1].function, "");
	assert_string_equal(p[1].file, "");
	assert_int_equal(p[1].line, 0);
	assert_string_equal(p[2].function, "runtime.deferproc");
	assert_string_equal(p[3].function, "");
}

/* What a constant says, by its bytes and by its header. */
static void texts(void **state)
{
	static struct image_place p[INSPECT_PLACES_MAX];
	struct image_ask asks[4] = { { .kind = IMAGE_ASK_TEXT },
				     { .kind = IMAGE_ASK_STRING },
				     { .kind = IMAGE_ASK_TEXT, .addr = UINT64_MAX },
				     { .kind = IMAGE_ASK_STRING, .addr = 16 } };
	static struct fake f;
	struct elfimg img;
	int64_t at;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	assert_int_equal(elfimg_init(&img, f.b, sizeof(f.b), NULL), 0);
	at = bytes_find(bytes_of(f.b, sizeof(f.b)), 0, "runtime.gopanic", 16);
	assert_int_equal(elfimg_off_to_va(&img, (uint64_t)at, &asks[0].addr), 0);
	/* A header of 7 bytes of it, over the text of a function. */
	asks[1].addr = FAKE_GO_TEXT;
	memcpy((uint8_t *)elfimg_at(&img, FAKE_GO_TEXT).p, &asks[0].addr, 8);
	memcpy((uint8_t *)elfimg_at(&img, FAKE_GO_TEXT).p + 8, &(uint64_t){ 7 }, 8);
	assert_int_equal(inspect_symbolize(f.b, sizeof(f.b), asks, 4, p, NULL), 2);
	assert_string_equal(p[0].function, "runtime.gopanic");
	assert_int_equal(p[0].ask, 0);
	assert_string_equal(p[1].function, "runtime");
	assert_int_equal(p[1].ask, 1);
	/* A length that leads out of the file. */
	memcpy((uint8_t *)elfimg_at(&img, FAKE_GO_TEXT).p + 8, &(uint64_t){ 1ull << 40 }, 8);
	assert_int_equal(inspect_symbolize(f.b, sizeof(f.b), asks, 4, p, NULL), 1);
}

static void symbolizes_c(void **state)
{
	static const uint64_t pcs[] = { FAKE_TEXT_VA + 130, FAKE_TEXT_VA, 0, FAKE_TEXT_VA + 64 };
	static const char *const want[] = { "defer_panic", "defer_push", "", "defer_run" };
	struct image_place p[ARRAY_SIZE(pcs)];
	struct fake f;

	fake_make(&f, &(struct fake_opts){ 0 });
	assert_int_equal(symbolize(f.b, sizeof(f.b), pcs, ARRAY_SIZE(pcs), p), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(pcs); i++) {
		assert_string_equal(p[i].function, want[i]);
		assert_int_equal(p[i].line, 0);
	}
}

static void too_many(void **state)
{
	static uint64_t pcs[INSPECT_ASKS_MAX + 1];
	static struct image_place p[INSPECT_ASKS_MAX];
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	assert_int_equal(symbolize(f.b, sizeof(f.b), pcs, INSPECT_ASKS_MAX + 1, p), -E2BIG);
	assert_int_equal(symbolize(f.b, sizeof(f.b), pcs, 0, p), 0);
}

/* File names are cut at the beginning, function names at the end. */
static void long_names(void **state)
{
	struct image_place p;
	static struct fake f;
	uint64_t text = FAKE_GO_TEXT;
	int64_t at, end;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	/* Let the first name run on to the end of the last. */
	at = bytes_find(bytes_of(f.b, sizeof(f.b)), 0, "runtime.deferproc", 17);
	end = bytes_find(bytes_of(f.b, sizeof(f.b)), 0, "main.(*server).run", 18) + 18;
	for (int64_t i = at; i < end; i++)
		if (!f.b[i])
			f.b[i] = '_';
	assert_int_equal(symbolize(f.b, sizeof(f.b), &text, 1, &p), 0);
	assert_int_equal(strncmp(p.function, "runtime.deferproc_", 18), 0);
	assert_int_equal(strlen(p.function), end - at < 191 ? end - at : 191);
}

static const char c_source[] = "__attribute__((noinline)) int add(int a, int b)\n"
			       "{\n"
			       "\treturn a * b + 7;\n"
			       "}\n"
			       "int main(int argc, char **argv)\n"
			       "{\n"
			       "\treturn add(argc, argc);\n"
			       "}\n";

static bool build_c(const char *cc, const char *flags, char path[PATH_MAX])
{
	char dir[PATH_MAX / 2], cmd[8 * PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/cfixture.%d", gofixture_build_dir(), getpid());
	snprintf(cmd, sizeof(cmd), "mkdir -p %s", dir);
	if (system(cmd) != 0 || !gofixture_write(dir, "add.c", c_source))
		return false;
	snprintf(path, PATH_MAX, "%s/add", dir);
	snprintf(cmd, sizeof(cmd), "cd %s && %s -O1 -g %s -o add add.c 2>/dev/null", dir, cc,
		 flags);
	return system(cmd) == 0;
}

static uint64_t address_of_add(const char *path)
{
	struct elfimg_symbol s;
	struct elfimg img;
	struct gofile f;

	assert_true(gofile_open(path, &f));
	assert_int_equal(elfimg_init(&img, f.p, f.len, NULL), 0);
	assert_int_equal(elfimg_function(&img, "add", &s), 0);
	gofile_close(&f);
	return s.va;
}

static void check_add(const char *path, uint64_t va)
{
	struct image_place p;
	struct gofile f;

	assert_true(gofile_open(path, &f));
	assert_int_equal(symbolize(f.p, f.len, &va, 1, &p), 0);
	assert_string_equal(p.function, "add");
	assert_in_range(p.line, 1, 3);
	assert_non_null(strstr(p.file, "add.c"));
	gofile_close(&f);
}

static void c_lines(void **state)
{
	static const char *const compilers[][2] = { { "gcc", "" },
						    { "gcc", "-gz -gdwarf-4" },
						    { "clang", "" },
						    { "gcc", "-no-pie -gdwarf-5" } };
	unsigned done = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(compilers); i++) {
		char path[PATH_MAX], cmd[3 * PATH_MAX];
		uint64_t va;

		if (!build_c(compilers[i][0], compilers[i][1], path))
			continue;
		va = address_of_add(path);
		check_add(path, va);
		/* Without symbols the name comes from the debug information. */
		snprintf(cmd, sizeof(cmd), "objcopy --strip-symbol=add --strip-symbol=main %s",
			 path);
		if (system(cmd) == 0)
			check_add(path, va);
		done++;
	}
	if (done)
		return;
	print_message("# no C compiler at hand\n");
	skip();
}

static int clean_up(void **state)
{
	char cmd[2 * PATH_MAX];

	snprintf(cmd, sizeof(cmd), "rm -rf %s/cfixture.%d", gofixture_build_dir(), getpid());
	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_is),      cmocka_unit_test(no_files),
		cmocka_unit_test(cut_and_flipped), cmocka_unit_test(symbolizes_go),
		cmocka_unit_test(texts),           cmocka_unit_test(symbolizes_c),
		cmocka_unit_test(too_many),        cmocka_unit_test(long_names),
		cmocka_unit_test(c_lines),
	};

	return cmocka_run_group_tests(tests, NULL, clean_up);
}
