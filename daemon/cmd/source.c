// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "cmd/source.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "export/panics.h"
#include "export/views.h"
#include "http/client.h"

#define MS             1000000ull
#define SECOND         (1000 * MS)
#define ANSWER_MAX_MS  2000          /* keys wait meanwhile */
#define SETTLE_MAX_NS  (60 * SECOND) /* a host with very many programs: show what there is */
#define TWO_SAMPLES_MS 2100          /* the engine samples once a second, and a rate needs two */
#define REST_MS        300           /* between looks for what is still to come */
#define REST_TRIES     6

struct source {
	struct session session;     /* without an engine: its loop and configuration only */
	struct http_client *client; /* NULL: alone */
	char name[CONFIG_PATH_MAX + 16];
};

static int no_daemon(const struct source_opts *opts, const char *path)
{
	fprintf(stderr, "deferd %s: no daemon answers at %s, and only a daemon %s\n", opts->command,
		path[0] ? path : "control.socket, which is empty", opts->daemon_only);
	return EXIT_FAILED;
}

/* EXIT_GOOD with s->client NULL: nobody is there to be asked. */
static int ask_daemon(struct source *s, const struct source_opts *opts, const char *path)
{
	struct http_client *client = http_client_new(path, ANSWER_MAX_MS);
	_cleanup_free_ char *body = NULL;
	struct reason reason = {};
	size_t len;
	int err = client ? http_client_get(client, "/-/healthy", &body, &len, &reason) : -ENOMEM;

	if (!err) {
		s->client = client;
		snprintf(s->name, sizeof(s->name), "daemon at %s", path);
		return EXIT_GOOD;
	}
	http_client_free(client);
	if (err == -ENOENT || err == -ECONNREFUSED) {
		if (opts->daemon_only)
			return no_daemon(opts, path);
		if (opts->socket)
			fprintf(stderr, "deferd %s: %s: no daemon answers; observing without one\n",
				opts->command, path);
		return EXIT_GOOD;
	}
	if (err == -EACCES || err == -EPERM) {
		fprintf(stderr,
			"deferd %s: %s; only root and members of the group %s may use the socket: "
			"usermod -aG %s USER, and log in again\n",
			opts->command, reason.text, s->session.config->control.group,
			s->session.config->control.group);
		return EXIT_PRIVILEGE;
	}
	fprintf(stderr, "deferd %s: cannot ask the daemon: %s; --alone works without it\n",
		opts->command, reason.text);
	return EXIT_FAILED;
}

static int open_alone(struct source *s)
{
	struct engine_opts opts = {};
	struct config *config = TAKE_PTR(s->session.config);

	snprintf(s->name, sizeof(s->name), "alone, with probes of its own");
	return session_open(&s->session, config, &opts);
}

static int open_any(struct source *s, const struct source_opts *opts)
{
	int code = session_load_config(opts->config_path, &s->session.config);
	const char *path;

	if (code)
		return code;
	path = opts->socket ? opts->socket : s->session.config->control.socket;
	if (opts->daemon_only && !path[0])
		return no_daemon(opts, path);
	if (!opts->alone && path[0])
		code = ask_daemon(s, opts, path);
	if (code)
		return code;
	if (!s->client)
		return opts->daemon_first ? EXIT_GOOD : open_alone(s);
	s->session.loop = loop_new();
	if (s->session.loop)
		return EXIT_GOOD;
	fprintf(stderr, "deferd %s: epoll: %s\n", opts->command, strerror(errno));
	return EXIT_FAILED;
}

int source_open(const struct source_opts *opts, struct source **ret_s)
{
	struct source *s = calloc(1, sizeof(*s));
	int code;

	*ret_s = NULL;
	if (!s) {
		fprintf(stderr, "deferd %s: out of memory\n", opts->command);
		return EXIT_FAILED;
	}
	s->session.procfd = -1;
	log_set_level(LOG_ERROR); /* the table tells what the log would */
	code = open_any(s, opts);
	if (code || (opts->daemon_first && !s->client))
		source_close(s);
	else
		*ret_s = s;
	return code;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	http_client_free(s->client);
	session_close(&s->session);
	free(s);
}

const char *source_name(const struct source *s)
{
	return s->name;
}

struct loop *source_loop(struct source *s)
{
	return s->session.loop;
}

int source_pause(struct source *s, unsigned ms)
{
	uint64_t end = loop_now_ns() + ms * MS, now;
	int err = 0;

	while (!err && (now = loop_now_ns()) < end)
		err = loop_turn(s->session.loop, (int)((end - now) / MS + 1));
	return err;
}

static int get(struct source *s, const char *path, json_t **ret_doc, struct reason *reason)
{
	_cleanup_free_ char *body = NULL;
	json_error_t error;
	json_t *doc;
	size_t len;
	int err = http_client_get(s->client, path, &body, &len, reason);

	if (err)
		return err;
	doc = json_loadb(body, len, 0, &error);
	if (!doc)
		return reason_set(reason, -EPROTO, "%s%s: line %d: %s", s->name, path, error.line,
				  error.text);
	*ret_doc = doc;
	return 0;
}

int source_snapshot(struct source *s, json_t **ret_doc, struct reason *reason)
{
	struct show show;
	json_t *doc = NULL;
	int err = 0;

	if (s->client) {
		err = get(s, "/api/v1/snapshot", &doc, reason);
	} else {
		session_show_fresh(&s->session, &show);
		doc = view_snapshot(&show);
	}
	if (err)
		return err;
	if (json_object_set_new(doc, "source", json_string(s->name))) {
		json_decref(doc);
		return reason_set(reason, -EPROTO, "%s: no snapshot yet", s->name);
	}
	*ret_doc = doc;
	return 0;
}

int source_set_probes(struct source *s, uint32_t pid, const char *set, struct reason *reason)
{
	_cleanup_free_ char *body = NULL;
	char path[128];
	size_t len;

	if (strspn(set, "abcdefghijklmnopqrstuvwxyz") != strlen(set) || strlen(set) > 32)
		return reason_set(reason, -EINVAL,
				  "'%s' is not a probe set: off, lean, full, burst or default",
				  set);
	snprintf(path, sizeof(path), "/api/v1/probes?pid=%u&set=%s", pid, set);
	return http_client_post(s->client, path, &body, &len, reason);
}

int source_target(struct source *s, uint32_t pid, json_t **ret_doc, struct reason *reason)
{
	struct show show;
	char path[64];
	json_t *doc;

	snprintf(path, sizeof(path), "/api/v1/targets/%u", pid);
	if (s->client)
		return get(s, path, ret_doc, reason);
	session_show_fresh(&s->session, &show);
	doc = view_target(&show, pid);
	if (!doc)
		return reason_set(reason, -ESRCH, "process %u ended", pid);
	*ret_doc = doc;
	return 0;
}

/* As a query argument: whatever is no letter or digit goes as %XX. */
static void put_query(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "&%s=", name);
	for (const unsigned char *c = (const unsigned char *)value; *c; c++)
		buf_printf(b, isalnum(*c) ? "%c" : "%%%02X", *c);
}

static char *panics_path(const struct view_filter *f)
{
	struct buf b;
	size_t len;

	buf_init(&b, 0);
	buf_printf(&b, "/api/v1/panics?limit=%u", f->limit ? f->limit : VIEW_PANICS_MAX);
	if (f->pid)
		buf_printf(&b, "&pid=%u", f->pid);
	if (f->service)
		put_query(&b, "service", f->service);
	return buf_take(&b, &len);
}

int source_panics_now(struct source *s, const struct view_filter *f, json_t **ret_doc,
		      struct reason *reason)
{
	_cleanup_free_ char *path = panics_path(f);
	struct show show;

	if (s->client)
		return path ? get(s, path, ret_doc, reason) : -ENOMEM;
	session_show_fresh(&s->session, &show);
	*ret_doc = view_panics(&show, f);
	return *ret_doc ? 0 : -ENOMEM;
}

/* Ask until everything in the document has a name, for two seconds at most. */
static int ask_until_complete(struct source *s,
			      int (*ask)(struct source *s, const void *what, json_t **ret_doc,
					 struct reason *reason),
			      const void *what, json_t **ret_doc, struct reason *reason)
{
	json_t *doc = NULL;
	int err = ask(s, what, &doc, reason);

	for (unsigned i = 0; i < REST_TRIES && !err; i++) {
		if (!json_is_false(json_object_get(doc, "complete")))
			break;
		json_decref(doc);
		err = source_pause(s, REST_MS);
		if (!err)
			err = ask(s, what, &doc, reason);
	}
	if (!err)
		*ret_doc = doc;
	return err;
}

static int ask_panics(struct source *s, const void *what, json_t **ret_doc, struct reason *reason)
{
	return source_panics_now(s, what, ret_doc, reason);
}

int source_panics(struct source *s, const struct view_filter *f, json_t **ret_doc,
		  struct reason *reason)
{
	return ask_until_complete(s, ask_panics, f, ret_doc, reason);
}

static int ask_path(struct source *s, const void *what, json_t **ret_doc, struct reason *reason)
{
	return get(s, what, ret_doc, reason);
}

int source_census(struct source *s, const char *page, uint32_t pid, json_t **ret_doc,
		  struct reason *reason)
{
	char path[64];

	snprintf(path, sizeof(path), "/api/v1/%s?pid=%u", page, pid);
	return ask_until_complete(s, ask_path, path, ret_doc, reason);
}

/* A site is named when somebody asks for it; until then it is "?". */
static bool has_unnamed(const json_t *snapshot)
{
	const json_t *t;
	size_t i;

	json_array_foreach (json_object_get(snapshot, "targets"), i, t) {
		const char *f = json_string_value(
			json_object_get(json_object_get(t, "deepest_site"), "function"));

		if (f && !strcmp(f, "?"))
			return true;
	}
	return false;
}

/*
 * A site gets its name, and a process that has just begun its row, within a fraction of a second.
 */
static int wait_for_rest(struct source *s)
{
	bool whole = false;
	json_t *doc;
	int err = 0;

	for (unsigned i = 0; i < REST_TRIES && !whole && !err; i++) {
		if (i)
			err = source_pause(s, REST_MS);
		if (err || source_snapshot(s, &doc, NULL))
			break; /* whoever wants the document is told why there is none */
		whole = !has_unnamed(doc) &&
			!json_is_false(json_object_get(json_object_get(doc, "deferd"), "settled"));
		json_decref(doc);
	}
	return err;
}

int source_settle(struct source *s)
{
	uint64_t end = loop_now_ns() + SETTLE_MAX_NS;
	int err = 0;

	while (!s->client && !err && !engine_settled(s->session.engine) && loop_now_ns() < end)
		err = loop_turn(s->session.loop, 100);
	if (!s->client && !err)
		err = source_pause(s, TWO_SAMPLES_MS);
	return err ? err : wait_for_rest(s);
}
