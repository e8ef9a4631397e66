// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include <microhttpd.h>

#include "base/cleanup.h"
#include "http/auth.h"

#define SILENCE_S    10u
#define REQUEST_MAX  (32 * 1024)
#define RUNS_MAX     256 /* of MHD for one event */
#define REFUSAL_NS   250000000ull
#define RUN_NS       20000000ull /* of the loop's time at one go */
#define GZIP_MIN_LEN 1024        /* below this a page is one packet anyway */

struct http_server {
	struct loop *loop;
	struct http_opts opts;
	struct MHD_Daemon *mhd;
	struct loop_source *source;
	char address[300];
	char unlink_path[108]; /* of the socket file, "" for TCP */
	bool local;
	uint64_t refused_ns; /* the last wrong password; 0: none */
};

const char *http_query(const struct http_request *req, const char *name)
{
	return MHD_lookup_connection_value(req->impl, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_address(const struct http_server *s)
{
	return s->address;
}

static bool accepts(struct MHD_Connection *conn, const char *header, const char *what)
{
	const char *v = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, header);

	return v && strstr(v, what);
}

/* Replaces the body by its gzip form; leaves it as it is when that fails. */
static bool compress_body(struct http_response *res)
{
	z_stream z = {};
	uLong bound;
	Bytef *out;

	/* 15 window bits, + 16: a gzip wrapper. */
	if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	bound = deflateBound(&z, res->len);
	out = malloc(bound);
	z.next_in = (Bytef *)res->body;
	z.avail_in = res->len;
	z.next_out = out;
	z.avail_out = bound;
	if (!out || deflate(&z, Z_FINISH) != Z_STREAM_END) {
		deflateEnd(&z);
		free(out);
		return false;
	}
	free(res->body);
	res->body = (char *)out;
	res->len = z.total_out;
	deflateEnd(&z);
	return true;
}

static enum MHD_Result reply(struct MHD_Connection *conn, struct http_response *res,
			     bool may_compress)
{
	bool zipped = may_compress && res->len >= GZIP_MIN_LEN && compress_body(res);
	struct MHD_Response *r = MHD_create_response_from_buffer(
		res->len, res->body, res->body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	enum MHD_Result ok;

	if (!r) {
		free(res->body);
		return MHD_NO;
	}
	if (res->type)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, res->type);
	if (zipped)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	if (res->allow)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, res->allow);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	ok = MHD_queue_response(conn, res->status, r);
	MHD_destroy_response(r);
	return ok;
}

/*
 * A wrong password costs the loop a bcrypt, which is slow on purpose. So after one that was wrong
 * only those that were right before are let in for a while; the rest hears "too many", unchecked.
 * 0: come in; else an HTTP status.
 */
static unsigned authorize(struct http_server *s, struct MHD_Connection *conn)
{
	struct http_auth *auth = (struct http_auth *)s->opts.auth;
	char *password = NULL, *name;
	unsigned status = MHD_HTTP_UNAUTHORIZED;

	if (!auth || s->local)
		return 0;
	name = MHD_basic_auth_get_username_password(conn, &password);
	if (name && password) {
		if (http_auth_known(auth, name, password))
			status = 0;
		else if (s->refused_ns && loop_now_ns() - s->refused_ns < REFUSAL_NS)
			status = MHD_HTTP_TOO_MANY_REQUESTS;
		else if (http_auth_check(auth, name, password))
			status = 0;
		else
			s->refused_ns = loop_now_ns();
	}
	MHD_free(name);
	MHD_free(password);
	return status;
}

static enum MHD_Result unauthorized(struct MHD_Connection *conn)
{
	static char text[] = "a user and a password are needed\n";
	struct MHD_Response *r =
		MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result ok = MHD_queue_basic_auth_fail_response(conn, "deferd", r);

	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *conn, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	static int seen; /* its address marks the first of the two calls that MHD makes */
	struct http_server *s = arg;
	struct http_request req = {
		.method = method, .path = url, .local = s->local, .impl = conn
	};
	struct http_response res = { .status = MHD_HTTP_OK };

	if (!*state) {
		*state = &seen;
		return MHD_YES;
	}
	if (*upload_size) { /* nothing here takes a body */
		*upload_size = 0;
		return MHD_YES;
	}
	res.status = authorize(s, conn);
	if (res.status == MHD_HTTP_UNAUTHORIZED)
		return unauthorized(conn);
	if (res.status)
		return reply(conn, &res, false);
	res.status = MHD_HTTP_OK;
	req.openmetrics = accepts(conn, MHD_HTTP_HEADER_ACCEPT, "application/openmetrics-text");
	s->opts.handler(s->opts.arg, &req, &res);
	return reply(conn, &res, accepts(conn, MHD_HTTP_HEADER_ACCEPT_ENCODING, "gzip"));
}

/*
 * One MHD_run() reads one buffer of a connection and answers one request. What was pipelined behind
 * it, or the rest of a body, raises no event of its own any more: MHD says by a timeout of 0 that
 * it has more to do. The bound keeps a client that never stops sending from keeping the loop; the
 * next tick goes on with it.
 */
static void run(struct http_server *s)
{
	uint64_t begin_ns = loop_now_ns();
	MHD_UNSIGNED_LONG_LONG wait_ms;
	unsigned turns = 0;

	do
		MHD_run(s->mhd);
	while (++turns < RUNS_MAX && loop_now_ns() - begin_ns < RUN_NS &&
	       MHD_get_timeout(s->mhd, &wait_ms) == MHD_YES && !wait_ms);
}

static void on_ready(void *arg, uint32_t events)
{
	run(arg);
}

void http_tick(struct http_server *s)
{
	run(s);
}

/* Takes the listening descriptor. */
static int serve(struct http_server *s, int fd, struct reason *reason)
{
	unsigned flags = MHD_USE_EPOLL;
	const union MHD_DaemonInfo *info;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)s->opts.tls_cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)s->opts.tls_key },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (s->opts.tls_cert)
		flags |= MHD_USE_TLS;
	s->mhd = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
		SILENCE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MAX,
		MHD_OPTION_ARRAY, s->opts.tls_cert ? tls : tls + 2, MHD_OPTION_END);
	if (!s->mhd) {
		close(fd);
		return reason_set(reason, -EIO, "starting the HTTP server on %s%s", s->address,
				  s->opts.tls_cert
					  ? ": do the TLS certificate and key belong together?"
					  : "");
	}
	info = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	s->source = info ? loop_add_fd(s->loop, info->epoll_fd, EPOLLIN, on_ready, s) : NULL;
	if (!s->source)
		return reason_set(reason, -errno, "watching the HTTP server: %s", strerror(errno));
	return 0;
}

static struct http_server *server_new(struct loop *loop, const struct http_opts *opts)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (s) {
		s->loop = loop;
		s->opts = *opts;
	}
	return s;
}

static int resolve(const char *address, struct addrinfo **ret, struct reason *reason)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	const char *colon = strrchr(address, ':');
	char host[256];
	size_t n;
	int err;

	if (!colon || !colon[1] || (size_t)(colon - address) >= sizeof(host))
		return reason_set(reason, -EINVAL, "'%s' is not host:port, e.g. 127.0.0.1:10035",
				  address);
	n = colon - address;
	memcpy(host, address, n);
	host[n] = 0;
	if (n > 1 && host[0] == '[' && host[n - 1] == ']') {
		memmove(host, host + 1, n - 2);
		host[n - 2] = 0;
	}
	err = getaddrinfo(*host ? host : NULL, colon + 1, &hints, ret);
	if (err)
		return reason_set(reason, -EINVAL, "%s: %s", address, gai_strerror(err));
	return 0;
}

static void note_address(struct http_server *s, int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char host[128], port[16];

	if (!getsockname(fd, (struct sockaddr *)&ss, &len) &&
	    !getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host), port, sizeof(port),
			 NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(s->address, sizeof(s->address),
			 ss.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static int bind_tcp(const char *address, const struct addrinfo *ai, int *ret_fd,
		    struct reason *reason)
{
	_cleanup_close_ int fd =
		socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	if (fd < 0)
		return reason_set(reason, -errno, "%s: %s", address, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!bind(fd, ai->ai_addr, ai->ai_addrlen) && !listen(fd, 128)) {
		*ret_fd = TAKE_FD(fd);
		return 0;
	}
	if (errno == EADDRINUSE)
		return reason_set(reason, -EADDRINUSE,
				  "%s is in use: is another deferd running? Choose another with "
				  "--web.listen-address",
				  address);
	return reason_set(reason, -errno, "%s: %s", address, strerror(errno));
}

int http_listen_tcp(struct loop *loop, const char *address, const struct http_opts *opts,
		    struct http_server **ret, struct reason *reason)
{
	struct http_server *s = server_new(loop, opts);
	struct addrinfo *ai = NULL;
	int fd = -1, err;

	if (!s)
		return -ENOMEM;
	err = resolve(address, &ai, reason);
	if (!err)
		err = bind_tcp(address, ai, &fd, reason);
	if (ai)
		freeaddrinfo(ai);
	if (!err) {
		note_address(s, fd);
		err = serve(s, fd, reason);
	}
	if (err)
		http_close(s);
	else
		*ret = s;
	return err;
}

/*
 * A socket that nobody answers on is left over from a daemon that was killed. Connecting to a file
 * of another kind is refused in the same way, and that one is not ours.
 */
static int remove_stale(const struct sockaddr_un *addr, struct reason *reason)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (lstat(addr->sun_path, &st))
		return 0; /* bind() will say what is wrong, if anything is */
	if (!S_ISSOCK(st.st_mode))
		return reason_set(reason, -EEXIST,
				  "%s: not a socket; move it away or choose another path",
				  addr->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return reason_set(reason, -errno, "%s: %s", addr->sun_path, strerror(errno));
	if (!connect(fd, (const struct sockaddr *)addr, sizeof(*addr)))
		return reason_set(
			reason, -EADDRINUSE,
			"%s: another deferd answers there; stop it or choose another socket",
			addr->sun_path);
	if (errno == ECONNREFUSED)
		unlink(addr->sun_path);
	return 0;
}

static void restrict_socket(const char *path, const char *group)
{
	const struct group *g = *group ? getgrnam(group) : NULL;

	/* Failing here leaves it to root alone, which is the safe side. */
	if (g && chown(path, (uid_t)-1, g->gr_gid))
		return;
	(void)chmod(path, 0660);
}

static int bind_unix(const struct sockaddr_un *addr, const char *group, int *ret_fd,
		     struct reason *reason)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t old;
	int err;

	if (fd < 0)
		return reason_set(reason, -errno, "%s: %s", addr->sun_path, strerror(errno));
	old = umask(0177);
	err = bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) || listen(fd, 64) ? -errno : 0;
	umask(old);
	if (err)
		return reason_set(reason, err, "%s: %s", addr->sun_path, strerror(-err));
	restrict_socket(addr->sun_path, group);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int http_listen_unix(struct loop *loop, const char *path, const char *group,
		     const struct http_opts *opts, struct http_server **ret, struct reason *reason)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct http_server *s;
	int fd = -1, err;

	if (strlen(path) >= sizeof(addr.sun_path))
		return reason_set(reason, -ENAMETOOLONG, "%s: a socket path has at most %zu bytes",
				  path, sizeof(addr.sun_path) - 1);
	strcpy(addr.sun_path, path);
	s = server_new(loop, opts);
	if (!s)
		return -ENOMEM;
	s->local = true;
	snprintf(s->address, sizeof(s->address), "%s", path);
	err = remove_stale(&addr, reason);
	if (!err)
		err = bind_unix(&addr, group, &fd, reason);
	if (!err) {
		strcpy(s->unlink_path, path);
		err = serve(s, fd, reason);
	}
	if (err)
		http_close(s);
	else
		*ret = s;
	return err;
}

void http_close(struct http_server *s)
{
	if (!s)
		return;
	loop_remove(s->loop, s->source);
	if (s->mhd)
		MHD_stop_daemon(s->mhd);
	if (s->unlink_path[0])
		unlink(s->unlink_path);
	free(s);
}
