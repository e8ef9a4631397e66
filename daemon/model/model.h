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
#include "golang/gotype.h"
#include "model/fdgroups.h"
#include "model/fdopeners.h"
#include "model/ledger.h"
#include "model/parked.h"
#include "model/pool.h"
#include "model/queues.h"
#include "model/requests.h"
#include "stat/trend.h"

#define MODEL_NAME_MAX    128
#define MODEL_FUNC_MAX    192
#define MODEL_FILE_MAX    256
#define MODEL_PEAKS       12 /* buckets of the depth window */
#define MODEL_DEPTH_EDGES 11
#define MODEL_RATE_SLOTS  16
#define NAME_FRAMES_MAX   16 /* functions that one address has, what is inlined included */

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

/* A line of code. */
struct code_line {
	char function[MODEL_FUNC_MAX]; /* sanitized; "" until known */
	char file[MODEL_FILE_MAX];     /* "" when the image does not say */
	uint32_t line;
};

/* What an address of an image is asked for. */
enum name_kind {
	NAME_OF_SITE,     /* a return address: the line of the call before it */
	NAME_OF_FUNCTION, /* an entry: the function, or what the wrapper that begins there calls */
	NAME_OF_TYPE,     /* a Go type */
	NAME_OF_TEXT,     /* the bytes of a Go string, and what follows them */
	NAME_OF_STRING,   /* a Go string, by the address of its pointer and length */
	NAME_KIND_MAX,
};

struct name {
	UT_hash_handle hh;
	struct name_key {
		uint64_t addr;
		uint32_t image_id;
		uint32_t kind;
	} key;
	enum { NAME_WANTED, NAME_ASKED, NAME_KNOWN, NAME_UNKNOWN } state;
	struct code_line at;     /* SITE: the innermost of what is inlined there */
	unsigned n_outer;        /* SITE: functions that it was inlined into */
	struct code_line *outer; /* the last one is the function of the symbol table */
	bool open_defers;        /* SITE: the function runs deferred calls without the runtime */
	bool wrapper;            /* SITE: the compiler wrote this function */
	bool has_frame;          /* SITE, Go: */
	uint32_t frame; /* bytes from the stack pointer there to the slot of the return address */
	struct gotype type; /* TYPE */
};

/* An answer to model_wanted_names(). `frames` innermost first; NULL or n 0: it has no name. */
struct name_answer {
	unsigned n;
	const struct code_line *frames; /* hostile bytes, strings closed */
	bool open_defers, wrapper, has_frame;
	uint32_t frame;
	const struct gotype *type; /* TYPE only */
};

struct name_ask {
	uint64_t addr;
	enum name_kind kind;
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

/* What was added to a counter in the last five minutes. */
#define RECENT_SLOTS   30
#define RECENT_SLOT_NS 10000000000ull
struct recent {
	uint64_t slot_of[RECENT_SLOTS];
	uint64_t n[RECENT_SLOTS];
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
/* Per second, over the last 15 s or so; 0 before there are two samples. */
double rate_per_sec(const struct rate *r);
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

/*
 * The name of an address, or NULL when it is not known (yet). Asking for it makes it wanted.
 * model_site_name() is for NAME_OF_SITE.
 */
const struct name *model_name(struct model *m, uint32_t image_id, enum name_kind kind,
			      uint64_t addr);
const struct name *model_site_name(struct model *m, uint32_t image_id, uint64_t pc);
/*
 * The frame that a reader cares for: the first one outside the Go runtime, which raises the panics
 * of the language itself (nil, bounds, division, maps). NULL while its name is not known. Makes the
 * names of all frames wanted.
 */
const struct code_line *model_user_frame(struct model *m, uint32_t image_id,
					 enum runtime_kind runtime, const uint64_t *stack,
					 unsigned n);
/*
 * Where that frame is of Go's standard library, the first one outside of it: the line of the program
 * that led there. NULL: it is the same, or there is none, or a name is not known.
 */
const struct code_line *model_own_frame(struct model *m, uint32_t image_id,
					enum runtime_kind runtime, const uint64_t *stack,
					unsigned n);
/* What a person looks for first: model_own_frame(), else model_user_frame(). */
const struct code_line *model_program_frame(struct model *m, uint32_t image_id,
					    enum runtime_kind runtime, const uint64_t *stack,
					    unsigned n);
/*
 * Wanted names of one image, at most n, marked as asked. Returns how many; 0 when nothing is wanted.
 * The answer comes by model_answer(); when none will come, model_forget_name() makes the address
 * wanted again when somebody asks for it.
 */
unsigned model_wanted_names(struct model *m, uint32_t *ret_image_id, struct name_ask *ret_asks,
			    unsigned n);
void model_forget_name(struct model *m, uint32_t image_id, const struct name_ask *ask);
void model_answer(struct model *m, uint32_t image_id, const struct name_ask *ask,
		  const struct name_answer *answer);
/* A target, or an entry of a ledger, is of this image: names may be asked for. */
bool model_uses_image(const struct model *m, uint32_t image_id);

/* Panics */

/* In the last five minutes. */
uint64_t recent_sum(const struct recent *r, uint64_t now_ns);
/* Started, and not ended: of a service's living targets. */
uint64_t service_panics_running(const struct service *s);
/*
 * Whether this recover() stood in a wrong frame, rather than in a deferred function that a function
 * called while a panic ran, and which returned normally; or in the runtime or fmt, which ask so
 * themselves. False while the names are not known.
 */
bool model_misplaced(struct model *m, const struct target *t, const struct lone_recover *r);
/* recover() in a wrong frame, of a service. */
uint64_t service_misplaced(struct model *m, const struct service *s);
/* Whether writes should be watched: some site's recoveries are not judged yet. */
bool model_wants_aftermath(const struct model *m, uint64_t now_ns);
/* Whoever watched writes stops: what was not seen to its end is forgotten. */
void model_discard_aftermaths(struct model *m, uint64_t now_ns);
/* A recovery that was watched to its end, to be closed by aftermath_close(); NULL: none. */
struct aftermath *model_complete_aftermath(struct model *m, uint64_t now_ns);
/* Sites of a service's living processes whose panics may be swallowed. */
unsigned service_swallowed(const struct model *m, const struct service *s);
/*
 * Type and message of a panic, as the runtime would print them: "*errors.errorString", "no such
 * user". Sanitized; "" when there is none; "?" for a type whose name is not known (yet). False
 * while something of it is not known.
 */
bool model_panic_type(struct model *m, uint32_t image_id, const struct event_panic *p, char *buf,
		      size_t size);
bool model_panic_message(struct model *m, uint32_t image_id, const struct event_panic *p, char *buf,
			 size_t size);

#endif
