/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Paths to pages, the same over TCP and over the local socket. All answer HEAD where they answer GET; a path that there is, by
 * another method, is 405 with the right ones.
 *
 *	GET /                       a page with links
 *	GET <telemetry path>        metrics
 *	GET /-/healthy              200 while the loop turns
 *	GET /-/ready                200 once all processes were looked at and are observed as planned; else 503 and what is missing
 *	POST /-/reload              read the configuration again
 *	GET /api/v1/alerts          pending and firing, in the form of Prometheus
 *	GET /api/v1/goroutines      ?pid=PID: the newest census of a process, by what its goroutines do
 *	GET /api/v1/locks           ?pid=PID: who waits for which lock or channel
 *	GET /api/v1/panics          the panic ledger; ?service=GLOB&pid=PID&limit=N
 *	POST /api/v1/probes         ?pid=PID&set=SET: as deferd probes
 *	GET /api/v1/snapshot        services, targets, alerts
 *	GET /api/v1/targets/        PID: one process with its goroutines and sites
 */
#ifndef DEFERD_EXPORT_API_H
#define DEFERD_EXPORT_API_H

#include "export/show.h"
#include "http/server.h"

struct api {
	const char *telemetry_path; /* borrowed */
	bool reload_over_tcp;       /* POST over TCP is allowed: web.enable_lifecycle */
	/* What there is to show; `fresh`: after the kernel's counts were read, which takes a millisecond or more. */
	void (*show)(void *arg, bool fresh, struct show *ret);
	/* 0, or -EINVAL when the new configuration is not good. */
	int (*reload)(void *arg);
	/* As engine_set_probes(). */
	int (*set_probes)(void *arg, uint32_t pid, const char *set, struct reason *reason);
	void *arg;
};

enum api_needs {
	API_NEEDS_NOTHING,
	API_NEEDS_STATE, /* as of the newest second */
	API_NEEDS_COUNTS /* of the kernel, read now */
};

struct api_call;

struct api_route {
	const char *method; /* "GET", which HEAD is as well, or "POST" */
	const char *path;   /* with '/' at its end: an argument follows; NULL: the telemetry path */
	const char *doc;
	enum api_needs needs;
	bool is_local; /* over TCP only with web.enable_lifecycle */
	void (*answer)(const struct api_call *c, struct http_response *ret);
};
extern const struct api_route api_routes[];
extern const unsigned api_routes_n;

void api_handle(void *api, const struct http_request *req, struct http_response *ret);

#endif
