/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Requests over a unix socket, by libcurl: what commands ask of the daemon on this host. Blocks,
 * within a time limit, so not for the loop of the daemon itself. One thread at a time for each
 * client.
 */
#ifndef DEFERD_HTTP_CLIENT_H
#define DEFERD_HTTP_CLIENT_H

#include <stddef.h>

#include "base/reason.h"

#define HTTP_BODY_MAX (64u << 20) /* bytes of an answer; a longer one is refused */

struct http_client;

/* The path is copied; nothing is connected yet. NULL: out of memory. */
struct http_client *http_client_new(const char *socket_path, unsigned timeout_ms);
void http_client_free(struct http_client *c); /* NULL is allowed */

/*
 * *ret_body is malloc'd, NUL terminated, and the caller's. 0, or with the reason:
 *	-ENOENT, -ECONNREFUSED  nobody listens there
 *	-EACCES, -EPERM         somebody does, and we may not ask
 *	-ETIMEDOUT              no whole answer within the limit
 *	-EFBIG                  the answer is longer than HTTP_BODY_MAX
 *	-ESRCH                  the answer is 404: the thing asked for does not exist
 *	-EPROTO                 any other answer but 200, or none that is HTTP
 *	-ENOSYS                 libcurl is not installed
 *	-ENAMETOOLONG, -ENOMEM, -EIO
 */
int http_client_get(struct http_client *c, const char *path, char **ret_body, size_t *ret_len,
		    struct reason *reason);
/* POST without a body; as http_client_get(). */
int http_client_post(struct http_client *c, const char *path, char **ret_body, size_t *ret_len,
		     struct reason *reason);

#endif
