// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "alert/metric.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "model/causes.h"
#include "model/panics.h"

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

static bool fds_left(const struct model *m, const struct target *t, uint64_t now_ns, double *ret)
{
	bool full = target_fds_full(t);

	if (!full && (!t->have_fds || t->fds.limit == UINT64_MAX))
		return false;
	*ret = full || t->fds.open > t->fds.limit ? 0 : (double)(t->fds.limit - t->fds.open);
	return full || t->fds.open <= t->fds.limit;
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

static const struct parked *fastest_leak(const struct target *t, uint64_t *ret_count)
{
	const struct parked *p;

	if (!target_goroutine_leaks(t, &p))
		return NULL;
	*ret_count = p->what.count;
	return p;
}

static bool leak_per_hour(const struct model *m, const struct target *t, uint64_t now_ns,
			  double *ret)
{
	const struct parked *p;

	if (!target_goroutine_leaks(t, &p))
		return false;
	*ret = p->leak.per_hour;
	return true;
}

/* The place where most of them are. */
static const struct parked *most_blocked(const struct target *t, uint64_t *ret_count)
{
	const struct parked *most = NULL;

	for (const struct parked *p = t->parked; p; p = p->hh.next) {
		if (p->what.blocked > (most ? most->what.blocked : 0))
			most = p;
	}
	*ret_count = most ? most->what.blocked : 0;
	return most;
}

static bool blocked_in_syscall(const struct model *m, const struct target *t, uint64_t now_ns,
			       double *ret)
{
	uint64_t n = 0;

	for (const struct parked *p = t->parked; p; p = p->hh.next)
		n += p->what.blocked;
	*ret = (double)n;
	return t->n_censuses && t->census.knows_blocked;
}

static bool lock_waiters_max(const struct model *m, const struct target *t, uint64_t now_ns,
			     double *ret)
{
	const struct event_pile *p = target_pile(t);

	*ret = p ? p->count : 0;
	return t->n_censuses;
}

static bool deadlocked(const struct model *m, const struct target *t, uint64_t now_ns, double *ret)
{
	const struct ring *r = target_ring(t);

	*ret = r && r->n ? r->edges[0].goroutines : 0;
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

static bool pool_exhausted(const struct model *m, const struct target *t, uint64_t now_ns,
			   double *ret)
{
	struct pool_exhaustion e;

	if (!target_pool_exhaustion(t, &e))
		return false;
	*ret = e.waiters->count;
	return true;
}

static bool request_p95(const struct model *m, const struct service *s, uint64_t now_ns,
			double *ret)
{
	return requests_seconds(s->requests, 0.95, ret);
}

static bool request_p95_baseline(const struct model *m, const struct service *s, uint64_t now_ns,
				 double *ret)
{
	return service_p95_baseline(s, ret);
}

static bool request_p95_rise(const struct model *m, const struct service *s, uint64_t now_ns,
			     double *ret)
{
	return service_p95_rise(s, ret);
}

static bool request_defers_p95(const struct model *m, const struct service *s, uint64_t now_ns,
			       double *ret)
{
	return requests_defers(s->requests, 0.95, ret);
}

static bool slow_requests_deep(const struct model *m, const struct service *s, uint64_t now_ns,
			       double *ret)
{
	return requests_slow_deep(s->requests, ret);
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

/* Shown only. */

static bool goroutines_tracked(const struct model *m, const struct target *t, uint64_t now_ns,
			       double *ret)
{
	*ret = t->n_goroutines;
	return true;
}

static bool goroutine_leaks(const struct model *m, const struct target *t, uint64_t now_ns,
			    double *ret)
{
	const struct parked *p;

	*ret = target_goroutine_leaks(t, &p);
	return t->n_censuses;
}

static bool census_age(const struct model *m, const struct target *t, uint64_t now_ns, double *ret)
{
	*ret = (double)(now_ns - t->census_ns) / 1e9;
	return t->n_censuses;
}

static bool census_duration(const struct model *m, const struct target *t, uint64_t now_ns,
			    double *ret)
{
	*ret = (double)t->census.took_ns / 1e9;
	return t->n_censuses;
}

static bool max_fds(const struct model *m, const struct target *t, uint64_t now_ns, double *ret)
{
	*ret = (double)t->fds.limit;
	return t->have_fds;
}

static bool fd_leak_per_second(const struct model *m, const struct target *t, uint64_t now_ns,
			       double *ret)
{
	*ret = t->fd_leaks[FDS_ALL].per_hour / 3600;
	return t->fd_leaks[FDS_ALL].verdict == LEAK_LEAKING;
}

static bool budget_level(const struct model *m, const struct target *t, uint64_t now_ns,
			 double *ret)
{
	*ret = t->level;
	return true;
}

static bool panics_running(const struct model *m, const struct service *s, uint64_t now_ns,
			   double *ret)
{
	*ret = (double)service_panics_running(s);
	return true;
}

static bool panic_sites_swallowed(const struct model *m, const struct service *s, uint64_t now_ns,
				  double *ret)
{
	*ret = service_swallowed(m, s);
	return true;
}

const struct rule_metric rule_metrics[] = {
	{ "defer_depth_max", "defers",
	  "deepest pending defers of one goroutine or thread in the last minute", .read = depth_max,
	  .fold = METRIC_MAX,
	  .gauge = { "Deepest pending defers of one goroutine or thread in the last minute." },
	  .json = { "defer_depth_max", .whole = true, .of_services = true },
	  .about = { EVIDENCE_DEPTH } },
	{ "defers_registered_per_second", "1/s", "defers registered by the process, over 15 s",
	  .read = registered_per_sec,
	  .json = { "defers_registered_per_second", .of_services = true } },
	{ "panics_per_second", "1/s", "panics started, over 15 s", .read = panics_per_sec,
	  .json = { "panics_per_second", .of_services = true } },
	{ "open_fds", "descriptors", "descriptors in use", .read = open_fds,
	  .gauge = { "File descriptors in use." },
	  .json = { "open_fds", .whole = true, .of_services = true, .otherwise = NAN } },
	{ "fd_usage_ratio", "ratio", "descriptors in use, as a share of RLIMIT_NOFILE (0 to 1)",
	  .read = fd_usage, .fold = METRIC_MAX, .says = { "", " of the limit is in use" } },
	{ "fds_left", "descriptors",
	  "descriptors that can still be opened: 0 when RLIMIT_NOFILE is reached, or a call was "
	  "seen to fail with EMFILE or ENFILE, or one of inotify_add_watch with ENOSPC, in the "
	  "last 10 s, or the process leaks inotify "
	  "instances and its user has no more; absent without a limit",
	  .read = fds_left, .fold = METRIC_MIN,
	  .gauge = { "Descriptors that can still be opened, of the process that has the fewest "
		     "left; 0 also when a call was seen to fail with EMFILE or ENFILE, or "
		     "inotify_add_watch with ENOSPC.",
		     NAN },
	  .json = { "fds_left", .whole = true, .of_services = true, .otherwise = NAN },
	  .about = { EVIDENCE_FULL } },
	{ "fd_growth_per_second", "1/s", "slope of the descriptor count (Theil-Sen)",
	  .read = fd_growth,
	  .gauge = { "Slope of the descriptor count (Theil-Sen over descriptors.window), sum of "
		     "the processes.",
		     NAN },
	  .json = { "fd_growth_per_second", .of_services = true, .otherwise = NAN } },
	{ "fd_growth_low_per_second", "1/s",
	  "low end of the slope's 95 % interval: above 0 means growing", .read = fd_growth_low,
	  .json = { "fd_growth_low_per_second", .otherwise = NAN } },
	{ "fd_exhaustion_seconds", "s",
	  "earliest time until a limit (RLIMIT_NOFILE, inotify instances, fs.file-max) is reached "
	  "at the pace of a leak, or RLIMIT_NOFILE at that of the last minute where that is less "
	  "than 5 minutes; 0 when it is reached; absent otherwise",
	  .absent_is_none = true, .read = fd_exhaustion, .fold = METRIC_MIN,
	  .gauge = { "Earliest time until the limit is reached at the pace of a leak, or of the "
		     "last minute where that is less than 5 minutes; 0 when it is reached; +Inf "
		     "otherwise.",
		     INFINITY },
	  .json = { "fd_exhaustion_seconds", .of_services = true, .otherwise = NAN } },
	{ "fd_leak_per_hour", "1/h",
	  "growth of descriptors that are opened and not closed, except connections; absent where "
	  "they do not grow like a leak; when growth has stopped, what it was, until they are "
	  "closed",
	  .absent_is_none = true, .read = fd_leak, .about = { EVIDENCE_FDS, .fds = FDS_OTHERS } },
	{ "connection_leak_per_hour", "1/h",
	  "growth of connections to or at a port that are not closed; the same",
	  .absent_is_none = true, .read = connection_leak,
	  .about = { EVIDENCE_FDS, .fds = FDS_CONNECTIONS } },
	{ "fd_leak_exhaustion_seconds", "s",
	  "earliest time until a limit (RLIMIT_NOFILE, inotify instances, fs.file-max) is reached "
	  "at the pace of the leak; 0 when it is reached; absent without a leak",
	  .absent_is_none = true, .read = fd_leak_exhaustion, .fold = METRIC_MIN,
	  .about = { EVIDENCE_FDS, .fds = FDS_ALL } },
	{ "double_closes", "closes",
	  "calls of close() with a descriptor that had been open and was closed already (EBADF), "
	  "in the last 5 minutes, while the descriptor hooks were attached",
	  .read = double_closes, .about = { EVIDENCE_BAD_CLOSE } },
	{ "goroutines", "goroutines", "goroutines of the program at the last census",
	  .read = goroutines,
	  .json = { "goroutine_count", .whole = true, .of_services = true, .otherwise = NAN } },
	{ "goroutines_leaked", "goroutines",
	  "goroutines that wait forever, as proved by the Go runtime itself (Go 1.26 or newer, "
	  "after a goroutine leak profile)",
	  .read = goroutines_leaked },
	{ "goroutine_leak_per_hour", "1/h",
	  "growth of goroutines that stay and are given nothing to do, at the place where they "
	  "grow "
	  "fastest, without "
	  "those "
	  "of descriptors or connections that grow as fast; absent while they do not grow like a "
	  "leak",
	  .absent_is_none = true, .read = leak_per_hour, .fold = METRIC_MAX,
	  .about = { EVIDENCE_GROUP, .group = { fastest_leak, "more an hour" } } },
	{ "goroutines_blocked_in_syscall", "goroutines",
	  "goroutines in one system call or C call for more than a minute, at the last census; "
	  "absent for Go 1.26 and newer, whose runtime does not count calls",
	  .read = blocked_in_syscall,
	  .gauge = { "Goroutines in one system call or C call for more than a minute, at the "
		     "newest census.",
		     NAN },
	  .json = { "goroutines_blocked_in_syscall", .whole = true, .of_services = true,
		    .otherwise = NAN },
	  .about = { EVIDENCE_GROUP, .group = { most_blocked, "in system calls for a minute" } } },
	{ "lock_waiters_max", "goroutines",
	  "goroutines that wait for the most wanted sync.Mutex or RWMutex, at the last census",
	  .read = lock_waiters_max, .fold = METRIC_MAX,
	  .gauge = { "Goroutines that wait for the most wanted sync.Mutex or RWMutex, at the "
		     "newest census; see deferd locks.",
		     NAN },
	  .json = { "lock_waiters_max", .whole = true, .otherwise = NAN },
	  .about = { EVIDENCE_PILE } },
	{ "lock_wait_seconds", "s",
	  "time for which a goroutine has waited at least for a sync.Mutex or RWMutex; absent "
	  "while it is not known",
	  .absent_is_none = true, .read = lock_wait, .fold = METRIC_MAX, .about = { EVIDENCE_PILE },
	  .says = { "one has waited for ", "" } },
	{ "deadlocked_goroutines", "goroutines",
	  "goroutines that will never run again: they wait for each other's Mutexes and RWMutexes "
	  "in a ring, or for one that does",
	  .read = deadlocked,
	  .gauge = { "Goroutines that will never run again, because they wait for each other's "
		     "locks; the alert Deadlock has each edge with its line.",
		     NAN },
	  .json = { "deadlocked_goroutines", .whole = true, .otherwise = NAN },
	  .about = { EVIDENCE_RING } },
	{ "pool_waiters", "goroutines",
	  "goroutines that wait for a connection of a pool that is too small: their number grows, "
	  "the number of connections does not; absent otherwise",
	  .absent_is_none = true, .read = pool_waiters,
	  .gauge = { "Goroutines that wait for a connection of a pool that is too small." },
	  .json = { "waiting", "pool", .whole = true }, .about = { EVIDENCE_POOL } },
	{ "pool_exhausted_waiters", "goroutines",
	  "goroutines that wait for a connection of a pool that is used up: all are taken, and "
	  "none "
	  "has carried anything for half a minute or longer; absent otherwise",
	  .absent_is_none = true, .read = pool_exhausted,
	  .gauge = { "Goroutines that wait for a connection of a pool that is used up." },
	  .about = { EVIDENCE_EXHAUSTED } },
	{ "request_p95_seconds", "s",
	  "95th percentile of the request durations of the service in the last 30 s; absent with "
	  "fewer than 20 requests",
	  .read_service = request_p95,
	  .gauge = { "95th percentile of the request durations in the last 30 s; absent with fewer "
		     "than 20 requests.",
		     NAN },
	  .json = { "p95_seconds", "requests", .otherwise = NAN }, .of_latency = true,
	  .says = { "p95 is ", "" } },
	{ "request_p95_rise_seconds", "s",
	  "rise of request_p95_seconds above its usual value (the median of an hour, or the value "
	  "in requests.baselines); absent while it is not known",
	  .read_service = request_p95_rise,
	  .gauge = { "Rise of the 95th percentile above its usual value; negative: below it.",
		     NAN },
	  .json = { "p95_rise_seconds", "requests", .otherwise = NAN }, .of_latency = true,
	  .says = { "p95 is ", " above its usual value" } },
	{ "request_defers_p95", "defers",
	  "95th percentile of the defers that a request of the service registered, in the last 30 "
	  "s",
	  .read_service = request_defers_p95,
	  .json = { "defers_p95", "requests", .otherwise = NAN } },
	{ "slow_requests_deep_ratio", "ratio",
	  "of the slowest 5 % of the service's requests in the last 30 s, the share (0 to 1) "
	  "whose defers piled up to probes.threshold on one goroutine; absent with fewer than 20 "
	  "requests",
	  .read_service = slow_requests_deep,
	  .gauge = { "Share of the slowest 5 % of requests in the last 30 s whose defers piled up "
		     "to probes.threshold on one goroutine; absent with fewer than 20 requests.",
		     NAN },
	  .json = { "slow_deep_ratio", "requests", .otherwise = NAN },
	  .about = { EVIDENCE_REQUEST }, .joins = true,
	  .says = { "", " of the slowest requests piled up defers" } },
	{ "panics_overridden", "panics",
	  "panics of the service that were replaced by a newer panic, in the last 5 minutes",
	  METRIC_OF_SERVICE, .read_service = panics_overridden,
	  .about = { EVIDENCE_PANIC, .outcome = OUTCOME_OVERRIDDEN } },
	{ "panics_recovered_per_minute", "1/min",
	  "panics of the service that were recovered in the last minute, at the busiest site",
	  METRIC_OF_SERVICE, .read_service = panics_recovered,
	  .about = { EVIDENCE_PANIC, .outcome = OUTCOME_RECOVERED } },
	{ "process_deaths", "processes",
	  "processes of the service that died of a panic, a fatal error, a fault signal, SIGPIPE "
	  "or "
	  "lack of memory, in the "
	  "last 5 minutes",
	  METRIC_OF_SERVICE, .read_service = process_deaths,
	  .about = { EVIDENCE_PANIC, .outcome = OUTCOME_FATAL } },
	/* Shown only. */
	{ "goroutines_tracked", "goroutines", .read = goroutines_tracked,
	  .gauge = { "Goroutines and threads that registered a defer that may still be pending." },
	  .json = { "goroutines_tracked", .whole = true, .of_services = true } },
	{ "goroutine_leaks", "places", .read = goroutine_leaks,
	  .gauge = { "Places where goroutines that stay grow like a leak: a suspicion, see "
		     "deferd goroutines.",
		     NAN },
	  .json = { "goroutine_leaks", .whole = true, .of_services = true, .otherwise = NAN } },
	{ "census_age_seconds", "s", .read = census_age, .fold = METRIC_MAX,
	  .gauge = { "Age of the newest census of goroutines, for the process with the oldest one.",
		     NAN },
	  .json = { "census_age_seconds", .otherwise = NAN } },
	{ "census_duration_seconds", "s", .read = census_duration, .fold = METRIC_MAX,
	  .gauge = { "CPU time of deferd for the newest census, for the most expensive process.",
		     NAN } },
	{ "max_fds", "descriptors", .read = max_fds, .fold = METRIC_MIN,
	  .gauge = { "RLIMIT_NOFILE (soft), the lowest of the service's processes.", NAN },
	  .json = { "max_fds", .whole = true, .of_services = true, .otherwise = NAN } },
	{ "fd_leak_per_second", "1/s", .read = fd_leak_per_second,
	  .gauge = { "Growth of descriptors that are opened and not closed, sum of the leaking "
		     "processes." } },
	{ "budget_level", "steps", .read = budget_level, .fold = METRIC_MAX,
	  .gauge = { "Probes that the budget leaves, for the process with the fewest: 0 all, 1 "
		     "without calls from the busiest functions, 2 the lean set, 3 panics only, 4 "
		     "none." },
	  .json = { "budget_level", .whole = true } },
	{ "request_p95_baseline_seconds", "s", .read_service = request_p95_baseline,
	  .gauge = { "Usual 95th percentile of the request durations: the median of an hour, or as "
		     "configured.",
		     NAN },
	  .json = { "p95_baseline_seconds", "requests", .otherwise = NAN } },
	{ "panics_running", "panics", NULL, METRIC_OF_SERVICE, .read_service = panics_running,
	  .gauge = { "Panics whose deferred calls are running; if this stays above 0, a deferred "
		     "call blocks." } },
	{ "panic_sites_swallowed", "sites", NULL, METRIC_OF_SERVICE,
	  .read_service = panic_sites_swallowed,
	  .gauge = { "Sites whose panics are recovered and, as far as was seen, neither logged "
		     "nor raised again: a suspicion, see deferd panics." } },
};
const unsigned rule_metrics_n = ARRAY_SIZE(rule_metrics);

const struct rule_metric *rule_metric_find(const char *name)
{
	for (unsigned i = 0; i < rule_metrics_n; i++) {
		if (rule_metrics[i].doc && !strcmp(rule_metrics[i].name, name))
			return &rule_metrics[i];
	}
	return NULL;
}

bool metric_value(const struct rule_metric *metric, const struct metric_env *env, double *ret)
{
	if (env->read)
		return env->read(env->read_arg, metric, env->service, env->target, ret);
	if (metric->scope == METRIC_OF_PROCESS && !env->target)
		return false;
	if (metric->read_service)
		return metric->read_service(env->m, env->service, env->now_ns, ret);
	return metric->read(env->m, env->target, env->now_ns, ret);
}

bool metric_of_processes(const struct rule_metric *metric, enum metric_fold fold,
			 const struct metric_env *env, double *ret)
{
	struct metric_env one = *env;
	bool any = false;
	double v;

	for (const struct target *t = env->service->targets; t; t = t->next_in_service) {
		one.target = t;
		if (!metric_value(metric, &one, &v))
			continue;
		if (!any)
			*ret = v;
		else if (fold == METRIC_SUM)
			*ret += v;
		else if (fold == METRIC_MAX ? v > *ret : v < *ret)
			*ret = v;
		any = true;
	}
	return any;
}

bool metric_of_service(const struct rule_metric *metric, const struct metric_env *env, double *ret)
{
	if (metric->read_service && !env->read)
		return metric->read_service(env->m, env->service, env->now_ns, ret);
	return metric_of_processes(metric, metric->fold, env, ret);
}

void metric_print(double value, const char *unit, char *buf, size_t size)
{
	if (!unit)
		snprintf(buf, size, "%g", value);
	else if (!strcmp(unit, "s"))
		duration_print(value, buf, size);
	else if (!strcmp(unit, "ratio"))
		snprintf(buf, size, "%.0f %%", value * 100);
	else if (!strncmp(unit, "1/", 2))
		snprintf(buf, size, "%.3g/%s", value, unit + 2);
	else
		snprintf(buf, size, "%g %s", value, unit);
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
