// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "fakeimage.h"
#include "golang/buildinfo.h"
#include "golang/godebug.h"

static void lists(void **state)
{
	static const struct {
		const char *list;
		bool found, one;
	} cases[] = {
		{ "", false, false },
		{ "panicnil=1", true, true },
		{ "panicnil=0", true, false },
		{ "panicnil=10", true, false },
		{ "panicnil=", true, false },
		{ "panicnil", false, false },
		{ "xpanicnil=1", false, false },
		{ "panicnilx=1", false, false },
		{ "a=1,panicnil=1,b=0", true, true },
		{ "panicnil=1,panicnil=0", true, false },
		{ "panicnil=0,,panicnil=1,", true, true },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		bool one = false;

		assert_int_equal(
			godebug_is_one(cases[i].list, strlen(cases[i].list), "panicnil", &one),
			cases[i].found);
		assert_int_equal(one, cases[i].one);
	}
}

/* Behind the version: a length, and the settings between two marks. */
static void make(struct fake *f, struct elfimg *img, const char *settings)
{
	uint32_t at = FAKE_INFO_OFF + 32;
	size_t len = strlen(settings) + 32;

	fake_make(f, &(struct fake_opts){ .minor = 26 });
	at += 1u + f->b[at];
	assert_true(len < 127);
	f->b[at++] = (uint8_t)len;
	memset(f->b + at, '#', len);
	memcpy(f->b + at + 16, settings, len - 32);
	assert_int_equal(elfimg_init(img, f->b, sizeof(f->b), NULL), 0);
}

static void defaults(void **state)
{
	static const struct {
		const char *settings, *want;
	} cases[] = {
		{ "path\tx\nbuild\tDefaultGODEBUG=a=1,panicnil=1\nbuild\t-race=1\n",
		  "a=1,panicnil=1" },
		{ "build\tDefaultGODEBUG=panicnil=1", "panicnil=1" },
		{ "path\tx\nxbuild\tDefaultGODEBUG=a=1\n", "" },
		{ "path\tx\n", "" },
		{ "", "" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct elfimg img;
		struct bytes got;
		struct fake f;

		make(&f, &img, cases[i].settings);
		got = godebug_default(&img);
		assert_int_equal(got.len, strlen(cases[i].want));
		if (got.len)
			assert_memory_equal(got.p, cases[i].want, got.len);
	}
}

/* Lengths that lie: past the end, and of a number that does not end. */
static void damaged(void **state)
{
	static const char *const lengths[] = { "\x7f", "\xff\xff\xff\x7f", "\xff\xff\xff\xff\xff",
					       "\x1f" };

	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct elfimg img;
		struct fake f;
		uint32_t at;

		make(&f, &img, "build\tDefaultGODEBUG=panicnil=1");
		at = FAKE_INFO_OFF + 33 + f.b[FAKE_INFO_OFF + 32];
		memcpy(f.b + at, lengths[i], strlen(lengths[i]));
		(void)godebug_default(&img);
		memcpy(f.b + FAKE_INFO_OFF + 32, lengths[i], strlen(lengths[i]));
		(void)godebug_default(&img);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(defaults),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
