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
	set_int(o, "recent", recent);
	set_real(o, "p50_seconds", percentile(s, 0.5));
	set_real(o, "p99_seconds", percentile(s, 0.99));
	set_real(o, "defers_mean", recent < REQUESTS_ENOUGH ? NAN : mean);
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

void requests_write_metrics(struct expo *x, const struct model *m)
{
	expo_family(x, "deferd_request_duration_seconds", EXPO_HISTOGRAM, "service",
		    "Duration of timed requests, from the call of the net/http, HTTP/2 or gRPC "
		    "handler to its return.");
	for (const struct service *s = model_services(m); s; s = s->hh.next) {
		if (s->requests)
			expo_histogram(x, "service", s->name, requests_seconds_le,
				       s->requests->seconds_le, REQUESTS_LE,
				       s->requests->seconds_sum);
	}
	expo_family(x, "deferd_request_defers", EXPO_HISTOGRAM, "service",
		    "Defers that one request registered on its goroutine, as far as the probe set "
		    "sees them.");
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
	expo_family(x, "deferd_request_timed_ratio", EXPO_GAUGE, "service",
		    "Share of the time in which requests are timed; below 1 where timing all would "
		    "cost more than half of the probe budget.");
	for (const struct service *s = model_services(m); s; s = s->hh.next) {
		double share = timed_share(s);

		if (s->requests || share > 0)
			expo_sample(x, share, "service", s->name, NULL);
	}
}
