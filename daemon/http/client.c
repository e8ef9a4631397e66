// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "http/client.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "http/libcurl.h"

#define URL_MAX        512
#define FIRST_LINE_MAX 120 /* of an answer that goes into a reason */

struct http_client {
	const struct libcurl *lib; /* NULL: could not be loaded */
	CURL *curl;                /* kept between requests, and the connection with it */
	char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct buf body;
	bool path_too_long;
};

/* Called by libcurl with each piece; anything but n aborts the transfer. */
static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct buf *b = arg;

	buf_add(b, bytes, size * n);
	return b->failed ? 0 : size * n;
}

static bool set_up(struct http_client *c, unsigned timeout_ms)
{
	bool ok = true;

	ok &= !c->lib->setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->socket_path);
	ok &= !c->lib->setopt(c->curl, CURLOPT_PROXY, ""); /* of the environment: not for this */
	ok &= !c->lib->setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	ok &= !c->lib->setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	ok &= !c->lib->setopt(c->curl, CURLOPT_USERAGENT, "deferd");
	ok &= !c->lib->setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
	ok &= !c->lib->setopt(c->curl, CURLOPT_WRITEDATA, &c->body);
	return ok;
}

struct http_client *http_client_new(const char *socket_path, unsigned timeout_ms)
{
	struct http_client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->path_too_long = strlen(socket_path) >= sizeof(c->socket_path);
	snprintf(c->socket_path, sizeof(c->socket_path), "%s", socket_path);
	buf_init(&c->body, HTTP_BODY_MAX);
	c->lib = libcurl_load();
	c->curl = c->lib ? c->lib->init() : NULL;
	if (c->lib && (!c->curl || !set_up(c, timeout_ms))) {
		http_client_free(c);
		return NULL;
	}
	return c;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	if (c->lib)
		c->lib->cleanup(c->curl);
	buf_done(&c->body);
	free(c);
}

static int fail(struct http_client *c, CURLcode code, struct reason *reason)
{
	long os_errno = 0;

	switch (code) {
	case CURLE_COULDNT_CONNECT:
		(void)c->lib->getinfo(c->curl, CURLINFO_OS_ERRNO, &os_errno);
		if (!os_errno)
			os_errno = ECONNREFUSED;
		return reason_set(reason, (int)-os_errno, "%s: %s", c->socket_path,
				  strerror((int)os_errno));
	case CURLE_OPERATION_TIMEDOUT:
		return reason_set(reason, -ETIMEDOUT, "%s: no answer in time", c->socket_path);
	case CURLE_WRITE_ERROR:
		return reason_set(reason, -EFBIG, "%s: the answer has more than %u bytes",
				  c->socket_path, HTTP_BODY_MAX);
	case CURLE_OUT_OF_MEMORY:
		return reason_set(reason, -ENOMEM, "out of memory");
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL: /* libcurl took it for HTTP/0.9 */
		return reason_set(reason, -EPROTO, "%s: the answer is not HTTP", c->socket_path);
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return reason_set(reason, -EPROTO, "%s: %s", c->socket_path,
				  c->lib->strerror(code));
	default:
		return reason_set(reason, -EIO, "%s: %s", c->socket_path, c->lib->strerror(code));
	}
}

/* The first line of an answer that is none of ours tells what went wrong there. */
static int refuse(struct http_client *c, long status, const char *path, bool post,
		  struct reason *reason)
{
	const char *text = c->body.data ? c->body.data : "";
	char line[FIRST_LINE_MAX];

	utf8_sanitize(line, sizeof(line), text, strcspn(text, "\r\n"));
	/* Why what somebody wants done is not. */
	if (post && line[0])
		return reason_set(reason, status == 404 ? -ESRCH : -EPROTO, "%s", line);
	return reason_set(reason, status == 404 ? -ESRCH : -EPROTO, "%s%s: HTTP status %ld%s%s",
			  c->socket_path, path, status, line[0] ? ": " : "", line);
}

static int request(struct http_client *c, const char *path, bool post, char **ret_body,
		   size_t *ret_len, struct reason *reason)
{
	char url[URL_MAX];
	long status = 0;
	CURLcode code;
	char *body;

	if (c->path_too_long ||
	    snprintf(url, sizeof(url), "http://localhost%s", path) >= (int)sizeof(url))
		return reason_set(reason, -ENAMETOOLONG, "%s: a socket path has at most %zu bytes",
				  c->socket_path, sizeof(c->socket_path) - 1);
	if (!c->lib)
		return reason_set(reason, -ENOSYS, "libcurl cannot be loaded: %s", dlerror());
	buf_reset(&c->body);
	/* The method comes last: the body sets it as well. */
	if (c->lib->setopt(c->curl, CURLOPT_URL, url) ||
	    c->lib->setopt(c->curl, CURLOPT_POSTFIELDSIZE, 0L) ||
	    c->lib->setopt(c->curl, CURLOPT_POSTFIELDS, "") ||
	    c->lib->setopt(c->curl, post ? CURLOPT_POST : CURLOPT_HTTPGET, 1L))
		return reason_set(reason, -ENOMEM, "out of memory");
	code = c->lib->perform(c->curl);
	if (code)
		return fail(c, code, reason);
	(void)c->lib->getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return refuse(c, status, path, post, reason);
	body = buf_take(&c->body, ret_len);
	if (!body)
		return reason_set(reason, -ENOMEM, "out of memory");
	*ret_body = body;
	return 0;
}

int http_client_get(struct http_client *c, const char *path, char **ret_body, size_t *ret_len,
		    struct reason *reason)
{
	return request(c, path, false, ret_body, ret_len, reason);
}

int http_client_post(struct http_client *c, const char *path, char **ret_body, size_t *ret_len,
		     struct reason *reason)
{
	return request(c, path, true, ret_body, ret_len, reason);
}
