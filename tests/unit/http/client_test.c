// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What the client makes of answers, good and bad, of a socket with nobody behind it, and of one
 * that is not ours to use.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "http/client.h"
#include "tempdir.h"

#define PLENTY_MS 10000
#define LITTLE_MS 20
#define OK        "HTTP/1.1 200 OK\r\n"

DEFINE_CLEANUP(struct http_client *, http_client_free)
#define _client_ _cleanup_(http_client_freep) struct http_client *

/* Somebody who reads one request, answers with given bytes and `filler` more, and hangs up. */
struct peer {
	char path[96];
	int fd;
	pthread_t thread;
	bool post;          /* what is asked */
	const char *answer; /* NULL: waits until the other side hangs up */
	size_t filler;
	char request[2048];
};

static void send_all(int fd, const char *bytes, size_t n)
{
	ssize_t sent;

	for (; n && (sent = send(fd, bytes, n, MSG_NOSIGNAL)) > 0; n -= (size_t)sent)
		bytes += sent;
}

static void *serve(void *arg)
{
	struct peer *p = arg;
	_cleanup_close_ int fd = accept(p->fd, NULL, NULL);
	ssize_t n = read(fd, p->request, sizeof(p->request) - 1);
	char filler[4096];

	p->request[n > 0 ? n : 0] = 0;
	if (!p->answer) {
		(void)!read(fd, filler, 1);
		return NULL;
	}
	send_all(fd, p->answer, strlen(p->answer));
	memset(filler, 'x', sizeof(filler));
	for (size_t left = p->filler; left; left -= left < sizeof(filler) ? left : sizeof(filler))
		send_all(fd, filler, left < sizeof(filler) ? left : sizeof(filler));
	return NULL;
}

static void peer_listen(struct peer *p, const struct tempdir *dir)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(p->path, sizeof(p->path), "%s", tempdir_path(dir, "sock"));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", p->path);
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_return_code(bind(p->fd, (struct sockaddr *)&addr, sizeof(addr)), errno);
	assert_return_code(listen(p->fd, 4), errno);
}

/* One request against one answer. */
static int ask(struct peer *p, unsigned timeout_ms, char **ret_body, size_t *ret_len,
	       struct reason *reason)
{
	_tempdir_ dir = {};
	_client_ c = NULL;
	int err;

	tempdir_make(&dir);
	peer_listen(p, &dir);
	assert_int_equal(pthread_create(&p->thread, NULL, serve, p), 0);
	c = http_client_new(p->path, timeout_ms);
	assert_non_null(c);
	err = (p->post ? http_client_post : http_client_get)(c, "/api/v1/snapshot", ret_body,
							     ret_len, reason);
	http_client_free(TAKE_PTR(c)); /* hangs up */
	assert_int_equal(pthread_join(p->thread, NULL), 0);
	close(p->fd);
	return err;
}

static void gives_the_body(void **state)
{
	static const struct {
		const char *answer, *body;
	} cases[] = {
		{ OK "Content-Length: 2\r\n\r\n{}", "{}" },
		{ OK "Content-Length: 0\r\n\r\n", "" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
		  "abcde" },
		{ OK "Connection: close\r\n\r\nuntil the end", "until the end" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct peer p = { .answer = cases[i].answer };
		_cleanup_free_ char *body = NULL;
		size_t len = 99;

		assert_int_equal(ask(&p, PLENTY_MS, &body, &len, NULL), 0);
		assert_string_equal(body, cases[i].body);
		assert_int_equal(len, strlen(cases[i].body));
		assert_int_equal(strncmp(p.request, "GET /api/v1/snapshot HTTP/1.1\r\n", 31), 0);
	}
}

static void posts(void **state)
{
	static const struct {
		const char *answer;
		int err;
		const char *reason;
	} cases[] = {
		{ OK "Content-Length: 5\r\n\r\ndone\n", 0, "" },
		{ "HTTP/1.1 400 Bad Request\r\nContent-Length: 13\r\n\r\nno such set\n\n", -EPROTO,
		  "no such set" },
		{ "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nno such\x1b\n", -ESRCH,
		  "no such?" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct peer p = { .answer = cases[i].answer, .post = true };
		_cleanup_free_ char *body = NULL;
		struct reason reason = {};
		size_t len = 0;

		assert_int_equal(ask(&p, PLENTY_MS, &body, &len, &reason), cases[i].err);
		assert_string_equal(reason.text, cases[i].reason);
		assert_int_equal(strncmp(p.request, "POST /api/v1/snapshot HTTP/1.1\r\n", 32), 0);
		assert_non_null(strstr(p.request, "Content-Length: 0\r\n"));
	}
}

/* The method of one request is not that of the next. */
static void asks_again(void **state)
{
	static const char *const want[] = { "GET /", "POST /", "GET /" };
	struct peer p = { .answer = OK "Connection: close\r\n\r\nx" };
	_tempdir_ dir = {};
	_client_ c = NULL;

	tempdir_make(&dir);
	peer_listen(&p, &dir);
	c = http_client_new(p.path, PLENTY_MS);
	assert_non_null(c);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		_cleanup_free_ char *body = NULL;
		size_t len;

		assert_int_equal(pthread_create(&p.thread, NULL, serve, &p), 0);
		assert_int_equal(
			(i == 1 ? http_client_post : http_client_get)(c, "/", &body, &len, NULL),
			0);
		assert_int_equal(pthread_join(p.thread, NULL), 0);
		assert_int_equal(strncmp(p.request, want[i], strlen(want[i])), 0);
	}
	close(p.fd);
}

static void tells_bad_answers_apart(void **state)
{
	static const struct {
		const char *answer;
		size_t filler;
		int err;
		const char *reason; /* a part of it */
	} cases[] = {
		{ "HTTP/1.1 404 Not Found\r\nContent-Length: 15\r\n\r\nno such target\n", 0, -ESRCH,
		  "no such target" },
		{ "HTTP/1.1 503 Busy\r\nContent-Length: 12\r\n\r\nline\x1b[2J\ntwo", 0, -EPROTO,
		  "503: line?[2J" },
		{ "HTTP/1.1 301 Moved\r\nLocation: http://example.com/\r\nContent-Length: "
		  "0\r\n\r\n",
		  0, -EPROTO, "301" },
		{ OK "Content-Length: 10\r\n\r\nshort", 0, -EPROTO, "" },
		{ "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", 0, -EPROTO, "" },
		{ "", 0, -EPROTO, "" },
		{ OK "Connection: close\r\n\r\n", HTTP_BODY_MAX + 1, -EFBIG, "67108864" },
		{ NULL, 0, -ETIMEDOUT, "no answer in time" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct peer p = { .answer = cases[i].answer, .filler = cases[i].filler };
		struct reason reason = {};
		char *body = p.path;
		size_t len = 99;

		assert_int_equal(ask(&p, p.answer ? PLENTY_MS : LITTLE_MS, &body, &len, &reason),
				 cases[i].err);
		assert_ptr_equal(body, p.path); /* untouched */
		assert_non_null(strstr(reason.text, p.path));
		assert_non_null(strstr(reason.text, cases[i].reason));
	}
}

static int get(const char *path)
{
	_client_ c = http_client_new(path, PLENTY_MS);
	struct reason reason = {};
	char *body;
	size_t len;
	int err;

	assert_non_null(c);
	err = http_client_get(c, "/", &body, &len, &reason);
	assert_true(err < 0 && reason.text[0]);
	return err;
}

static void nobody_there(void **state)
{
	_tempdir_ dir = {};
	struct peer p = {};
	char longest[200];

	tempdir_make(&dir);
	assert_int_equal(get(tempdir_path(&dir, "none")), -ENOENT);
	peer_listen(&p, &dir);
	close(p.fd);
	assert_int_equal(get(p.path), -ECONNREFUSED);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	assert_int_equal(get(longest), -ENAMETOOLONG);
}

static void not_ours_to_use(void **state)
{
	_tempdir_ dir = {};
	struct peer p = {};
	int err;

	tempdir_make(&dir);
	peer_listen(&p, &dir);
	assert_return_code(chmod(p.path, 0), errno);
	if (!geteuid())
		assert_return_code(chmod(dir.path, 0755) | seteuid(65534),
				   errno); /* root may use anything */
	err = get(p.path);
	if (!getuid())
		assert_return_code(seteuid(0), errno);
	close(p.fd);
	assert_int_equal(err, -EACCES);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_body), cmocka_unit_test(posts),
		cmocka_unit_test(asks_again),     cmocka_unit_test(tells_bad_answers_apart),
		cmocka_unit_test(nobody_there),   cmocka_unit_test(not_ours_to_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
