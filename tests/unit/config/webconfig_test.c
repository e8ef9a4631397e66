// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/webconfig.h"
#include "tempdir.h"

DEFINE_CLEANUP(struct webconfig *, webconfig_free)
#define _webconfig_ _cleanup_(webconfig_freep) struct webconfig *

#define HASH "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"

static void faults(void **state)
{
	static const struct {
		const char *text, *want; /* after the path */
	} cases[] = {
		{ "tls_server_confg: {}\n", ":1:1: unknown key 'tls_server_confg'; valid keys: "
					    "tls_server_config, basic_auth_users\n" },
		{ "tls_server_config: { cert_file: a }\n",
		  ":1:20: tls_server_config: key 'key_file' is missing\n" },
		{ "tls_server_config: { cert_file: a, key_file: b, min_version: TLS12 }\n",
		  ":1:49: unknown key 'min_version' in tls_server_config; valid keys: cert_file, "
		  "key_file\n" },
		{ "tls_server_config: { cert_file: [a], key_file: b }\n",
		  ":1:33: tls_server_config.cert_file: expected a single value, found a list\n" },
		{ "basic_auth_users: [alice]\n",
		  ":1:19: basic_auth_users: expected a mapping of names to bcrypt hashes\n" },
		{ "basic_auth_users:\n  alice: secret\n",
		  ":2:10: basic_auth_users.alice: not a bcrypt hash ($2y$...); make one with: "
		  "htpasswd -nBC 10 alice\n" },
		{ "basic_auth_users:\n  '': " HASH "\n",
		  ":2:3: basic_auth_users: a name has 1 to 63 bytes\n" },
		{ "basic_auth_users:\n  alice: [" HASH "]\n",
		  ":2:10: password hash: expected a single value, found a list\n" },
		{ "basic_auth_users:\n  alice: " HASH "\n  alice: " HASH "\n",
		  ":3:3: basic_auth_users: 'alice' is given twice\n" },
		{ "basic_auth_users: {\n", ":2:1: not valid YAML: did not find expected node "
					   "content, while parsing a flow node\n" },
	};
	_tempdir_ dir = {};

	tempdir_make(&dir);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *path = tempdir_puts(&dir, "web.yml", cases[i].text);
		struct webconfig *w = (struct webconfig *)&w;
		struct buf errors = {};

		assert_int_equal(webconfig_load(path, &w, &errors), -EINVAL);
		assert_ptr_equal(w, &w); /* untouched */
		assert_memory_equal(errors.data, path, strlen(path));
		assert_string_equal(errors.data + strlen(path), cases[i].want);
		buf_done(&errors);
	}
}

static void unreadable(void **state)
{
	_tempdir_ dir = {};
	struct webconfig *w = NULL;
	struct buf errors = {}, want = {};
	const char *path;

	tempdir_make(&dir);
	assert_int_equal(webconfig_load(tempdir_path(&dir, "none.yml"), &w, &errors), -EINVAL);
	assert_non_null(strstr(errors.data, "none.yml: No such file or directory\n"));
	buf_reset(&errors);
	/* Both files are named; their place is the folder of the file that names them. */
	path = tempdir_puts(
		&dir, "web.yml",
		"tls_server_config: { cert_file: c.pem, key_file: /nonexistent/k.pem }\n");
	assert_int_equal(webconfig_load(path, &w, &errors), -EINVAL);
	buf_printf(
		&want,
		"%s: tls_server_config.cert_file: %s/c.pem: No such file or directory\n"
		"%s: tls_server_config.key_file: /nonexistent/k.pem: No such file or directory\n",
		path, dir.path, path);
	assert_string_equal(errors.data, want.data);
	assert_null(w);
	buf_done(&errors);
	buf_done(&want);
}

static void whole(void **state)
{
	_tempdir_ dir = {};
	_webconfig_ w = NULL;
	struct buf errors = {};
	const char *path;

	tempdir_make(&dir);
	tempdir_puts(&dir, "c.pem", "the certificate\n");
	tempdir_puts(&dir, "k.pem", "the key\n");
	path = tempdir_puts(&dir, "web.yml",
			    "tls_server_config:\n  cert_file: c.pem\n  key_file: k.pem\n"
			    "basic_auth_users:\n  alice: " HASH "\n  bob: \"" HASH "\"\n");
	assert_int_equal(webconfig_load(path, &w, &errors), 0);
	assert_null(errors.data);
	assert_string_equal(w->cert, "the certificate\n");
	assert_string_equal(w->key, "the key\n");
	assert_int_equal(w->auth.n, 2);
	assert_string_equal(w->auth.users[0].name, "alice");
	assert_string_equal(w->auth.users[1].name, "bob");
	assert_string_equal(w->auth.users[1].hash, HASH);
	assert_string_equal(w->auth.users[1].good, "");
}

static void nothing_asked_for(void **state)
{
	static const char *const texts[] = { "", "# later\n", "{}\n", "basic_auth_users: {}\n" };
	_tempdir_ dir = {};

	tempdir_make(&dir);
	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
		_webconfig_ w = NULL;
		struct buf errors = {};

		assert_int_equal(
			webconfig_load(tempdir_puts(&dir, "web.yml", texts[i]), &w, &errors), 0);
		assert_true(!w->cert && !w->key && !w->auth.n);
	}
	webconfig_free(NULL);
}

static void too_many_users(void **state)
{
	_tempdir_ dir = {};
	struct webconfig *w = NULL;
	struct buf text = {}, errors = {};

	tempdir_make(&dir);
	buf_puts(&text, "basic_auth_users:\n");
	for (unsigned i = 0; i < HTTP_USERS_MAX; i++)
		buf_printf(&text, "  user%u: %s\n", i, HASH);
	assert_int_equal(webconfig_load(tempdir_puts(&dir, "web.yml", text.data), &w, &errors), 0);
	assert_int_equal(w->auth.n, HTTP_USERS_MAX);
	webconfig_free(w);
	buf_printf(&text, "  one_more: %s\n", HASH);
	assert_int_equal(webconfig_load(tempdir_puts(&dir, "web.yml", text.data), &w, &errors),
			 -EINVAL);
	assert_non_null(strstr(errors.data, ":34:3: basic_auth_users: more than 32\n"));
	buf_done(&text);
	buf_done(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults),         cmocka_unit_test(unreadable),
		cmocka_unit_test(whole),          cmocka_unit_test(nothing_asked_for),
		cmocka_unit_test(too_many_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
