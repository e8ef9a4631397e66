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
#include <stdint.h>

#include <uthash.h>

#include "event/event.h"
#include "stat/trend.h"

#define MODEL_NAME_MAX    128
#define MODEL_FUNC_MAX    192
#define MODEL_FILE_MAX    256
#define MODEL_PEAKS       12 /* buckets of the depth window */
#define MODEL_DEPTH_EDGES 11
#define MODEL_RATE_SLOTS  16

struct model_opts {
	uint64_t depth_window_ns; /* "the deepest in the last ..." */
	uint64_t fd_window_ns;    /* of the descriptor trend */
	uint64_t service_keep_ns; /* a service without targets is forgotten after this */
	unsigned names_max;       /* sites whose names are kept */
};

#define MODEL_OPTS_DEFAULT                                                         \
	{                                                                          \
		.depth_window_ns = 60000000000ull, .fd_window_ns = 60000000000ull, \
		.service_keep_ns = 600000000000ull, .names_max = 16384             \
	}

/* Where a return address points: the line of the call before it. */
struct site_name {
	UT_hash_handle hh;
	struct site_key {
		uint64_t pc;
		uint64_t image_id;
	} key;
	enum { NAME_WANTED, NAME_ASKED, NAME_KNOWN, NAME_UNKNOWN } state;
	char function[MODEL_FUNC_MAX]; /* sanitized; "" until known */
	char file[MODEL_FILE_MAX];     /* "" when the image does not say */
	uint32_t line;
};

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
};

/* The deepest moment of one goroutine or thread. */
struct peak {
	uint32_t depth; /* 0: none */
	bool inferred;
	uint64_t g, goid, site;
	uint64_t time_ns;
};

/* A counter's value at the start of each of the last seconds, for a rate. */
struct rate {
	uint64_t time_ns[MODEL_RATE_SLOTS];
	uint64_t value[MODEL_RATE_SLOTS];
	unsigned n, next;
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
	bool full;

	struct event_counts counts;
	struct rate registered_rate;
	struct rate panic_rate;
	struct goroutine *goroutines; /* hash by g */
	unsigned n_goroutines;
	struct site *sites; /* hash by pc, lowering */
	unsigned n_sites;
	struct peak peaks[MODEL_PEAKS]; /* by depth_window_ns / MODEL_PEAKS of time */
	struct event_call
		crossing; /* the newest DEPTH event, with its stack; kind is CALL_MAX before the first */

	bool have_fds;
	struct event_fds fds;
	struct trend_window fd_window;
	bool have_fd_trend;
	struct trend fd_trend;

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
	/*
	 * Once a scan, for each goroutine that registered since the scan before: its deepest.
	 * Cumulative, by edge.
	 */
	uint64_t depth_hist[MODEL_DEPTH_EDGES + 1];
	uint64_t depth_hist_sum;
	uint64_t depth_hist_count;
};

extern const uint32_t model_depth_edges[MODEL_DEPTH_EDGES];

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
/* Per second, over the last 15 s or so; 0 before there are two samples. */
double rate_per_sec(const struct rate *r);
/* Fills at most n pointers, most registrations first; returns how many. */
unsigned target_top_sites(const struct target *t, const struct site **ret_sites, unsigned n);
/* The same for goroutines: deepest pending first, then highest peak. */
unsigned target_top_goroutines(const struct target *t, const struct goroutine **ret_gs, unsigned n);

/*
 * Seconds until the limit at this pace, as an interval; false when it does not grow or has no
 * limit.
 */
bool target_fd_exhaustion(const struct target *t, double *ret_low_s, double *ret_high_s);

/* The name of a site, or NULL when it is not known (yet). Asking for it makes it wanted. */
const struct site_name *model_site_name(struct model *m, uint32_t image_id, uint64_t pc);
/*
 * The frame that a reader cares for: the first one outside the Go runtime, which raises the panics
 * of the language itself (nil, bounds, division, maps). NULL while its name is not known. Makes the
 * names of all frames wanted.
 */
const struct site_name *model_user_frame(struct model *m, const struct target *t,
					 const struct event_call *c);
/*
 * Wanted names of one image, at most n addresses, marked as asked. Returns how many; 0 when nothing
 * is wanted. The answer comes by model_name_site(), with function NULL when the image has none.
 */
unsigned model_wanted_names(struct model *m, uint32_t *ret_image_id, uint64_t *ret_pcs, unsigned n);
/* No answer will come: the site is wanted again when somebody asks for it. */
void model_forget_name(struct model *m, uint32_t image_id, uint64_t pc);
void model_name_site(struct model *m, uint32_t image_id, uint64_t pc, const char *function,
		     const char *file, uint32_t line);

#endif
