// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What errors of the standard library print, by what lay in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "golang/goerrno.h"
#include "golang/goerror.h"

/* A value with its strings, up to a NULL; those of the words that are no strings follow. */
struct value {
	const char *package, *name;
	const char *texts[GOERROR_TEXTS];
	struct {
		unsigned at;
		uint64_t word;
	} words[3];
	unsigned parent, slot;
};

static void make(struct goerror_node *n, const struct value *v, unsigned minor)
{
	struct goerror_shape s;

	*n = (struct goerror_node){ .known = goerror_find(v->package, v->name, minor),
				    .parent = (uint8_t)v->parent,
				    .slot = (uint8_t)v->slot };
	s = goerror_shape(n->known);
	for (unsigned i = 0; i < s.n_texts && v->texts[i]; i++) {
		n->text_len[i] = (uint8_t)strlen(v->texts[i]);
		memcpy(n->text[i], v->texts[i], n->text_len[i]);
		n->words[s.texts[i]] = 0xc000100000;
		n->words[s.texts[i] + 1] = n->text_len[i];
	}
	for (unsigned i = 0; i < ARRAY_SIZE(v->words) && v->words[i].word; i++)
		n->words[v->words[i].at] = v->words[i].word;
}

static const char *print(const struct value *values, unsigned n)
{
	struct goerror_node nodes[GOERROR_NODES_MAX];
	static char buf[129];
	size_t len;

	for (unsigned i = 0; i < n; i++)
		make(&nodes[i], &values[i], 26);
	len = goerror_print(buf, sizeof(buf), nodes, n);
	assert_int_equal(len, strlen(buf));
	return buf;
}

#define PRINTS(want, ...)                                           \
	do {                                                        \
		const struct value v[] = { __VA_ARGS__ };           \
		assert_string_equal(print(v, ARRAY_SIZE(v)), want); \
	} while (0)

#define ERRNO(code, parent, slot)                                             \
	{                                                                     \
		"syscall", "syscall.Errno", {}, { { 0, code } }, parent, slot \
	}

static void one(void **state)
{
	PRINTS("no such user", { "errors", "*errors.errorString", { "no such user" } });
	PRINTS("", { "errors", "*errors.errorString", {} });
	PRINTS("runtime error: integer divide by zero",
	       { "runtime", "runtime.errorString", { "integer divide by zero" } });
	PRINTS("no such file or directory", ERRNO(2, 0, 0));
	PRINTS("errno 4000", ERRNO(4000, 0, 0));
	PRINTS("", ERRNO(116, 0, 0)); /* the release decides */
	PRINTS("context deadline exceeded", { "context", "context.deadlineExceededError", {} });
	PRINTS("illegal base64 data at input byte 7",
	       { "encoding/base64", "base64.CorruptInputError", {}, { { 0, 7 } } });
	PRINTS("reflect: call of reflect.Value.Len on int Value",
	       { "reflect", "*reflect.ValueError", { "reflect.Value.Len" }, { { 2, 2 } } });
	PRINTS("reflect: call of reflect.Value.Len on zero Value",
	       { "reflect", "*reflect.ValueError", { "reflect.Value.Len" } });
	PRINTS("error parsing regexp: missing closing ): `(`",
	       { "regexp/syntax", "*syntax.Error", { "missing closing )", "(" } });
	PRINTS("address 1:2:3: too many colons",
	       { "net", "*net.AddrError", { "1:2:3", "too many colons" } });
	PRINTS("lookup db on 10.0.0.1:53: no such host",
	       { "net", "*net.DNSError", { "db", "10.0.0.1:53", "no such host" } });
}

/* As deep as Go makes them. */
static void nested(void **state)
{
	PRINTS("open /etc/x.yml: no such file or directory",
	       { "io/fs", "*fs.PathError", { "open", "/etc/x.yml" } }, ERRNO(2, 0, 0));
	PRINTS("rename a b: permission denied", { "os", "*os.LinkError", { "rename", "a", "b" } },
	       ERRNO(13, 0, 0));
	PRINTS("strconv.Atoi: parsing \"tw\\\"el\\\\ve\\n\\x01\\x7f\xc3\xbc\\xff\": invalid syntax",
	       { "strconv", "*strconv.NumError", { "Atoi", "tw\"el\\ve\n\x01\x7f\xc3\xbc\xff" } },
	       { "errors", "*errors.errorString", { "invalid syntax" }, {}, 0, 0 });
	PRINTS("Get \"http://127.0.0.1:1/\": dial tcp 127.1.1.1:1: connect: connection refused",
	       { "net/url", "*url.Error", { "Get", "http://127.0.0.1:1/" } },
	       { "net", "*net.OpError", { "dial", "tcp" }, { { 6, 1 } }, 0, 0 },
	       { "net", "*net.TCPAddr", { "\x7f\1\1\1" }, { { 3, 1 } }, 1, 1 },
	       { "os", "*os.SyscallError", { "connect" }, {}, 1, 2 }, ERRNO(111, 3, 0));
	PRINTS("first\nsecond", { "errors", "*errors.joinError", {}, { { 1, 2 } } },
	       { "errors", "*errors.errorString", { "first" }, {}, 0, 0 },
	       { "errors", "*errors.errorString", { "second" }, {}, 0, 1 });
	PRINTS("read unix /run/a->/run/b: i/o timeout",
	       { "net", "*net.OpError", { "read", "unix" }, { { 4, 1 }, { 6, 1 } } },
	       { "net", "*net.UnixAddr", { "/run/a" }, {}, 0, 0 },
	       { "net", "*net.UnixAddr", { "/run/b" }, {}, 0, 1 },
	       { "internal/poll", "*poll.DeadlineExceededError", {}, {}, 0, 2 });
}

/* An error in it that nobody knows, or that is not there: not even the beginning is told. */
static void not_known(void **state)
{
	PRINTS("", { "io/fs", "*fs.PathError", { "open", "/etc/x.yml" } });
	PRINTS("", { "io/fs", "*fs.PathError", { "open", "/etc/x.yml" } },
	       { "main", "*main.apiError", { "s3cr3t" } });
	PRINTS("", { "example.com/fs", "*fs.PathError", { "open", "/etc/x.yml" } }, ERRNO(2, 0, 0));
	PRINTS("", { "runtime", "runtime.boundsError", {} }); /* gotype.c tells it */
	assert_int_equal(goerror_find("fmt", "*fmt.pp", 26), GOERROR_NONE);
	assert_int_equal(goerror_find("", "", 26), GOERROR_NONE);
}

static void unread(void **state)
{
	static const struct value v[] = { { "io/fs", "*fs.PathError", { "open", "/x" } },
					  ERRNO(2, 0, 0) };
	struct goerror_node nodes[2];
	char buf[64];

	for (unsigned i = 0; i < 2; i++)
		make(&nodes[i], &v[i], 26);
	nodes[0].text_len[0] = 0; /* its length says that there is one */
	assert_int_equal(goerror_print(buf, sizeof(buf), nodes, 2), 0);
	make(&nodes[0], &v[0], 26);
	nodes[1].unread = true;
	assert_int_equal(goerror_print(buf, sizeof(buf), nodes, 2), 0);
	assert_int_equal(goerror_print(buf, sizeof(buf), nodes, 0), 0);
	assert_string_equal(buf, "");
	assert_int_equal(goerror_print(buf, 0, nodes, 2), 0);
}

/* A quotation ends where a string has been cut, or the room. */
static void cut(void **state)
{
	static const struct value v[] = { { "io/fs", "*fs.PathError", { "open", "/\xc3\xbc" } },
					  ERRNO(2, 0, 0) };
	struct goerror_node nodes[2];
	char buf[64];

	for (unsigned i = 0; i < 2; i++)
		make(&nodes[i], &v[i], 26);
	nodes[0].words[3] = 500;
	assert_int_equal(goerror_print(buf, sizeof(buf), nodes, 2), 8);
	assert_string_equal(buf, "open /\xc3\xbc");
	nodes[0].text_len[1]--;
	assert_int_equal(goerror_print(buf, sizeof(buf), nodes, 2), 6);
	make(&nodes[0], &v[0], 26);
	for (size_t size = 1; size < sizeof(buf); size++) {
		size_t len;

		memset(buf, 'x', sizeof(buf));
		len = goerror_print(buf, size, nodes, 2);
		assert_true(len < size && strlen(buf) == len);
		assert_memory_equal(buf, "open /\xc3\xbc: no such file or directory", len);
	}
}

/* No row needs more room than there is, and its strings and errors lie within its words. */
static void shapes(void **state)
{
	for (unsigned i = 1; i < GOERRORS_MAX; i++) {
		struct goerror_shape s = goerror_shape((uint8_t)i);

		assert_true(s.words <= GOERROR_WORDS);
		for (unsigned k = 0; k < s.n_texts; k++)
			assert_true(s.texts[k] + 2 <= s.words);
		for (unsigned k = 0; k < s.n_errors; k++)
			assert_true(s.errors[k] + 2 <= s.words);
		if (goerror_name((uint8_t)i)[0])
			assert_true(goerror_has_name(goerror_name((uint8_t)i),
						     strlen(goerror_name((uint8_t)i)), false) ==
				    (goerror_name((uint8_t)i)[0] == '*'));
	}
	assert_true(goerror_has_name("*syscall.Errno", 14, true));
	assert_false(goerror_has_name("*syscall.Errno", 14, false));
	assert_false(goerror_has_name("", 0, true));
	assert_null(goerrno_text(0));
	assert_null(goerrno_text(UINT64_MAX));
}

/* Before Go 1.23 a net.DNSError began with its text. */
static void by_release(void **state)
{
	struct value v = { "net", "*net.DNSError", { "db", "", "no such host" } };
	struct goerror_node n;
	char buf[64];

	make(&n, &v, 22);
	assert_int_equal(goerror_shape(n.known).words, 6);
	(void)goerror_print(buf, sizeof(buf), &n, 1);
	assert_string_equal(buf, "lookup db: no such host");
	make(&n, &v, 23);
	assert_int_equal(goerror_shape(n.known).words, 8);
	(void)goerror_print(buf, sizeof(buf), &n, 1);
	assert_string_equal(buf, "lookup db: no such host");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one),        cmocka_unit_test(nested), cmocka_unit_test(not_known),
		cmocka_unit_test(unread),     cmocka_unit_test(cut),    cmocka_unit_test(shapes),
		cmocka_unit_test(by_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
