// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "fakeimage.h"
#include "golang/buildinfo.h"
#include "golang/layout.h"

static void parses_versions(void **state)
{
	static const struct {
		const char *text;
		int want;
		unsigned minor, patch;
		bool devel;
	} cases[] = {
		{ "", -EINVAL },
		{ "go", -EINVAL },
		{ "go1", -EINVAL },
		{ "go1.", -EINVAL },
		{ "go1.x", -EINVAL },
		{ "go2.1", -EINVAL },
		{ "devel go1.", -EINVAL },
		{ "devel +fee1dead", -EINVAL },
		{ "go1.99999", -EINVAL },
		{ "go1.26.", -EINVAL },
		{ "go1.26.8\n", -EINVAL },
		{ "go1.18", 0, 18, 0, false },
		{ "go1.26.8", 0, 26, 8, false },
		{ "go1.27rc1", 0, 27, 0, true },
		{ "go1.28beta2", 0, 28, 0, true },
		{ "go1.25.4 X:nocoverageredesign", 0, 25, 4, false },
		{ "go1.26-20260101-RC00 cl/123 +abc", 0, 26, 0, true },
		{ "devel go1.28-9e3b1d53a0 Mon Jan 5", 0, 28, 0, true },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct go_version v = { 0 };

		assert_int_equal(go_version_parse(cases[i].text, strlen(cases[i].text), &v),
				 cases[i].want);
		if (cases[i].want)
			continue;
		assert_int_equal(v.minor, cases[i].minor);
		assert_int_equal(v.patch, cases[i].patch);
		assert_int_equal(v.devel, cases[i].devel);
		assert_string_equal(v.text, cases[i].text);
	}
}

static void longest_version_is_cut(void **state)
{
	struct go_version v;
	char text[200];

	memset(text, 'x', sizeof(text));
	memcpy(text, "go1.26 ", 7);
	assert_int_equal(go_version_parse(text, sizeof(text), &v), 0);
	assert_int_equal(strlen(v.text), GO_VERSION_MAX - 1);
}

static int version_of(const struct fake *f, struct go_version *ret)
{
	struct elfimg img;

	assert_int_equal(elfimg_init(&img, f->b, sizeof(f->b), NULL), 0);
	return buildinfo_version(&img, ret);
}

static void finds_it(void **state)
{
	static const struct {
		struct fake_opts opts;
		int want;
		unsigned source;
	} cases[] = {
		{ { .minor = 26 }, 0, GO_VERSION_BUILDINFO },
		{ { .minor = 26, .no_sections = true }, 0, GO_VERSION_BUILDINFO },
		{ { .minor = 26, .no_buildinfo = true }, 0, GO_VERSION_VARIABLE },
		{ { .minor = 26, .no_buildinfo = true, .no_sections = true },
		  0,
		  GO_VERSION_VARIABLE },
		{ { .minor = 26, .no_version = true }, -ENOENT, 0 },
		{ { .minor = 0 }, -ENOENT, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct go_version v = { 0 };
		struct fake f;

		fake_make(&f, &cases[i].opts);
		assert_int_equal(version_of(&f, &v), cases[i].want);
		assert_int_equal(v.source, cases[i].source);
		assert_string_equal(v.text, cases[i].want ? "" : "go1.26.3");
	}
}

/* Before 1.18: pointers to Go strings. */
static void pointer_format(void **state)
{
	struct go_version v = { 0 };
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 17 });
	f.b[FAKE_INFO_OFF + 15] = 0;
	fake_put64(&f, FAKE_INFO_OFF + 16, FAKE_DATA_VA + FAKE_VAR_OFF - FAKE_DATA_OFF);
	assert_int_equal(version_of(&f, &v), 0);
	assert_string_equal(v.text, "go1.17.3");
	assert_int_equal(v.source, GO_VERSION_BUILDINFO);
	fake_put64(&f, FAKE_INFO_OFF + 16, UINT64_MAX - 4);
	assert_int_equal(version_of(&f, &v), 0);
	assert_int_equal(v.source, GO_VERSION_VARIABLE);
}

/* A program's own list of releases ("go1.1", "go1.2", ... as in go/build) has no closing NUL behind
 * each. */
static void not_any_string(void **state)
{
	struct go_version v;
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26, .no_buildinfo = true });
	f.b[FAKE_VAR_OFF + 16 + 8] = 'g';
	assert_int_equal(version_of(&f, &v), -ENOENT);
}

static void flip_every_byte(void **state)
{
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	for (unsigned off = FAKE_INFO_OFF; off < FAKE_VAR_OFF + 32; off++) {
		uint8_t was = f.b[off];
		struct go_version v;

		for (unsigned x = 1; x < 256; x <<= 1) {
			f.b[off] = was ^ (uint8_t)x;
			(void)version_of(&f, &v);
		}
		f.b[off] = was;
	}
}

static void layouts(void **state)
{
	static const struct {
		unsigned minor;
		int want;
		unsigned row, goid, link, wrapper;
		bool unverified;
	} cases[] = {
		{ 0, -ENOTSUP },
		{ 18, -ENOTSUP },
		{ 19, 0, 19, 152, 40, 21, false },
		{ 20, 0, 20, 152, 40, 21, false },
		{ 21, 0, 21, 152, 40, 21, false },
		{ 22, 0, 22, 152, 32, 22, false },
		{ 23, 0, 23, 160, 32, 22, false },
		{ 24, 0, 24, 160, 32, 22, false },
		{ 25, 0, 25, 152, 32, 23, false },
		{ 26, 0, 26, 152, 32, 23, false },
		{ 27, 0, 27, 152, 32, 23, false },
		{ 28, 0, 27, 152, 32, 23, true },
		{ 9999, 0, 27, 152, 32, 23, true },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct go_layout l;

		assert_int_equal(go_layout_find(cases[i].minor, &l), cases[i].want);
		if (cases[i].want)
			continue;
		assert_int_equal(l.minor, cases[i].row);
		assert_int_equal(l.g.goid, cases[i].goid);
		assert_int_equal(l.defer.link, cases[i].link);
		assert_int_equal(l.wrapper_id, cases[i].wrapper);
		assert_int_equal(go_wrapper_id(cases[i].minor), cases[i].wrapper);
		assert_int_equal(l.unverified, cases[i].unverified);
		assert_int_equal(l.g.panic, 32);
		assert_int_equal(l.g.defer, 40);
		assert_int_equal(l.g.sched_sp, 56);
		assert_int_equal(l.g.sched_pc, 64);
		assert_int_equal(l.defer.sp, 8);
		assert_int_equal(l.defer.pc, 16);
		assert_int_equal(l.defer.fn, 24);
		/* Either a rangefunc mark or an openDefer mark, never both. */
		assert_true((l.defer.rangefunc == GO_LAYOUT_ABSENT) !=
			    (l.defer.open_defer == GO_LAYOUT_ABSENT));
	}
}

/* What differs from release to release, at the releases where it changes. */
static void facts(void **state)
{
	assert_int_equal(go_layout_nearest(19).fact.convert_text_old, 1);
	assert_int_equal(go_layout_nearest(20).fact.convert_text_old, 0);
	assert_int_equal(go_layout_nearest(20).fact.nil_error, 0);
	assert_int_equal(go_layout_nearest(21).fact.nil_error, 1);
	assert_int_equal(go_layout_nearest(25).fact.syscalls_counted, 1);
	assert_int_equal(go_layout_nearest(26).fact.syscalls_counted, 0);
	assert_int_equal(go_layout_nearest(25).fact.lock_waiting, 0);
	assert_int_equal(go_layout_nearest(26).fact.lock_waiting, 1);
	assert_int_equal(go_layout_nearest(25).fact.short_floats, 0);
	assert_int_equal(go_layout_nearest(26).fact.short_floats, 1);
	assert_int_equal(go_layout_nearest(26).fact.nil_prefix, 0);
	assert_int_equal(go_layout_nearest(27).fact.nil_prefix, 1);
	/* Not known, too old, too new. */
	assert_int_equal(go_layout_nearest(0).minor, 19);
	assert_int_equal(go_layout_nearest(18).minor, 19);
	assert_int_equal(go_layout_nearest(99).minor, 27);
	assert_true(go_layout_nearest(99).unverified);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_versions), cmocka_unit_test(longest_version_is_cut),
		cmocka_unit_test(finds_it),        cmocka_unit_test(pointer_format),
		cmocka_unit_test(not_any_string),  cmocka_unit_test(flip_every_byte),
		cmocka_unit_test(layouts),         cmocka_unit_test(facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
