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
#include <string.h>

#include "proc/fd.h"

#define EVENT_STACK_MAX 25 /* the probed call's site, then the frames above it */

enum event_type {
	EVENT_EXEC,        /* pid became another program */
	EVENT_EXIT,        /* pid is gone */
	EVENT_FORK,        /* pid made child.pid */
	EVENT_TARGET,      /* a target is known: its facts (again when they change) */
	EVENT_TARGET_GONE, /* the target exited or is watched no more */
	EVENT_DEPTH,       /* a goroutine crossed the threshold or a doubling */
	EVENT_ENDED, /* a thread ended between two scans; call.depth is its deepest since the last */
	EVENT_PANIC,      /* a step in the life of panics */
	EVENT_PANIC_TEXT, /* what the value of a panic says */
	EVENT_CALL,       /* a probe hit of a traced target */
	EVENT_FD,         /* a descriptor call of a traced target */
	EVENT_WRITE,      /* what a goroutine or thread wrote to, after a panic */
	EVENT_LOST,       /* records of this target were lost; target 0: of exec, exit or fork */
	EVENT_SCAN_BEGIN, /* what follows until SCAN_END is all there is to say about goroutines */
	EVENT_SCAN_END,
	EVENT_LOOK_BEGIN, /* what follows until LOOK_END is for the eye only: no rate is of it, no window ends */
	EVENT_LOOK_END,
	EVENT_COUNTS,    /* exact counts since the target was first watched */
	EVENT_REQUESTS,  /* requests of the target's servers, since they were first timed */
	EVENT_GOROUTINE, /* depth of one goroutine or thread */
	EVENT_SITE,      /* pushes by one call site since the target was first watched */
	EVENT_RECOVER,   /* calls of recover() that returned nil while a panic ran, by site */
	EVENT_FDS,       /* descriptors in use, and the limit */
	EVENT_HOT,       /* more hits than the target has to bear are not looked at: hot_gen */
	EVENT_GROUP,     /* goroutines that stand at one place; of the census that ends next */
	EVENT_PILE,      /* the lock that most wait for; the same */
	EVENT_EDGE, /* one edge of a ring of goroutines that wait for each other's locks; the same */
	EVENT_POOL, /* those who wait for something of a pool, as a pile of no object; the same */
	EVENT_HELD, /* those who have such a thing in use, and have stood still since the census before; the same, before POOL */
	EVENT_PENDING,   /* a goroutine deep in defers; the same */
	EVENT_CENSUS,    /* the goroutines of a target were counted; there were no other GROUPs */
	EVENT_FD_GROUP,  /* descriptors of one kind, or of one port; of the census that ends next */
	EVENT_FD_OPENED, /* who opened a descriptor that is open; told to whoever asks */
	EVENT_FD_BAD_CLOSE, /* the newest close of a number that had been closed already: fd_opened, without a number */
	EVENT_FD_REFUSED, /* the newest call that got no descriptor; the same, with syscall and error */
	EVENT_FD_SITE, /* descriptors that are open and were opened by one stack, after FD_CENSUS */
	EVENT_FD_CENSUS, /* the descriptors of a target were counted; there were no other FD_GROUPs */
	EVENT_TYPE_MAX,
};

enum runtime_kind { RUNTIME_NONE, RUNTIME_GO, RUNTIME_C, RUNTIME_MAX };

/* How a defer was compiled; label `lowering`. C has one kind. */
enum lowering { LOWERING_HEAP, LOWERING_STACK, LOWERING_RANGE, LOWERING_C, LOWERING_MAX };

enum call_kind { CALL_PUSH, CALL_RUN, CALL_MAX };

enum panic_step {
	PANIC_STARTED,
	PANIC_RECOVERED, /* recover() took effect: a function returns normally */
	PANIC_GOEXIT,    /* runtime.Goexit: the goroutine ends */
	PANIC_FATAL,     /* nobody recovered it: the process dies */
	PANIC_THROW,     /* the runtime gives up: the process dies */
	PANIC_DYING,     /* the process dies; of a signal, if nothing else was told */
	PANIC_STEP_MAX,
};

/* What is known of the text that a panic's value prints. */
enum panic_said {
	PANIC_UNSAID,      /* as its type and value tell */
	PANIC_SAID,        /* all of it */
	PANIC_SAID_BEFORE, /* the same, if it has an Error() or String() */
	PANIC_WITHHELD,    /* nobody is to read it */
	PANIC_SAID_MAX,
};

/* What became of a panic: see enum dfd_outcome. Label `outcome`. */
enum panic_outcome {
	OUTCOME_RUNNING,
	OUTCOME_RECOVERED,
	OUTCOME_OVERRIDDEN,
	OUTCOME_REPANICKED,
	OUTCOME_GOEXIT,
	OUTCOME_FATAL,
	OUTCOME_UNKNOWN,
	OUTCOME_MAX,
};

/* What was written to after a panic: see enum dfd_write_kind. */
enum write_kind {
	WRITE_STDERR,
	WRITE_STDOUT,
	WRITE_FILE,
	WRITE_PIPE,
	WRITE_LOCAL, /* a Unix socket */
	WRITE_NETWORK,
	WRITE_KIND_MAX,
};

#define EVENT_AFTERMATH_NS 100000000ull /* after a recovery, writes are told for so long */

#define EVENT_TEXT_MAX   128 /* bytes of a panic's message */
#define EVENT_VALUE_MAX  5   /* words of a panic's value */
#define EVENT_INNER_MAX  2   /* values that lie in it */
#define EVENT_CLOSED_MAX 8   /* panics that one step ends */

/* What a goroutine does. Label `state`. */
enum goroutine_state {
	GOROUTINE_RUNNABLE,
	GOROUTINE_RUNNING,
	GOROUTINE_SYSCALL,
	GOROUTINE_WAITING,
	GOROUTINE_PREEMPTED,
	GOROUTINE_LEAKED, /* waits, and the runtime itself has proved that nobody will wake it */
	GOROUTINE_SYSTEM, /* of the runtime itself, whatever it does */
	GOROUTINE_STATE_MAX,
};

#define EVENT_REASON_MAX 48 /* bytes of a wait reason, NUL included */

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
	uint64_t start_ticks;  /* with the pid: identity, field 22 of /proc/PID/stat */
	uint32_t image_id;     /* key for site names */
	const char *probes;    /* name of its probe set, static */
	bool chosen;           /* by a command, not by the configuration */
	double budget_percent; /* of a core, for its probes; 0: any */
	bool full;             /* stack defers and runs are seen, from now on */
	unsigned level;        /* what the budget leaves attached: enum budget_level */
	unsigned timed_every;  /* its requests are timed for a second of so many; 0: they are not */
	uint64_t p95_ns;       /* of the service's requests, as is usual; 0: what was seen tells */
};

struct event_call {
	uint64_t g;    /* address of the g; C: 0 */
	uint64_t goid; /* C: 0 */
	uint64_t fn;   /* PUSH: entry of the deferred function, 0: not known */
	uint64_t ran;  /* RUN: defers of the frame that now run */
	uint64_t
		pile_site; /* DEPTH: that registered most of the newest pending ones; 0: not known */
	uint32_t depth;    /* pending after it; of PUSH, RUN and DEPTH only */
	enum call_kind kind;
	enum lowering lowering;
	bool inferred;
	unsigned nstack;
	uint64_t stack
		[EVENT_STACK_MAX]; /* [0] is the site; return addresses, the calls stand before them */
};

struct event_panic {
	enum panic_step step;
	uint64_t id;   /* STARTED: unique, never 0 */
	uint64_t g;    /* address of the g; C: 0 */
	uint64_t goid; /* C: 0; Go: 0 when not known */
	bool c;        /* of a C program */
	bool aborts;   /* STARTED: its text is that of http.ErrAbortHandler */
	bool watched; /* STARTED: what it writes is told; RECOVERED: still, for EVENT_AFTERMATH_NS */
	uint64_t type;    /* STARTED, Go: address of the value's type; 0: panic(nil), or C */
	uint8_t go_minor; /* Go release of the program, 26 for 1.26; 0: not known, or C */
	bool nil_stays;   /* Go: GODEBUG=panicnil=1, a panic(nil) does not become an error */
	uint64_t data;    /* STARTED, Go: the data word, not an address of the image */
	/* STARTED, Go: what lies there, 0 where that could not be read; THROW: the message's address and length */
	uint64_t value[EVENT_VALUE_MAX];
	uint64_t value_size; /* STARTED, Go: bytes; 0: not known */
	/* STARTED, Go: two words of what its second word points to, and two of its fourth; 0 where that is no address */
	uint64_t inner[2 * EVENT_INNER_MAX];
	uint64_t bias;         /* taken off all addresses here but those in `value` */
	unsigned signo;        /* DYING: the signal; 0: none, or not known */
	unsigned status;       /* DYING: the status that it ended itself with */
	bool oom;              /* DYING: for want of memory */
	bool from_exit;        /* DYING: its end tells so, not the runtime */
	uint64_t age_ns;       /* DYING: of the process; 0: not known */
	uint64_t frame;        /* RECOVERED: return address in the function that goes on */
	uint64_t recover_site; /* RECOVERED: where recover() was called; 0: not seen */
	unsigned nclosed;      /* panics that this ended, newest first */
	struct {
		uint64_t id;
		enum panic_outcome outcome;
	} closed[EVENT_CLOSED_MAX];
	unsigned text_len;
	char text[EVENT_TEXT_MAX]; /* hostile bytes; a message, if the type has one */
	enum panic_said said;
	unsigned said_len;
	char said_text[EVENT_TEXT_MAX]; /* hostile bytes */
	unsigned nstack;
	uint64_t stack[EVENT_STACK_MAX]; /* as in struct event_call */
};

/* How a process ended. */
struct event_exit {
	unsigned signo;  /* 0: it ended itself, or that is not known */
	unsigned status; /* what it ended itself with */
	bool oom;        /* the kernel killed it, for the host or its cgroup was out of memory */
};

/* What the value of a panic prints, as its fields tell. */
struct event_panic_text {
	uint64_t panic; /* its id */
	unsigned len;
	char text[EVENT_TEXT_MAX]; /* hostile bytes */
};

#define EVENT_ABORT_TEXT "net/http: abort Handler" /* of http.ErrAbortHandler */

static inline bool event_aborts(const char *text, size_t len)
{
	return len == sizeof(EVENT_ABORT_TEXT) - 1 && !memcmp(text, EVENT_ABORT_TEXT, len);
}

/* recover() in a wrong frame. */
struct event_recover {
	uint64_t site;   /* return address of the call */
	uint64_t caller; /* return address of the function that called it */
	uint64_t count;  /* since the target was first watched */
};

struct event_fd {
	uint32_t syscall;
	int ret;
	int fd;
	bool closing;
};

/* Once for each kind and panic. */
struct event_write {
	uint64_t panic; /* its id */
	enum write_kind kind;
};

struct event_counts {
	uint64_t registered[LOWERING_MAX];
	uint64_t runs;
	uint64_t panics;                /* started */
	uint64_t outcomes[OUTCOME_MAX]; /* ended so; RUNNING: always 0 */
	uint64_t goexits;
	uint64_t misfits; /* recoveries that the runtime's layout did not fit */
	uint64_t untold;  /* panics that were counted only: there were too many a second */
	uint64_t hits;
	uint64_t stepped; /* of these, at instructions that the kernel single-steps */
	uint64_t unread;  /* of these, only counted: there were too many */
	uint64_t timed;   /* of these, where requests begin and end */
	uint64_t crossings;
	uint64_t fd_opened;
	uint64_t fd_closed;
	uint64_t fd_ebadf;
	uint64_t
		fd_refused; /* calls that got no descriptor, or no watch of inotify, as far as they are hooked */
	uint64_t fd_unsited; /* opened under suspicion, and it is not known by whom */
};

/*
 * Of hits where requests begin and end. Each takes twice what a push takes: it reads and writes a map, and the program's caches
 * are colder there than in a loop of pushes. (tests/bench/requests.sh: 1.5 to 2.5 times, by machine.)
 */
static inline uint64_t event_timed_cost(uint64_t hits, const uint64_t hit_ns[2])
{
	return 2 * hits * hit_ns[0];
}

/* What the hits cost the program, nanoseconds; prices as struct kernel_features has them. */
static inline uint64_t event_counts_cost(const struct event_counts *c, const uint64_t hit_ns[2])
{
	return (c->hits - c->stepped - c->timed) * hit_ns[0] + c->stepped * hit_ns[1] +
	       event_timed_cost(c->timed, hit_ns);
}

#define EVENT_NS_BUCKETS     960
#define EVENT_DEFERS_BUCKETS 416

/*
 * Requests of Go servers, from the call of the handler to its return, or until it becomes a stream: see struct dfd_requests.
 * Buckets as of histogram_floor(), durations in units of 128 ns; the lists are borrowed, and their counts wrap.
 */
struct event_requests {
	uint64_t ended;
	uint64_t streams, streams_ended;
	uint64_t stream_ns;  /* the oldest open one began; 0: none is */
	uint64_t hijacked;   /* of those that ended: their handler took the connection over */
	uint64_t panicked;   /* their handler panicked up to the server */
	uint64_t unfinished; /* their end was not seen */
	uint64_t unbegun;    /* their beginning was not: it was before anybody looked */
	uint64_t untracked;  /* there was no room for them */
	uint64_t ns_sum, defers_sum;
	bool own_only; /* who started a goroutine is not known of this release: defers are those of the handler's */
	/* The newest that ended after its defers had piled up to the threshold; deep_peak 0: none. */
	uint64_t deep_goid, deep_site, deep_peak;
	const uint32_t *ns;      /* EVENT_NS_BUCKETS */
	const uint32_t *deep_ns; /* of these, those whose defers piled up to the threshold */
	const uint32_t *
		defers; /* EVENT_DEFERS_BUCKETS: defers that one request registered, on its goroutine and those started for it */
};

struct event_goroutine {
	uint64_t g;    /* C: the thread id */
	uint64_t goid; /* C: the thread id */
	uint64_t registered;
	uint64_t last_ns; /* of the newest push */
	uint64_t site;    /* of the newest push */
	uint64_t peak_site;
	uint64_t
		window_site; /* of window_peak: that registered most of a pile, or the newest of a few */
	uint32_t depth;      /* now, as far as known */
	uint32_t window_peak; /* since the scan before; 0: no push in it */
	uint32_t peak;        /* since the goroutine was first seen */
	bool inferred;
};

struct event_site {
	uint64_t pc; /* return address */
	uint64_t registered;
	enum lowering lowering;
};

/* Goroutines of one stack, state, wait reason and go statement. */
enum group_scope {
	GROUP_OF_STACK, /* they have the same stack, and wait for the same reason */
	GROUP_OF_LINE, /* the same go statement, and line of the program; state, reason and stack are those of most */
	GROUP_OF_STATEMENT, /* the same go statement */
	GROUP_SCOPE_MAX,
};

struct event_group {
	uint64_t serial; /* unique in its target */
	enum group_scope scope;
	uint64_t place;      /* the call of its line; 0: not known, or none */
	uint64_t created_at; /* return address of the go statement; 0: none */
	uint64_t start;      /* entry of the function they began in; 0: a callback from C */
	enum goroutine_state state;
	const char *reason; /* why they wait; "" when they do not, or it is not known */
	uint32_t count;
	uint32_t
		quiet; /* of them have not run for a limit; LINE, STATEMENT: have stayed for it, and nobody gives them work */
	uint32_t blocked; /* SYSCALL: of the program's own, in the same one for a minute at least */
	uint32_t
		woken; /* were quiet at the census before, and are not any more; LINE, STATEMENT: or are gone */
	uint64_t oldest_ns; /* one has not run since then, or about; 0: not known of any */
	unsigned nstack;
	uint64_t stack[EVENT_STACK_MAX]; /* return addresses, innermost first */
};

/* A Mutex or RWMutex, and those who wait for it. */
struct event_pile {
	uint64_t object; /* address of the word that is waited on; not of the image */
	uint32_t count;
	uint32_t gone; /* POOL: waited at the census before, and do no more, or elsewhere */
	uint32_t
		moving; /* POOL: use what is waited for, and have run since the census before, or are new */
	uint32_t woken; /* POOL: had not run for a limit at the census before, and wait no more */
	uint64_t oldest_ns; /* one has waited since then, at least; 0: not known of any */
	const char *reason; /* as the runtime says it */
	uint64_t
		created_at; /* of the largest group of them: return address of the go statement; 0: none */
	unsigned nstack;
	uint64_t stack[EVENT_STACK_MAX]; /* the same: where they stand */
};

#define EVENT_EDGES_MAX 8 /* of a ring that are told */

/* A goroutine of a deadlock, and the lock it waits for. */
struct event_edge {
	uint64_t goid, holder; /* who waits, and who has the lock and waits as well */
	uint64_t lock;         /* its address */
	bool rw, reads;        /* it is an RWMutex; wanted for reading */
	uint32_t goroutines;   /* that will never run again, in all */
	uint32_t length;       /* of the ring */
	unsigned nstack;
	uint64_t stack[EVENT_STACK_MAX]; /* where it waits */
};

/* Read from the goroutine's own memory: what no probe sees is in it. */
struct event_pending {
	uint64_t g;
	uint64_t goid;
	uint64_t site; /* return address of the call that registered the newest; 0: not known */
	uint32_t depth;
	bool inferred;
};

#define EVENT_QUEUES_MAX 16

struct event_census {
	uint64_t begin_ns;
	uint64_t took_ns; /* CPU time of ours; pauses are not in it */
	uint32_t states[GOROUTINE_STATE_MAX];
	uint32_t bad; /* entries of the runtime's list that failed a check */
	uint32_t inexact;
	uint32_t lock_waiters; /* goroutines that wait for any lock, WaitGroup or Cond */
	uint32_t readers;      /* goroutines that wait for a descriptor to be ready */
	bool knows_blocked;    /* `blocked` of groups is known: not since Go 1.26 */
	uint64_t interval_ns;  /* the least time from one census to the next */
	unsigned n_queues;
	struct {
		uint64_t lock; /* its address */
		uint32_t waiting;
	} queues[EVENT_QUEUES_MAX]; /* of the locks that most wait for, each once; two or more wait */
};

struct event_fds {
	uint64_t open;
	uint64_t limit; /* RLIMIT_NOFILE, soft ... */
	uint64_t hard;  /* ... and what the process may set it to; 0: not known */
};

#define EVENT_FD_AGES 2

/* Descriptors of one kind; of sockets of inet and inet6 both, those that went to one port or came in at one. */
struct event_fd_group {
	struct event_fd_key {
		uint8_t kind; /* enum fd_kind; of inet and inet6: FD_INET */
		uint8_t incoming;
		uint16_t
			port; /* the peer's; incoming: the target's own. 0: none, or one of too many */
	} key;
	uint32_t open;
	/* Of these, so many are at least 6 (96) intervals old; so many that were are closed since the census before. */
	uint32_t kept[EVENT_FD_AGES], closed[EVENT_FD_AGES];
	uint64_t oldest_ns; /* one is there since then, or longer */
	uint32_t carried;   /* so many have ever carried a byte, as far as is known */
	uint64_t moved_ns;  /* none has carried one since; at a census at which one is new, then */
	uint32_t states[FD_STATES]; /* of FD_INET with a port: by fd_entry.sock_state */
};

struct event_fd_opened {
	int fd;
	uint64_t opened_ns;
	uint32_t
		syscall; /* FD_REFUSED: its number, and EMFILE, ENFILE, or ENOSPC of a watch of inotify */
	uint32_t error;
	unsigned nstack;
	uint64_t stack
		[EVENT_STACK_MAX]; /* return addresses above the system call, innermost first */
};

struct event_fd_site {
	struct event_fd_key key; /* of this kind or port */
	uint32_t open;           /* by this stack, of those whose opening was looked at */
	uint32_t kept;           /* of these, so many are at least 6 intervals old */
	uint64_t oldest_ns;      /* opened then */
	uint64_t median_ns;      /* half of them was opened before */
	unsigned nstack;
	uint64_t stack[EVENT_STACK_MAX];
};

struct event_fd_census {
	/* But for PROCESS, of which each second tells; max 0: not known, or none of it is in use. */
	uint64_t used[FD_LIMIT_MAX], max[FD_LIMIT_MAX];
	uint64_t interval_ns; /* from one census to the next, at least */
	bool followed
		[EVENT_FD_AGES]; /* the target is followed for so long that `kept` means all of them */
};

struct event {
	enum event_type type;
	uint32_t target; /* id; 0 for EXEC, EXIT, FORK, SCAN_*, LOOK_* */
	uint32_t pid;
	uint32_t tid;
	uint64_t time_ns;
	union {
		uint32_t child_pid;
		struct event_exit exit;
		uint64_t lost;   /* records; 0: depths of goroutines, for which there was no room */
		uint8_t hot_gen; /* HOT: generation of the link, see struct dfd_target */
		struct event_target info;
		struct event_call call;
		struct event_panic panic;
		struct event_panic_text panic_text;
		struct event_recover recover;
		struct event_fd fd;
		struct event_write write;
		struct event_counts counts;
		struct event_requests requests;
		struct event_goroutine goroutine;
		struct event_site site;
		struct event_fds fds;
		struct event_group group;
		struct event_pile pile;
		struct event_edge edge;
		struct event_pending pending;
		struct event_census census;
		struct event_fd_group fd_group;
		struct event_fd_opened fd_opened;
		struct event_fd_site fd_site;
		struct event_fd_census fd_census;
	};
};

typedef void (*event_fn)(void *arg, const struct event *ev);

#endif
