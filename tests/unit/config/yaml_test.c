// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/yaml.h"
#include "tempdir.h"

#define MS     1000000ull
#define SECOND (1000 * MS)

/* One key of each type. */
struct thing {
	char name[8];
	bool on;
	uint32_t count, bytes;
	double ratio;
	uint64_t wait_ns;
	int color;
	struct {
		uint32_t inner;
	} sub;
	unsigned custom;
};

static void parse_custom(struct yaml_file *f, yaml_node_t *node, void *base)
{
	((struct thing *)base)->custom++;
}

#define F(field) offsetof(struct thing, field)
static const char *const colors[] = { "red", "green", NULL };
static const struct yaml_key sub_keys[] = {
	{ "inner", YAML_U32, F(sub.inner), .min = 0, .max = 9, .required = true },
};
static const struct yaml_key keys[] = {
	{ "name", YAML_STRING, F(name), sizeof(((struct thing *)0)->name) },
	{ "on", YAML_BOOL, F(on) },
	{ "count", YAML_U32, F(count), .min = 2, .max = UINT32_MAX },
	{ "ratio", YAML_NUMBER, F(ratio), .min = -1, .max = 1 },
	{ "wait", YAML_DURATION, F(wait_ns), .min = 1e9, .max = 60e9 },
	{ "bytes", YAML_BYTES, F(bytes), .min = 4096, .max = 1 << 20 },
	{ "color", YAML_ENUM, F(color), .names = colors },
	{ "sub", .type = YAML_SECTION, .sub = sub_keys, .n_sub = ARRAY_SIZE(sub_keys) },
	{ "custom", .type = YAML_CUSTOM, .parse = parse_custom },
};
#define VALID "name, on, count, ratio, wait, bytes, color, sub, custom"

/* Number of errors; their lines in *errors. */
static unsigned bind_bytes(const char *text, size_t len, struct thing *t, struct buf *errors)
{
	struct yaml_file f;
	yaml_node_t *root = yaml_file_parse(&f, "x.yml", text, len, errors);
	unsigned n;

	if (root)
		yaml_bind(&f, root, "", keys, ARRAY_SIZE(keys), t);
	n = f.n_errors;
	yaml_file_done(&f);
	yaml_file_done(&f);
	return n;
}

static void faults(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		/* The text is no YAML, or no mapping. */
		{ "name: [", "x.yml:2:1: not valid YAML: did not find expected node content, while "
			     "parsing a flow node\n" },
		{ "name: a\n  on: true\n",
		  "x.yml:2:5: not valid YAML: mapping values are not allowed in this context\n" },
		{ "name: \"a\n", "x.yml:2:1: not valid YAML: found unexpected end of stream, while "
				 "scanning a quoted scalar\n" },
		{ "\tname: a\n", "x.yml:1:1: not valid YAML: found character that cannot start any "
				 "token, while scanning for the next token\n" },
		{ "name: *a\n", "x.yml:1:7: not valid YAML: found undefined alias\n" },
		{ "name: \xff\n", "x.yml:1:1: not valid YAML: invalid leading UTF-8 octet\n" },
		{ "name: a\n---\nname: b\n",
		  "x.yml:3:1: a second YAML document; a configuration file has only one\n" },
		{ "name: a\n...\n}\n",
		  "x.yml:3:1: not valid YAML: did not find expected <document start>\n" },
		{ "- name\n", "x.yml:1:1: file: expected a mapping of keys to values\n" },
		{ "name\n", "x.yml:1:1: file: expected a mapping of keys to values\n" },
		/* Keys. */
		{ "name: a\nnam: b\n", "x.yml:2:1: unknown key 'nam'; valid keys: " VALID "\n" },
		{ "sub:\n  inner: 1\n  iner: 1\n",
		  "x.yml:3:3: unknown key 'iner' in sub; valid keys: inner\n" },
		{ "Name: b\n", "x.yml:1:1: unknown key 'Name'; valid keys: " VALID "\n" },
		{ "\"\": b\n", "x.yml:1:1: unknown key ''; valid keys: " VALID "\n" },
		{ "on: true\non: true\n", "x.yml:2:1: key 'on' is given twice\n" },
		{ "[a]: b\n", "x.yml:1:1: key: expected a single value, found a list\n" },
		{ "{a: b}: b\n", "x.yml:1:1: key: expected a single value, found a mapping\n" },
		{ "sub: {}\n", "x.yml:1:6: sub: key 'inner' is missing\n" },
		{ "sub:\n", "x.yml:1:5: sub: key 'inner' is missing\n" },
		{ "sub: 7\n", "x.yml:1:6: sub: expected a mapping of keys to values\n" },
		{ "sub: [7]\n", "x.yml:1:6: sub: expected a mapping of keys to values\n" },
		{ "sub: &s { inner: 1, sub: *s }\n",
		  "x.yml:1:21: unknown key 'sub' in sub; valid keys: inner\n" },
		/* Values. */
		{ "name: 12345678\n", "x.yml:1:7: name: longer than 7 bytes\n" },
		{ "name: \"a\\0b\"\n", "x.yml:1:7: name: holds a NUL byte\n" },
		{ "\"na\\0me\": b\n", "x.yml:1:1: key: holds a NUL byte\n" },
		{ "name: [a]\n", "x.yml:1:7: name: expected a single value, found a list\n" },
		{ "name: {a: b}\n", "x.yml:1:7: name: expected a single value, found a mapping\n" },
		{ "on: yes\n", "x.yml:1:5: on: 'yes' is not true or false\n" },
		{ "on:\n", "x.yml:1:4: on: '' is not true or false\n" },
		{ "count: 1\n", "x.yml:1:8: count: 1 is out of range, must be 2 to 4294967295\n" },
		{ "count: 4294967296\n",
		  "x.yml:1:8: count: 4294967296 is out of range, must be 2 to 4294967295\n" },
		{ "count: -5\n",
		  "x.yml:1:8: count: -5 is out of range, must be 2 to 4294967295\n" },
		{ "count: 2.5\n", "x.yml:1:8: count: '2.5' is not a whole number\n" },
		{ "count: 12 apples\n", "x.yml:1:8: count: '12 apples' is not a whole number\n" },
		{ "count:\n", "x.yml:1:7: count: '' is not a whole number\n" },
		{ "count: nan\n", "x.yml:1:8: count: 'nan' is not a whole number\n" },
		{ "count: 1e999\n", "x.yml:1:8: count: '1e999' is not a whole number\n" },
		{ "ratio: inf\n", "x.yml:1:8: ratio: 'inf' is not a finite number\n" },
		{ "ratio: 1.01\n", "x.yml:1:8: ratio: 1.01 is out of range, must be -1 to 1\n" },
		{ "wait: 5\n",
		  "x.yml:1:7: wait: '5' is not a duration such as 250ms, 30s, 5m, 2h or 1d\n" },
		{ "wait: 0\n", "x.yml:1:7: wait: 0 is out of range, must be 1s to 60s\n" },
		{ "wait: 999ms\n", "x.yml:1:7: wait: 999ms is out of range, must be 1s to 60s\n" },
		{ "wait: 2m\n", "x.yml:1:7: wait: 2m is out of range, must be 1s to 60s\n" },
		{ "bytes: 4095\n",
		  "x.yml:1:8: bytes: 4095 is out of range, must be 4096 to 1048576 bytes\n" },
		{ "bytes: 1MB\n",
		  "x.yml:1:8: bytes: '1MB' is not a size such as 4096, 64KiB or 1MiB\n" },
		{ "color: Red\n", "x.yml:1:8: color: 'Red' is not one of: red, green\n" },
		{ "color:\n", "x.yml:1:7: color: '' is not one of: red, green\n" },
		/* All of them in one pass, in the order of the file. */
		{ "on: 1\n\nnope: 1\ncount: x\n",
		  "x.yml:1:5: on: '1' is not true or false\n"
		  "x.yml:3:1: unknown key 'nope'; valid keys: " VALID "\n"
		  "x.yml:4:8: count: 'x' is not a whole number\n" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct thing before = { "before", true, 77, 77, 0.5, 77, 1, { 7 }, 0 };
		struct thing t = before;
		struct buf errors = {};
		unsigned n = bind_bytes(cases[i].text, strlen(cases[i].text), &t, &errors),
			 lines = 0;

		if (!errors.data || strcmp(errors.data, cases[i].error))
			fail_msg("%s\ngives      %sexpected   %s", cases[i].text,
				 errors.data ? errors.data : "(nothing)\n", cases[i].error);
		for (const char *s = errors.data; *s; s++)
			lines += *s == '\n';
		assert_int_equal(n, lines);
		/* What is wrong is not bound. */
		assert_int_equal(t.count, before.count);
		assert_true(t.ratio == before.ratio && t.wait_ns == before.wait_ns);
		assert_int_equal(t.bytes, before.bytes);
		assert_int_equal(t.color, before.color);
		buf_done(&errors);
	}
}

static void nothing_to_bind(void **state)
{
	static const char *const texts[] = { "",      "\n\n", "# a comment\n",
					     "---\n", "{}\n", "---\n...\n" };

	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
		struct thing t = { .count = 77 };
		struct buf errors = {};

		assert_int_equal(bind_bytes(texts[i], strlen(texts[i]), &t, &errors), 0);
		assert_null(errors.data);
		assert_int_equal(t.count, 77);
	}
}

static void every_type(void **state)
{
	static const char text[] = "name: 'seven77'\n"
				   "on: true\n"
				   "count: 4294967295\n"
				   "ratio: -0.25\n"
				   "wait: 1.5s\n"
				   "bytes: 64KiB\n"
				   "color: green\n"
				   "sub: { inner: 9 }\n"
				   "custom: [whatever]\n";
	struct thing t = {};
	struct buf errors = {};

	assert_int_equal(bind_bytes(text, strlen(text), &t, &errors), 0);
	assert_null(errors.data);
	assert_string_equal(t.name, "seven77");
	assert_true(t.on);
	assert_int_equal(t.count, UINT32_MAX);
	assert_true(t.ratio == -0.25);
	assert_int_equal(t.wait_ns, 1500 * MS);
	assert_int_equal(t.bytes, 65536);
	assert_int_equal(t.color, 1);
	assert_int_equal(t.sub.inner, 9);
	assert_int_equal(t.custom, 1);
	/* Absent keys leave what is there. */
	assert_int_equal(bind_bytes("on: false", 9, &t, &errors), 0);
	assert_false(t.on);
	assert_int_equal(t.count, UINT32_MAX);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint64_t ns;
	} cases[] = {
		{ "0", 0, 0 },
		{ "0s", 0, 0 },
		{ "1ms", 0, MS },
		{ "250ms", 0, 250 * MS },
		{ "0.5s", 0, 500 * MS },
		{ "30s", 0, 30 * SECOND },
		{ "5m", 0, 300 * SECOND },
		{ "2h", 0, 7200 * SECOND },
		{ "1d", 0, 86400 * SECOND },
		{ "11574d", 0, 11574 * 86400ull * SECOND },
		{ "11575d", -EINVAL, 0 }, /* past 10^18 ns */
		{ "1e30s", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "5", -EINVAL, 0 },
		{ "00", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "5 s", -EINVAL, 0 },
		{ "5S", -EINVAL, 0 },
		{ "5sec", -EINVAL, 0 },
		{ "5us", -EINVAL, 0 },
		{ "1m30s", -EINVAL, 0 },
		{ "infs", -EINVAL, 0 },
		{ "nans", -EINVAL, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t ns = 77;

		if (yaml_parse_duration(cases[i].text, &ns) != cases[i].err ||
		    ns != (cases[i].err ? 77 : cases[i].ns))
			fail_msg("'%s' is %llu", cases[i].text, (unsigned long long)ns);
	}
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0, 0 },
		{ "1", 0, 1 },
		{ "4096", 0, 4096 },
		{ "64KiB", 0, 65536 },
		{ "0.5MiB", 0, 524288 },
		{ "2GiB", 0, 2147483648 },
		{ "", -EINVAL, 0 },
		{ "KiB", -EINVAL, 0 },
		{ "64K", -EINVAL, 0 },
		{ "64kib", -EINVAL, 0 },
		{ "64 KiB", -EINVAL, 0 },
		{ "64KB", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1e19", -EINVAL, 0 },
		{ "1e10GiB", -EINVAL, 0 },
		{ "nan", -EINVAL, 0 },
		{ "infinity", -EINVAL, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t v = 77;

		if (yaml_parse_bytes(cases[i].text, &v) != cases[i].err ||
		    v != (cases[i].err ? 77 : cases[i].bytes))
			fail_msg("'%s' is %llu", cases[i].text, (unsigned long long)v);
	}
}

static void files(void **state)
{
	_tempdir_ dir = {};
	struct buf errors = {}, want = {};
	struct yaml_file f;
	yaml_node_t *root;
	const char *path;
	char *big;

	tempdir_make(&dir);
	path = tempdir_path(&dir, "missing.yml");
	assert_null(yaml_file_load(&f, path, &errors));
	buf_printf(&want, "%s: No such file or directory\n", path);
	assert_string_equal(errors.data, want.data);
	assert_int_equal(f.n_errors, 1);
	yaml_file_done(&f);
	/* A folder opens, and cannot be read. */
	buf_reset(&errors);
	assert_null(yaml_file_load(&f, dir.path, &errors));
	buf_reset(&want);
	buf_printf(&want, "%s: Is a directory\n", dir.path);
	assert_string_equal(errors.data, want.data);
	yaml_file_done(&f);
	/* As large as may be, and one byte more. */
	big = malloc(YAML_FILE_MAX + 1);
	assert_non_null(big);
	memset(big, '\n', YAML_FILE_MAX + 1);
	memcpy(big, "name: a", 7);
	buf_reset(&errors);
	root = yaml_file_load(&f, tempdir_write(&dir, "big.yml", big, YAML_FILE_MAX), &errors);
	assert_non_null(root);
	assert_int_equal(errors.len, 0);
	yaml_file_done(&f);
	assert_null(yaml_file_load(&f, tempdir_write(&dir, "big.yml", big, YAML_FILE_MAX + 1),
				   &errors));
	assert_non_null(strstr(errors.data, "larger than 1048576 bytes"));
	yaml_file_done(&f);
	free(big);
	buf_done(&errors);
	buf_done(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults),     cmocka_unit_test(nothing_to_bind),
		cmocka_unit_test(every_type), cmocka_unit_test(durations),
		cmocka_unit_test(sizes),      cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
