/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What we believe of each target, and how it moves. Events go in, and nothing else: the model never
 * asks the kernel, the clock or a process. It does not judge either; that is the rules' business.
 * One owner, the loop's thread.
 *
 * Readers above get const pointers into it that live until the next model_apply() or model_tick().
 */
#ifndef DEFERD_MODEL_MODEL_H
#define DEFERD_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "event/event.h"
#include "model/fdgroups.h"
#include "model/fdopeners.h"
#include "model/ledger.h"
#include "model/names.h"
#include "model/parked.h"
#include "model/pool.h"
#include "model/queues.h"
#include "model/requests.h"
#include "stat/rate.h"
#include "stat/trend.h"

#define MODEL_NAME_MAX    128
#define MODEL_PEAKS       12 /* buckets of the depth window */
#define MODEL_DEPTH_EDGES 11

struct model_opts {
	uint64_t depth_window_ns; /* "the deepest in the last ..." */
	uint64_t fd_window_ns;    /* of the descriptor trend */
	uint64_t service_keep_ns; /* a service without targets is forgotten after this */
	unsigned names_max;       /* sites whose names are kept */
	bool keep_names;          /* also of files that nobody runs any more */
};

#define MODEL_OPTS_DEFAULT                                                         \
	{                                                                          \
		.depth_window_ns = 60000000000ull, .fd_window_ns = 60000000000ull, \
		.service_keep_ns = 600000000000ull, .names_max = 16384             \
	}

struct goroutine {
	UT_hash_handle hh;
	uint64_t g;    /* key; C: thread id */
	uint64_t goid; /* C: thread id */
	uint64_t registered;
	uint64_t last_ns;
	uint64_t site, peak_site;
	uint32_t depth; /* pending now, as far as known */
	uint32_t peak;  /* since first seen */
	bool inferred;
	uint32_t scan;       /* the last scan that saw it */
	uint32_t unobserved; /* deepest since the histogram took it */
};

struct site {
	UT_hash_handle hh;
	struct {
		uint64_t pc;
		uint64_t lowering;
	} key;
	uint64_t registered;
	uint64_t added; /* between the last two times that it was read */
};

/* recover() that returned nil while a panic ran, by call site and the caller of its function. */
struct lone_recover {
	UT_hash_handle hh;
	struct {
		uint64_t site, caller;
	} key;
	uint64_t count;
};

/* The deepest moment of one goroutine or thread. */
struct peak {
	uint32_t depth; /* 0: none */
	bool inferred;
	uint64_t g, goid, site;
	uint64_t time_ns;
};

struct service;

struct target {
	UT_hash_handle hh;
	uint32_t id;
	uint32_t pid;
	uint64_t start_ticks;
	uint64_t first_ns;
	struct service *service;
	struct target *next_in_service;
	char image[MODEL_NAME_MAX];
	char version[MODEL_NAME_MAX];
	char reason[MODEL_NAME_MAX * 2];
	uint32_t image_id;
	enum runtime_kind runtime;
	enum target_state state;
	/* See struct event_target. */
	const char *probes;
	bool chosen;
	double budget_percent;
	unsigned level;
	bool full;
	uint64_t full_since_ns;
	uint64_t full_ns; /* it was, before that */

	unsigned timed_every; /* its requests are timed for a second of so many; 0: they are not */
	struct requests_seen *requests; /* NULL: of none yet */

	struct event_counts counts;
	struct rate registered_rate;
	struct rate panic_rate;
	struct event_fd_opened bad_close; /* the newest; opened_ns 0: none, or not seen where */
	struct recent bad_closes;         /* close() of a number that was not open */
	struct goroutine *goroutines;     /* hash by g */
	unsigned n_goroutines;
	struct site *sites; /* hash by pc, lowering */
	unsigned n_sites;
	struct lone_recover *recovers; /* hash by site, caller */
	bool died;                     /* FATAL or THROW was told: what follows is the same death */
	struct peak peaks[MODEL_PEAKS]; /* by depth_window_ns / MODEL_PEAKS of time */
	struct event_call
		crossing; /* the newest DEPTH event, with its stack; kind is CALL_MAX before the first */

	bool have_fds;
	struct event_fds fds;
	struct trend_window fd_window;
	bool have_fd_trend;
	struct trend fd_trend;
	unsigned n_fd_censuses;
	uint64_t fd_census_ns;              /* when the newest was */
	struct fdgroup *fd_groups;          /* hash by kind and port */
	struct leak fd_leaks[FD_SCOPE_MAX]; /* of them, at the newest census */
	struct fdopeners fd_openers;

	unsigned n_censuses;        /* since the target is known */
	struct event_census census; /* the newest; n_censuses is not 0 */
	uint64_t census_ns;         /* when it ended */
	struct parked *parked;      /* hash by serial */
	struct event_pile pile;     /* of census number pile_census; its reason is: */
	char pile_reason[EVENT_REASON_MAX];
	unsigned pile_census;
	struct queues *queues; /* NULL: of no lock yet */
	struct pool *pool;     /* NULL: nobody has waited for one yet */
	uint64_t lost_ns;      /* when something was, last */
	bool unsettled; /* depths may be unknown since something was lost, until a census has looked */

	uint64_t lost; /* records */
	uint64_t lost_at_scan;
	bool lost_recently;  /* since the last whole scan */
	unsigned n_inferred; /* goroutines whose depth is inferred, at the last scan */
};

struct service {
	UT_hash_handle hh;
	char name[MODEL_NAME_MAX];
	struct target *targets; /* by next_in_service */
	unsigned n_targets;
	uint64_t empty_since_ns;     /* 0: has targets */
	struct event_counts retired; /* of targets that are gone: counters never go back */
	uint64_t retired_lost;
	uint64_t retired_full_ns;
	uint32_t serial;            /* unique */
	struct requests *requests;  /* NULL before the first was timed */
	uint64_t p95_ns;            /* the usual 95th percentile, as configured; 0: as seen */
	struct ledger *ledger;      /* NULL before the first panic */
	struct recent overridden;   /* panics */
	struct recent deaths;       /* processes that died of a panic, fatal error or signal */
	uint64_t misplaced_retired; /* recover() in a wrong frame, of targets that are gone */
	/*
	 * Once a scan, for each goroutine that registered since the scan before: its deepest.
	 * Cumulative, by edge.
	 */
	uint64_t depth_hist[MODEL_DEPTH_EDGES + 1];
	uint64_t depth_hist_sum;
	uint64_t depth_hist_count;
};

extern const double model_depth_edges[MODEL_DEPTH_EDGES];

struct model;

struct model *model_new(const struct model_opts *opts); /* NULL: out of memory */
void model_free(struct model *m);

/*
 * Out of memory loses this one event and counts it (model_dropped()). Unknown targets are ignored.
 */
void model_apply(struct model *m, const struct event *ev);
/* Once a second: trends, and services that nobody needs any more. */
void model_tick(struct model *m, uint64_t now_ns);
uint64_t model_dropped(const struct model *m);

const struct target *
model_targets(const struct model *m); /* hash head: iterate with HASH_ITER-like ->hh.next */
const struct service *model_services(const struct model *m);
const struct target *model_target(const struct model *m, uint32_t id);
const struct target *model_target_by_pid(const struct model *m, uint32_t pid);

/* The deepest in the depth window; NULL when nothing was registered in it. */
const struct peak *target_deepest(const struct model *m, const struct target *t, uint64_t now_ns);
/* Nothing of the target's state is inferred and no detail was lost since the last whole scan. */
bool target_exact(const struct target *t);
uint64_t counts_registered(const struct event_counts *c);
/* Of a service's targets, the living and the gone: never goes back. */
void service_counts(const struct service *s, struct event_counts *ret_counts);
/* For how long stack defers and runs were seen, of all processes of a service. */
uint64_t service_full_ns(const struct service *s, uint64_t now_ns);
/* Fills at most n pointers, most registrations first; returns how many. */
unsigned target_top_sites(const struct target *t, const struct site **ret_sites, unsigned n);
/* The same for goroutines: deepest pending first, then highest peak. */
unsigned target_top_goroutines(const struct target *t, const struct goroutine **ret_gs, unsigned n);

/*
 * The usual 95th percentile of its requests, seconds, and by how much that of the last 30 s is more (negative: less); false
 * while it is not known.
 */
bool service_p95_baseline(const struct service *s, double *ret_seconds);
bool service_p95_rise(const struct service *s, double *ret_seconds);
/* What happens until then is not what is usual for the service. */
void model_hold_baseline(struct model *m, const char *service, uint64_t until_ns);

/* Its descriptors leak, or became more in the last minute beyond doubt. */
bool target_fds_grow(const struct target *t);
/* The lock that most waited for at the newest census; NULL: nobody, or one goroutine only. */
const struct event_pile *target_pile(const struct target *t);
/*
 * Ever more goroutines wait for a connection of a pool, in which there are no more than before: it is too small. `in_use`:
 * the connections, as many as there are of no other port whose number does not change.
 */
struct pool_shortage {
	const struct event_pile *waiters; /* at the newest census */
	double per_hour;
	const struct fdgroup *in_use;
};
bool target_pool_shortage(const struct target *t, struct pool_shortage *ret);
/* Goroutines at the newest census, but for those of the runtime itself. */
uint64_t census_goroutines(const struct event_census *c);

/*
 * Seconds until the limit at this pace, as an interval; false when it does not grow or has no
 * limit. Of a leak its own pace, if that of the last minute is not beyond doubt faster; else that of the
 * last minute. *ret_high_s may be infinite.
 */
bool target_fd_exhaustion(const struct target *t, double *ret_low_s, double *ret_high_s);

/* A target, or an entry of a ledger, is of this image: names may be asked for. */
bool model_uses_image(const struct model *m, uint32_t image_id);

#endif
