/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Kernel to user space: every record on the ring, and the values of the maps that user space reads.
 * Readers: bpf/ and daemon/event/decode.c (records), daemon/probe/ (map values). Nothing above
 * those knows these shapes.
 *
 * Counting happens in maps, so counts stay exact while the ring overflows. A record is detail
 * somebody must see. One that finds no room is counted for its target, in dfd_counts.lost: that
 * counter names who lost, and how much.
 *
 * Times are CLOCK_MONOTONIC nanoseconds (bpf_ktime_get_ns). All fields are fixed-width, naturally
 * aligned, and padded by name; the sizes are asserted below so that clang for BPF and the user
 * space compiler agree.
 */
#ifndef DEFERD_RECORD_H
#define DEFERD_RECORD_H

#include <deferd/control.h>

enum dfd_rec_type {
	DFD_REC_EXEC = 1, /* a process became another program; target 0 */
	DFD_REC_EXIT,     /* the last thread of a process is gone; target 0 */
	DFD_REC_FORK,     /* a watched process made a child process; target 0 */
	DFD_REC_DEPTH,    /* a goroutine or thread crossed the threshold or a doubling of it */
	DFD_REC_ENDED, /* a thread ended after the last scan saw it; depth is its deepest since then */
	DFD_REC_PANIC, /* a step in the life of a panic, told apart by role: struct dfd_rec_panic */
	DFD_REC_VALUE, /* what the value of a panic holds, if it is an error whose fields are known */
	DFD_REC_CALL,  /* any probe hit of a traced target */
	DFD_REC_FD,    /* a descriptor opened or closed by a traced target */
	DFD_REC_WRITE, /* who panicked writes something, until shortly after the recovery */
	DFD_REC_HOT,   /* hits of a target are only counted until its second is over */
	DFD_REC_MAX,
};

#define DFD_STACK_MAX 24 /* user frames kept in a record */

struct dfd_rec_hdr {
	dfd_u16 type;
	dfd_u16 size; /* of the whole record, bytes */
	dfd_u32 target;
	dfd_u64 time_ns;
	dfd_u32 pid; /* tgid */
	dfd_u32 tid;
};

struct dfd_rec_proc {
	struct dfd_rec_hdr h;
	dfd_u32 other_pid; /* FORK: the child */
	dfd_u32 signo;     /* EXIT: what it died of; 0: it ended itself */
	dfd_u32 status;    /* EXIT: what it ended itself with */
	dfd_u32 oom;       /* EXIT: 1: the kernel killed it for want of memory */
};

#define DFD_CALL_INFERRED \
	0x01u /* depth is a lower guess: the walk ended at its bound or met a torn chain */

struct dfd_rec_call {
	struct dfd_rec_hdr h;
	dfd_u64 g;    /* address of the g; C: 0 */
	dfd_u64 goid; /* C: 0 */
	dfd_u64 site; /* return address of the probed call: in the caller, after its call; 0: none that means anything */
	dfd_u64 fn;  /* PUSH: entry of the deferred function, 0 when it could not be read; else 0 */
	dfd_u64 ran; /* RUN: defers of the frame that now run */
	dfd_u64 pile_site; /* DEPTH: what registered most of the pile: dfd_depth.pile_site */
	dfd_u32 depth;     /* pending after this event */
	dfd_u8 role;
	dfd_u8 flags;
	dfd_u8 nstack; /* frames in stack[] */
	dfd_u8 pad;
	/*
	 * Frame-pointer walk from the probe; [0] is the probed instruction. The caller (`site`) comes
	 * next where the kernel knows that no frame is made yet (6.11, `push %rbp`), else is missing.
	 */
	dfd_u64 stack[DFD_STACK_MAX];
};

/* What became of a panic. Index of dfd_counts.outcomes. */
enum dfd_outcome {
	DFD_OUTCOME_RUNNING = 0, /* its deferred calls run */
	DFD_OUTCOME_RECOVERED,
	DFD_OUTCOME_OVERRIDDEN, /* a newer panic, from a deferred call, took its place */
	DFD_OUTCOME_REPANICKED, /* recover() took it, but a new panic began before that had effect */
	DFD_OUTCOME_GOEXIT,     /* a deferred call ended the goroutine by Goexit */
	DFD_OUTCOME_FATAL,      /* it ended the process */
	DFD_OUTCOME_UNKNOWN,    /* an event between was missed */
	DFD_OUTCOME_MAX,
};

#define DFD_PANIC_NEST_MAX 8 /* panics of one goroutine that run at a time */
#define DFD_PANIC_TEXT_MAX 128
#define DFD_PANIC_VALUE    5 /* words read of the value */
#define DFD_PANIC_INNER    2 /* values in it */

/*
 * A step in the life of Go panics. By role: PANIC opens `id`; RECOVER, GOEXIT, FATAL and THROW close
 * the ones listed, newest first; RECOVER_CALL tells of a recover() that returned nil although a
 * panic ran; DYING closes nothing.
 */
struct dfd_rec_panic {
	struct dfd_rec_hdr h;
	dfd_u64 g;
	dfd_u64 goid; /* 0: not known, or none (a throw on the scheduler's stack) */
	dfd_u64 id;   /* PANIC: never 0, unique while the programs are loaded */
	dfd_u64 site; /* return address of the probed call; RECOVER: 0 */
	dfd_u64 type; /* PANIC: address of the value's type; 0: panic(nil); FATAL: of what is printed */
	dfd_u64 data; /* PANIC: its data word */
	dfd_u64 value
		[DFD_PANIC_VALUE]; /* PANIC: what lies at `data`, 0 where it cannot be read; THROW: address and length of the message; DYING: [0] the signal, if it is one; FATAL, where `type` is not that of the panic: the same of the text that is printed, [2] 1: by the panic that it raised again */
	dfd_u64 size; /* PANIC, Go: bytes of the value at `data`, what follows is not of it; 0: not known */
	/* PANIC, Go: what lies where its second and its fourth word point, those of interfaces in it; 0 where they do not point */
	dfd_u64 inner[DFD_PANIC_INNER][2];
	dfd_u64 frame;        /* RECOVER: a return address in the function that goes on */
	dfd_u64 recover_site; /* RECOVER: where recover() was called, 0: not seen */
	dfd_u64 closed[DFD_PANIC_NEST_MAX];
	dfd_u8 outcome[DFD_PANIC_NEST_MAX]; /* enum dfd_outcome */
	dfd_u32 text_len;
	dfd_u8 role;
	dfd_u8 nclosed;
	dfd_u8 nstack;
	dfd_u8 watched; /* PANIC, RECOVER: 1: what it writes is told: struct dfd_rec_write */
	/*
	 * PANIC: the bytes that the first two words of the value point to, were they a string, or
	 * else those of the fourth and fifth; THROW: the message; FATAL: what is printed.
	 */
	char text[DFD_PANIC_TEXT_MAX];
	dfd_u64 stack[DFD_STACK_MAX]; /* as in struct dfd_rec_call; RECOVER: none */
};

#define DFD_NODES_MAX     8 /* an error, and those in it; a power of two */
#define DFD_NODE_WORDS    10
#define DFD_NODE_TEXTS    3
#define DFD_NODE_ERRORS   3
#define DFD_NODE_TEXT_MAX 96

/*
 * Map `shapes`: what lies where in a value of a type, in words from its start. Written by user space,
 * for types whose Error() prints no more than that.
 */
struct dfd_shape_key {
	dfd_u64 type; /* address in the process */
	dfd_u32 target;
	dfd_u32 pad;
};

struct dfd_shape {
	dfd_u8 known; /* a number of user space's */
	dfd_u8 flat;  /* as the value of a panic it needs no record */
	dfd_u8 words; /* <= DFD_NODE_WORDS */
	dfd_u8 n_texts, n_errors;
	dfd_u8 is_list;                 /* a slice of errors: {pointer, length} at 0 */
	dfd_u8 texts[DFD_NODE_TEXTS];   /* strings */
	dfd_u8 errors[DFD_NODE_ERRORS]; /* interfaces with methods */
};

#define DFD_SHAPES_MAX 16384 /* of all targets */

/* A value. */
struct dfd_node {
	dfd_u64 type, data;
	dfd_u64 words[DFD_NODE_WORDS];
	dfd_u8 known;
	dfd_u8 parent,
		slot;  /* the value it is in, and which of its interfaces, or elements, it is */
	dfd_u8 unread; /* 1: something of it could not be read */
	dfd_u8 text_len[DFD_NODE_TEXTS];
	dfd_u8 pad;
	char text[DFD_NODE_TEXTS][DFD_NODE_TEXT_MAX];
};

/* Follows the record of its panic. A node comes behind its parent. */
struct dfd_rec_value {
	struct dfd_rec_hdr h;
	dfd_u64 id;
	dfd_u32 n;
	dfd_u32 pad;
	struct dfd_node nodes[DFD_NODES_MAX];
};

struct dfd_rec_hot {
	struct dfd_rec_hdr h;
	dfd_u64 gen; /* of the link that was hit, bits 0-7 */
};

struct dfd_rec_fd {
	struct dfd_rec_hdr h;
	dfd_u32 syscall; /* number in the x86-64 (or native) table */
	int ret;         /* open: the descriptor or negative errno; close: 0 or negative errno */
	int fd;          /* open: the descriptor; close: the argument */
	dfd_u32 closing; /* 1: close family */
};

/* What is written to. */
enum dfd_write_kind {
	DFD_WRITE_STDERR = 0, /* descriptor 2, whatever it is */
	DFD_WRITE_STDOUT,     /* descriptor 1 */
	DFD_WRITE_FILE,       /* a regular file */
	DFD_WRITE_PIPE,
	DFD_WRITE_LOCAL,   /* a Unix socket, as those of syslog and journald */
	DFD_WRITE_NETWORK, /* any other socket */
	DFD_WRITE_MAX,
};

/* Once for each kind, by the goroutine or thread of panic `id`. */
struct dfd_rec_write {
	struct dfd_rec_hdr h;
	dfd_u64 id;
	dfd_u32 kind; /* enum dfd_write_kind */
	dfd_u32 pad;
};

_Static_assert(sizeof(struct dfd_rec_hdr) == 24, "hdr");
_Static_assert(sizeof(struct dfd_rec_proc) == 40, "proc");
_Static_assert(sizeof(struct dfd_rec_call) == 24 + 48 + 8 + DFD_STACK_MAX * 8, "call");
_Static_assert(sizeof(struct dfd_rec_fd) == 40, "fd");
_Static_assert(sizeof(struct dfd_rec_hot) == 32, "hot");
_Static_assert(sizeof(struct dfd_rec_write) == 40, "write");
_Static_assert(sizeof(struct dfd_shape) == 12 && sizeof(struct dfd_shape_key) == 16, "shape");
_Static_assert(sizeof(struct dfd_node) == 12 * 8 + 8 + DFD_NODE_TEXTS * DFD_NODE_TEXT_MAX, "node");
_Static_assert(sizeof(struct dfd_rec_value) == 40 + DFD_NODES_MAX * sizeof(struct dfd_node),
	       "value");
_Static_assert(sizeof(struct dfd_rec_panic) == 24 + 18 * 8 + 9 * 8 + 8 + 128 + DFD_STACK_MAX * 8,
	       "panic");

/* Why detail was lost or a fact is missing; index of the `losses` map. */
enum dfd_loss {
	DFD_LOSS_RING = 0,  /* ring full: a record, never a count */
	DFD_LOSS_STATE_MAP, /* defers_by_g full: this goroutine's depth is unknown */
	DFD_LOSS_SITE_MAP,  /* pushes_by_site full: this site's count is missing in the shares */
	DFD_LOSS_READ,      /* target memory could not be read */
	DFD_LOSS_TORN,      /* a defer record failed its checks */
	DFD_LOSS_STALE,     /* a hit of a target that is already gone from the map */
	DFD_LOSS_PANIC_MAP, /* panics_by_g full, or too many panics in each other: outcome unknown */
	DFD_LOSS_PANIC_RATE, /* too many panics a second: counted, their details left out */
	DFD_LOSS_BUDGET,     /* more hits than a target has to bear: counted, not looked at */
	DFD_LOSS_RECOVER_MAP, /* recovers_by_site full: a recover() in a wrong frame is not counted */
	DFD_LOSS_MAX,
};

#define DFD_ABSENT 0xffffu

/* Offsets, DFD_ABSENT where the release has no such field. */
struct dfd_panic_layout {
	dfd_u16 link, recovered, goexit;  /* in _panic */
	dfd_u16 arg, sp, start_sp, retpc; /* in _panic, Go 1.22 and newer */
	dfd_u16 g_sigcode0, g_sigcode1;   /* in g: where recovery goes on, up to Go 1.21 */
	dfd_u16 g_m, m_curg;              /* in g; in m */
	dfd_u16 g_sched_sp, g_sched_pc, g_sched_bp; /* in g: where it goes on */
};

/* One watched process; map `targets`, by slot. Written by user space only. */
struct dfd_target {
	dfd_u32 id; /* 0: free */
	dfd_u32 tgid;
	dfd_u32 flags;
	dfd_u32 threshold; /* depth of the first DEPTH record; the next come at each doubling */
	dfd_u32 hits_max;  /* looked at in a second, on each CPU, of emulated ones; 0: any number */
	dfd_u16 goid_off;  /* in g */
	dfd_u16 parent_off; /* in g: the goid of the goroutine that started it; DFD_ABSENT: not known */
	dfd_u16 link_off; /* in _defer: 32 or 40 */
	dfd_u16 uncounted_off; /* in _defer, < 8: a byte that is 1 in records that are no pending defer of the program */
	struct dfd_panic_layout panic;
	dfd_u16 stepped_hits; /* a single-stepped hit counts for so many of hits_max */
	/* While links change places several may have a point, until those before are closed. */
	dfd_u8 gen;      /* of the link that counts */
	dfd_u8 new_gen;  /* of the newest */
	dfd_u8 changing; /* others may still be there */
	dfd_u8 reserved;
	dfd_u64 requests_since_ns; /* requests are timed since then; 0: they are not */
};

#define DFD_TARGET_TRACE 0x01u /* a record for every hit and every descriptor */
#define DFD_TARGET_BLIND \
	0x02u /* the runtime's layout is not known: count calls and sites, read no struct */
#define DFD_TARGET_NO_PANICS 0x04u /* that of _panic is not: goroutine and depth are, no outcomes */
#define DFD_TARGET_UNPROVEN  0x08u /* a layout of another release: compare what can be compared */

#define DFD_TARGET_FD_SITES 0x10u /* who opens what is kept: map `fds_opened` */

#define DFD_HOT_NS   1000000000ull /* of dfd_target.hits_max */
#define DFD_HOT_TOLD 8192          /* hits past it from one record to the next */

#define DFD_ROLES_MAX 16 /* of `calls`; a power of two */

/* Exact counts of a target; map `counts_by_target`, per CPU, by slot. */
struct dfd_counts {
	dfd_u64 calls[DFD_ROLES_MAX]; /* by enum dfd_role: calls of the function */
	dfd_u64 hits;                 /* traps paid for, the skipped ones (stack growth) included */
	dfd_u64 stepped;              /* of these, at instructions that the kernel single-steps */
	dfd_u64 timed;                /* of these, where requests begin and end: none of `calls` */
	dfd_u64 unread;               /* of these, only counted: there were more than hits_max */
	dfd_u64 hot_ns, hot_hits;     /* since when, and how many towards hits_max */
	dfd_u64 hot_over;             /* and past it */
	dfd_u64 hot_gen;              /* of this link: each one begins anew */
	dfd_u64 runs;                 /* defers seen to run (full set and C) */
	dfd_u64 crossings;            /* of the threshold or a doubling */
	dfd_u64 fd_opened;
	dfd_u64 fd_closed;
	dfd_u64 fd_ebadf;    /* close of a number that was open once, and is not any more */
	dfd_u64 fd_refused;  /* calls that got no descriptor: EMFILE, ENFILE */
	dfd_u64 fd_sites_ns; /* who opens is looked at since then ... */
	dfd_u64 fd_sites;    /* ... so many times, towards DFD_FD_SITES_MAX */
	dfd_u64 fd_unsited; /* opened without being looked at: too many a second, or no room in the map */
	dfd_u64 lost; /* records that found no room on the ring; in slot 0 those of target 0 */
	dfd_u64 outcomes[8];    /* by enum dfd_outcome: panics that ended so */
	dfd_u64 detail_ns;      /* panic details are told since then ... */
	dfd_u64 details;        /* ... so many */
	dfd_u64 details_untold; /* panics left out of the ring for their number */
	dfd_u64 misfits;        /* recoveries whose _panic is not what the layout says */
};

_Static_assert(DFD_OUTCOME_MAX <= 8, "outcomes[]");

#define DFD_PANIC_DETAILS_MAX \
	256 /* panics told a second, CPU and target; the rest is counted only */

_Static_assert(DFD_ROLE_HTTP_BEGIN <= DFD_ROLES_MAX, "calls[] is indexed by role");

struct dfd_g_key {
	dfd_u64 g; /* C: the thread id */
	dfd_u32 target;
	dfd_u32 pad;
};

/*
 * A defer record as its goroutine's next push will see it again: addresses into the stack as
 * distance to stack.hi.
 */
struct dfd_anchor {
	dfd_u64 sp;
	dfd_u64 pc;
	dfd_u64 link;
	dfd_u32 depth; /* records pending when this one was the newest; 0: the chain is empty there */
	dfd_u32 set;
};

#define DFD_BELOW_MAX 4

/* The request for which a goroutine was started. */
struct dfd_work {
	dfd_u64 g; /* its entry of `requests_by_g`; 0: not looked for yet, 1: there is none */
	dfd_u64 begin_ns; /* of the request: a later one of that goroutine is another */
};

/* Map `requests_by_goid`: whose work a goroutine does. */
struct dfd_goid_key {
	dfd_u64 goid;
	dfd_u32 target;
	dfd_u32 pad;
};
struct dfd_server {
	dfd_u64 g;    /* the goroutine that serves the request */
	dfd_u64 goid; /* its own: somebody else may have that g now */
};

/* Map `defers_by_g`: one goroutine or thread. */
struct dfd_depth {
	dfd_u64 goid;
	dfd_u64 registered; /* pushes seen */
	dfd_u64 last_ns;
	dfd_u64 site;      /* of the newest push */
	dfd_u64 peak_site; /* of the push that made `peak` */
	dfd_u64 pile_site; /* that registered most of the newest records when the depth crossed the threshold or a doubling last */
	struct dfd_anchor last; /* what the newest push must have created */
	struct dfd_anchor below
		[DFD_BELOW_MAX]; /* the records under the first one of the newest frames, newest first */
	dfd_u64 range_head;      /* list of the range-over-func loop that runs, 0: none */
	dfd_u32 range_n;
	dfd_u32 depth;
	dfd_u32 peak;          /* since the goroutine was first seen */
	dfd_u32 next_mark;     /* depth that emits the next record */
	dfd_u32 epoch;         /* of peaks[0] */
	dfd_u32 peaks[2];      /* highest depth in `epoch` and in the one before */
	dfd_u64 peak_sites[2]; /* of the pushes that made these, or of their piles */
	dfd_u32 flags;         /* DFD_CALL_INFERRED */
	dfd_u32 pad;
	struct dfd_work work;
};

/* A panic that runs. */
struct dfd_open_panic {
	dfd_u64 id;
	dfd_u64 type;  /* Go: of its value */
	dfd_u32 depth; /* of gopanic's frame: stack.hi - sp, which a stack copy keeps */
	dfd_u32 flags; /* DFD_PANIC_* */
};
#define DFD_PANIC_TAKEN 0x01u /* recover() took it before the next one began */
#define DFD_PANIC_TOLD  0x02u /* a record of it is on the ring */

/* Map `panics_by_g`: the panics of one goroutine that have not ended, oldest first. */
struct dfd_panics {
	dfd_u64 goid;
	/* The newest call of recover() whose result is not known yet. */
	dfd_u64 asked; /* the _panic it was asked for; 0: none */
	dfd_u64 asked_site;
	dfd_u64 asked_caller;
	dfd_u64 base; /* C: the sp that depth counts from */
	dfd_u32 n;
	dfd_u32 pad;
	struct dfd_open_panic open[DFD_PANIC_NEST_MAX];
};

#define DFD_AFTERMATH_NS 100000000ull /* a recovery has this long an aftermath */

/* Map `aftermath_by_g`: a goroutine or thread whose writes are told, from its panic on. */
struct dfd_aftermath {
	dfd_u64 panic;    /* its id */
	dfd_u64 goid;     /* C: 0; another one in this g is not who panicked */
	dfd_u64 until_ns; /* 0: not recovered yet */
	dfd_u32 told;     /* kinds of writes, by bit */
	dfd_u32 pad;
};

/* Map `recovers_by_site`: recover() in a wrong frame. */
struct dfd_recover_key {
	dfd_u64 site;   /* return address of the call of recover() */
	dfd_u64 caller; /* return address of the function that called it */
	dfd_u32 target;
	dfd_u32 pad;
};

/* Map `new_points`: what the newest link of a target has, while `changing`. */
struct dfd_point_key {
	dfd_u64 ip;
	dfd_u32 target;
	dfd_u32 pad;
};

struct dfd_site_key {
	dfd_u64 pc; /* return address */
	dfd_u32 target;
	dfd_u32 role;
};

/*
 * Map `fds_opened`: descriptors that were opened while somebody looked, and not closed since; map `fd_faults`: the newest
 * fault of each kind of a target, by enum dfd_fd_fault in key.fd.
 */
struct dfd_fd_key {
	dfd_u32 target;
	dfd_u32 fd;
};

enum dfd_fd_fault {
	DFD_FAULT_CLOSE = 0, /* close of a number that had been closed already */
	DFD_FAULT_REFUSED,   /* a call that got no descriptor */
};

/* Map `fds_had`, by target and number / DFD_FD_CHUNK: which numbers it has had open while somebody looked. */
#define DFD_FD_CHUNK 512

struct dfd_fd_chunk {
	dfd_u64 bits[DFD_FD_CHUNK / 64];
};

#define DFD_SWEEP_NS \
	20000000ull        /* from one close to the next, at most: the thread may have to wait */
#define DFD_SWEEP_NEVER 8  /* numbers in it that never were open, or ... */
#define DFD_SWEEP_ALL   32 /* ... so many that are not */

/* Map `sweeps_by_tid`: closes of numbers that are not open, one after another, all upwards or all downwards. */
struct dfd_sweep {
	dfd_u64 time_ns; /* of the newest */
	dfd_u32 fd;
	dfd_u32 down;
	dfd_u32 n;
	dfd_u32 never;   /* of these, so many never were open */
	dfd_u32 counted; /* so many are in dfd_counts.fd_ebadf */
	dfd_u32 had;     /* the newest one was open once */
};

#define DFD_FD_STACK       24   /* frames above the system call */
#define DFD_FD_SITES_MAX   1000 /* a second and CPU, of one target; a stack costs a microsecond */
#define DFD_FDS_OPENED_MAX 32768

struct dfd_fd_opened {
	dfd_u64 time_ns;
	dfd_u32 nstack;
	dfd_u16 syscall; /* REFUSED: which one, and why */
	dfd_u16 error;
	dfd_u64 stack[DFD_FD_STACK]; /* return addresses, innermost first */
};

/* Map `requests_by_g`: a request that is handled. */
struct dfd_request {
	dfd_u64 begin_ns;  /* 0: it has ended */
	dfd_u64 goid;      /* 0: not known of this target */
	dfd_u64 site;      /* that registered most of what piled up */
	dfd_u64 peak_goid; /* where it piled up */
	dfd_u32 defers; /* registered since, on its goroutine or on those that were started for it */
	dfd_u32 peak;   /* most that were pending since on one of these */
	dfd_u32 begin;  /* what began it: its enum dfd_role, from DFD_ROLE_HTTP_BEGIN on */
	dfd_u32 stream; /* it has become a stream */
	dfd_u32 frame;  /* of its handler: stack.hi - sp, which a stack copy keeps */
	dfd_u32 pad;
};

/*
 * Log-linear buckets: up to 63 each value has its own, from there on each power of two has 32, so that the middle of a
 * bucket is within 1/64 of any value in it. What is too large for `n` buckets is in the last one.
 */
static inline dfd_u32 dfd_bucket(dfd_u64 v, dfd_u32 n)
{
	dfd_u64 rest = v >> 6, at;
	dfd_u32 shift = rest != 0;

	if (rest >> 32) {
		shift += 32;
		rest >>= 32;
	}
	if (rest >> 16) {
		shift += 16;
		rest >>= 16;
	}
	if (rest >> 8) {
		shift += 8;
		rest >>= 8;
	}
	if (rest >> 4) {
		shift += 4;
		rest >>= 4;
	}
	if (rest >> 2) {
		shift += 2;
		rest >>= 2;
	}
	shift += rest >> 1 & 1;
	at = ((dfd_u64)shift << 5) + (v >> shift);
	return at < n ? (dfd_u32)at : n - 1;
}

/* The smallest value of a bucket; that of the next one is past its largest. */
static inline dfd_u64 dfd_bucket_floor(dfd_u32 at)
{
	dfd_u32 shift = at < 64 ? 0 : (at >> 5) - 1;

	return (dfd_u64)(at - (shift << 5)) << shift;
}

#define DFD_REQUEST_NS_SHIFT       7   /* durations are counted in units of 128 ns */
#define DFD_REQUEST_NS_BUCKETS     960 /* up to 36 minutes */
#define DFD_REQUEST_DEFERS_BUCKETS 416 /* up to 131,072 */

/*
 * Map `requests_by_target`: all that were timed. The latency of a request ends where its handler returns, flushes for the first
 * time, or takes the connection over; what it does from then on is a stream, whose age says nothing about how fast anything is.
 * One whose messages go to and fro (a gRPC stream) has no latency at all.
 */
struct dfd_requests {
	dfd_u64 begun;
	dfd_u64 ended; /* those with a latency */
	dfd_u64 streams,
		streams_ended; /* since they are timed; those that were open before count as ended */
	dfd_u64 since_ns;      /* the dfd_target.requests_since_ns that this is about */
	dfd_u64 hijacked;      /* of those that ended: the connection was taken over */
	dfd_u64 panicked;      /* the handler panicked up to the server */
	dfd_u64 unfinished;    /* their goroutine began another, or became another one */
	dfd_u64 unbegun;       /* ended, and had begun before anybody looked */
	dfd_u64 untracked;     /* found no room in requests_by_g */
	dfd_u64 ns_sum, defers_sum;
	/* The newest request that ended after its defers had piled up to dfd_target.threshold. */
	dfd_u64 deep_goid, deep_site, deep_peak;
	dfd_u32 ns[DFD_REQUEST_NS_BUCKETS]; /* by dfd_bucket(); these wrap */
	dfd_u32 deep_ns
		[DFD_REQUEST_NS_BUCKETS]; /* of these, those whose defers piled up to dfd_target.threshold */
	dfd_u32 defers[DFD_REQUEST_DEFERS_BUCKETS];
};

/* One descriptor, as the iterator over all of them writes it; no record of the ring. */
#define DFD_FD_NAME_LEN 16

struct dfd_fd {
	dfd_u32 tgid;
	dfd_u32 fd;
	dfd_u64 ino;
	dfd_u32 dev;   /* of the kernel: 12 bits and 20 */
	dfd_u32 magic; /* of its file system, include/uapi/linux/magic.h */
	dfd_u16 mode;
	dfd_u16 family; /* of sockets, and what follows */
	dfd_u16 local_port;
	dfd_u16 peer_port; /* 0: not connected, or none of inet */
	dfd_u8 sock_state; /* as TCP has them, include/net/tcp_states.h */
	dfd_u8 pad[3];
	/* Of inotify: how many its user has, and watches in all of them. */
	dfd_u32 instances, watches;
	dfd_u32 moved;              /* TCP: bytes that it has carried, both ways; wraps */
	char name[DFD_FD_NAME_LEN]; /* its start; where it says what it is */
};

_Static_assert(sizeof(struct dfd_fd) == 64, "descriptor");

#endif
