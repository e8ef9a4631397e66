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

static void metrics(const struct show *s, const struct http_request *req, struct http_response *ret)
{
	struct buf b;

	buf_init(&b, 256u << 20);
	metrics_write(s, req->openmetrics, &b);
	answer(ret, MHD_HTTP_OK, req->openmetrics ? expo_openmetrics_type : expo_text_type, &b);
}

static void index_page(struct api *a, struct http_response *ret)
{
	struct buf b;

	buf_init(&b, 0);
	buf_printf(
		&b,
		"<!DOCTYPE html><html "
		"lang=\"en\"><head><title>deferd</title></head><body><h1>deferd</h1><ul>"
		"<li><a href=\"%s\">metrics</a></li><li><a href=\"/api/v1/alerts\">alerts</a></li>"
		"<li><a href=\"/api/v1/panics\">panics</a></li>"
		"<li><a href=\"/api/v1/snapshot\">snapshot</a></li><li><a "
		"href=\"/-/ready\">ready</a></li>"
		"</ul></body></html>\n",
		a->telemetry_path);
	answer(ret, MHD_HTTP_OK, type_html, &b);
}

/*
 * What stands between us and observing everything as planned; a hook or a target that is not
 * observed is never silent.
 */
static void ready(const struct show *s, struct http_response *ret)
{
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

static void reload(struct api *a, const struct http_request *req, struct http_response *ret)
{
	if (strcmp(req->method, "POST"))
		answer_text(ret, MHD_HTTP_METHOD_NOT_ALLOWED, "POST only\n");
	else if (!req->local && !a->reload_over_tcp)
		answer_text(ret, MHD_HTTP_FORBIDDEN,
			    "set web.enable_lifecycle, or use SIGHUP or the local socket\n");
	else if (!a->reload)
		answer_text(ret, MHD_HTTP_NOT_FOUND, "nothing to reload here\n");
	else if (a->reload(a->arg))
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

static void set_probes(struct api *a, const struct http_request *req, struct http_response *ret)
{
	const char *pid = http_query(req, "pid"), *set = http_query(req, "set");
	struct reason reason = {};
	unsigned long n;
	int err;

	if (strcmp(req->method, "POST")) {
		answer_text(ret, MHD_HTTP_METHOD_NOT_ALLOWED, "POST only\n");
	} else if (!req->local && !a->reload_over_tcp) {
		answer_text(ret, MHD_HTTP_FORBIDDEN,
			    "set web.enable_lifecycle, or use the local socket\n");
	} else if (!a->set_probes) {
		answer_text(ret, MHD_HTTP_NOT_FOUND, "no probes to change here\n");
	} else if (!pid || !read_number(pid, UINT32_MAX, &n) || !set) {
		answer_text(ret, MHD_HTTP_BAD_REQUEST, "pid and set are required\n");
	} else {
		err = a->set_probes(a->arg, (uint32_t)n, set, &reason);
		answer_text(ret,
			    !err             ? MHD_HTTP_OK
			    : err == -ESRCH  ? MHD_HTTP_NOT_FOUND
			    : err == -EINVAL ? MHD_HTTP_BAD_REQUEST
					     : MHD_HTTP_INTERNAL_SERVER_ERROR,
			    err ? reason.text : "done\n");
	}
}

static void one_target(const struct show *s, const char *pid, struct http_response *ret)
{
	char *end;
	unsigned long n = strtoul(pid, &end, 10);
	json_t *o = *pid && !*end && n <= UINT32_MAX ? view_target(s, n) : NULL;

	if (o)
		answer_json(ret, o);
	else
		answer_text(ret, MHD_HTTP_NOT_FOUND, "no observed process has this pid\n");
}

static void panics(const struct show *s, const struct http_request *req, struct http_response *ret)
{
	const char *pid = http_query(req, "pid"), *limit = http_query(req, "limit");
	struct view_filter f = { .service = http_query(req, "service") };
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
	answer_json(ret, view_panics(s, &f));
}

/* A page about the last census of one process. */
static void census_page(const struct show *s, const struct http_request *req,
			json_t *(*view)(struct model *m, const struct target *t,
					const struct show_census *sc, bool *ret_complete),
			struct http_response *ret)
{
	const char *pid = http_query(req, "pid");
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

void api_handle(void *arg, const struct http_request *req, struct http_response *ret)
{
	static const char targets[] = "/api/v1/targets/";
	struct api *a = arg;
	const char *path = req->path;
	struct show s;

	if (!strcmp(path, "/-/reload")) {
		reload(a, req, ret);
		return;
	}
	if (!strcmp(path, "/api/v1/probes")) {
		set_probes(a, req, ret);
		return;
	}
	if (strcmp(req->method, "GET") && strcmp(req->method, "HEAD")) {
		answer_text(ret, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
		return;
	}
	a->show(a->arg, &s);
	if (!strcmp(path, a->telemetry_path))
		metrics(&s, req, ret);
	else if (!strcmp(path, "/"))
		index_page(a, ret);
	else if (!strcmp(path, "/-/healthy"))
		answer_text(ret, MHD_HTTP_OK, "healthy\n");
	else if (!strcmp(path, "/-/ready"))
		ready(&s, ret);
	else if (!strcmp(path, "/api/v1/alerts"))
		answer_json(ret, view_alerts(&s));
	else if (!strcmp(path, "/api/v1/snapshot"))
		answer_json(ret, view_snapshot(&s));
	else if (!strcmp(path, "/api/v1/panics"))
		panics(&s, req, ret);
	else if (!strcmp(path, "/api/v1/goroutines"))
		census_page(&s, req, view_goroutines, ret);
	else if (!strcmp(path, "/api/v1/locks"))
		census_page(&s, req, view_locks, ret);
	else if (!strncmp(path, targets, strlen(targets)))
		one_target(&s, path + strlen(targets), ret);
	else
		answer_text(ret, MHD_HTTP_NOT_FOUND, "no such page; / lists them\n");
}
