/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Processes and the services they belong to, as the model holds them: plain data and look-ups. What is in them, and when it
 * changes, is model.c's business.
 */
#ifndef DEFERD_MODEL_TARGETS_H
#define DEFERD_MODEL_TARGETS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <uthash.h>

#include "event/event.h"
#include "model/fdgroups.h"
#include "model/fdopeners.h"
#include "model/fdpace.h"
#include "model/ledger.h"
#include "model/parked.h"
#include "model/pool.h"
#include "model/queues.h"
#include "model/requests.h"
#include "model/ring.h"
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
	uint64_t added;      /* since the scan before the newest one */
	uint64_t at_scan[2]; /* registered, at the newest scan and at the one before */
	uint32_t scan;       /* the newest scan it was in */
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
	struct event_counts earlier; /* what an earlier deferd had counted of its panics */
	struct rate registered_rate;
	struct rate panic_rate;
	struct event_fd_opened bad_close; /* the newest; opened_ns 0: none, or not seen where */
	struct recent bad_closes;         /* close() of what had been closed already */
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
	struct fdpace fd_pace;
	bool have_fd_trend;
	struct trend fd_trend;
	struct event_fd_opened
		refusal; /* the newest call that got no descriptor; opened_ns 0: none was seen */
	uint64_t refused_ns; /* one was counted last; 0: never */
	unsigned n_fd_censuses;
	uint64_t fd_census_ns;              /* when the newest was */
	struct event_fd_census fd_census;   /* the newest: limits that are not the process's own */
	struct fdgroup *fd_groups;          /* hash by kind and port */
	struct leak fd_leaks[FD_SCOPE_MAX]; /* of them, at the newest census */
	struct fdopeners fd_openers;

	unsigned n_censuses;        /* since the target is known */
	struct event_census census; /* the newest; n_censuses is not 0 */
	uint64_t census_ns;         /* when it ended */
	struct parked *parked;      /* hash by serial */
	json_t *kept_groups;        /* of an earlier deferd: see kept.h; NULL: none */
	struct event_pile pile;     /* of census number pile_census; its reason is: */
	char pile_reason[EVENT_REASON_MAX];
	unsigned pile_census;
	struct ring *ring;     /* NULL: there has not been a deadlock */
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

struct model;

const struct target *
model_targets(const struct model *m); /* hash head: iterate with HASH_ITER-like ->hh.next */
const struct service *model_services(const struct model *m);
const struct service *model_service(const struct model *m, const char *name); /* NULL: none */
const struct target *model_target(const struct model *m, uint32_t id);
const struct target *model_target_by_pid(const struct model *m, uint32_t pid);
/* Panics as far back as an earlier deferd counted them, the rest since the target is known. */
void target_counts(const struct target *t, struct event_counts *ret_counts);

#endif
