/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What an alert is about, beside its numbers: one tagged value, gathered from the model. evidence_visit() names its parts, one
 * after another, for whoever logs, sends, shows or expands them; nobody else looks at its kind. A new kind is a row in
 * evidence.c: how it is gathered, its parts, its sentence.
 */
#ifndef DEFERD_ALERT_EVIDENCE_H
#define DEFERD_ALERT_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"

#define EVIDENCE_SITES_MAX   3
#define EVIDENCE_EDGES_BYTES 2048

enum evidence_kind {
	EVIDENCE_NONE,
	EVIDENCE_DEPTH,     /* the goroutine or thread with the most pending defers */
	EVIDENCE_REQUEST,   /* the same, of those that handle requests */
	EVIDENCE_PANIC,     /* the newest panic */
	EVIDENCE_GROUP,     /* goroutines that stand at one place */
	EVIDENCE_PILE,      /* goroutines that wait for one lock */
	EVIDENCE_RING,      /* goroutines that wait for each other */
	EVIDENCE_EXHAUSTED, /* the same, and who holds the connections */
	EVIDENCE_POOL,      /* goroutines that wait for a connection of a pool */
	EVIDENCE_FDS,       /* descriptors that leak fastest */
	EVIDENCE_FULL,      /* descriptors of which there are no more */
	EVIDENCE_BAD_CLOSE, /* where a number was closed a second time */
	EVIDENCE_KIND_MAX,
};

/* What a metric is about. */
struct evidence_about {
	enum evidence_kind kind;
	union {
		enum fd_scope fds;          /* FDS */
		enum panic_outcome outcome; /* PANIC */
		struct {                    /* GROUP: */
			/* Which one, and how many of it; NULL: none now. */
			const struct parked *(*find)(const struct target *t, uint64_t *ret_count);
			const char *says; /* what the number counts: "more an hour" */
		} group;
	};
};

/* A line, and its part of a whole, 0 to 1. */
struct evidence_site {
	struct code_line at;
	double share;
};

/* Lines: function "" is none, "?" one whose name is not known. */
struct evidence {
	enum evidence_kind kind;
	union {
		struct evidence_depth { /* DEPTH, REQUEST */
			uint64_t id;    /* of the goroutine or thread */
			bool is_thread, exact;
			uint32_t depth;
			struct code_line site;
			unsigned n_top;
			struct evidence_site top[EVIDENCE_SITES_MAX]; /* by registrations */
		} depth;
		struct evidence_panic {
			uint32_t pid; /* perhaps gone */
			enum runtime_kind runtime;
			char text[MODEL_FUNC_MAX]; /* "*errors.errorString: no such user" */
			struct code_line site;     /* where it began */
		} panic;
		struct evidence_waiters { /* GROUP, PILE, POOL */
			uint64_t count;
			char reason[EVENT_REASON_MAX]; /* "chan receive"; "" not known */
			struct code_line site;         /* where they, or most, stand */
			struct code_line created_by;   /* the go statement */
			const char *says;              /* GROUP: see above */
			char pool[64];                 /* "connections to port 5432" */
			uint64_t pool_open;            /* of these */
			double still_s;          /* EXHAUSTED: they have not moved for so long */
			uint64_t held_by;        /* goroutines that hold one; 0: none is seen to */
			double held_s;           /* for so long one has; NAN: not known */
			struct code_line holder; /* where they, or most, stand */
		} waiters;
		struct evidence_ring {
			uint64_t goroutines, length;
			struct code_line site; /* where the first one waits */
			/* "goroutine 7 waits in F at LINE for mutex 0x... of goroutine 8; ...": each edge */
			char edges[EVIDENCE_EDGES_BYTES];
		} ring;
		struct evidence_fds {
			char what[64];
			uint64_t open;
			double low_per_hour, high_per_hour;
			/* Until the limit of all descriptors; NAN: it has none. */
			double full_low_s, full_high_s;
			enum fd_limit limit_kind;
			uint64_t limit;
			struct evidence_site opened_by; /* the line that keeps most of them */
		} fds;
		struct evidence_full {
			uint64_t open, limit, hard; /* RLIMIT_NOFILE; hard 0: not known */
			char what[64];              /* of which there are most */
			uint64_t most;
			struct evidence_site opened_by; /* the line that keeps most of these */
			struct code_line failed_in; /* a call that got none; "": none was seen */
			enum fd_limit reached;      /* if not RLIMIT_NOFILE: */
			uint64_t used, max;
		} full;
		struct evidence_close {
			struct code_line site; /* of the newest */
		} close;
	};
};

enum evidence_part_type {
	EVIDENCE_COUNT,
	EVIDENCE_REAL, /* NAN, infinite: not known */
	EVIDENCE_TEXT,
	EVIDENCE_TRUTH,
	EVIDENCE_SITE,
	EVIDENCE_SITES,
};

/* Borrowed for the call. */
struct evidence_part {
	const char *in;      /* the object that it is a member of; NULL: of the alert */
	const char *key;     /* of JSON, and of annotations where these know it */
	const char *log_key; /* NULL: the log leaves it out */
	enum evidence_part_type type;
	union {
		uint64_t count;
		struct {
			double value;
			int decimals; /* of the log */
		} real;
		const char *text;
		struct {
			bool value;
			const char *word; /* of the log */
		} truth;
		struct {
			const struct code_line *at;
			double share; /* NAN: of nothing */
			bool may_be_no; /* function "": there is none, rather than one without a name */
			bool main;      /* the line that the alert is about */
			const char *if_none; /* what the log has then; NULL: "" */
		} site;
		struct {
			unsigned n;
			const struct evidence_site *list;
		} sites;
	};
};

typedef void (*evidence_fn)(void *arg, const struct evidence_part *part);

void evidence_visit(const struct evidence *e, evidence_fn fn, void *arg);
/* The line that the alert is about; NULL: it has none, or none whose name is known. Borrowed from *e. */
const struct code_line *evidence_site(const struct evidence *e);
/* Why it has none, as a person reads it; "": it is not about a line. */
const char *evidence_no_site(const struct evidence *e);

/*
 * Bring *e up to date, for a process (t) or a service (t NULL); where nothing of the kind is there now, *e stays. False while
 * a name in it is not known.
 */
bool evidence_gather(struct evidence *e, const struct evidence_about *about, struct model *m,
		     const struct service *s, const struct target *t, uint64_t now_ns);
/* It is one moment, the worst, that does not change while the number is lower. */
bool evidence_is_moment(enum evidence_kind kind);
/*
 * The sentence of an alert with the number `value` of `metric`, without its subject: "47 defers pending on goroutine 18,
 * registered by main.reserve at main.go:41". "" for NONE.
 */
void evidence_describe(const struct evidence *e, const char *metric, double value, char *buf,
		       size_t size);

#endif
