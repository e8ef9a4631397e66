/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Paths to pages, the same over TCP and over the local socket:
 *
 *	GET /                       a page with links
 *	GET <telemetry path>        metrics
 *	GET /-/healthy              200 while the loop turns
 *	GET /-/ready                200 once the first look at all processes is over and all of them are observed as planned;
 *	                            503 with one line for each thing that is missing
 *	POST /-/reload              over TCP only with web.enable_lifecycle
 *	POST /api/v1/probes?pid=PID&set=SET   as deferd probes; over TCP only with web.enable_lifecycle
 *	GET /api/v1/alerts          pending and firing, in the form of Prometheus
 *	GET /api/v1/snapshot        services, targets, alerts
 *	GET /api/v1/targets/PID     one target with its goroutines and sites
 */
#ifndef DEFERD_EXPORT_API_H
#define DEFERD_EXPORT_API_H

#include "export/show.h"
#include "http/server.h"

struct api {
	const char *telemetry_path; /* borrowed */
	bool reload_over_tcp;
	/* What there is to show now. */
	void (*show)(void *arg, struct show *ret);
	/* 0, or -EINVAL when the new configuration is not good. */
	int (*reload)(void *arg);
	/* As engine_set_probes(). */
	int (*set_probes)(void *arg, uint32_t pid, const char *set, struct reason *reason);
	void *arg;
};

void api_handle(void *api, const struct http_request *req, struct http_response *ret);

#endif
