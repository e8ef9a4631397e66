// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Types and what values of them say: by hand, damaged, and as programs of each Go at hand print them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "fakeimage.h"
#include "gofixture.h"
#include "golang/goerrors.h"
#include "golang/gotype.h"

#define BOUNDS(is_signed, code) ((uint64_t)(code) << 8 | (is_signed))

static void open_fake(struct fake *f, unsigned minor, struct elfimg *img, struct gobin *g)
{
	fake_make(f, &(struct fake_opts){ .minor = minor });
	assert_int_equal(elfimg_init(img, f->b, sizeof(f->b), NULL), 0);
	assert_int_equal(gobin_init(g, img, NULL), 0);
}

static void reads(void **state)
{
	static const unsigned minors[] = { 19, 21, 25, 26, 27 };
	static const struct {
		uint32_t off;
		const char *name;
		uint8_t kind;
		bool direct, text, speaks, known;
	} cases[] = {
		{ FAKE_TYPE_STRING, "string", 24, false, true, false, false },
		{ FAKE_TYPE_CODE, "main.code", 5, false, false, false, false },
		{ FAKE_TYPE_ERROR, "errors.errorString", 25, false, false, false, false },
		{ FAKE_TYPE_PERROR, "*errors.errorString", 22, true, true, true, true },
		{ FAKE_TYPE_WORD, "main.word", 24, false, true, false, false },
		{ FAKE_TYPE_STATUS, "main.status", 5, false, false, true, false },
		{ FAKE_TYPE_PINT, "*main.code", 22, true, false, false, false },
		{ FAKE_TYPE_PAIR, "main.pair", 25, false, false, false, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(minors) * ARRAY_SIZE(cases); i++) {
		unsigned minor = minors[i / ARRAY_SIZE(cases)], c = i % ARRAY_SIZE(cases);
		struct elfimg img;
		struct gotype t;
		struct gobin g;
		struct fake f;

		open_fake(&f, minor, &img, &g);
		assert_int_equal(gotype_read(&g, FAKE_TYPES_VA + cases[c].off, &t), 0);
		assert_string_equal(t.name, cases[c].name);
		assert_int_equal(t.kind, cases[c].kind);
		assert_int_equal(t.direct, cases[c].direct);
		assert_int_equal(t.text, cases[c].text);
		assert_int_equal(t.speaks, cases[c].speaks);
		assert_int_equal(t.known != 0, cases[c].known);
		assert_int_equal(t.minor, minor);
	}
}

static void not_there(void **state)
{
	static const struct {
		unsigned minor;
		uint64_t va;
		int want;
	} cases[] = {
		{ 26, 0, -ENOENT },
		{ 26, UINT64_MAX, -ENOENT },
		{ 26, FAKE_TYPES_VA - 1, -ENOENT },
		{ 26, FAKE_TYPES_VA + FAKE_TYPES_LEN, -ENOENT },
		{ 26, FAKE_TYPES_VA + FAKE_TYPES_LEN - 47, -EBADMSG }, /* the file ends there */
		{ 18, FAKE_TYPES_VA, -ENOTSUP },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct elfimg img;
		struct gotype t;
		struct gobin g;
		struct fake f;

		open_fake(&f, cases[i].minor, &img, &g);
		assert_int_equal(gotype_read(&g, cases[i].va, &t), cases[i].want);
	}
}

/* Where it cannot be found out what a value prints, nothing is told of it. */
static void bad_names_and_methods(void **state)
{
	static const struct {
		uint32_t off; /* from FAKE_TYPES_OFF */
		uint32_t value;
		int want;
		bool known;
	} cases[] = {
		{ FAKE_TYPE_PERROR + 40, 0xffffffff, -EBADMSG, false }, /* negative */
		{ FAKE_TYPE_PERROR + 40, 0x7fffffff, -EBADMSG, false },
		{ FAKE_TYPE_PERROR + 40, FAKE_TYPES_LEN - 1, -EBADMSG, false },
		{ FAKE_TYPE_PERROR + 56, 0xffffffff, 0, false }, /* the package has no name */
		{ FAKE_TYPE_PERROR + 56, FAKE_TYPES_LEN - 1, 0, false },
		{ FAKE_TYPE_PERROR + 60, 0xffff, 0, true }, /* methods that are not there */
		{ FAKE_TYPE_PERROR + 64, 0xffffffff, 0, true },
		{ FAKE_TYPE_METHOD, 0xffffffff, 0, true }, /* one without a name */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct elfimg img;
		struct gotype t;
		struct gobin g;
		struct fake f;

		open_fake(&f, 26, &img, &g);
		fake_put32(&f, FAKE_TYPES_OFF + cases[i].off, cases[i].value);
		assert_int_equal(gotype_read(&g, FAKE_TYPES_VA + FAKE_TYPE_PERROR, &t),
				 cases[i].want);
		if (cases[i].want < 0)
			continue;
		assert_int_equal(t.known != 0, cases[i].known);
		assert_int_equal(t.text, cases[i].known);
		assert_true(t.speaks);
	}
}

/* A package may have the name of another one, and not its path. */
static void another_package(void **state)
{
	uint32_t end = FAKE_TYPES_LEN - 32;
	struct elfimg img;
	struct gotype t;
	struct gobin g;
	struct fake f;

	open_fake(&f, 26, &img, &g);
	fake_put32(&f, FAKE_TYPES_OFF + FAKE_TYPE_PERROR + 56, end);
	(void)fake_name(&f, "example.com/errors", &end);
	assert_int_equal(gotype_read(&g, FAKE_TYPES_VA + FAKE_TYPE_PERROR, &t), 0);
	assert_int_equal(t.known, 0);
	assert_false(t.text);
	assert_true(t.speaks);
}

/* In exact copies, so that a sanitizer sees each byte read past the end. */
static void flip_every_byte(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct fake f;

	fake_make(&f, &(struct fake_opts){ .minor = 26 });
	for (uint32_t off = 0; off < FAKE_TYPES_LEN * ARRAY_SIZE(values); off++) {
		size_t len = FAKE_SYM_OFF;
		_cleanup_free_ uint8_t *copy = malloc(len);
		struct elfimg img;
		struct gotype t;
		struct gobin g;

		memcpy(copy, f.b, len);
		memset(copy + 40, 0, 8); /* no sections: they lie behind */
		memset(copy + 60, 0, 4);
		copy[FAKE_TYPES_OFF + off / ARRAY_SIZE(values)] = values[off % ARRAY_SIZE(values)];
		assert_int_equal(elfimg_init(&img, copy, len, NULL), 0);
		assert_int_equal(gobin_init(&g, &img, NULL), 0);
		for (uint32_t at = 0; at < FAKE_TYPES_LEN; at += 0x40)
			if (gotype_read(&g, FAKE_TYPES_VA + at, &t) == 0)
				assert_true(strlen(t.name) < GOTYPE_NAME_MAX);
	}
}

static void long_name(void **state)
{
	struct elfimg img;
	struct gotype t;
	struct gobin g;
	struct fake f;

	open_fake(&f, 26, &img, &g);
	fake_put32(&f, FAKE_TYPES_OFF + FAKE_TYPE_STRING + 40, FAKE_TYPE_NAMES);
	/* 200 bytes of a two-byte character: the name's length takes two bytes, too */
	memcpy(f.b + FAKE_TYPES_OFF + FAKE_TYPE_NAMES, "\x01\xc8\x01", 3);
	for (unsigned i = 0; i < 200; i++)
		f.b[FAKE_TYPES_OFF + FAKE_TYPE_NAMES + 3 + i] = i % 2 ? 0xbc : 0xc3;
	assert_int_equal(gotype_read(&g, FAKE_TYPES_VA + FAKE_TYPE_STRING, &t), 0);
	assert_int_equal(strlen(t.name), 126);
	assert_int_equal((uint8_t)t.name[125], 0xbc);
}

static void says(void **state)
{
	static const struct {
		const char *name;
		uint8_t kind, minor;
		bool text, direct;
		uint64_t value[GOTYPE_VALUE_WORDS];
		const char *bytes, *want;
	} cases[] = {
		{ "string", 24, 26, true, false, { 0 }, "boo", "boo" },
		{ "*errors.errorString", 22, 26, true, true, { 0 }, "boo", "boo" },
		{ "string", 24, 26, true, false, { 0 }, "", "" },
		{ "runtime.errorString",
		  24,
		  26,
		  true,
		  false,
		  { 0 },
		  "integer divide by zero",
		  "runtime error: integer divide by zero" },
		{ "runtime.errorAddressString",
		  25,
		  26,
		  true,
		  false,
		  { 0 },
		  "invalid memory address or nil pointer dereference",
		  "runtime error: invalid memory address or nil pointer dereference" },
		{ "runtime.plainError",
		  24,
		  26,
		  true,
		  false,
		  { 0 },
		  "close of nil channel",
		  "close of nil channel" },
		{ "main.status", 5, 26, false, false, { 7 }, "", "" }, /* "out of stock", perhaps */
		{ "bool", 1, 26, false, false, { 0xff00 }, "", "false" },
		{ "bool", 1, 26, false, false, { 0x1 }, "", "true" },
		{ "int", 2, 26, false, false, { (uint64_t)-5 }, "", "-5" },
		{ "int8", 3, 26, false, false, { 0x12380 }, "", "-128" },
		{ "int16", 4, 26, false, false, { 0x1238000 }, "", "-32768" },
		{ "int32", 5, 26, false, false, { 0x123ffffffff }, "", "-1" },
		{ "int64", 6, 26, false, false, { 1ull << 63 }, "", "-9223372036854775808" },
		{ "uint", 7, 26, false, false, { UINT64_MAX }, "", "18446744073709551615" },
		{ "uint8", 8, 26, false, false, { 0x1ff }, "", "255" },
		{ "uint16", 9, 26, false, false, { 0x1ffff }, "", "65535" },
		{ "uint32", 10, 26, false, false, { 0x1ffffffff }, "", "4294967295" },
		{ "uint64", 11, 26, false, false, { 7 }, "", "7" },
		{ "uintptr", 12, 26, false, false, { 4096 }, "", "4096" },
		{ "float32", 13, 26, false, false, { 0x3fc00000 }, "", "1.5" },
		{ "float64", 14, 25, false, false, { 0x3ff8000000000000 }, "", "+1.500000e+000" },
		{ "complex64", 15, 26, false, false, { 0xbfc000003fc00000 }, "", "(1.5-1.5i)" },
		{ "complex128",
		  16,
		  25,
		  false,
		  false,
		  { 0x3ff8000000000000, 0xbff8000000000000 },
		  "",
		  "(+1.500000e+000-1.500000e+000i)" },
		{ "main.pair", 25, 26, false, false, { 7 }, "", "" },
		{ "*main.pair", 22, 26, false, true, { 7 }, "", "" },
		{ "kind 31", 31, 26, false, false, { 7 }, "", "" },
		{ "complex128", 16, 26, false, true, { 7 }, "", "(0+0i)" }, /* never so, but */
		{ "*runtime.PanicNilError",
		  22,
		  26,
		  false,
		  true,
		  { 0 },
		  "",
		  "panic called with nil argument" },
		{ "*runtime.PanicNilError",
		  22,
		  27,
		  false,
		  true,
		  { 0 },
		  "",
		  "runtime error: panic called with nil argument" },
		{ "runtime.boundsError",
		  25,
		  26,
		  false,
		  false,
		  { 5, 3, BOUNDS(1, 0) },
		  "",
		  "runtime error: index out of range [5] with length 3" },
		{ "runtime.boundsError",
		  25,
		  26,
		  false,
		  false,
		  { (uint64_t)-1, 3, BOUNDS(1, 0) },
		  "",
		  "runtime error: index out of range [-1]" },
		{ "runtime.boundsError",
		  25,
		  26,
		  false,
		  false,
		  { (uint64_t)-1, 3, BOUNDS(0, 0) },
		  "",
		  "runtime error: index out of range [18446744073709551615] with length 3" },
		{ "runtime.boundsError",
		  25,
		  26,
		  false,
		  false,
		  { 5, 4, BOUNDS(1, 2) },
		  "",
		  "runtime error: slice bounds out of range [:5] with capacity 4" },
		{ "runtime.boundsError",
		  25,
		  26,
		  false,
		  false,
		  { 5, 4, BOUNDS(1, 6) },
		  "",
		  "runtime error: slice bounds out of range [:5:4]" },
		{ "runtime.boundsError",
		  25,
		  26,
		  false,
		  false,
		  { (uint64_t)-2, 4, BOUNDS(1, 7) },
		  "",
		  "runtime error: slice bounds out of range [-2::]" },
		{ "runtime.boundsError",
		  25,
		  19,
		  false,
		  false,
		  { 8, 3, BOUNDS(1, 8) },
		  "",
		  "runtime error: cannot convert slice with length 3 to pointer to array with "
		  "length 8" },
		{ "runtime.boundsError",
		  25,
		  20,
		  false,
		  false,
		  { 8, 3, BOUNDS(1, 8) },
		  "",
		  "runtime error: cannot convert slice with length 3 to array or pointer to array "
		  "with "
		  "length 8" },
		{ "runtime.boundsError", 25, 26, false, false, { 8, 3, BOUNDS(1, 9) }, "", "" },
		{ "runtime.boundsError", 25, 26, false, false, { 8, 3, UINT64_MAX }, "", "" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gotype t = { .kind = cases[i].kind,
				    .minor = cases[i].minor,
				    .text = cases[i].text,
				    .direct = cases[i].direct };
		char buf[200];

		snprintf(t.name, sizeof(t.name), "%s", cases[i].name);
		t.known = goerror_find("runtime", t.name, t.minor)
				  ?: goerror_find("errors", t.name, t.minor);
		t.speaks = t.known || !strcmp(t.name, "main.status");
		for (size_t size = 0; size < sizeof(buf); size++) {
			size_t len;

			memset(buf, 'x', sizeof(buf));
			len = gotype_message(buf, size, &t, cases[i].value, 0, cases[i].bytes,
					     strlen(cases[i].bytes));
			for (size_t k = size; k < sizeof(buf); k++)
				assert_int_equal(buf[k], 'x');
			if (!size)
				continue;
			assert_true(len < size);
			assert_int_equal(strlen(buf), len);
			assert_memory_equal(buf, cases[i].want, len);
		}
		assert_string_equal(buf, cases[i].want);
	}
}

/* At most 128 bytes, no character halved, nothing behind the first that does not fit. */
static void cuts_messages(void **state)
{
	static const uint64_t value[GOTYPE_VALUE_WORDS];
	struct gotype t = { .name = "string", .kind = 24, .minor = 26, .text = true };
	char text[300], buf[300];

	memset(text, 'a', sizeof(text));
	assert_int_equal(gotype_message(buf, sizeof(buf), &t, value, 0, text, 300), 128);
	memcpy(text + 127, "\xc3\xbc", 2);
	assert_int_equal(gotype_message(buf, sizeof(buf), &t, value, 0, text, 300), 127);
	assert_int_equal(gotype_message(buf, sizeof(buf), &t, value, 0, text, 128), 127);
	assert_int_equal(gotype_message(buf, 8, &t, value, 0, "sixty \xe2\x82\xac", 9), 6);
	assert_int_equal(gotype_message(buf, 10, &t, value, 0, "sixty \xe2\x82\xac", 9), 9);
	assert_int_equal(gotype_message(buf, 10, &t, value, 0, "\xff\xff", 2), 2);
	text[3] = 0;
	assert_int_equal(gotype_message(buf, sizeof(buf), &t, value, 0, text, 10), 10);
}

static void assertions(void **state)
{
	static const struct {
		const char *iface, *concrete, *asserted, *missing, *want;
	} cases[] = {
		{ "interface {}", "string", "int", "",
		  "interface conversion: interface {} is string, not int" },
		{ "", "string", "int", "", "interface conversion: interface is string, not int" },
		{ "io.Reader", "", "*os.File", "",
		  "interface conversion: io.Reader is nil, not *os.File" },
		{ "io.Reader", "", "*os.File", "Close",
		  "interface conversion: io.Reader is nil, not *os.File" },
		{ "io.Reader", "*os.File", "fmt.Stringer", "String",
		  "interface conversion: *os.File is not fmt.Stringer: missing method String" },
	};
	char buf[200], longest[150];

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(gotype_assertion(buf, sizeof(buf), cases[i].iface,
						  cases[i].concrete, cases[i].asserted,
						  cases[i].missing),
				 strlen(cases[i].want));
		assert_string_equal(buf, cases[i].want);
	}
	memset(longest, 'T', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	assert_int_equal(gotype_assertion(buf, sizeof(buf), longest, longest, longest, longest),
			 128);
	assert_int_equal(gotype_assertion(buf, 0, "a", "b", "c", ""), 0);
}

static size_t unhex(const char *hex, char *ret)
{
	size_t n = 0;
	unsigned v;

	for (; sscanf(hex, "%2x", &v) == 1; hex += 2)
		ret[n++] = (char)v;
	return n;
}

static void type_name(const struct gobin *g, uint64_t va, char ret[GOTYPE_NAME_MAX])
{
	struct gotype t = { .name = "" };

	if (va)
		assert_int_equal(gotype_read(g, va, &t), 0);
	memcpy(ret, t.name, GOTYPE_NAME_MAX);
}

/* Each is the type that it is called; a program that opens files has a good many. */
static void finds_errors(const struct gobin *g)
{
	uint64_t found[GOERRORS_MAX];
	struct gotype t;
	unsigned n = 0;

	goerrors_find(g, found);
	for (unsigned i = 0; i < GOERRORS_MAX; i++) {
		if (!found[i])
			continue;
		n++;
		assert_int_equal(gotype_read(g, found[i], &t), 0);
		assert_int_equal(t.known, i);
		assert_string_equal(t.name, goerror_name((uint8_t)i));
	}
	assert_true(n > 8);
	assert_true(found[goerror_find("io/fs", "*fs.PathError", 26)]);
	assert_true(found[goerror_find("syscall", "syscall.Errno", 26)]);
}

struct shown {
	unsigned long long type, word, value[GOTYPE_VALUE_WORDS];
	char text[512], name[256], want[512];
};

static bool next_shown(FILE *in, struct shown *ret)
{
	char hex[1024];
	unsigned long long *v = ret->value;
	int n = fscanf(in, "%llx %llx %llx %llx %llx %llx %llx x%1023[0-9a-f] %255[^\n]%*c",
		       &ret->type, &ret->word, &v[0], &v[1], &v[2], &v[3], &v[4], hex, ret->name);

	if (n == 7) { /* no text */
		hex[0] = 0;
		n += fscanf(in, " %255[^\n]%*c", ret->name) + 1;
	}
	if (n != 9)
		return false;
	ret->text[unhex(hex, ret->text)] = 0;
	if (!fgets(ret->want, sizeof(ret->want), in))
		return false;
	ret->want[strcspn(ret->want, "\n")] = 0;
	return true;
}

static void compare(const struct gobin *g, const struct shown *s, uint64_t bias)
{
	uint64_t value[GOTYPE_VALUE_WORDS];
	char names[3][GOTYPE_NAME_MAX], got[200];
	struct gotype t;

	for (unsigned i = 0; i < GOTYPE_VALUE_WORDS; i++)
		value[i] = s->value[i];
	assert_int_equal(gotype_read(g, s->type - bias, &t), 0);
	assert_string_equal(t.name, s->name);
	if (strcmp(t.name, "*runtime.TypeAssertionError") != 0) {
		assert_true(!t.text || s->text[0]);
		(void)gotype_message(got, sizeof(got), &t, value, s->word, s->text,
				     strlen(s->text));
	} else {
		for (unsigned i = 0; i < 3; i++)
			type_name(g, value[i] ? value[i] - bias : 0, names[i]);
		(void)gotype_assertion(got, sizeof(got), names[0], names[1], names[2], s->text);
	}
	assert_string_equal(got, s->want);
}

/* "runtime.firstmoduledata" and all else moves by the same. */
static uint64_t bias_of(const struct gobin *g, uint64_t string_type)
{
	for (uint64_t va = g->moduledata.types; va < g->moduledata.etypes; va += 8) {
		struct gotype t;

		if ((string_type - va) % 4096 == 0 && gotype_read(g, va, &t) == 0 &&
		    !strcmp(t.name, "string") && t.kind == 24)
			return string_type - va;
	}
	return 0;
}

static void agrees_with_the_runtime(void **state)
{
	static const char *const variants[][2] = { { "exe", "" }, { "pie", "-buildmode=pie" } };
	static struct gofixture gos[GOFIXTURE_GOS_MAX];
	unsigned n = gofixture_find(gos);

	if (!n) {
		print_message("# no Go at hand: real programs are not compared\n");
		skip();
	}
	for (unsigned i = 0; i < 2 * n; i++) {
		const char *const *variant = variants[i / n];
		char path[PATH_MAX], cmd[PATH_MAX + 32];
		unsigned count = 0;
		uint64_t bias = 0;
		struct gofile file;
		struct elfimg img;
		struct shown s;
		struct gobin g;
		FILE *in;

		if (!gofixture_wanted(gos, n, i % n, variant[0]))
			continue;
		assert_true(gofixture_build(&gos[i % n], variant[0], variant[1], path));
		assert_true(gofile_open(path, &file));
		assert_int_equal(elfimg_init(&img, file.p, file.len, NULL), 0);
		assert_int_equal(gobin_init(&g, &img, NULL), 0);
		finds_errors(&g);
		snprintf(cmd, sizeof(cmd), "%s types 2>&1", path);
		in = popen(cmd, "r");
		assert_non_null(in);
		while (next_shown(in, &s)) {
			if (!count++ && img.type == ET_DYN)
				bias = bias_of(&g, s.type);
			compare(&g, &s, bias);
		}
		assert_int_equal(pclose(in), 0);
		gofile_close(&file);
		assert_true(count > 130);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(not_there),
		cmocka_unit_test(bad_names_and_methods),
		cmocka_unit_test(another_package),
		cmocka_unit_test(flip_every_byte),
		cmocka_unit_test(long_name),
		cmocka_unit_test(says),
		cmocka_unit_test(cuts_messages),
		cmocka_unit_test(assertions),
		cmocka_unit_test(agrees_with_the_runtime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
