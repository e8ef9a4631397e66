/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The waist: everything the senses tell and everything the model knows passes through this one
 * type. A live ring, a scan of the kernel's maps, /proc and an array in a test are all sources of
 * these. From the model upward nobody knows of BPF.
 *
 * Events are plain values; pointers in them are borrowed for the duration of the call that receives
 * them. Times are CLOCK_MONOTONIC nanoseconds. Addresses are link-time addresses of the target's
 * image (the load bias is taken off at the source), so a site means the same in every process of an
 * image.
 */
#ifndef DEFERD_EVENT_EVENT_H
#define DEFERD_EVENT_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#define EVENT_STACK_MAX 25 /* the probed call's site, then the frames above it */

enum event_type {
	EVENT_EXEC,        /* pid became another program */
	EVENT_EXIT,        /* pid is gone */
	EVENT_FORK,        /* pid made child.pid */
	EVENT_TARGET,      /* a target is known: its facts (again when they change) */
	EVENT_TARGET_GONE, /* the target exited or is watched no more */
	EVENT_DEPTH,       /* a goroutine crossed the threshold or a doubling */
	EVENT_ENDED, /* a thread ended between two scans; call.depth is its deepest since the last */
	EVENT_PANIC,      /* panic, recovery, fatal panic, Goexit */
	EVENT_CALL,       /* a probe hit of a traced target */
	EVENT_FD,         /* a descriptor call of a traced target */
	EVENT_LOST,       /* records of this target were lost; target 0: of exec, exit or fork */
	EVENT_SCAN_BEGIN, /* what follows until SCAN_END is all there is to say about goroutines */
	EVENT_SCAN_END,
	EVENT_COUNTS,    /* exact counts since the target was first watched */
	EVENT_GOROUTINE, /* depth of one goroutine or thread */
	EVENT_SITE,      /* pushes by one call site since the target was first watched */
	EVENT_FDS,       /* descriptors in use, and the limit */
	EVENT_TYPE_MAX,
};

enum runtime_kind { RUNTIME_NONE, RUNTIME_GO, RUNTIME_C, RUNTIME_MAX };

/* How a defer was compiled; label `lowering`. C has one kind. */
enum lowering { LOWERING_HEAP, LOWERING_STACK, LOWERING_RANGE, LOWERING_C, LOWERING_MAX };

enum call_kind {
	CALL_PUSH,
	CALL_RUN,
	CALL_PANIC,
	CALL_RECOVER,
	CALL_FATAL,
	CALL_GOEXIT,
	CALL_MAX,
};

enum target_state {
	TARGET_OBSERVED, /* probes attached */
	TARGET_LIMITED,  /* known, but something is missing: see the reason */
	TARGET_FAILED,   /* could not be attached: see the reason */
	TARGET_STATE_MAX,
};

struct event_target {
	const char *service;
	const char *image;   /* base name of the file */
	const char *version; /* "go1.19.8", "c"; never NULL */
	const char *reason;  /* why LIMITED or FAILED, else "" */
	enum runtime_kind runtime;
	enum target_state state;
	uint64_t start_ticks; /* with the pid: identity, field 22 of /proc/PID/stat */
	uint32_t image_id;    /* key for site names */
	bool full;            /* the full probe set: stack defers and runs are seen */
};

struct event_call {
	uint64_t g;     /* address of the g; C: 0 */
	uint64_t goid;  /* C: 0 */
	uint64_t fn;    /* PUSH: function value; PANIC: type word */
	uint32_t depth; /* pending after it; of PUSH, RUN and DEPTH only */
	enum call_kind kind;
	enum lowering lowering;
	bool inferred;
	unsigned nstack;
	uint64_t stack
		[EVENT_STACK_MAX]; /* [0] is the site; return addresses, the calls stand before them */
};

struct event_fd {
	uint32_t syscall;
	int ret;
	int fd;
	bool closing;
};

struct event_counts {
	uint64_t registered[LOWERING_MAX];
	uint64_t runs;
	uint64_t panics;
	uint64_t recovered;
	uint64_t fatal;
	uint64_t goexits;
	uint64_t hits;
	uint64_t crossings;
	uint64_t fd_opened;
	uint64_t fd_closed;
	uint64_t fd_ebadf;
};

struct event_goroutine {
	uint64_t g;    /* C: the thread id */
	uint64_t goid; /* C: the thread id */
	uint64_t registered;
	uint64_t last_ns; /* of the newest push */
	uint64_t site;    /* of the newest push */
	uint64_t peak_site;
	uint32_t depth;       /* now, as far as known */
	uint32_t window_peak; /* since the scan before; 0: no push in it */
	uint32_t peak;        /* since the goroutine was first seen */
	bool inferred;
};

struct event_site {
	uint64_t pc; /* return address */
	uint64_t registered;
	enum lowering lowering;
};

struct event_fds {
	uint64_t open;
	uint64_t limit; /* RLIMIT_NOFILE, soft */
};

struct event {
	enum event_type type;
	uint32_t target; /* id; 0 for EXEC, EXIT, FORK, SCAN_* */
	uint32_t pid;
	uint32_t tid;
	uint64_t time_ns;
	union {
		uint32_t child_pid;
		uint64_t lost; /* records */
		struct event_target info;
		struct event_call call;
		struct event_fd fd;
		struct event_counts counts;
		struct event_goroutine goroutine;
		struct event_site site;
		struct event_fds fds;
	};
};

typedef void (*event_fn)(void *arg, const struct event *ev);

#endif
