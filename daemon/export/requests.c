// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "export/requests.h"

#include "export/lines.h"
#include "export/numbers.h"

/* Of its processes that are timed: the least; 0: none is. */
static double timed_share(const struct service *s)
{
	unsigned every = 0;

	for (const struct target *t = s->targets; t; t = t->next_in_service)
		every = t->timed_every > every ? t->timed_every : every;
	return every ? 1.0 / every : 0;
}

static double percentile(const struct service *s, double q)
{
	double v;

	return requests_seconds(s->requests, q, &v) ? v : NAN;
}

/* NAN: not known, since some that began or ended may not have been seen. */
static double streams_open(const struct service *s)
{
	return timed_share(s) == 1 ? (double)requests_streams_open(s->requests) : NAN;
}

/* NAN: none is open. */
static double oldest_stream(const struct service *s, uint64_t now_ns)
{
	uint64_t oldest = 0;

	if (!requests_streams_open(s->requests))
		return NAN; /* when they began was known a second ago */
	for (const struct target *t = s->targets; t; t = t->next_in_service) {
		uint64_t ns = t->requests ? t->requests->stream_ns : 0;

		if (ns && (!oldest || ns < oldest))
			oldest = ns;
	}
	return oldest && now_ns > oldest ? (double)(now_ns - oldest) / 1e9 : NAN;
}

json_t *view_requests(const struct model *m, const struct service *s, uint64_t now_ns)
{
	const struct requests *r = s->requests;
	double share = timed_share(s), mean;
	uint64_t recent = requests_recent(r, &mean);
	json_t *o;

	if (!r && share == 0)
		return json_null();
	o = json_object();
	set_real(o, "timed", share);
	set_int(o, "ended", r ? r->ended : 0);
	set_int(o, "unfinished", r ? r->unfinished : 0);
	set_int(o, "panicked", r ? r->panicked : 0);
	set_int(o, "hijacked", r ? r->hijacked : 0);
	set_int(o, "streams", r ? r->streams : 0);
	set_real(o, "streams_open", streams_open(s));
	set_real(o, "stream_oldest_seconds", oldest_stream(s, now_ns));
	set_int(o, "recent", recent);
	set_real(o, "p50_seconds", percentile(s, 0.5));
	set_real(o, "p99_seconds", percentile(s, 0.99));
	set_real(o, "defers_mean", recent < REQUESTS_ENOUGH ? NAN : mean);
	if (r)
		set(o, "defers_of", json_string(r->own_only ? "handler" : "request"));
	numbers_add(o, "requests",
		    &(struct metric_env){
			    .m = m, .service = s, .target = s->targets, .now_ns = now_ns });
	return o;
}

static void write_untimed(struct expo *x, const struct service *s)
{
	const struct requests *r = s->requests;

	expo_sample(x, (double)r->unfinished, "service", s->name, "reason", "unfinished", NULL);
	expo_sample(x, (double)r->unbegun, "service", s->name, "reason", "begun_before", NULL);
	expo_sample(x, (double)r->untracked, "service", s->name, "reason", "map_full", NULL);
}

static void write_outcomes(struct expo *x, const struct service *s)
{
	const struct requests *r = s->requests;

	expo_sample(x, (double)r->panicked, "service", s->name, "outcome", "panicked", NULL);
	expo_sample(x, (double)r->hijacked, "service", s->name, "outcome", "hijacked", NULL);
	expo_sample(x, (double)r->streams, "service", s->name, "outcome", "streamed", NULL);
}

void requests_write_metrics(struct expo *x, const struct model *m)
{
	expo_family(x, "deferd_request_duration_seconds", EXPO_HISTOGRAM, "service",
		    "Duration of timed requests, from the call of the net/http, HTTP/2 or gRPC "
		    "handler to its return or its first flush.");
	for (const struct service *s = model_services(m); s; s = s->hh.next) {
		if (s->requests)
			expo_histogram(x, "service", s->name, requests_seconds_le,
				       s->requests->seconds_le, REQUESTS_LE,
				       s->requests->seconds_sum);
	}
	expo_family(x, "deferd_request_defers", EXPO_HISTOGRAM, "service",
		    "Defers that one request registered, as far as the probe set sees them: on the "
		    "goroutine of its handler and, from Go 1.21 on, on those started for it.");
	for (const struct service *s = model_services(m); s; s = s->hh.next) {
		if (s->requests)
			expo_histogram(x, "service", s->name, requests_defers_le,
				       s->requests->defers_le, REQUESTS_LE,
				       s->requests->defers_sum);
	}
	expo_family(x, "deferd_requests_untimed", EXPO_COUNTER, "service,reason",
		    "Requests whose start or end was not seen, by reason; they are not in the "
		    "histograms.");
	for (const struct service *s = model_services(m); s; s = s->hh.next) {
		if (s->requests)
			write_untimed(x, s);
	}
	expo_family(x, "deferd_request_outcomes", EXPO_COUNTER, "service,outcome",
		    "Requests whose handler did something else than return: it panicked up to the "
		    "server, took the connection over, or went on as a stream.");
	for (const struct service *s = model_services(m); s; s = s->hh.next) {
		if (s->requests)
			write_outcomes(x, s);
	}
	expo_family(
		x, "deferd_request_streams_open", EXPO_GAUGE, "service",
		"Streams that are open: requests that were flushed and go on, and gRPC streams; "
		"absent while only part of the requests is timed.");
	for (const struct service *s = model_services(m); s; s = s->hh.next) {
		double open = streams_open(s);

		if (s->requests && !isnan(open))
			expo_sample(x, open, "service", s->name, NULL);
	}
	expo_family(x, "deferd_request_timed_ratio", EXPO_GAUGE, "service",
		    "Share of the time in which requests are timed; below 1 where timing all would "
		    "cost more than half of the probe budget.");
	for (const struct service *s = model_services(m); s; s = s->hh.next) {
		double share = timed_share(s);

		if (s->requests || share > 0)
			expo_sample(x, share, "service", s->name, NULL);
	}
}
