// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <crypt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "http/auth.h"

/* bcrypt with the smallest cost: a millisecond. */
static void add_user(struct http_auth *a, const char *name, const char *password)
{
	struct crypt_data data = { 0 };
	const char *hash = crypt_r(password, "$2y$04$abcdefghijklmnopqrstuu", &data);

	assert_non_null(hash);
	assert_memory_equal(hash, "$2y$04$", 7);
	snprintf(a->users[a->n].name, sizeof(a->users[0].name), "%s", name);
	snprintf(a->users[a->n++].hash, sizeof(a->users[0].hash), "%s", hash);
}

static void passwords(void **state)
{
	static const struct {
		const char *name, *password;
		bool good;
	} cases[] = {
		{ "alice", "s3cret", true },
		{ "bob", "", true },
		{ "carol", "gr\xc3\xbc\xc3\x9f", true },
		{ "alice", "", false },
		{ "alice", "s3cre", false },
		{ "alice", "s3cret ", false },
		{ "alice", "S3CRET", false },
		{ "alice", "gr\xc3\xbc\xc3\x9f", false },
		{ "bob", "s3cret", false },
		{ "bob", " ", false },
		{ "Alice", "s3cret", false },
		{ "alic", "s3cret", false },
		{ "alice ", "s3cret", false },
		{ "", "", false },
		{ "mallory", "s3cret", false },
	};
	struct http_auth a = { 0 };

	add_user(&a, "alice", "s3cret");
	add_user(&a, "bob", "");
	add_user(&a, "carol", "gr\xc3\xbc\xc3\x9f");
	/* Again when the good ones are remembered: nothing changes. */
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
			if (http_auth_check(&a, cases[i].name, cases[i].password) != cases[i].good)
				fail_msg("round %u: '%s' with '%s'", round, cases[i].name,
					 cases[i].password);
}

static void nobody(void **state)
{
	struct http_auth a = { 0 };

	assert_false(http_auth_check(&a, "", ""));
	assert_false(http_auth_check(&a, "alice", "s3cret"));
}

/* What is no hash, or one of a method that crypt(3) does not know, fits no password. */
static void broken_hashes(void **state)
{
	static const char *const hashes[] = { "",
					      "*0",
					      "*1",
					      "s3cret",
					      "$2y$",
					      "$2y",
					      "$2y$04$too-short",
					      "$99$x",
					      "$2y$99$abcdefghijklmnopqrstuu" };
	struct http_auth a = { .n = 1 };

	strcpy(a.users[0].name, "alice");
	for (unsigned i = 0; i < ARRAY_SIZE(hashes); i++) {
		strcpy(a.users[0].hash, hashes[i]);
		assert_false(http_auth_check(&a, "alice", "s3cret"));
		assert_false(http_auth_check(&a, "alice", hashes[i]));
		assert_false(http_auth_check(&a, "alice", ""));
		assert_string_equal(a.users[0].good, "");
	}
}

static void remembered(void **state)
{
	struct http_auth a = { 0 };
	char good[sizeof(a.users[0].good)];

	add_user(&a, "alice", "s3cret");
	add_user(&a, "bob", "s3cret");
	assert_false(http_auth_check(&a, "alice", "wrong"));
	assert_string_equal(a.users[0].good, "");
	assert_true(http_auth_check(&a, "alice", "s3cret"));
	/* Not the password, and not of the slow kind. */
	assert_memory_equal(a.users[0].good, "$5$", 3);
	assert_null(strstr(a.users[0].good, "s3cret"));
	assert_string_equal(a.users[1].good, "");
	strcpy(good, a.users[0].good);
	/* A wrong one does not change what is remembered. */
	assert_false(http_auth_check(&a, "alice", "wrong"));
	assert_string_equal(a.users[0].good, good);
	/* It is the remembered one that answers: the slow hash is not asked any more. */
	strcpy(a.users[0].hash, "$2y$04$nothing");
	assert_true(http_auth_check(&a, "alice", "s3cret"));
	assert_false(http_auth_check(&a, "alice", "wrong"));
	/* Each user's own. */
	strcpy(a.users[1].hash, "$2y$04$nothing");
	assert_false(http_auth_check(&a, "bob", "s3cret"));
}

/* Two daemons remember one password differently. */
static void own_salt(void **state)
{
	struct http_auth a = { 0 }, b = { 0 };

	add_user(&a, "alice", "s3cret");
	add_user(&b, "alice", "s3cret");
	assert_true(http_auth_check(&a, "alice", "s3cret"));
	assert_true(http_auth_check(&b, "alice", "s3cret"));
	assert_string_not_equal(a.salt, b.salt);
	assert_string_not_equal(a.users[0].good, b.users[0].good);
}

static void many_users(void **state)
{
	struct http_auth a = { 0 };
	char name[16];

	for (unsigned i = 0; i < HTTP_USERS_MAX; i++) {
		snprintf(name, sizeof(name), "user%u", i);
		add_user(&a, name, name);
	}
	for (unsigned i = 0; i < HTTP_USERS_MAX; i++) {
		snprintf(name, sizeof(name), "user%u", i);
		assert_true(http_auth_check(&a, name, name));
	}
	assert_false(http_auth_check(&a, "user31", "user30"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passwords),     cmocka_unit_test(nobody),
		cmocka_unit_test(broken_hashes), cmocka_unit_test(remembered),
		cmocka_unit_test(own_salt),      cmocka_unit_test(many_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
