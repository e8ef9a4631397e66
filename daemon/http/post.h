/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A body sent to a server of the network by POST, by libcurl: HTTP or HTTPS, no redirects, within a time limit. Blocks, so
 * each has a thread of its own; http_post_load() comes first, in the thread that starts them.
 */
#ifndef DEFERD_HTTP_POST_H
#define DEFERD_HTTP_POST_H

#include <stddef.h>

#include "base/reason.h"

#define HTTP_POST_ANSWER_MAX (1u << 20) /* bytes; nobody reads on */

struct http_post {
	const char *url;          /* http:// or https:// */
	const char *ca_file;      /* PEM; "": the system's */
	const char *bearer_file;  /* its first line is the token; read each time; "": none */
	unsigned timeout_ms;      /* of all of it */
	const char *content_type; /* of the body */
};

/* 0, or -ENOSYS with the reason: libcurl is not installed. */
int http_post_load(struct reason *reason);

/*
 * The HTTP status, whatever it is, with the first line of the answer in *reason when it is none of 200 to 299; or negative
 * errno with the reason: -ETIMEDOUT, -EIO, -EINVAL a file that cannot be read.
 */
int http_post(const struct http_post *p, const char *body, size_t len, struct reason *reason);

#endif
