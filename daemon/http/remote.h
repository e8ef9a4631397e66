/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Requests to a server of the network, by libcurl: HTTP or HTTPS, no redirects, within a time limit. They block, so each
 * peer has a thread of its own; http_remote_load() comes first, in the thread that starts them.
 */
#ifndef DEFERD_HTTP_REMOTE_H
#define DEFERD_HTTP_REMOTE_H

#include <stddef.h>

#include "base/reason.h"

#define HTTP_ANSWER_MAX (1u << 20) /* bytes; nobody reads on */

struct http_peer {
	const char *ca_file;     /* PEM; "": the system's */
	const char *bearer_file; /* its first line is the token; read each time; "": none */
	unsigned timeout_ms;     /* of all of a request */
};

/* 0, or -ENOSYS with the reason: libcurl is not installed. */
int http_remote_load(struct reason *reason);

/*
 * Of a JSON body to http:// or https://. The HTTP status, whatever it is, with the first line of the answer in *reason
 * when it is none of 200 to 299; or negative errno with the reason: -ETIMEDOUT, -EIO, -EINVAL a file that cannot be read.
 */
int http_remote_post(const struct http_peer *p, const char *url, const char *body, size_t len,
		     struct reason *reason);

/*
 * The answer is the caller's, malloc'd and NUL terminated. 0; or negative errno with the reason: as above, -EFBIG it is
 * longer than HTTP_ANSWER_MAX, -EPROTO its status is none of 200 to 299.
 */
int http_remote_get(const struct http_peer *p, const char *url, char **ret_body,
		    struct reason *reason);

#endif
