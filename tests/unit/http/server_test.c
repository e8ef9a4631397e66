// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The server on a unix socket in a folder of our own, and a client in the same process: both are
 * driven by one loop, and nothing waits for a clock. http_tick() is never called, so an answer
 * that needs it would not come.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "http/server.h"
#include "tempdir.h"

#define IDLE_TURNS_MAX 100
#define PATIENCE_MS    20
#define BIG_LEN        (4u << 20)

struct bench {
	struct loop *loop;
	struct http_server *server;
	struct tempdir dir;
	char path[96];
	/* What the handler was asked last, and how often. */
	unsigned asked;
	char method[16], target[64], query[64];
	bool local, openmetrics;
};

static void handler(void *arg, const struct http_request *req, struct http_response *ret)
{
	struct bench *b = arg;
	const char *q = http_query(req, "q");

	b->asked++;
	b->local = req->local;
	b->openmetrics = req->openmetrics;
	snprintf(b->method, sizeof(b->method), "%s", req->method);
	snprintf(b->target, sizeof(b->target), "%s", req->path);
	snprintf(b->query, sizeof(b->query), "%s", q ? q : "(none)");
	ret->type = "text/plain; charset=utf-8";
	if (!strcmp(req->path, "/small")) {
		ret->body = strdup("hello\n");
		ret->len = 6;
	} else if (!strcmp(req->path, "/big")) {
		ret->body = malloc(BIG_LEN);
		ret->len = BIG_LEN;
		for (unsigned i = 0; ret->body && i < BIG_LEN; i++)
			ret->body[i] = (char)('a' + i / 7 % 26);
	} else if (!strcmp(req->path, "/empty")) {
		ret->type = NULL;
	} else if (!strcmp(req->path, "/post-only")) {
		ret->status = strcmp(req->method, "POST") ? 405 : 200;
		ret->allow = ret->status == 405 ? "POST" : NULL;
	} else {
		ret->status = 404;
		ret->body = strdup("no such page\n");
		ret->len = 13;
	}
}

static void listen_here(struct bench *b)
{
	struct http_opts opts = { .handler = handler, .arg = b };
	struct reason why = { 0 };

	if (http_listen_unix(b->loop, b->path, "", &opts, &b->server, &why))
		fail_msg("%s", why.text);
}

static void bench_init(struct bench *b)
{
	*b = (struct bench){ 0 };
	tempdir_make(&b->dir);
	snprintf(b->path, sizeof(b->path), "%s", tempdir_path(&b->dir, "sock"));
	b->loop = loop_new();
	assert_non_null(b->loop);
}

static void bench_done(struct bench *b)
{
	http_close(b->server);
	loop_free(b->loop);
	tempdir_done(&b->dir);
}

#define _bench_ _cleanup_(bench_done) struct bench

static int dial(const struct bench *b)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(addr.sun_path, b->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

struct client {
	int fd;
	struct loop_source *source;
	struct loop *loop;
	struct buf in;
};

static void on_answer(void *arg, uint32_t events)
{
	struct client *c = arg;
	char bytes[16384];
	ssize_t n = read(c->fd, bytes, sizeof(bytes));

	if (n > 0) {
		buf_add(&c->in, bytes, n);
	} else if (n == 0 || errno != EAGAIN) {
		loop_remove(c->loop, c->source);
		c->source = NULL;
	}
}

/* Send the bytes as they are, then turn the loop until the server hangs up. */
static void talk(struct bench *b, const char *request, size_t len, struct buf *ret)
{
	struct client c = { .loop = b->loop, .fd = dial(b) };
	size_t sent = 0;

	buf_init(&c.in, 0);
	c.source = loop_add_fd(b->loop, c.fd, EPOLLIN, on_answer, &c);
	assert_non_null(c.source);
	for (unsigned idle = 0; c.source;) {
		size_t before = c.in.len + sent;

		if (sent < len) {
			ssize_t n = send(c.fd, request + sent, len - sent, MSG_NOSIGNAL);

			if (n > 0)
				sent += n;
			else if (errno != EAGAIN)
				sent = len;
		}
		/* Not a pace but the end of patience: something is always ready. */
		assert_int_equal(loop_turn(b->loop, sent < len ? 0 : PATIENCE_MS), 0);
		idle = c.in.len + sent > before ? 0 : idle + 1;
		if (idle == IDLE_TURNS_MAX)
			fail_msg("no answer after %zu bytes, %zu sent", c.in.len, sent);
	}
	close(c.fd);
	buf_add(&c.in, "", 0);
	*ret = c.in;
}

static void ask(struct bench *b, const char *line, const char *headers, struct buf *ret)
{
	struct buf req;

	buf_init(&req, 0);
	buf_printf(&req, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", line, headers);
	talk(b, req.data, req.len, ret);
	buf_done(&req);
}

static const char *body_of(const struct buf *answer, size_t *ret_len)
{
	const char *end = strstr(answer->data, "\r\n\r\n");

	assert_non_null(end);
	*ret_len = answer->len - (end + 4 - answer->data);
	return end + 4;
}

static bool has(const struct buf *answer, const char *header)
{
	const char *at = strcasestr(answer->data, header), *end = strstr(answer->data, "\r\n\r\n");

	return at && at < end;
}

static void pages(void **state)
{
	static const struct {
		const char *line, *status, *body;
	} cases[] = {
		{ "GET /small", "HTTP/1.1 200 ", "hello\n" },
		{ "GET /nothing", "HTTP/1.1 404 ", "no such page\n" },
		{ "GET /empty", "HTTP/1.1 200 ", "" },
		{ "GET /post-only", "HTTP/1.1 405 ", "" },
		{ "POST /post-only", "HTTP/1.1 200 ", "" },
		{ "HEAD /small", "HTTP/1.1 200 ", "" },
		{ "HEAD /nothing", "HTTP/1.1 404 ", "" },
	};
	_bench_ b;

	bench_init(&b);
	listen_here(&b);
	assert_string_equal(http_address(b.server), b.path);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf in;
		const char *body;
		size_t len;

		ask(&b, cases[i].line, "", &in);
		assert_int_equal(b.asked, i + 1);
		assert_true(b.local);
		assert_string_equal(b.query, "(none)");
		body = body_of(&in, &len);
		if (strncmp(in.data, cases[i].status, strlen(cases[i].status)) ||
		    len != strlen(cases[i].body) || memcmp(body, cases[i].body, len))
			fail_msg("%s: %s", cases[i].line, in.data);
		assert_true(has(&in, "X-Content-Type-Options: nosniff"));
		assert_int_equal(has(&in, "Content-Type:"), !strstr(cases[i].line, "/empty"));
		if (!strcmp(cases[i].line, "HEAD /small"))
			assert_true(has(&in, "Content-Length: 6"));
		assert_int_equal(has(&in, "\r\nAllow: POST\r\n"),
				 !strcmp(cases[i].line, "GET /post-only"));
		buf_done(&in);
	}
}

static void what_is_asked(void **state)
{
	static const struct {
		const char *line, *headers, *path, *query;
		bool openmetrics;
	} cases[] = {
		{ "GET /a?q=1", "", "/a", "1", false },
		{ "GET /a?p=1", "", "/a", "(none)", false },
		{ "GET /a?q=", "", "/a", "", false },
		{ "GET /a?q=x%26y%3D%00z", "", "/a", "x&y=", false },
		{ "GET /%61?q=1&q=2", "", "/a", "1", false },
		{ "GET /", "Accept: text/plain\r\n", "/", "(none)", false },
		{ "GET /",
		  "Accept: application/openmetrics-text; version=1.0.0,text/plain;q=0.5\r\n", "/",
		  "(none)", true },
	};
	_bench_ b;

	bench_init(&b);
	listen_here(&b);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf in;

		ask(&b, cases[i].line, cases[i].headers, &in);
		if (strcmp(b.target, cases[i].path) || strcmp(b.query, cases[i].query) ||
		    b.openmetrics != cases[i].openmetrics)
			fail_msg("%s: %s, q %s, OpenMetrics %d", cases[i].line, b.target, b.query,
				 b.openmetrics);
		buf_done(&in);
	}
}

static void inflate_all(const char *zipped, size_t len, struct buf *ret)
{
	z_stream z = { .next_in = (Bytef *)zipped, .avail_in = (uInt)len };
	char bytes[65536];
	int err;

	buf_init(ret, 0);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	do {
		z.next_out = (Bytef *)bytes;
		z.avail_out = sizeof(bytes);
		err = inflate(&z, Z_NO_FLUSH);
		assert_true(err == Z_OK || err == Z_STREAM_END);
		buf_add(ret, bytes, sizeof(bytes) - z.avail_out);
	} while (err != Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	inflateEnd(&z);
}

/* Four megabytes through a socket buffer of some hundred kilobytes. */
static void big_page(void **state)
{
	_bench_ b;
	struct buf plain, zipped, unpacked;
	const char *p, *z;
	size_t len, zlen;

	bench_init(&b);
	listen_here(&b);
	ask(&b, "GET /big", "", &plain);
	p = body_of(&plain, &len);
	assert_int_equal(len, BIG_LEN);
	assert_false(has(&plain, "Content-Encoding"));
	ask(&b, "GET /big", "Accept-Encoding: deflate, gzip;q=1.0\r\n", &zipped);
	assert_true(has(&zipped, "Content-Encoding: gzip"));
	z = body_of(&zipped, &zlen);
	assert_true(zlen < len / 10);
	inflate_all(z, zlen, &unpacked);
	assert_int_equal(unpacked.len, len);
	assert_memory_equal(unpacked.data, p, len);
	buf_done(&plain);
	buf_done(&zipped);
	buf_done(&unpacked);
	/* What fits into one packet anyway is sent as it is. */
	ask(&b, "GET /small", "Accept-Encoding: gzip\r\n", &plain);
	assert_false(has(&plain, "Content-Encoding"));
	buf_done(&plain);
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (text = strstr(text, what); text; text = strstr(text + 1, what))
		n++;
	return n;
}

/* Several requests in one write: each is answered at once, not at the next tick. */
static void pipelined(void **state)
{
	static const char requests[] =
		"GET /small HTTP/1.1\r\nHost: x\r\n\r\n"
		"GET /small HTTP/1.1\r\nHost: x\r\n\r\n"
		"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
		"GET /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	_bench_ b;
	struct buf in;

	bench_init(&b);
	listen_here(&b);
	talk(&b, requests, strlen(requests), &in);
	assert_int_equal(b.asked, 4);
	assert_int_equal(count(in.data, "hello\n"), 3);
	assert_int_equal(count(in.data, "no such page\n"), 1);
	buf_done(&in);
}

/* A body that nobody wants is read and dropped; the handler is asked once. */
static void unwanted_body(void **state)
{
	_bench_ b;
	struct buf in, req;

	bench_init(&b);
	listen_here(&b);
	buf_init(&req, 0);
	buf_puts(&req, "POST /post-only HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		       "Content-Length: 1000000\r\n\r\n");
	for (unsigned i = 0; i < 100000; i++)
		buf_puts(&req, "0123456789");
	talk(&b, req.data, req.len, &in);
	assert_int_equal(b.asked, 1);
	assert_int_equal(count(in.data, "HTTP/1.1 200 "), 1);
	buf_done(&in);
	buf_done(&req);
}

/* What is no request is refused without asking anybody, and harms nobody else. */
static void malformed(void **state)
{
	static const char *const requests[] = {
		"\r\n\r\n\r\n \r\n\r\n",
		"GET\r\n\r\n",
		"GET /small HTTP/1.1\r\nno colon here\r\n\r\n",
		"GET /small HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
		"GET /small HTTP/9.9\r\nHost: x\r\n\r\n",
		"\x16\x03\x01\x02\x01\x01\xfc\x03\x03\r\n\r\n",
	};
	_bench_ b;

	bench_init(&b);
	listen_here(&b);
	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
		struct buf in;
		struct client idle = { .fd = dial(&b) };

		/* The client ends its side, so that what asks for more is over, too. */
		assert_true(send(idle.fd, requests[i], strlen(requests[i]), MSG_NOSIGNAL) > 0);
		shutdown(idle.fd, SHUT_WR);
		ask(&b, "GET /small", "", &in);
		assert_int_equal(count(in.data, "hello\n"), 1);
		close(idle.fd);
		buf_done(&in);
	}
}

static void endless_header(void **state)
{
	_bench_ b;
	struct buf in, req;

	bench_init(&b);
	listen_here(&b);
	buf_init(&req, 0);
	buf_puts(&req, "GET /small HTTP/1.1\r\nHost: x\r\n");
	for (unsigned i = 0; i < 4000; i++)
		buf_printf(&req, "X-%u: 0123456789012345678901234567890123456789\r\n", i);
	talk(&b, req.data, req.len, &in);
	assert_int_equal(b.asked, 0);
	assert_int_equal(count(in.data, "hello\n"), 0);
	buf_done(&in);
	buf_done(&req);
	ask(&b, "GET /small", "", &in);
	assert_int_equal(b.asked, 1);
	buf_done(&in);
}

static void mode_of_the_socket(void **state)
{
	_bench_ b;
	struct stat st;
	mode_t old = umask(0);

	bench_init(&b);
	listen_here(&b);
	assert_int_equal(umask(old), 0); /* as it was */
	assert_int_equal(stat(b.path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
	/* It goes with the server. */
	http_close(b.server);
	b.server = NULL;
	assert_int_equal(stat(b.path, &st), -1);
}

/* A group that does not exist is no reason not to serve. */
static void unknown_group(void **state)
{
	_bench_ b;
	struct http_opts opts = { .handler = handler, .arg = &b };
	struct stat st;

	bench_init(&b);
	assert_int_equal(
		http_listen_unix(b.loop, b.path, "no-such-group-here", &opts, &b.server, NULL), 0);
	assert_int_equal(stat(b.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
}

/* A socket file that nobody listens on: a daemon that was killed. */
static void stale_socket(void **state)
{
	_bench_ b;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat before, after;
	struct buf in;
	int fd;

	bench_init(&b);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(addr.sun_path, b.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	assert_int_equal(stat(b.path, &before), 0);
	listen_here(&b);
	assert_int_equal(stat(b.path, &after), 0);
	ask(&b, "GET /small", "", &in);
	assert_int_equal(b.asked, 1);
	buf_done(&in);
}

static void live_socket(void **state)
{
	_bench_ b;
	struct http_opts opts = { .handler = handler, .arg = &b };
	struct http_server *second = NULL;
	struct reason why = { 0 };
	struct buf in;

	bench_init(&b);
	listen_here(&b);
	assert_int_equal(http_listen_unix(b.loop, b.path, "", &opts, &second, &why), -EADDRINUSE);
	assert_null(second);
	assert_non_null(strstr(why.text, b.path));
	/* The first one goes on. */
	ask(&b, "GET /small", "", &in);
	assert_int_equal(count(in.data, "hello\n"), 1);
	buf_done(&in);
}

/* Whatever else has that name is somebody's and stays. */
static void other_files(void **state)
{
	static const char *const kinds[] = { "file", "folder", "link to a file", "fifo" };
	_bench_ b;
	struct http_opts opts = { .handler = handler, .arg = &b };
	char other[128];

	bench_init(&b);
	snprintf(other, sizeof(other), "%s/other", b.dir.path);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct reason why = { 0 };
		struct stat before, after;
		int fd = open(other, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		close(fd);
		if (i == 0)
			assert_int_equal(link(other, b.path), 0);
		else if (i == 1)
			assert_int_equal(mkdir(b.path, 0700), 0);
		else if (i == 2)
			assert_int_equal(symlink(other, b.path), 0);
		else
			assert_int_equal(mkfifo(b.path, 0600), 0);
		assert_int_equal(lstat(b.path, &before), 0);
		assert_int_equal(http_listen_unix(b.loop, b.path, "", &opts, &b.server, &why),
				 -EEXIST);
		assert_null(b.server);
		assert_non_null(strstr(why.text, b.path));
		if (lstat(b.path, &after) || before.st_ino != after.st_ino ||
		    before.st_mode != after.st_mode)
			fail_msg("the %s is gone", kinds[i]);
		assert_int_equal(access(other, F_OK), 0);
		assert_int_equal(remove(b.path), 0);
		assert_int_equal(remove(other), 0);
	}
}

static void paths_that_cannot_be(void **state)
{
	_bench_ b;
	struct http_opts opts = { .handler = handler, .arg = &b };
	struct reason why = { 0 };
	char longest[200];

	bench_init(&b);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = 0;
	assert_int_equal(http_listen_unix(b.loop, longest, "", &opts, &b.server, &why),
			 -ENAMETOOLONG);
	longest[108] = 0;
	assert_int_equal(http_listen_unix(b.loop, longest, "", &opts, &b.server, &why),
			 -ENAMETOOLONG);
	snprintf(longest, sizeof(longest), "%s/no/such/folder", b.dir.path);
	assert_int_equal(http_listen_unix(b.loop, longest, "", &opts, &b.server, &why), -ENOENT);
	assert_non_null(strstr(why.text, longest));
	assert_null(b.server);
	http_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages),
		cmocka_unit_test(what_is_asked),
		cmocka_unit_test(big_page),
		cmocka_unit_test(pipelined),
		cmocka_unit_test(unwanted_body),
		cmocka_unit_test(malformed),
		cmocka_unit_test(endless_header),
		cmocka_unit_test(mode_of_the_socket),
		cmocka_unit_test(unknown_group),
		cmocka_unit_test(stale_socket),
		cmocka_unit_test(live_socket),
		cmocka_unit_test(other_files),
		cmocka_unit_test(paths_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
