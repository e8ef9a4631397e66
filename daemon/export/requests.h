/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Requests of observed Go servers as JSON and as metrics, by service.
 *
 *   requests   { timed: share of the time in which they are (0: they are not, 1: all are), ended: those with a latency, which is
 *              the time to the handler's return or first flush, unfinished: their end was not seen, panicked: up to the server,
 *              hijacked: took the connection over, streams: went on after a flush, or gRPC streams, streams_open: of these, null
 *              unless all are timed, stream_oldest_seconds: null when none is open, recent: in the last 30 s, p50_seconds,
 *              p95_seconds, p99_seconds, p95_baseline_seconds, p95_rise_seconds, defers_mean, defers_p95, defers_of: "request",
 *              or "handler" where those of the goroutines that a handler starts are not known (before Go 1.21; null then, not 0),
 *              slow_deep_ratio: of the slowest 5 %, whose defers piled up on one goroutine }: percentiles and defers of the last
 *              30 s, null below 20 requests; the baseline null while it is not known
 */
#ifndef DEFERD_EXPORT_REQUESTS_H
#define DEFERD_EXPORT_REQUESTS_H

#include <jansson.h>

#include "export/expo.h"
#include "model/model.h"

/* Null: none of its processes has a server that can be timed, or nobody times it. */
json_t *view_requests(const struct model *m, const struct service *s, uint64_t now_ns);

void requests_write_metrics(struct expo *x, const struct model *m);

#endif
