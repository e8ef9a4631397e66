// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "http/auth.h"

#include <crypt.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* A bcrypt hash of nothing in particular: what an unknown user is checked against. */
#define NOBODY "$2y$10$abcdefghijklmnopqrstuuJq9t5K0lzQ2hYwQ0oB0aXhS0nJp5v2C"

/*
 * SHA-256 with the smallest number of rounds: 1 ms instead of bcrypt's 50, for a password that is
 * known to be right.
 */
static void cheap_hash(struct http_auth *a, const char *password, char *ret, size_t size)
{
	struct crypt_data data = {};
	const char *hash;

	if (!a->salt[0]) {
		unsigned char raw[8];

		if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
			return;
		snprintf(a->salt, sizeof(a->salt), "$5$rounds=1000$");
		for (size_t i = 0; i < sizeof(raw); i++) {
			size_t n = strlen(a->salt);

			snprintf(a->salt + n, sizeof(a->salt) - n, "%c", 'a' + raw[i] % 26);
		}
	}
	hash = crypt_r(password, a->salt, &data);
	snprintf(ret, size, "%s", hash ? hash : "");
}

static bool same(const char *a, const char *b)
{
	size_t n = strlen(a);
	unsigned char diff = 0;

	if (n != strlen(b))
		return false;
	for (size_t i = 0; i < n; i++)
		diff |= a[i] ^ b[i];
	return !diff;
}

/* a->n: unknown. */
static unsigned find_user(const struct http_auth *a, const char *name)
{
	unsigned i = 0;

	while (i < a->n && strcmp(a->users[i].name, name))
		i++;
	return i;
}

bool http_auth_known(struct http_auth *a, const char *name, const char *password)
{
	unsigned i = find_user(a, name);
	char cheap[128] = "";

	if (i == a->n || !a->users[i].good[0])
		return false;
	cheap_hash(a, password, cheap, sizeof(cheap));
	return cheap[0] && same(cheap, a->users[i].good);
}

bool http_auth_check(struct http_auth *a, const char *name, const char *password)
{
	struct crypt_data data = {};
	unsigned i = find_user(a, name);
	const char *hash;

	if (http_auth_known(a, name, password))
		return true;
	hash = crypt_r(password, i < a->n ? a->users[i].hash : NOBODY, &data);
	if (i == a->n || !hash || !same(hash, a->users[i].hash))
		return false;
	cheap_hash(a, password, a->users[i].good, sizeof(a->users[i].good));
	return true;
}
