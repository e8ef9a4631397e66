/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * TLS and basic auth as Prometheus exporters configure them (web.yml of the exporter-toolkit):
 *
 *	tls_server_config: { cert_file: ..., key_file: ... }
 *	basic_auth_users: { alice: $2y$10$... }		# bcrypt
 *
 * File names are relative to the file they stand in. Passwords are checked by crypt(3); what was
 * right once is remembered as a hash in memory, since bcrypt is slow on purpose and the loop must
 * not be.
 */
#ifndef DEFERD_HTTP_AUTH_H
#define DEFERD_HTTP_AUTH_H

#include <stdbool.h>

#define HTTP_USERS_MAX 32

struct http_auth {
	unsigned n;
	struct {
		char name[64];
		char hash[128]; /* crypt(3) form */
		char good
			[128]; /* the password that was right, hashed cheaply with our own salt; "" none yet */
	} users[HTTP_USERS_MAX];
	char salt[32];
};

/* A password that was right before, found without bcrypt. */
bool http_auth_known(struct http_auth *a, const char *name, const char *password);
/* By bcrypt when it must be. False for an unknown user, too; takes the same time then. */
bool http_auth_check(struct http_auth *a, const char *name, const char *password);

#endif
