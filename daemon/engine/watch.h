/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * An observed process: facts about it, the probes it should have (wish) and those it has (have). What a policy
 * remembers of it stands with the policy (slots.h). Loop thread only.
 */
#ifndef DEFERD_ENGINE_WATCH_H
#define DEFERD_ENGINE_WATCH_H

#include "base/log.h"
#include "base/memread.h"
#include "engine/images.h"
#include "engine/wish.h"
#include "event/event.h"
#include "proc/cgroup.h"

/* What its memory has shown of the layout of its Go runtime. */
enum watch_layout {
	LAYOUT_NONE,      /* no Go program, or one older than Go 1.19 */
	LAYOUT_PENDING,   /* its first goroutine is still to come */
	LAYOUT_CONFIRMED, /* and where the list of goroutines is */
	LAYOUT_BELIEVED,  /* nothing contradicts it, but the list was not found */
	LAYOUT_REFUTED,
};

struct watch {
	UT_hash_handle hh; /* by pid */
	UT_hash_handle hh_id;
	pid_t pid;
	uint32_t id; /* target id, in events */
	uint64_t start_ticks;
	struct image *image;
	uint64_t bias;
	bool nil_stays;   /* Go: panic(nil) does */
	int64_t clock_ns; /* see struct census_opts */
	struct memread_process memory;
	char name[PROC_NAME_MAX]; /* of its file, which may have several */
	char service[CGROUP_SERVICE_MAX];
	char golib[PROC_NAME_MAX]; /* a library of it with a Go runtime; "": none is known */
	enum watch_layout layout;
	uint64_t allgs_len, allgs_list; /* see struct census_where; 0: not found (yet) */
	enum target_state state;        /* before what the budget and the library add to it */
	char reason[REASON_MAX + 128];  /* why it is LIMITED or FAILED */
	uint64_t attached_ns;           /* an exec or exit before this is of the process before */
	bool census_asked;              /* something was lost: do not wait for the interval */
	struct wish wish;               /* written by policies */
	struct wish have;               /* written by fit.c and attach.c: what is attached */
	uint64_t since_ns;              /* the points it has are attached since */
	uint32_t attached;  /* bit i: plan->points[i] is attached, in itself or at its calls */
	uint32_t n_calls;   /* call sites attached */
	bool level_refused; /* the last level that was wished could not be attached */
	bool timing_failed; /* not tried again before the next reload */
	bool announce;      /* the model is to learn what has changed */
};
_Static_assert(PLAN_POINTS_MAX <= 32, "bits of `attached`");

struct watches {
	struct watch *by_pid;
	struct watch *by_id;
	unsigned removed; /* so far */
};

/* NULL: not observed. */
struct watch *watch_by_pid(const struct watches *ws, pid_t pid);
struct watch *watch_by_id(const struct watches *ws, uint32_t id);
/*
 * The one that a kernel record of `time_ns` is about. NULL where the process that has the number now was attached
 * later: then the record is about the process before it.
 */
struct watch *watch_at(const struct watches *ws, pid_t pid, uint64_t time_ns);
void watch_add(struct watches *ws, struct watch *w);
void watch_remove(struct watches *ws, struct watch *w); /* from the tables; it stays valid */
/* NULL and one that is in no table are allowed. */
void watch_free(struct watch *w);

struct wish_image watch_image(const struct watch *w);
enum runtime_kind watch_runtime(const struct watch *w);
/* "go1.22.10", "c", "-": as a person calls the runtime. */
const char *watch_version(const struct watch *w);
/* Why nothing of the Go runtime in library `golib` is seen. */
void watch_golib_reason(const char *golib, char *ret, size_t size);

/* Set its state and why; the model learns of it at the next announcement. */
void watch_limit(struct watch *w, enum target_state state, const char *reason);
/* Begin a log line about it, with its service and pid. */
void watch_log_begin(struct log_line *l, enum log_level level, const char *text,
		     const struct watch *w);

/*
 * Its facts, what the wish has of them included. Pointers in *ret are borrowed from the watch and from *buf.
 * `multi`: the kernel has uprobe_multi; `p95_ns`: what is usual by the configuration, 0: not said.
 */
#define WATCH_REASON_MAX (REASON_MAX + 128)
void watch_event(const struct watch *w, bool multi, uint64_t p95_ns,
		 char buf[static WATCH_REASON_MAX], struct event_target *ret);

#endif
