// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "alert/metric.h"

#include <string.h>

#include "base/cleanup.h"

const char *const rule_op_names[] = { ">=", ">", "<=", "<", NULL };

static bool depth_max(const struct model *m, const struct target *t, uint64_t now_ns, double *ret)
{
	const struct peak *p = target_deepest(m, t, now_ns);

	*ret = p ? p->depth : 0;
	return t->state != TARGET_FAILED;
}

static bool registered_per_sec(const struct model *m, const struct target *t, uint64_t now_ns,
			       double *ret)
{
	*ret = rate_per_sec(&t->registered_rate);
	return t->registered_rate.n >= 2;
}

static bool panics_per_sec(const struct model *m, const struct target *t, uint64_t now_ns,
			   double *ret)
{
	*ret = rate_per_sec(&t->panic_rate);
	return t->panic_rate.n >= 2;
}

static bool open_fds(const struct model *m, const struct target *t, uint64_t now_ns, double *ret)
{
	*ret = (double)t->fds.open;
	return t->have_fds;
}

static bool fd_usage(const struct model *m, const struct target *t, uint64_t now_ns, double *ret)
{
	if (!t->have_fds || !t->fds.limit)
		return false;
	*ret = (double)t->fds.open / (double)t->fds.limit;
	return true;
}

static bool fd_growth(const struct model *m, const struct target *t, uint64_t now_ns, double *ret)
{
	*ret = t->fd_trend.per_sec;
	return t->have_fd_trend;
}

static bool fd_growth_low(const struct model *m, const struct target *t, uint64_t now_ns,
			  double *ret)
{
	*ret = t->fd_trend.low_per_sec;
	return t->have_fd_trend;
}

static bool fd_exhaustion(const struct model *m, const struct target *t, uint64_t now_ns,
			  double *ret)
{
	double high;

	return target_fd_exhaustion(t, ret, &high);
}

static bool fd_leak_of(const struct target *t, enum fd_scope scope, double *ret)
{
	*ret = t->fd_leaks[scope].per_hour;
	return t->fd_leaks[scope].verdict == LEAK_LEAKING;
}

static bool fd_leak(const struct model *m, const struct target *t, uint64_t now_ns, double *ret)
{
	return fd_leak_of(t, FDS_OTHERS, ret);
}

static bool connection_leak(const struct model *m, const struct target *t, uint64_t now_ns,
			    double *ret)
{
	return fd_leak_of(t, FDS_CONNECTIONS, ret);
}

static bool fd_leak_exhaustion(const struct model *m, const struct target *t, uint64_t now_ns,
			       double *ret)
{
	double high;

	return t->fd_leaks[FDS_ALL].verdict == LEAK_LEAKING && target_fd_exhaustion(t, ret, &high);
}

static bool double_closes(const struct model *m, const struct target *t, uint64_t now_ns,
			  double *ret)
{
	*ret = (double)recent_sum(&t->bad_closes, now_ns);
	return t->counts.fd_closed || t->counts.fd_ebadf;
}

static bool goroutines(const struct model *m, const struct target *t, uint64_t now_ns, double *ret)
{
	*ret = (double)census_goroutines(&t->census);
	return t->n_censuses;
}

static bool goroutines_leaked(const struct model *m, const struct target *t, uint64_t now_ns,
			      double *ret)
{
	*ret = t->census.states[GOROUTINE_LEAKED];
	return t->n_censuses;
}

static bool leak_per_hour(const struct model *m, const struct target *t, uint64_t now_ns,
			  double *ret)
{
	const struct parked *p;

	if (!parked_leaks(t->parked, &p, 1))
		return false;
	*ret = p->leak.per_hour;
	return true;
}

static bool lock_waiters_max(const struct model *m, const struct target *t, uint64_t now_ns,
			     double *ret)
{
	const struct event_pile *p = target_pile(t);

	*ret = p ? p->count : 0;
	return t->n_censuses;
}

static bool lock_wait(const struct model *m, const struct target *t, uint64_t now_ns, double *ret)
{
	const struct event_pile *p = target_pile(t);

	if (!p || !p->oldest_ns || p->oldest_ns > t->census.begin_ns)
		return false;
	*ret = (double)(t->census.begin_ns - p->oldest_ns) / 1e9;
	return true;
}

static bool pool_waiters(const struct model *m, const struct target *t, uint64_t now_ns,
			 double *ret)
{
	struct pool_shortage s;

	if (!target_pool_shortage(t, &s))
		return false;
	*ret = s.waiters->count;
	return true;
}

static bool request_p95(const struct model *m, const struct target *t, uint64_t now_ns, double *ret)
{
	return requests_seconds(t->service->requests, 0.95, ret);
}

static bool request_p95_rise(const struct model *m, const struct target *t, uint64_t now_ns,
			     double *ret)
{
	return service_p95_rise(t->service, ret);
}

static bool request_defers_p95(const struct model *m, const struct target *t, uint64_t now_ns,
			       double *ret)
{
	return requests_defers(t->service->requests, 0.95, ret);
}

static bool panics_overridden(const struct model *m, const struct service *s, uint64_t now_ns,
			      double *ret)
{
	*ret = (double)recent_sum(&s->overridden, now_ns);
	return true;
}

static bool panics_recovered(const struct model *m, const struct service *s, uint64_t now_ns,
			     double *ret)
{
	uint64_t n = 0;

	if (s->ledger)
		(void)ledger_busiest(s->ledger, now_ns, &n);
	*ret = (double)n;
	return true;
}

static bool process_deaths(const struct model *m, const struct service *s, uint64_t now_ns,
			   double *ret)
{
	*ret = (double)recent_sum(&s->deaths, now_ns);
	return true;
}

const struct rule_metric rule_metrics[] = {
	{ "defer_depth_max", "defers",
	  "deepest pending defers of one goroutine or thread in the last minute", depth_max,
	  .about = { EVIDENCE_DEPTH } },
	{ "defers_registered_per_second", "1/s", "defers registered by the process, over 15 s",
	  registered_per_sec },
	{ "panics_per_second", "1/s", "panics started, over 15 s", panics_per_sec },
	{ "open_fds", "descriptors", "descriptors in use", open_fds },
	{ "fd_usage_ratio", "ratio", "descriptors in use, as a share of RLIMIT_NOFILE (0 to 1)",
	  fd_usage },
	{ "fd_growth_per_second", "1/s", "slope of the descriptor count (Theil-Sen)", fd_growth },
	{ "fd_growth_low_per_second", "1/s",
	  "low end of the slope's 95 % interval: above 0 means growing", fd_growth_low },
	{ "fd_exhaustion_seconds", "s",
	  "earliest time to the limit at this pace; absent while it does not grow", fd_exhaustion },
	{ "fd_leak_per_hour", "1/h",
	  "descriptors that are opened and not closed, other than connections; absent while they "
	  "do not grow as a "
	  "leak does",
	  fd_leak, .about = { EVIDENCE_FDS, .fds = FDS_OTHERS } },
	{ "connection_leak_per_hour", "1/h",
	  "connections to or at a port that are not closed; absent while they do not grow as a "
	  "leak does",
	  connection_leak, .about = { EVIDENCE_FDS, .fds = FDS_CONNECTIONS } },
	{ "fd_leak_exhaustion_seconds", "s",
	  "earliest time to the limit at the pace of the leak; absent while there is none",
	  fd_leak_exhaustion, .about = { EVIDENCE_FDS, .fds = FDS_ALL } },
	{ "double_closes", "closes",
	  "of numbers that were not open (EBADF), in the last 5 minutes, while the descriptor "
	  "hooks were attached",
	  double_closes, .about = { EVIDENCE_BAD_CLOSE } },
	{ "goroutines", "goroutines", "goroutines of the program at the last census", goroutines },
	{ "goroutines_leaked", "goroutines",
	  "goroutines of which the Go runtime itself has proved that they wait for ever (1.26+, "
	  "after its leak profile)",
	  goroutines_leaked },
	{ "goroutine_leak_per_hour", "1/h",
	  "by which goroutines that do not run become more at one place, the fastest; absent "
	  "while they do not grow as a leak does",
	  leak_per_hour, .about = { EVIDENCE_LEAK } },
	{ "lock_waiters_max", "goroutines",
	  "that wait for one sync.Mutex or RWMutex, the most at the last census", lock_waiters_max,
	  .about = { EVIDENCE_PILE } },
	{ "lock_wait_seconds", "s",
	  "for which one of these has waited at least; absent while it is not known", lock_wait,
	  .about = { EVIDENCE_PILE } },
	{ "pool_waiters", "goroutines",
	  "that wait for a connection of a pool which is too small: they become more, its "
	  "connections do not; absent while that is not so",
	  pool_waiters, .about = { EVIDENCE_POOL } },
	{ "request_p95_seconds", "s",
	  "95th percentile of how long requests of the service took, in the last 30 s; absent "
	  "below "
	  "20 requests",
	  request_p95, .of_latency = true },
	{ "request_p95_rise_seconds", "s",
	  "by which that is more than usual (the median of an hour, or what requests.baselines "
	  "says); absent while it is not known",
	  request_p95_rise, .of_latency = true },
	{ "request_defers_p95", "defers",
	  "95th percentile of the defers that a request of the service registered, in the last 30 "
	  "s",
	  request_defers_p95 },
	{ "panics_overridden", "panics",
	  "of the service: panics that a newer one replaced, in the last 5 minutes",
	  .read_service = panics_overridden,
	  .about = { EVIDENCE_PANIC, .outcome = OUTCOME_OVERRIDDEN } },
	{ "panics_recovered_per_minute", "1/min",
	  "of the service: panics recovered at one site in the last minute, the busiest site",
	  .read_service = panics_recovered,
	  .about = { EVIDENCE_PANIC, .outcome = OUTCOME_RECOVERED } },
	{ "process_deaths", "processes",
	  "of the service: died of a panic, a fatal error or a signal of a fault, in the "
	  "last "
	  "5 minutes",
	  .read_service = process_deaths, .about = { EVIDENCE_PANIC, .outcome = OUTCOME_FATAL } },
};
const unsigned rule_metrics_n = ARRAY_SIZE(rule_metrics);

const struct rule_metric *rule_metric_find(const char *name)
{
	for (unsigned i = 0; i < rule_metrics_n; i++) {
		if (!strcmp(rule_metrics[i].name, name))
			return &rule_metrics[i];
	}
	return NULL;
}

bool rule_compare(enum rule_op op, double value, double threshold)
{
	switch (op) {
	case RULE_GE:
		return value >= threshold;
	case RULE_GT:
		return value > threshold;
	case RULE_LE:
		return value <= threshold;
	case RULE_LT:
		return value < threshold;
	}
	return false;
}
