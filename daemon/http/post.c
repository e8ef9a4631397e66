// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "http/post.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "http/libcurl.h"

#define LINE_MAX_BYTES 120
#define TOKEN_MAX      4096

/* The beginning of an answer: its first line tells what went wrong. */
struct answer {
	size_t len; /* of all that came */
	char head[LINE_MAX_BYTES];
};

static size_t on_answer(char *bytes, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;
	size_t all = size * n, room = a->len < sizeof(a->head) ? sizeof(a->head) - a->len : 0;

	memcpy(a->head + sizeof(a->head) - room, bytes, all < room ? all : room);
	a->len += all;
	return a->len > HTTP_POST_ANSWER_MAX ? 0 : all;
}

int http_post_load(struct reason *reason)
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
		return reason_set(reason, -EINVAL, "%s: no token in its first line", path);
	return 0;
}

static bool set_up(const struct libcurl *lib, CURL *c, const struct http_post *p, const char *body,
		   size_t len, struct curl_slist *headers, struct answer *a)
{
	bool ok = true;

	ok &= !lib->setopt(c, CURLOPT_URL, p->url);
	ok &= !lib->setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	ok &= !lib->setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	ok &= !lib->setopt(c, CURLOPT_NOSIGNAL, 1L);
	ok &= !lib->setopt(c, CURLOPT_TIMEOUT_MS, (long)p->timeout_ms);
	ok &= !lib->setopt(c, CURLOPT_USERAGENT, "deferd");
	ok &= !lib->setopt(c, CURLOPT_HTTPHEADER, headers);
	ok &= !lib->setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	ok &= !lib->setopt(c, CURLOPT_POSTFIELDS, body);
	ok &= !lib->setopt(c, CURLOPT_WRITEFUNCTION, on_answer);
	ok &= !lib->setopt(c, CURLOPT_WRITEDATA, a);
	if (p->ca_file[0])
		ok &= !lib->setopt(c, CURLOPT_CAINFO, p->ca_file);
	return ok;
}

static int verdict(const struct libcurl *lib, CURL *c, CURLcode code, const struct http_post *p,
		   const struct answer *a, struct reason *reason)
{
	char line[LINE_MAX_BYTES];
	size_t len = a->len < sizeof(a->head) ? a->len : sizeof(a->head);
	long status = 0;

	(void)lib->getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	/* An answer of which nobody wants to read the rest is one. */
	if (code && !(code == CURLE_WRITE_ERROR && status))
		return reason_set(reason, code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO,
				  "%s: %s", p->url, lib->strerror(code));
	if (status / 100 == 2)
		return (int)status;
	for (size_t i = 0; i < len; i++) {
		if (a->head[i] == '\n' || a->head[i] == '\r')
			len = i;
	}
	utf8_sanitize(line, sizeof(line), a->head, len);
	reason_set(reason, 0, "%s: HTTP status %ld%s%s", p->url, status, line[0] ? ": " : "", line);
	return (int)status;
}

int http_post(const struct http_post *p, const char *body, size_t len, struct reason *reason)
{
	const struct libcurl *lib = libcurl_load();
	char header[TOKEN_MAX + 32], token[TOKEN_MAX];
	struct curl_slist *headers = NULL;
	struct answer a = {};
	int r = -ENOMEM;
	CURL *c;

	if (p->bearer_file[0]) {
		r = read_token(p->bearer_file, token, sizeof(token), reason);
		if (r)
			return r;
		snprintf(header, sizeof(header), "Authorization: Bearer %s", token);
		headers = lib->slist_append(headers, header);
	}
	snprintf(header, sizeof(header), "Content-Type: %s", p->content_type);
	headers = lib->slist_append(headers, header);
	c = lib->init();
	if (c && headers && set_up(lib, c, p, body, len, headers, &a))
		r = verdict(lib, c, lib->perform(c), p, &a, reason);
	else
		r = reason_set(reason, -ENOMEM, "out of memory");
	if (c)
		lib->cleanup(c);
	lib->slist_free(headers);
	return r;
}
