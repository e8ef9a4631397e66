// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "base/cleanup.h"
#include "export/alerts.h"
#include "export/expo.h"
#include "export/goroutines.h"
#include "export/locks.h"
#include "export/metrics.h"
#include "export/panics.h"
#include "export/views.h"

static const char type_text[] = "text/plain; charset=utf-8";
static const char type_json[] = "application/json";
static const char type_html[] = "text/html; charset=utf-8";

static void answer(struct http_response *ret, unsigned status, const char *type, struct buf *b)
{
	size_t len;

	ret->status = status;
	ret->type = type;
	ret->body = buf_take(b, &len);
	ret->len = len;
	if (!ret->body)
		ret->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
}

static void answer_text(struct http_response *ret, unsigned status, const char *text)
{
	struct buf b;

	buf_init(&b, 0);
	buf_puts(&b, text);
	answer(ret, status, type_text, &b);
}

static void answer_json(struct http_response *ret, json_t *o)
{
	ret->type = type_json;
	ret->body = o ? json_dumps(o, JSON_COMPACT) : NULL;
	ret->len = ret->body ? strlen(ret->body) : 0;
	ret->status = ret->body ? MHD_HTTP_OK : MHD_HTTP_INTERNAL_SERVER_ERROR;
	json_decref(o);
}

/* A request while it is answered. */
struct api_call {
	struct api *a;
	const struct http_request *req;
	const char *rest;     /* of the path, behind that of the route */
	const struct show *s; /* NULL: the route needs none */
};

static void metrics(const struct api_call *c, struct http_response *ret)
{
	bool openmetrics = c->req->openmetrics;
	struct buf b;

	buf_init(&b, 256u << 20);
	metrics_write(c->s, openmetrics, &b);
	answer(ret, MHD_HTTP_OK, openmetrics ? expo_openmetrics_type : expo_text_type, &b);
}

static const char *path_of(const struct api *a, const struct api_route *r)
{
	return r->path ? r->path : a->telemetry_path;
}

static void index_page(const struct api_call *c, struct http_response *ret)
{
	struct buf b;

	buf_init(&b, 0);
	buf_puts(&b, "<!DOCTYPE html><html lang=\"en\"><head><title>deferd</title></head>"
		     "<body><h1>deferd</h1><ul>\n");
	for (unsigned i = 0; i < api_routes_n; i++) {
		const struct api_route *r = &api_routes[i];
		const char *path = path_of(c->a, r);

		if (!strcmp(r->method, "GET"))
			buf_printf(&b, "<li>GET <a href=\"%s\">%s</a>: %s</li>\n", path, path,
				   r->doc);
		else
			buf_printf(&b, "<li>%s %s: %s</li>\n", r->method, path, r->doc);
	}
	buf_puts(&b, "</ul></body></html>\n");
	answer(ret, MHD_HTTP_OK, type_html, &b);
}

static void healthy(const struct api_call *c, struct http_response *ret)
{
	answer_text(ret, MHD_HTTP_OK, "healthy\n");
}

/*
 * What stands between us and observing everything as planned; a hook or a target that is not
 * observed is never silent.
 */
static void ready(const struct api_call *c, struct http_response *ret)
{
	const struct show *s = c->s;
	unsigned missing = 0;
	struct buf b;

	buf_init(&b, 0);
	if (!s->settled) {
		buf_puts(&b, "starting: processes are still being inspected\n");
		missing++;
	}
	for (const struct target *t = model_targets(s->model); t; t = t->hh.next) {
		if (t->state != TARGET_FAILED)
			continue;
		buf_printf(&b, "service %s, pid %u: not observed: %s\n", t->service->name, t->pid,
			   t->reason);
		missing++;
	}
	if (!missing)
		buf_puts(&b, "ready\n");
	answer(ret, missing ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, type_text, &b);
}

static void reload(const struct api_call *c, struct http_response *ret)
{
	if (!c->a->reload)
		answer_text(ret, MHD_HTTP_NOT_FOUND, "nothing to reload here\n");
	else if (c->a->reload(c->a->arg))
		answer_text(ret, MHD_HTTP_INTERNAL_SERVER_ERROR,
			    "the new configuration is not valid, the old one stays in force; see "
			    "the log\n");
	else
		answer_text(ret, MHD_HTTP_OK, "reloaded\n");
}

static bool read_number(const char *text, unsigned long most, unsigned long *ret)
{
	char *end;

	*ret = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && *ret <= most;
}

static void set_probes(const struct api_call *c, struct http_response *ret)
{
	const char *pid = http_query(c->req, "pid"), *set = http_query(c->req, "set");
	struct reason reason = {};
	unsigned long n;
	int err;

	if (!c->a->set_probes) {
		answer_text(ret, MHD_HTTP_NOT_FOUND, "no probes to change here\n");
		return;
	}
	if (!pid || !read_number(pid, UINT32_MAX, &n) || !set) {
		answer_text(ret, MHD_HTTP_BAD_REQUEST, "pid and set are required\n");
		return;
	}
	err = c->a->set_probes(c->a->arg, (uint32_t)n, set, &reason);
	answer_text(ret,
		    !err             ? MHD_HTTP_OK
		    : err == -ESRCH  ? MHD_HTTP_NOT_FOUND
		    : err == -EINVAL ? MHD_HTTP_BAD_REQUEST
				     : MHD_HTTP_INTERNAL_SERVER_ERROR,
		    err ? reason.text : "done\n");
}

static void alerts(const struct api_call *c, struct http_response *ret)
{
	answer_json(ret, view_alerts(c->s));
}

static void snapshot(const struct api_call *c, struct http_response *ret)
{
	answer_json(ret, view_snapshot(c->s));
}

static void one_target(const struct api_call *c, struct http_response *ret)
{
	unsigned long n;
	json_t *o = read_number(c->rest, UINT32_MAX, &n) ? view_target(c->s, (uint32_t)n) : NULL;

	if (o)
		answer_json(ret, o);
	else
		answer_text(ret, MHD_HTTP_NOT_FOUND, "no observed process has this pid\n");
}

static void panics(const struct api_call *c, struct http_response *ret)
{
	const char *pid = http_query(c->req, "pid"), *limit = http_query(c->req, "limit");
	struct view_filter f = { .service = http_query(c->req, "service") };
	unsigned long n;

	if (pid && !read_number(pid, UINT32_MAX, &n)) {
		answer_text(ret, MHD_HTTP_BAD_REQUEST, "pid: not a process number\n");
		return;
	}
	f.pid = pid ? (uint32_t)n : 0;
	if (limit && (!read_number(limit, VIEW_PANICS_MAX, &n) || !n)) {
		answer_text(ret, MHD_HTTP_BAD_REQUEST, "limit: not a number of 1 to 512\n");
		return;
	}
	f.limit = limit ? (unsigned)n : 0;
	answer_json(ret, view_panics(c->s, &f));
}

/* A page about the last census of one process. */
static void census_page(const struct api_call *c,
			json_t *(*view)(struct model *m, const struct target *t,
					const struct show_census *sc, bool *ret_complete),
			struct http_response *ret)
{
	const char *pid = http_query(c->req, "pid");
	const struct show *s = c->s;
	struct reason reason = {};
	struct show_census census;
	unsigned long n;
	bool complete;
	double age;
	json_t *o;
	int err;

	if (!pid || !read_number(pid, UINT32_MAX, &n)) {
		answer_text(ret, MHD_HTTP_BAD_REQUEST, "pid: a process number is required\n");
		return;
	}
	err = s->census(s->arg, (uint32_t)n, &census, &reason);
	if (err) {
		answer_text(ret, err == -ESRCH ? MHD_HTTP_NOT_FOUND : MHD_HTTP_SERVICE_UNAVAILABLE,
			    reason.text);
		return;
	}
	o = view(s->model, model_target_by_pid(s->model, (uint32_t)n), &census, &complete);
	age = (double)(s->now_ns - census_summary(census.census)->end_ns) / 1e9;
	if (o)
		(void)json_object_set_new(o, "age_seconds", json_real(age));
	answer_json(ret, o);
}

static void goroutines(const struct api_call *c, struct http_response *ret)
{
	census_page(c, view_goroutines, ret);
}

static void locks(const struct api_call *c, struct http_response *ret)
{
	census_page(c, view_locks, ret);
}

const struct api_route api_routes[] = {
	{ "GET", "/", "a page with links", API_NEEDS_NOTHING, .answer = index_page },
	{ "GET", NULL, "metrics", API_NEEDS_COUNTS, .answer = metrics },
	{ "GET", "/-/healthy", "200 while the loop turns", API_NEEDS_NOTHING, .answer = healthy },
	{ "GET", "/-/ready",
	  "200 once all processes were looked at and are observed as planned; else 503 and what is "
	  "missing",
	  API_NEEDS_STATE, .answer = ready },
	{ "POST", "/-/reload", "read the configuration again", API_NEEDS_NOTHING, .is_local = true,
	  .answer = reload },
	{ "GET", "/api/v1/alerts", "pending and firing, in the form of Prometheus", API_NEEDS_STATE,
	  .answer = alerts },
	{ "GET", "/api/v1/goroutines",
	  "?pid=PID: the newest census of a process, by what its goroutines do", API_NEEDS_STATE,
	  .answer = goroutines },
	{ "GET", "/api/v1/locks", "?pid=PID: who waits for which lock or channel", API_NEEDS_STATE,
	  .answer = locks },
	{ "GET", "/api/v1/panics", "the panic ledger; ?service=GLOB&pid=PID&limit=N",
	  API_NEEDS_COUNTS, .answer = panics },
	{ "POST", "/api/v1/probes", "?pid=PID&set=SET: as deferd probes", API_NEEDS_NOTHING,
	  .is_local = true, .answer = set_probes },
	{ "GET", "/api/v1/snapshot", "services, targets, alerts", API_NEEDS_COUNTS,
	  .answer = snapshot },
	{ "GET", "/api/v1/targets/", "PID: one process with its goroutines and sites",
	  API_NEEDS_COUNTS, .answer = one_target },
};
const unsigned api_routes_n = ARRAY_SIZE(api_routes);

/* What is behind the path of the route; NULL: it is of another one. */
static const char *rest_of(const char *route, const char *path)
{
	size_t n = strlen(route);
	bool has_argument = n > 1 && route[n - 1] == '/';

	return !strncmp(route, path, n) && (has_argument || !path[n]) ? path + n : NULL;
}

static bool allows(const struct api_route *r, const char *method)
{
	return !strcmp(r->method, method) || (!strcmp(r->method, "GET") && !strcmp(method, "HEAD"));
}

static void refuse_method(const struct api_route *r, struct http_response *ret)
{
	bool post = !strcmp(r->method, "POST");

	answer_text(ret, MHD_HTTP_METHOD_NOT_ALLOWED, post ? "POST only\n" : "GET and HEAD only\n");
	ret->allow = post ? "POST" : "GET, HEAD";
}

static void take(const struct api_route *r, struct api_call *c, struct http_response *ret)
{
	struct show s;

	if (!allows(r, c->req->method)) {
		refuse_method(r, ret);
		return;
	}
	if (r->is_local && !c->req->local && !c->a->reload_over_tcp) {
		answer_text(ret, MHD_HTTP_FORBIDDEN,
			    "set web.enable_lifecycle, or use the local socket\n");
		return;
	}
	if (r->needs != API_NEEDS_NOTHING) {
		c->a->show(c->a->arg, r->needs == API_NEEDS_COUNTS, &s);
		c->s = &s;
	}
	r->answer(c, ret);
}

void api_handle(void *arg, const struct http_request *req, struct http_response *ret)
{
	struct api_call c = { .a = arg, .req = req };

	for (unsigned i = 0; i < api_routes_n; i++) {
		c.rest = rest_of(path_of(c.a, &api_routes[i]), req->path);
		if (c.rest) {
			take(&api_routes[i], &c, ret);
			return;
		}
	}
	answer_text(ret, MHD_HTTP_NOT_FOUND, "no such page; / lists them\n");
}
