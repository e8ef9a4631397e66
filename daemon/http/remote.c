// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "http/remote.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "http/libcurl.h"

#define LINE_MAX_BYTES 120
#define TOKEN_MAX      4096

struct request {
	const struct libcurl *lib;
	CURL *curl;
	struct curl_slist *headers;
	const char *url;
	struct buf answer;
};

static size_t on_answer(char *bytes, size_t size, size_t n, void *arg)
{
	struct buf *b = arg;

	buf_add(b, bytes, size * n);
	return b->failed ? 0 : size * n;
}

int http_remote_load(struct reason *reason)
{
	const struct libcurl *lib = libcurl_load();

	if (!lib)
		return reason_set(reason, -ENOSYS, "libcurl cannot be loaded: %s", dlerror());
	if (lib->global_init(CURL_GLOBAL_DEFAULT))
		return reason_set(reason, -ENOSYS, "libcurl cannot be initialized");
	return 0;
}

static int read_token(const char *path, char *buf, size_t size, struct reason *reason)
{
	FILE *f = fopen(path, "re");
	char *line;

	if (!f)
		return reason_set(reason, -EINVAL, "%s: %s", path, strerror(errno));
	line = fgets(buf, (int)size, f);
	fclose(f);
	buf[line ? strcspn(buf, "\r\n") : 0] = '\0';
	if (!buf[0])
		return reason_set(reason, -EINVAL, "%s: the first line has no token", path);
	return 0;
}

static void request_done(struct request *q)
{
	if (q->curl)
		q->lib->cleanup(q->curl);
	q->lib->slist_free(q->headers);
	buf_done(&q->answer);
}
#define _request_ _cleanup_(request_done) struct request

static bool set_up(struct request *q, const struct http_peer *p)
{
	const struct libcurl *lib = q->lib;
	CURL *c = q->curl;
	bool ok = true;

	ok &= !lib->setopt(c, CURLOPT_URL, q->url);
	ok &= !lib->setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	ok &= !lib->setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	ok &= !lib->setopt(c, CURLOPT_NOSIGNAL, 1L);
	ok &= !lib->setopt(c, CURLOPT_TIMEOUT_MS, (long)p->timeout_ms);
	ok &= !lib->setopt(c, CURLOPT_USERAGENT, "deferd");
	ok &= !lib->setopt(c, CURLOPT_HTTPHEADER, q->headers);
	ok &= !lib->setopt(c, CURLOPT_WRITEFUNCTION, on_answer);
	ok &= !lib->setopt(c, CURLOPT_WRITEDATA, &q->answer);
	if (p->ca_file[0])
		ok &= !lib->setopt(c, CURLOPT_CAINFO, p->ca_file);
	return ok;
}

/* In any case request_done() is to be called. */
static int request_begin(struct request *q, const struct http_peer *p, const char *url,
			 struct reason *reason)
{
	char header[TOKEN_MAX + 32], token[TOKEN_MAX];
	int r;

	*q = (struct request){ .lib = libcurl_load(), .url = url };
	buf_init(&q->answer, HTTP_ANSWER_MAX);
	if (p->bearer_file[0]) {
		r = read_token(p->bearer_file, token, sizeof(token), reason);
		if (r)
			return r;
		snprintf(header, sizeof(header), "Authorization: Bearer %s", token);
		q->headers = q->lib->slist_append(q->headers, header);
	}
	q->headers = q->lib->slist_append(q->headers, "Content-Type: application/json");
	q->curl = q->headers ? q->lib->init() : NULL;
	if (!q->curl || !set_up(q, p))
		return reason_set(reason, -ENOMEM, "out of memory");
	return 0;
}

/* The HTTP status of what came back, as far as it was read; or negative errno. */
static int request_perform(struct request *q, struct reason *reason)
{
	CURLcode code = q->lib->perform(q->curl);
	const char *text = q->answer.data ? q->answer.data : "";
	char line[LINE_MAX_BYTES];
	long status = 0;

	(void)q->lib->getinfo(q->curl, CURLINFO_RESPONSE_CODE, &status);
	/* An answer of which nobody wants to read the rest is one. */
	if (code && !(code == CURLE_WRITE_ERROR && status))
		return reason_set(reason, code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO,
				  "%s: %s", q->url, q->lib->strerror(code));
	if (status / 100 == 2)
		return (int)status;
	utf8_sanitize(line, sizeof(line), text, strcspn(text, "\r\n"));
	reason_set(reason, 0, "%s: HTTP status %ld%s%s", q->url, status, line[0] ? ": " : "", line);
	return (int)status;
}

int http_remote_post(const struct http_peer *p, const char *url, const char *body, size_t len,
		     struct reason *reason)
{
	_request_ q;
	int r = request_begin(&q, p, url, reason);

	if (r)
		return r;
	if (q.lib->setopt(q.curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len) ||
	    q.lib->setopt(q.curl, CURLOPT_POSTFIELDS, body))
		return reason_set(reason, -ENOMEM, "out of memory");
	return request_perform(&q, reason);
}

int http_remote_get(const struct http_peer *p, const char *url, char **ret_body,
		    struct reason *reason)
{
	_request_ q;
	size_t len;
	int r = request_begin(&q, p, url, reason);

	if (!r)
		r = request_perform(&q, reason);
	if (r < 0)
		return r;
	if (r / 100 != 2)
		return -EPROTO;
	if (q.answer.failed)
		return reason_set(reason, -EFBIG, "%s: the answer has more than %u bytes", url,
				  HTTP_ANSWER_MAX);
	*ret_body = buf_take(&q.answer, &len);
	return *ret_body ? 0 : reason_set(reason, -ENOMEM, "out of memory");
}
