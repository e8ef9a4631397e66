/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A small HTTP server over libmicrohttpd, run by the loop: no thread of its own, so handlers may
 * read what the loop owns. It listens on TCP (optionally with TLS and basic auth) or on a unix
 * socket. Limits: HTTP_CONNECTIONS at a time, 10 s of silence, 32 KiB a request, no request bodies.
 */
#ifndef DEFERD_HTTP_SERVER_H
#define DEFERD_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"
#include "base/reason.h"

#define HTTP_CONNECTIONS 64

struct http_auth;

struct http_request {
	const char *method; /* "GET", "HEAD", "POST" */
	const char *path;
	bool local;       /* came over the unix socket */
	bool openmetrics; /* the client prefers application/openmetrics-text */
	void *impl;
};

/* A query argument, or NULL. Borrowed for the call. */
const char *http_query(const struct http_request *req, const char *name);

struct http_response {
	unsigned status;
	const char *type; /* Content-Type, static */
	char *body;       /* malloc'd, taken by the server; NULL: empty */
	size_t len;
	const char *allow; /* of status 405: the methods that there are, static */
};

typedef void (*http_handler)(void *arg, const struct http_request *req, struct http_response *ret);

struct http_opts {
	const char *tls_cert, *tls_key; /* PEM text; NULL: plain */
	const struct http_auth *auth;   /* NULL: everybody */
	http_handler handler;
	void *arg;
};

struct http_server;

/*
 * host:port; an empty host means all addresses, port 0 any. The reason names the address and what
 * to do: -EADDRINUSE,
 * -EACCES, -EINVAL (not host:port), ...
 */
int http_listen_tcp(struct loop *loop, const char *address, const struct http_opts *opts,
		    struct http_server **ret, struct reason *reason);
/*
 * Replaces a stale socket file, never one that somebody still answers on (-EADDRINUSE) nor a file
 * of another kind (-EEXIST). Mode 0660, group if it exists.
 */
int http_listen_unix(struct loop *loop, const char *path, const char *group,
		     const struct http_opts *opts, struct http_server **ret, struct reason *reason);
/* "127.0.0.1:10035": with the port that port 0 became. */
const char *http_address(const struct http_server *s);
void http_close(struct http_server *s); /* NULL is allowed */
/* Notice connections that have been silent for too long; once a second. */
void http_tick(struct http_server *s);

#endif
